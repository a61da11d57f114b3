// The workspace's files on the real disk. See file_tree.h for what each call promises;
// confined_root.h for how nothing leaves the root; disk_file.h for how a file is replaced.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <time.h>

#include "engine/filesystem/confined_root.h"
#include "engine/filesystem/disk_file.h"
#include "engine/filesystem/file_tree.h"
#include "engine/filesystem/file_writer.h"

namespace diaryx::filesystem {

class DiskTree final : public FileTree {
 public:
  struct Options {
    ConfinedRoot::Resolve resolve = ConfinedRoot::Resolve::Auto;
    // For tests: called before each step of replace(), trash() and move().
    StepHook before_step = nullptr;
    // The first list() also does remove_leftovers(). For the holder of the workspace lock.
    bool tidy = false;
  };
  // The folder must exist. Its path may lead through links.
  static Result<std::unique_ptr<DiskTree>> open(const std::filesystem::path& root);
  static Result<std::unique_ptr<DiskTree>> open(const std::filesystem::path& root, Options options);

  Result<Listing> list() override;
  Result<FileContent> read(const WorkspacePath& path, std::uint64_t max_bytes) override;
  Result<FileContent> read_piece(const WorkspacePath& path, std::uint64_t offset,
                                 std::size_t most) override;
  Result<std::optional<bool>> is_mount_point(const std::string& folder) override;
  Result<std::optional<FileStat>> stat(const WorkspacePath& path) override;
  Result<FileStat> replace(const WorkspacePath& path, std::string_view bytes,
                           const Expected& expected) override;
  Result<std::string> trash(const WorkspacePath& path, const Expected& expected) override;
  Status move(const WorkspacePath& from, const WorkspacePath& to,
              const Expected& expected) override;

  // For copying what is too large to hold: a regular file, open for reading. NotFound.
  Result<OpenFile> open_file(const WorkspacePath& path) const;

  // A file that is too large to hold, written piece by piece (file_writer.h).
  Result<std::unique_ptr<FileWriter>> start_file(const WorkspacePath& path) const;
  // Puts it in its place, synced, whole or not at all. `seen`: which file it replaces, as its stat
  // said; that one goes to the trash and hands on its permissions. Nothing: there must be none.
  // Conflict if that is not how it is any more; NotAllowed for a read-only file. Any thread.
  Result<FileStat> install(FileWriter& writer, const std::optional<FileStat>& seen);
  // As trash(), for a file known by its stat.
  Result<std::string> trash_seen(const WorkspacePath& path, const FileStat& seen);

  // Moves into the trash what the last list() saw of replacements that a crash cut short
  // (".diaryx-….tmp"), and that was there before this tree was opened. Only for the holder of the
  // workspace lock: another process may be about to rename such a file. Returns how many there
  // were.
  Result<std::size_t> remove_leftovers();

  const ConfinedRoot& root() const noexcept { return root_; }

 private:
  DiskTree(ConfinedRoot root, Options options);
  void tidy();
  struct Walk;
  Result<std::string> trash_entry(int folder, const std::string& name, std::string_view shown,
                                  const Expected* expected, const std::string* as = nullptr);
  Status install_over(FileWriter& writer, const std::string& name, const FileStat& seen);

  ConfinedRoot root_;
  Options options_;
  std::vector<std::string> leftovers_;
  struct timespec opened_ {};
};

}  // namespace diaryx::filesystem
