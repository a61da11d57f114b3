#include "engine/sync/disk_task.h"

#include <algorithm>

namespace diaryx::sync {
namespace {

// Of a task that hashes: about a tenth of a second.
constexpr std::uint64_t kHashPartBytes = 32U << 20U;
constexpr std::size_t kPieceBytes = 1U << 20U;

struct Run {
  filesystem::FileTree& files;
  DiskResult& result;

  void operator()(const ListTask&) const {
    auto listing = files.list();
    if (listing) {
      for (filesystem::Listed& file : listing->files)
        file.ignored = file.path.is_markdown() && files.ignored(file.path);
      result.listing = std::move(*listing);
    } else {
      result.status = std::move(listing).error();
    }
  }
  void operator()(const ReadTask& task) const {
    auto content = files.read(task.path, filesystem::kMaxNoteBytes);
    if (!content && content.error().code == ErrorCode::NotFound && !task.mounts.empty()) {
      // Between two looks at what is mounted.
      result.away = !are_as_ever(task);
      content = files.read(task.path, filesystem::kMaxNoteBytes);
      result.away = result.away || !are_as_ever(task);
    }
    if (content) {
      result.hash = sha256(as_bytes(content->bytes));
      result.ignored = files.ignored(task.path);
      result.content = std::move(*content);
    } else {
      result.status = std::move(content).error();
    }
  }
  void operator()(const WriteTask& task) const {
    auto stat = files.replace(task.path, *task.bytes, task.expected);
    if (stat) {
      result.stat = *stat;
    } else {
      result.status = std::move(stat).error();
      result.uncertain = may_be_there(task);
    }
  }
  void operator()(const HashTask& task) const {
    HashTask::Progress& progress = *task.progress;
    const std::uint64_t until = progress.done + kHashPartBytes;
    while (progress.done < until) {
      const auto piece = files.read_piece(task.path, progress.done, kPieceBytes);
      if (!piece) {
        result.status = piece.error();
        return;
      }
      if (!progress.seen) progress.seen = piece->stat;
      if (!progress.seen->same_file(piece->stat)) {
        result.status = Error{ErrorCode::Conflict, task.path.str() + ": changed while it was read"};
        return;
      }
      progress.hash.add(as_bytes(piece->bytes));
      progress.done += piece->bytes.size();
      if (piece->bytes.size() == kPieceBytes) continue;
      result.hash = progress.hash.finish();
      result.stat = progress.seen;
      return;
    }
  }
  bool are_as_ever(const ReadTask& task) const {
    return std::all_of(task.mounts.begin(), task.mounts.end(), [this](const auto& mount) {
      const auto is = files.is_mount_point(mount.first);
      return is && is->value_or(mount.second) == mount.second;
    });
  }
  // Of a write that failed, perhaps in its last step.
  bool may_be_there(const WriteTask& task) const {
    const auto there = files.stat(task.path);
    if (there ? !*there : there.error().code == ErrorCode::NotAllowed) return false;
    const auto now = files.read(task.path, filesystem::kMaxNoteBytes);
    return !now || now->bytes == *task.bytes;
  }
  void operator()(const MoveTask& task) const {
    result.status = files.move(task.from, task.to, task.expected);
  }
  void operator()(const TrashTask& task) const {
    if (auto name = files.trash(task.path, task.expected); !name)
      result.status = std::move(name).error();
  }
};

}  // namespace

DiskResult run_disk_task(filesystem::FileTree& files, DiskTask task) {
  DiskResult result;
  result.task = std::move(task);
  std::visit(Run{files, result}, result.task);
  return result;
}

}  // namespace diaryx::sync
