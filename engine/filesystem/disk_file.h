// One file in an open folder: looking at it, hashing it, and putting another in its place.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "engine/base/posix.h"
#include "engine/filesystem/file_tree.h"

namespace diaryx::filesystem {

FileStat to_file_stat(const struct stat& found) noexcept;

// Called with the name of the step that comes next, so that tests can act between two of them.
using StepHook = std::function<void(std::string_view step)>;

// Opens a regular file for reading without following a link at its name and without ever blocking
// (pipes). Nothing if there is none of that name; NotAllowed for what is no regular file. `shown`
// is the path for messages.
struct OpenFile {
  Fd fd;
  struct stat found {};
};
Result<std::optional<OpenFile>> open_regular(int folder, const std::string& name,
                                             std::string_view shown);

// All octets. LimitExceeded above `max_bytes`.
Result<std::string> read_whole(int fd, std::uint64_t size_hint, std::uint64_t max_bytes,
                               std::string_view shown);

// True if some program has the file open for writing. Told by asking for a lease, which the system
// refuses then; false where that cannot be told (another's file, some network file systems).
bool is_being_written(int fd) noexcept;

// Conflict unless the file is as expected. Gives the open file back, if there is one.
Result<std::optional<OpenFile>> check_expected(int folder, const std::string& name,
                                               const Expected& expected, std::string_view shown);

// Puts `bytes` in the place of the file `name`, whole or not at all, if it is as `expected`
// (FileTree::replace).
//
//   check → temporary file → write → owner, mode, attributes → sync → check → exchange → check →
//   remove the old → sync folder
//
// Where the file system can exchange two names in one step (RENAME_EXCHANGE), the old file is in
// our hands afterwards and is looked at once more: an edit that came between check and rename is
// put back, and is a Conflict. Elsewhere it is a plain rename, and that moment (microseconds)
// remains. A new file gets its name by RENAME_NOREPLACE. What a crash leaves is a file with a
// temporary name: our new text, or the old one, never a person's only copy unnoticed.
Result<FileStat> replace_file(int folder, const std::string& name, std::string_view bytes,
                              const Expected& expected, std::string_view shown,
                              const StepHook& hook);

// Renames without ever replacing; also where the file system knows no RENAME_NOREPLACE. Returns 0
// or errno.
int rename_exclusive(int from_folder, const char* from, int to_folder, const char* to) noexcept;

}  // namespace diaryx::filesystem
