// The little that storage/ and filesystem/ share of the operating system: an owned descriptor,
// errno as an Error, whole writes. Linux; nothing here throws.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx {

// Owns a file descriptor and closes it.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// `what`: "open journal/a.md". The code follows the number: ENOENT → NotFound, EACCES and EROFS →
// NotAllowed, ENOSPC and EDQUOT → NoSpace, EMFILE → LimitExceeded, …; what has no code of its own
// is Io. Messages are the system's, in lower case.
Error errno_error(int number, std::string_view what);
std::string errno_text(int number);

// Writes all of it, whatever the kernel takes at a time.
Status write_all(int fd, std::string_view bytes, std::string_view what);

// Asks for what is at `path`, octets of a file or names of a folder, to be on the disk. Symbolic
// links are followed.
Status sync_path(const std::string& path);

// ".diaryx-<16 random characters>.tmp": what a file is called until it is whole. Nobody can foresee
// it.
std::string temporary_name();
// True for a name of that form, ours or of a run that crashed.
bool is_temporary_name(std::string_view name) noexcept;

// Hands memory that was freed back to the system, as far as the allocator can. Takes milliseconds
// when there is much: after many things have gone, not after each.
void give_back_memory() noexcept;

// What `top -H` and a profile call the calling thread; at most 15 octets.
void name_this_thread(const char* name) noexcept;

}  // namespace diaryx
