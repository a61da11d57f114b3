#include "engine/storage/lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/json.h"

namespace diaryx::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kLockName[] = "lock";
constexpr char kServerName[] = "server.json";
constexpr std::size_t kMaxServerInfoBytes = 64U << 10U;
constexpr std::int64_t kPollMs = 10;

// Of the whole file, however long it gets.
struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// The pid in the lock file; 0 if there is none yet.
std::int64_t holder_pid(int fd) {
  std::array<char, 24> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  std::int64_t pid = 0;
  if (n > 0)
    (void)std::from_chars(text.data(), text.data() + n, pid);  // Anything else leaves 0: not known.
  return pid;
}

Status write_pid(int fd, const std::string& what) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0) return errno_error(errno, what);
  if (::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return errno_error(errno, what);
  return {};
}

bool held(int fd) {
  struct flock probe = whole_file(F_WRLCK);
  return ::fcntl(fd, F_OFD_GETLK, &probe) == 0 && probe.l_type != F_UNLCK;
}

// Files that a crashed process was making: nobody else makes any while we hold the lock.
void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    // SQLite adds "-wal", "-shm" or "-journal" to the name.
    const std::string stem = name.substr(0, std::min(name.find(".tmp"), name.size())) + ".tmp";
    if (!is_temporary_name(stem)) continue;
    std::error_code ignored;  // It takes a little space, and the next holder tries again.
    fs::remove(it->path(), ignored);
  }
}

Result<std::string> read_small_file(const fs::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return errno_error(errno, file.string());
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, file.string());
    if (n == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxServerInfoBytes)
      return Error{ErrorCode::LimitExceeded, file.string() + ": too large"};
  }
}

Result<ServerInfo> parse_server_info(std::string_view text, const fs::path& file) {
  DX_TRY(const Json json, parse_json(text));
  const Error malformed(ErrorCode::Malformed, file.string() + ": not as diaryx-sync writes it");
  if (!json.is_object()) return malformed;
  bool ok = true;
  const auto number = [&](const char* key) -> std::int64_t {
    const auto it = json.find(key);
    ok = ok && it != json.end() && it->is_number_integer();
    return ok ? it->get<std::int64_t>() : 0;
  };
  const auto string = [&](const char* key) -> std::string {
    const auto it = json.find(key);
    ok = ok && it != json.end() && it->is_string();
    return ok ? it->get<std::string>() : std::string();
  };
  ServerInfo info;
  info.pid = number("pid");
  info.host = string("host");
  const std::int64_t port = number("port");
  info.token = string("token");
  info.workspace_id = string("workspace_id");
  info.epoch = string("epoch");
  info.started_ms = number("started_ms");
  if (!ok || port < 1 || port > 65'535) return malformed;
  info.port = static_cast<std::uint16_t>(port);
  return info;
}

}  // namespace

WorkspaceLock::WorkspaceLock(WorkspaceLock&& other) noexcept = default;
WorkspaceLock& WorkspaceLock::operator=(WorkspaceLock&& other) noexcept = default;
// The pid stays in the file: emptying it after the lock is gone could empty the next holder's.
WorkspaceLock::~WorkspaceLock() = default;

Result<WorkspaceLock> WorkspaceLock::acquire(const fs::path& diaryx_dir, std::int64_t wait_ms) {
  const fs::path file = diaryx_dir / kLockName;
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd) return errno_error(errno, file.string());
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return errno_error(errno, file.string());
  if (!S_ISREG(found.st_mode))
    return Error{ErrorCode::NotAllowed, file.string() + ": not a regular file"};

  using SteadyClock = std::chrono::steady_clock;
  const auto deadline = SteadyClock::now() + std::chrono::milliseconds(wait_ms);
  for (;;) {
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) break;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EACCES) return errno_error(errno, file.string());
    const auto left = deadline - SteadyClock::now();
    if (left <= SteadyClock::duration::zero()) {
      const std::int64_t pid = holder_pid(fd.get());
      return Error{ErrorCode::Busy,
                   pid > 0 ? fmt::format("{}: held by process {}", file.string(), pid)
                           : fmt::format("{}: held by another process", file.string()),
                   "wait until it is done, or stop it"};
    }
    std::this_thread::sleep_for(
        std::min<SteadyClock::duration>(left, std::chrono::milliseconds(kPollMs)));
  }
  // From here on the destructor of `fd` gives the lock back.
  DX_TRY_OK(write_pid(fd.get(), file.string()));
  remove_leftovers(diaryx_dir);
  return WorkspaceLock(std::move(fd));
}

bool is_locked(const fs::path& diaryx_dir) {
  const Fd fd(
      ::open((diaryx_dir / kLockName).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return fd && held(fd.get());
}

Status write_server_info(const fs::path& diaryx_dir, const ServerInfo& info) {
  const fs::path file = diaryx_dir / kServerName;
  const fs::path making = diaryx_dir / temporary_name();
  const OrderedJson json = {{"pid", info.pid},
                            {"host", info.host},
                            {"port", info.port},
                            {"token", info.token},
                            {"workspace_id", info.workspace_id},
                            {"epoch", info.epoch},
                            {"started_ms", info.started_ms}};
  const Fd fd(::open(making.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno_error(errno, file.string());
  Status done = write_all(fd.get(), dump_json(json) + "\n", file.string());
  // No sync: after a power failure there is no server that the file could speak of.
  if (done && ::rename(making.c_str(), file.c_str()) != 0) done = errno_error(errno, file.string());
  if (!done) (void)::unlink(making.c_str());  // The first error is the one to tell.
  return done;
}

Result<std::optional<ServerInfo>> read_server_info(const fs::path& diaryx_dir) {
  const fs::path file = diaryx_dir / kServerName;
  Result<std::string> text = read_small_file(file);
  if (!text && text.error().code == ErrorCode::NotFound) return std::optional<ServerInfo>();
  if (!text) return std::move(text).error();
  const Fd lock(
      ::open((diaryx_dir / kLockName).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!lock || !held(lock.get())) return std::optional<ServerInfo>();
  DX_TRY(ServerInfo info, parse_server_info(*text, file));
  if (info.pid != holder_pid(lock.get())) return std::optional<ServerInfo>();
  return std::optional<ServerInfo>(std::move(info));
}

void remove_server_info(const fs::path& diaryx_dir) {
  std::error_code ignored;  // read_server_info() does not trust a file that is left over.
  fs::remove(diaryx_dir / kServerName, ignored);
}

}  // namespace diaryx::storage
