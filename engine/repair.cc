#include "engine/repair.h"

#include <cerrno>
#include <charconv>
#include <ctime>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/path.h"
#include "engine/base/posix.h"
#include "engine/filesystem/disk_tree.h"
#include "engine/history/committed.h"
#include "engine/storage/lock.h"
#include "engine/storage/salvage.h"
#include "engine/storage/store.h"

namespace diaryx {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIdAlphabet = "abcdefghijklmnopqrstuvwxyz23456789";
constexpr const char* kMarker = "repair";
constexpr const char* kStore = "store.db";
constexpr std::string_view kDamaged = "store.db.damaged-";
constexpr const char* kBeside[] = {"", "-wal", "-shm", "-journal"};

std::string stamp(const Clock& clock) {
  const auto seconds = static_cast<std::time_t>(clock.wall_ms() / 1000);
  std::tm utc{};
  (void)::gmtime_r(&seconds, &utc);  // Fails only for years beyond what tm holds.
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Status write_file(const fs::path& file, std::string_view bytes) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno_error(errno, file.string());
  DX_TRY_OK(write_all(fd.get(), bytes, file.string()));
  if (::fsync(fd.get()) != 0) return errno_error(errno, file.string());
  return {};
}

// The same file under another name, or where a file cannot have two, a copy.
Status link_or_copy(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return errno_error(error.value(), to.string());
  return sync_path(to);
}

class Repair {
 public:
  Repair(const RepairOptions& options, const Clock& clock, Random& random)
      : options_(options), clock_(clock), random_(random), folder_(options.root / ".diaryx") {}

  Result<RepairReport> run() {
    std::error_code error;
    if (!fs::exists(folder_ / kStore, error) && !fs::exists(folder_ / kMarker, error))
      return Error{ErrorCode::NotFound, options_.root.string() + ": no diaryx-sync workspace here"};
    DX_TRY(const auto lock, storage::WorkspaceLock::acquire(folder_, options_.lock_wait_ms));
    DX_TRY(const fs::path source, source_of());
    DX_TRY(const storage::Salvage left, storage::salvage(source, folder_));
    report_.damage = sync::find_damage(left);
    if (const auto it = left.meta.find("failed_validations"); it != left.meta.end())
      (void)std::from_chars(it->second.data(), it->second.data() + it->second.size(),
                            report_.failed_validations);  // Anything else leaves 0.
    const bool interrupted = source.filename() != kStore;
    if (report_.damage.empty() && !options_.force && !interrupted) return std::move(report_);

    const fs::path fresh = folder_ / temporary_name();
    if (Status made = fill(fresh, left); !made) {
      for (const char* suffix : kBeside) fs::remove(fresh.string() + suffix, error);
      return std::move(made).error();
    }
    time_ = stamp(clock_);
    DX_TRY_OK(keep_aside());
    DX_TRY_OK(swap(source, fresh));
    report_.repaired = true;
    return std::move(report_);
  }

 private:
  // The damaged store: where it always is, or where an interrupted repair has put it.
  Result<fs::path> source_of() const {
    std::ifstream in(folder_ / kMarker);
    if (!in) return folder_ / kStore;
    std::string name;
    std::getline(in, name);
    std::error_code error;
    if (!name.starts_with(kDamaged) || name.find('/') != std::string::npos ||
        !fs::exists(folder_ / name, error))
      return folder_ / kStore;  // It had not come to that yet.
    return folder_ / name;
  }

  Status fill(const fs::path& file, const storage::Salvage& left) {
    DX_TRY(const auto files, filesystem::DiskTree::open(options_.root));
    // Without git, or with a repository that cannot be read, there is only less to choose from.
    auto committed = history::committed_notes(options_.root, filesystem::kMaxNoteBytes);
    const std::map<WorkspacePath, std::string> none;
    DX_TRY(const auto store, storage::Store::open(file, storage::OpenMode::Create));
    DX_TRY(report_.rebuilt,
           sync::rebuild({left, *files, committed ? *committed : none}, *store, clock_));
    DX_TRY(const auto id, store->meta("workspace_id"));
    report_.workspace_id = id ? *id : random_.text(16, kIdAlphabet);
    report_.epoch = random_.text(16, kIdAlphabet);
    DX_TRY_OK(store->set_meta("workspace_id", report_.workspace_id));
    DX_TRY_OK(store->set_meta("epoch", report_.epoch));
    return store->checkpoint();
  }

  Status keep_aside() {
    if (report_.rebuilt.aside.empty()) return {};
    const fs::path folder = folder_ / ("recovered-" + time_);
    int unnamed = 0;
    for (const auto& [path, text] : report_.rebuilt.aside) {
      const auto parsed = WorkspacePath::parse(path);
      const fs::path file =
          folder / (parsed ? parsed->str() : fmt::format("unnamed-{}.md", ++unnamed));
      std::error_code error;
      fs::create_directories(file.parent_path(), error);
      if (error) return errno_error(error.value(), file.string());
      DX_TRY_OK(write_file(file, text));
    }
    report_.recovered = folder;
    return {};
  }

  Status swap(const fs::path& source, const fs::path& fresh) {
    report_.kept_as = source;
    if (source.filename() == kStore) {
      std::string name = std::string(kDamaged) + time_;
      std::error_code error;
      for (int n = 2; fs::exists(folder_ / name, error); ++n)
        name = fmt::format("{}{}-{}", kDamaged, time_, n);
      report_.kept_as = folder_ / name;
      for (const char* suffix : kBeside)
        DX_TRY_OK(link_or_copy(source.string() + suffix, report_.kept_as.string() + suffix));
      const fs::path making = folder_ / temporary_name();
      DX_TRY_OK(write_file(making, name + "\n"));
      if (::rename(making.c_str(), (folder_ / kMarker).c_str()) != 0)
        return errno_error(errno, (folder_ / kMarker).string());
      DX_TRY_OK(sync_path(folder_));
    }
    // An old log beside the new store would be taken for its own.
    const fs::path target = folder_ / kStore;
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
      if (::unlink((target.string() + suffix).c_str()) != 0 && errno != ENOENT)
        return errno_error(errno, target.string() + suffix);
    }
    DX_TRY_OK(sync_path(folder_));
    if (::rename(fresh.c_str(), target.c_str()) != 0) return errno_error(errno, target.string());
    DX_TRY_OK(sync_path(folder_));
    if (::unlink((folder_ / kMarker).c_str()) != 0)
      return errno_error(errno, (folder_ / kMarker).string());
    return sync_path(folder_);
  }

  const RepairOptions& options_;
  const Clock& clock_;
  Random& random_;
  const fs::path folder_;
  std::string time_;
  RepairReport report_;
};

}  // namespace

Result<RepairReport> repair_workspace(const RepairOptions& options, const Clock& clock,
                                      Random& random) {
  return Repair(options, clock, random).run();
}

Status check_no_repair_pending(const fs::path& diaryx_dir) {
  if (::access((diaryx_dir / kMarker).c_str(), F_OK) != 0) return {};
  return Error{ErrorCode::Corrupt, diaryx_dir.string() + ": a repair of the store was interrupted",
               "run `diaryx-sync repair` again"};
}

}  // namespace diaryx
