#include "engine/base/posix.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include "engine/base/random.h"

namespace diaryx {
namespace {

constexpr std::string_view kTemporaryPrefix = ".diaryx-";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::size_t kTemporaryRandom = 16;

ErrorCode code_of(int number) noexcept {
  switch (number) {
    case ENOENT:
      return ErrorCode::NotFound;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::AlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
      return ErrorCode::NotAllowed;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::NoSpace;
    case EMFILE:
    case ENFILE:
    case EFBIG:
    case ENAMETOOLONG:
      return ErrorCode::LimitExceeded;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
      return ErrorCode::Busy;
    case EINTR:
      return ErrorCode::Interrupted;
    case EXDEV:
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::Unsupported;
    default:
      return ErrorCode::Io;
  }
}

const char* hint_of(int number) noexcept {
  switch (number) {
    case ENOSPC:
      return "free some space and try again";
    case EDQUOT:
      return "the disk quota is used up; free some space and try again";
    case EROFS:
      return "the file system is mounted read-only";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return "";
  }
}

}  // namespace

void Fd::reset() noexcept {
  // The descriptor is gone whatever close() says; errors that matter were seen by fsync().
  if (fd_ >= 0) (void)::close(fd_);
  fd_ = -1;
}

std::string errno_text(int number) {
  std::string text = std::generic_category().message(number);
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a') text[0] += 'a' - 'A';
  return text;
}

Error errno_error(int number, std::string_view what) {
  return Error{code_of(number), std::string(what) + ": " + errno_text(number), hint_of(number)};
}

Status write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error(errno, what);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status sync_path(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(errno, path + ": sync");
  return {};
}

std::string temporary_name() {
  SystemRandom random;
  return std::string(kTemporaryPrefix) + random.text(kTemporaryRandom, kUrlSafeAlphabet) +
         std::string(kTemporarySuffix);
}

bool is_temporary_name(std::string_view name) noexcept {
  return name.size() == kTemporaryPrefix.size() + kTemporaryRandom + kTemporarySuffix.size() &&
         name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

void give_back_memory() noexcept {
#ifdef __GLIBC__
  (void)::malloc_trim(0);  // Says only whether there was any.
#endif
}

void name_this_thread(const char* name) noexcept {
  (void)::pthread_setname_np(::pthread_self(), name);  // Only for those who look.
}

}  // namespace diaryx
