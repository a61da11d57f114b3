#include "tests/support/vault_writer.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/path.h"

namespace diaryx::test {

VaultWriter::VaultWriter(std::filesystem::path root) : root_(std::move(root)) {
  std::filesystem::create_directories(root_);
}

void VaultWriter::file(const std::string& path, std::string_view bytes) {
  const std::string name = full(path);
  std::filesystem::create_directories(std::filesystem::path(name).parent_path());
  const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  DX_CHECK(fd >= 0);
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    DX_CHECK(count > 0);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  DX_CHECK(close(fd) == 0);
  const auto valid = WorkspacePath::parse(path);
  if (valid && valid->is_markdown() && !valid->is_hidden()) vault_.notes.push_back(path);
}

void VaultWriter::folder(const std::string& path) {
  std::filesystem::create_directories(full(path));
}

void VaultWriter::link(const std::string& path, const std::string& target) {
  std::filesystem::create_directories(std::filesystem::path(full(path)).parent_path());
  DX_CHECK(symlink(target.c_str(), full(path).c_str()) == 0);
}

void VaultWriter::hard_link(const std::string& path, const std::string& existing) {
  DX_CHECK(::link(full(existing).c_str(), full(path).c_str()) == 0);
  const auto valid = WorkspacePath::parse(path);
  if (valid && valid->is_markdown() && !valid->is_hidden()) vault_.notes.push_back(path);
}

void VaultWriter::pipe(const std::string& path) {
  DX_CHECK(mkfifo(full(path).c_str(), 0644) == 0);
}

void VaultWriter::mode(const std::string& path, unsigned permissions) {
  DX_CHECK(chmod(full(path).c_str(), permissions) == 0);
}

void VaultWriter::modified(const std::string& path, std::int64_t seconds) {
  const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
  DX_CHECK(utimensat(AT_FDCWD, full(path).c_str(), times, 0) == 0);
}

void VaultWriter::grow(const std::string& path, std::uint64_t bytes) {
  DX_CHECK(truncate(full(path).c_str(), static_cast<off_t>(bytes)) == 0);
}

Vault VaultWriter::finish() && {
  std::sort(vault_.notes.begin(), vault_.notes.end());
  return std::move(vault_);
}

}  // namespace diaryx::test
