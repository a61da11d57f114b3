#include "tests/support/crash_shim.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace diaryx::test {
namespace {

// The C library's own function of that name.
template <class F>
F* next(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  DX_CHECK(found != nullptr);
  return reinterpret_cast<F*>(found);
}
#define DX_NEXT(name, ...) static const auto real = next<__VA_ARGS__>(name)

using RealInode = std::pair<dev_t, ino_t>;

struct Shim {
  CrashDisk* disk = nullptr;  // While a recorder lives.
  bool ignore_syncs = false;
  bool passing = false;                       // Our own calls are nobody's business.
  std::map<RealInode, std::uint64_t> inodes;  // As the disk has them.
};
Shim& shim() {
  static Shim one;
  return one;
}
bool recording() {
  return shim().disk != nullptr && !shim().passing;
}

struct Passing {
  Passing() { shim().passing = true; }
  ~Passing() { shim().passing = false; }
};

using StatFn = int(int, const char*, struct stat*, int);
std::optional<struct stat> real_stat(int folder, const char* path, int flags) {
  DX_NEXT("fstatat", StatFn);
  struct stat found {};
  const int kept = errno;
  const bool good = real(folder, path, &found, flags) == 0;
  errno = kept;
  return good ? std::optional(found) : std::nullopt;
}
std::optional<struct stat> real_stat(int fd) {
  return real_stat(fd, "", AT_EMPTY_PATH);
}

std::uint64_t inode_of(const std::optional<struct stat>& found) {
  if (!found) return 0;
  const auto it = shim().inodes.find({found->st_dev, found->st_ino});
  return it == shim().inodes.end() ? 0 : it->second;
}

template <class Stat>
void rename_inode(Stat* found) {
  if (shim().inodes.empty()) return;
  const auto it = shim().inodes.find({found->st_dev, found->st_ino});
  if (it != shim().inodes.end()) found->st_ino = it->second;
}

std::int64_t mtime_of(int fd) {
  const auto found = real_stat(fd);
  return found ? static_cast<std::int64_t>(found->st_mtim.tv_sec) * 1'000'000'000 +
                     found->st_mtim.tv_nsec
               : 0;
}

// A path taken apart: the folder's inode on the disk (0: not ours) and the name in it.
struct Place {
  std::uint64_t folder = 0;
  std::string name;
};
Place place_of(int at, const char* path) {
  const std::string text(path);
  const std::size_t slash = text.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : text.substr(0, slash + 1);
  return {inode_of(real_stat(at, folder.c_str(), 0)),
          slash == std::string::npos ? text : text.substr(slash + 1)};
}

// A file or folder that was not there before.
void note_made(int at, const char* path, bool folder) {
  const Place place = place_of(at, path);
  const auto found = real_stat(at, path, AT_SYMLINK_NOFOLLOW);
  if (place.folder == 0 || !found) return;
  CrashDisk& disk = *shim().disk;
  const std::uint64_t inode = folder ? disk.make_folder() : disk.make_file();
  shim().inodes[{found->st_dev, found->st_ino}] = inode;
  disk.set_names({{place.folder, place.name, inode}});
}

int opened(int at, const char* path, int flags, bool was_there, int fd) {
  if (fd < 0 || !recording()) return fd;
  const Passing guard;
  if (!was_there && (flags & O_CREAT) != 0) note_made(at, path, false);
  if (was_there && (flags & O_TRUNC) != 0) {
    if (const std::uint64_t inode = inode_of(real_stat(fd)); inode != 0)
      shim().disk->resize(inode, 0, mtime_of(fd));
  }
  return fd;
}

bool is_there(int at, const char* path, int flags) {
  return (flags & O_CREAT) == 0 || !recording() ||
         real_stat(at, path, AT_SYMLINK_NOFOLLOW).has_value();
}

void note_write(int fd, const void* bytes, ssize_t count, off_t offset) {
  if (count <= 0 || !recording()) return;
  const Passing guard;
  if (const std::uint64_t inode = inode_of(real_stat(fd)); inode != 0) {
    shim().disk->write(
        inode, static_cast<std::uint64_t>(offset),
        std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count)),
        mtime_of(fd));
  }
}

void note_resize(int fd, off_t size) {
  if (!recording()) return;
  const Passing guard;
  if (const std::uint64_t inode = inode_of(real_stat(fd)); inode != 0)
    shim().disk->resize(inode, static_cast<std::uint64_t>(size), mtime_of(fd));
}

int note_sync(int fd) {
  if (!recording() || shim().ignore_syncs) return 0;
  if (const std::uint64_t inode = inode_of(real_stat(fd)); inode != 0) shim().disk->sync(inode);
  return 0;
}

void note_removed(const Place& place) {
  if (place.folder != 0) shim().disk->set_names({{place.folder, place.name, 0}});
}

// What is at the target now came from the source; `back`: what went the other way.
void note_renamed(const Place& from, const Place& to, std::uint64_t moved, std::uint64_t back) {
  if (from.folder == 0 && to.folder == 0) return;
  DX_CHECK(from.folder != 0 && to.folder != 0 && moved != 0);
  shim().disk->set_names({{from.folder, from.name, back}, {to.folder, to.name, moved}});
}

template <class F>
int renaming(int from_at, const char* from, int to_at, const char* to, bool exchange,
             const F& call) {
  if (!recording()) return call();
  const Passing guard;
  const Place source = place_of(from_at, from);
  const Place target = place_of(to_at, to);
  const std::uint64_t moved = inode_of(real_stat(from_at, from, AT_SYMLINK_NOFOLLOW));
  const std::uint64_t there = inode_of(real_stat(to_at, to, AT_SYMLINK_NOFOLLOW));
  const int done = call();
  const int kept = errno;
  if (done == 0) note_renamed(source, target, moved, exchange ? there : 0);
  errno = kept;
  return done;
}

template <class F>
int removing(int at, const char* path, const F& call) {
  if (!recording()) return call();
  const Passing guard;
  const Place place = place_of(at, path);
  // Its number may be given to another file.
  const auto gone = real_stat(at, path, AT_SYMLINK_NOFOLLOW);
  const int done = call();
  const int kept = errno;
  if (done == 0) {
    note_removed(place);
    if (gone && gone->st_nlink <= 1 && !S_ISDIR(gone->st_mode)) {
      // Somebody may have it open still: then the number is not given away before it is closed, and
      // what is written to it is written to nothing.
      shim().inodes.erase({gone->st_dev, gone->st_ino});
    }
  }
  errno = kept;
  return done;
}

template <class F>
int making_folder(int at, const char* path, const F& call) {
  const int done = call();
  if (done != 0 || !recording()) return done;
  const Passing guard;
  note_made(at, path, true);
  return done;
}

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned))
                                              : 0;
}

}  // namespace

CrashRecorder::CrashRecorder(const std::filesystem::path& root, CrashDisk& disk) {
  DX_CHECK(shim().disk == nullptr);
  const auto found = real_stat(AT_FDCWD, root.c_str(), 0);
  DX_CHECK(found.has_value());
  shim().inodes[{found->st_dev, found->st_ino}] = CrashDisk::kRoot;
  shim().disk = &disk;
  shim().ignore_syncs = false;
}

CrashRecorder::~CrashRecorder() {
  shim().disk = nullptr;
}

void CrashRecorder::ignore_syncs(bool ignore) {
  shim().ignore_syncs = ignore;
}

void restore(const DiskImage& image, const std::filesystem::path& folder) {
  const Passing guard;
  for (const auto& [path, inode] : image.folders) {
    std::filesystem::create_directory(folder / path);
    const auto found = real_stat(AT_FDCWD, (folder / path).c_str(), 0);
    DX_CHECK(found.has_value());
    shim().inodes[{found->st_dev, found->st_ino}] = inode;
  }
  for (const auto& [path, file] : image.files) {
    const std::string full = (folder / path).string();
    const int fd = ::open(full.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    DX_CHECK(fd >= 0);
    DX_CHECK(::write(fd, file.bytes.data(), file.bytes.size()) ==
             static_cast<ssize_t>(file.bytes.size()));
    const struct timespec mtime {
      static_cast<time_t>(file.mtime_ns / 1'000'000'000), file.mtime_ns % 1'000'000'000
    };
    const struct timespec times[2] = {mtime, mtime};
    DX_CHECK(::futimens(fd, times) == 0);
    const auto found = real_stat(fd);
    DX_CHECK(found.has_value());
    shim().inodes[{found->st_dev, found->st_ino}] = file.inode;
    (void)::close(fd);
  }
}

void forget_restored() {
  shim().inodes.clear();
}

}  // namespace diaryx::test

// ---- What the C library would do, looked at ----

using namespace diaryx::test;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  DX_NEXT("open", int(const char*, int, ...));
  const bool was_there = is_there(AT_FDCWD, path, flags);
  return opened(AT_FDCWD, path, flags, was_there, real(path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return open(path, flags, mode);
}
int openat(int at, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  DX_NEXT("openat", int(int, const char*, int, ...));
  const bool was_there = is_there(at, path, flags);
  return opened(at, path, flags, was_there, real(at, path, flags, mode));
}
int openat64(int at, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return openat(at, path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  DX_NEXT("write", ssize_t(int, const void*, size_t));
  const ssize_t done = real(fd, bytes, count);
  const int kept = errno;
  if (done > 0 && recording()) note_write(fd, bytes, done, ::lseek(fd, 0, SEEK_CUR) - done);
  errno = kept;
  return done;
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  DX_NEXT("pwrite", ssize_t(int, const void*, size_t, off_t));
  const ssize_t done = real(fd, bytes, count, offset);
  const int kept = errno;
  note_write(fd, bytes, done, offset);
  errno = kept;
  return done;
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  return pwrite(fd, bytes, count, offset);
}

int ftruncate(int fd, off_t size) noexcept {
  DX_NEXT("ftruncate", int(int, off_t));
  const int done = real(fd, size);
  if (done == 0) note_resize(fd, size);
  return done;
}
int ftruncate64(int fd, off64_t size) noexcept {
  return ftruncate(fd, size);
}

int fsync(int fd) {
  return note_sync(fd);
}
int fdatasync(int fd) {
  return note_sync(fd);
}

int rename(const char* from, const char* to) noexcept {
  DX_NEXT("rename", int(const char*, const char*));
  return renaming(AT_FDCWD, from, AT_FDCWD, to, false, [&] { return real(from, to); });
}
int renameat(int from_at, const char* from, int to_at, const char* to) noexcept {
  DX_NEXT("renameat", int(int, const char*, int, const char*));
  return renaming(from_at, from, to_at, to, false, [&] { return real(from_at, from, to_at, to); });
}
int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) noexcept {
  DX_NEXT("renameat2", int(int, const char*, int, const char*, unsigned));
  return renaming(from_at, from, to_at, to, (flags & RENAME_EXCHANGE) != 0,
                  [&] { return real(from_at, from, to_at, to, flags); });
}

int unlink(const char* path) noexcept {
  DX_NEXT("unlink", int(const char*));
  return removing(AT_FDCWD, path, [&] { return real(path); });
}
int unlinkat(int at, const char* path, int flags) noexcept {
  DX_NEXT("unlinkat", int(int, const char*, int));
  return removing(at, path, [&] { return real(at, path, flags); });
}
int rmdir(const char* path) noexcept {
  DX_NEXT("rmdir", int(const char*));
  return removing(AT_FDCWD, path, [&] { return real(path); });
}
int remove(const char* path) noexcept {
  const auto found = real_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  return found && S_ISDIR(found->st_mode) ? rmdir(path) : unlink(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
  DX_NEXT("mkdir", int(const char*, mode_t));
  return making_folder(AT_FDCWD, path, [&] { return real(path, mode); });
}
int mkdirat(int at, const char* path, mode_t mode) noexcept {
  DX_NEXT("mkdirat", int(int, const char*, mode_t));
  return making_folder(at, path, [&] { return real(at, path, mode); });
}

int fstat(int fd, struct stat* found) noexcept {
  DX_NEXT("fstat", int(int, struct stat*));
  const int done = real(fd, found);
  if (done == 0) rename_inode(found);
  return done;
}
int stat(const char* path, struct stat* found) noexcept {
  DX_NEXT("stat", int(const char*, struct stat*));
  const int done = real(path, found);
  if (done == 0) rename_inode(found);
  return done;
}
int lstat(const char* path, struct stat* found) noexcept {
  DX_NEXT("lstat", int(const char*, struct stat*));
  const int done = real(path, found);
  if (done == 0) rename_inode(found);
  return done;
}
int fstatat(int at, const char* path, struct stat* found, int flags) noexcept {
  DX_NEXT("fstatat", int(int, const char*, struct stat*, int));
  const int done = real(at, path, found, flags);
  if (done == 0) rename_inode(found);
  return done;
}
int fstat64(int fd, struct stat64* found) noexcept {
  DX_NEXT("fstat64", int(int, struct stat64*));
  const int done = real(fd, found);
  if (done == 0) rename_inode(found);
  return done;
}
int stat64(const char* path, struct stat64* found) noexcept {
  DX_NEXT("stat64", int(const char*, struct stat64*));
  const int done = real(path, found);
  if (done == 0) rename_inode(found);
  return done;
}
int lstat64(const char* path, struct stat64* found) noexcept {
  DX_NEXT("lstat64", int(const char*, struct stat64*));
  const int done = real(path, found);
  if (done == 0) rename_inode(found);
  return done;
}
int fstatat64(int at, const char* path, struct stat64* found, int flags) noexcept {
  DX_NEXT("fstatat64", int(int, const char*, struct stat64*, int));
  const int done = real(at, path, found, flags);
  if (done == 0) rename_inode(found);
  return done;
}

}  // extern "C"
