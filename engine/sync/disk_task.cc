#include "engine/sync/disk_task.h"

namespace diaryx::sync {
namespace {

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
