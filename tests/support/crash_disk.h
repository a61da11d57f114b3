// A disk that can lose its power after any step, and that knows what was synced by then.
//
// The disk is the list of what was done to it (steps): octets written, sizes set, names set, files
// and folders synced. What it holds after a power failure behind step k is worked out from the
// first k steps:
//
//   a write or a new size   is safe once its file was synced after it;
//   a set of names          (a name made, removed, moved, two exchanged: all of it or nothing) is
//                           safe once one of the folders it touches was synced after it.
//
// Everything else may have reached the disk or not. crash_shim.h records the steps of a real
// program.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/random.h"

namespace diaryx::test {

// What became of the steps that were not safe yet.
enum class Loss : std::uint8_t {
  Nothing,     // All of them reached the disk: the process died, the machine did not.
  Everything,  // None of them did.
  Torn,        // All but the last write, of which only a part did.
  Random,      // Each file and the names by chance: none, all, the first ones, or any, torn to
               // pieces of a sector.
};
const char* to_string(Loss loss) noexcept;

// One whole state of the disk.
struct DiskImage {
  struct File {
    std::uint64_t inode = 0;
    std::string bytes;
    std::int64_t mtime_ns = 0;
  };
  std::map<std::string, File> files;             // By path from the root.
  std::map<std::string, std::uint64_t> folders;  // Path → inode; the root is not among them.
};

class CrashDisk {
 public:
  static constexpr std::uint64_t kRoot = std::uint64_t{1} << 40U;

  CrashDisk() = default;
  // Holds what the image holds, all of it safe: its first steps lead there.
  explicit CrashDisk(const DiskImage& image);

  struct Name {
    std::uint64_t folder;
    std::string name;
    std::uint64_t inode;  // 0: there is none of this name any more.
  };

  std::uint64_t make_folder() { return make_inode(true); }
  std::uint64_t make_file() { return make_inode(false); }
  bool is_folder(std::uint64_t inode) const { return folders_.contains(inode); }
  // The inode of that name, as programs see it; 0: none.
  std::uint64_t find(std::uint64_t folder, const std::string& name) const;

  void write(std::uint64_t file, std::uint64_t offset, std::string bytes, std::int64_t mtime_ns);
  void resize(std::uint64_t file, std::uint64_t size, std::int64_t mtime_ns);
  void sync(std::uint64_t inode);
  void set_names(std::vector<Name> names);

  std::size_t steps() const noexcept { return steps_.size(); }
  // One line for a person: "write 12 (octets 4096 at 8192)".
  std::string describe(std::size_t step) const;
  // What programs see after the first `steps` steps.
  DiskImage live(std::size_t steps) const;
  // What is there when the power comes back. The same for the same state of `random`.
  DiskImage after_crash(std::size_t steps, Loss loss, Random& random) const;

 private:
  enum class Kind : std::uint8_t { Write, Resize, Sync, Names };
  struct Step {
    Kind kind;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;  // Write: where to; Resize: the new size.
    std::int64_t mtime_ns = 0;
    std::string bytes;
    std::vector<Name> names;
  };
  // The file's octets while the steps are gone through.
  struct Content {
    std::string bytes;
    std::int64_t mtime_ns = 0;
    void apply(const Step& step);
  };
  struct Replay;

  std::uint64_t make_inode(bool folder);
  static DiskImage image(
      const std::map<std::pair<std::uint64_t, std::string>, std::uint64_t>& names,
      const std::map<std::uint64_t, Content>& contents, const std::set<std::uint64_t>& folders);

  std::vector<Step> steps_;
  std::set<std::uint64_t> folders_{kRoot};
  std::uint64_t last_inode_ = kRoot;
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> names_;  // As programs see them.
};

}  // namespace diaryx::test
