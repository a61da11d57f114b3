// Writes the files of a generated vault and remembers their names.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/vault_gen.h"

namespace diaryx::test {

class VaultWriter {
 public:
  explicit VaultWriter(std::filesystem::path root);

  // Makes the folders on the way. Paths are octets: anything that the file system takes.
  void file(const std::string& path, std::string_view bytes);
  void folder(const std::string& path);
  void link(const std::string& path, const std::string& target);
  void hard_link(const std::string& path, const std::string& existing);
  void pipe(const std::string& path);
  void mode(const std::string& path, unsigned permissions);
  // Seconds since 1970.
  void modified(const std::string& path, std::int64_t seconds);
  // Larger without taking room on disk.
  void grow(const std::string& path, std::uint64_t bytes);

  // Says that what is there is an oddity.
  void odd(const std::string& kind, const std::string& path) {
    vault_.oddities.push_back({kind, path});
  }
  void odd_file(const std::string& kind, const std::string& path, std::string_view bytes) {
    file(path, bytes);
    odd(kind, path);
  }

  // Everything written so far, sorted.
  Vault finish() &&;

 private:
  std::string full(const std::string& path) const { return (root_ / path).string(); }

  std::filesystem::path root_;
  Vault vault_;
};

// Adds the oddities to what is there.
void add_oddities(VaultWriter& writer, std::uint64_t seed);

}  // namespace diaryx::test
