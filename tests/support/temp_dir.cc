#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "engine/base/check.h"

namespace diaryx::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "diaryx-test-XXXXXX").string();
  DX_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;  // A left-over folder in /tmp harms nobody.
  std::filesystem::remove_all(path_, ignored);
}

void TempDir::write(std::string_view relative, std::string_view bytes) const {
  const std::filesystem::path file = path_ / relative;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  DX_CHECK(out.good());
}

std::string TempDir::read(std::string_view relative) const {
  std::ifstream in(path_ / relative, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

bool TempDir::exists(std::string_view relative) const {
  return std::filesystem::exists(std::filesystem::symlink_status(path_ / relative));
}

}  // namespace diaryx::test
