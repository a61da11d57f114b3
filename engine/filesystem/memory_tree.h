// A workspace's files in memory, for simulations: the promises of file_tree.h on a disk that can
// fail at any step, lose its power, and be changed by other programs between any two steps.
//
// What is not synced is lost with the power: the octets of a file until it is synced, the names in
// a folder until the folder is. A name that survives without its octets is an empty file, as on
// ext4. Steps have the names that disk_file.h lists.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/filesystem/file_tree.h"

namespace diaryx::filesystem {

class MemoryTree final : public FileTree {
 public:
  // The clock gives modification times and must outlive the tree. No two writes get the same time.
  explicit MemoryTree(const Clock& clock);

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

  // Another program. Paths are as they come, also such as are no WorkspacePath; parents are made as
  // needed. What it does is on disk at once, unless it is told not to sync.
  enum class Sync { Yes, No };
  void edit(std::string_view path, std::string_view bytes,
            Sync sync = Sync::Yes);  // In place; makes the file.
  void install(std::string_view path, std::string_view bytes,
               Sync sync = Sync::Yes);  // A new file renamed over it.
  // In place and bit by bit: the file is empty (open_emptied), then holds what is written, while it
  // is open. The handle stays with the file wherever it is moved, also when its name is gone.
  std::uint64_t open_emptied(std::string_view path);
  void write_open(std::uint64_t handle, std::string_view bytes);
  void close_open(std::uint64_t handle);
  void touch(std::string_view path);                        // Only the time.
  void erase(std::string_view path);                        // A folder with all that is in it.
  void rename(std::string_view from, std::string_view to);  // Replaces what is there.
  void make_folder(std::string_view path);
  void make_symlink(std::string_view path);
  void make_pipe(std::string_view path);
  void set_mode(std::string_view path,
                std::uint32_t mode);  // A folder without 0400 cannot be listed, a file not read.
  // A file system is mounted on the folder, and all that is in it goes and comes with it.
  void mount(const std::string& folder);
  void unmount(const std::string& folder);
  // The root cannot be reached, as when it is unmounted.
  void set_gone(bool gone) { gone_ = gone; }

  // Whatever is there, the trash included; nothing if there is no such file.
  std::optional<std::string> peek(std::string_view path) const;
  std::map<std::string, std::string> files() const;
  bool has(std::string_view path) const { return find(path) != 0; }  // Also a folder.

  // Counts the steps that the calls above take on the disk.
  std::uint64_t steps() const noexcept { return steps_; }
  // The `n`-th step from now (1: the next) fails with `error` and has no effect.
  void fail_step(std::uint64_t n, Error error);
  // The power fails before the `n`-th step from now: it and all calls after it give Interrupted
  // until restart().
  void stop_at_step(std::uint64_t n);
  bool stopped() const noexcept { return stopped_; }
  // Called before each step, with its name; may act as another program.
  void before_step(std::function<void(std::string_view)> hook) { hook_ = std::move(hook); }

  // The power is back. Without `random`, all that was not synced is lost; with it, each folder's
  // and file's changes may or may not have reached the disk by themselves.
  void restart(Random* random = nullptr);

 private:
  enum class Kind : std::uint8_t { File, Folder, Symlink, Pipe };
  struct Inode {
    Kind kind = Kind::File;
    std::string bytes;
    std::int64_t mtime_ns = 0;
    std::uint32_t mode = 0644;
  };
  struct State {
    std::map<std::string, std::uint64_t, std::less<>>
        names;  // Path → inode. The root is "", and always there.
    std::map<std::uint64_t, Inode> inodes;
  };

  Status step(std::string_view name);
  std::uint64_t add_inode(Kind kind, std::string_view bytes, std::uint32_t mode);
  std::int64_t next_mtime();
  std::uint64_t find(std::string_view path) const;  // 0: none.
  void sync_file(std::uint64_t inode);
  void sync_names(std::string_view folder);
  void write_name(std::string_view path);
  void put(std::string_view path, std::uint64_t inode, Sync sync);
  FileStat stat_of(std::uint64_t inode) const;

  // NotFound, or NotAllowed if something else than a folder is on the way.
  Status check_parents(const WorkspacePath& path) const;
  Result<std::uint64_t> find_regular(const WorkspacePath& path) const;  // 0: none.
  Status check_expected(std::uint64_t inode, const Expected& expected,
                        std::string_view shown) const;
  Status check_unwritten(std::uint64_t inode, std::string_view shown) const;  // Busy.
  Status check_source(const WorkspacePath& path, const Expected& expected,
                      std::uint64_t& inode) const;
  Status make_parents(std::string_view path, std::uint32_t mode);
  Status check_folder(const WorkspacePath& path) const;
  Status install_file(const WorkspacePath& path, const std::string& temporary,
                      const Expected& expected);

  const Clock& clock_;
  State live_;  // What programs see.
  State disk_;  // What survives a power failure.
  std::uint64_t last_inode_ = 1;
  std::int64_t last_mtime_ns_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t made_names_ = 0;
  std::map<std::uint64_t, int> writers_;  // Inodes that other programs have open for writing.
  std::uint64_t fail_at_ = 0;
  std::optional<Error> failure_;
  std::uint64_t stop_at_ = 0;
  bool stopped_ = false;
  bool gone_ = false;
  std::map<std::string, bool, std::less<>> mounts_;         // Folder → mounted now.
  std::map<std::string, std::uint64_t, std::less<>> away_;  // Names of what is not.
  std::function<void(std::string_view)> hook_;
};

}  // namespace diaryx::filesystem
