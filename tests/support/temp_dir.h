// A fresh folder that is gone, with all that is in it, when the object is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace diaryx::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Writes a file below the folder, making parents as needed.
  void write(std::string_view relative, std::string_view bytes) const;
  // The whole file; an empty string if there is none.
  std::string read(std::string_view relative) const;
  bool exists(std::string_view relative) const;

 private:
  std::filesystem::path path_;
};

}  // namespace diaryx::test
