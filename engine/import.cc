#include "engine/import.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/posix.h"

namespace diaryx {
namespace {

namespace fs = std::filesystem;

// Whole or not at all; true if a file of that name is there already, whatever it holds.
Result<bool> write_new(const fs::path& file, const std::string& text) {
  const fs::path making = file.parent_path() / temporary_name();
  const Fd fd(::open(making.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno_error(errno, file.string());
  Status done = write_all(fd.get(), text, file.string());
  if (done && ::fsync(fd.get()) != 0) done = errno_error(errno, file.string());
  bool there = false;
  if (done && ::link(making.c_str(), file.c_str()) != 0) {
    there = errno == EEXIST;
    if (!there) done = errno_error(errno, file.string());
  }
  (void)::unlink(making.c_str());  // It has its right name now, or is of no use.
  if (!done) return std::move(done).error();
  return there;
}

bool holds(const fs::path& file, const std::string& text) {
  std::ifstream in(file, std::ios::binary);
  return in && std::string(std::istreambuf_iterator<char>(in), {}) == text;
}

Status sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(errno, folder.string() + ": sync");
  return {};
}

Status keep_aside(const fs::path& folder, const std::string& path, const std::string& text) {
  const fs::path first = folder / path;
  std::error_code error;
  fs::create_directories(first.parent_path(), error);
  if (error) return errno_error(error.value(), first.string());
  fs::path file = first;
  for (int n = 2; !holds(file, text); ++n) {
    DX_TRY(const bool taken, write_new(file, text));
    if (!taken) return sync_folder(file.parent_path());
    if (holds(file, text)) break;
    file = first.parent_path() / fmt::format("{} ({}).md", first.stem().string(), n);
  }
  return {};
}

}  // namespace

Result<sync::ImportReport> import_into(storage::Store& store, filesystem::FileTree& files,
                                       const std::filesystem::path& diaryx_dir,
                                       const storage::DiaryxDatabase& database, const Clock& clock,
                                       Random& random) {
  const fs::path aside = diaryx_dir / "imported";
  return sync::import_database(
      {.database = database,
       .files = files,
       .keep_aside = [&aside](const std::string& path,
                              const std::string& text) { return keep_aside(aside, path, text); }},
      store, clock, random);
}

}  // namespace diaryx
