#include "engine/sync/attachment_index.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/content_type.h"
#include "engine/base/keyed_hash.h"
#include "engine/base/log.h"
#include "engine/workspace/link.h"

namespace diaryx::sync {
namespace {

constexpr std::string_view kPrefix = "attachment/";
// A file that changed so shortly before it was read may change again with the same time.
constexpr std::int64_t kTickNs = 20'000'000;
constexpr std::int64_t kAgainMs = 50;
// One that changes while it is read.
constexpr std::int64_t kBusyMs = 1'000;
// So many files that came since the last listing are kept in mind; the next one tells of the rest.
constexpr std::size_t kMostCame = 65'536;

template <class T>
bool take_number(std::string_view& text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

bool take_hash(std::string_view& text, Sha256& hash) {
  if (text.size() < 2 * hash.size()) return false;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const char* at = text.data() + 2 * i;
    if (std::from_chars(at, at + 2, hash[i], 16).ptr != at + 2) return false;
  }
  text.remove_prefix(2 * hash.size());
  return text.empty() || text.front() == ' ';
}

}  // namespace

Status AttachmentIndex::load() {
  rows_.clear();
  again_.clear();
  out_ = false;
  unfinished_.reset();
  DX_TRY(const auto entries, documents_.store().list_meta(kPrefix));
  for (const auto& [key, value] : entries) {
    Row row;
    std::string_view rest = value;
    if (!take_number(rest, row.stat.size) || !take_number(rest, row.stat.mtime_ns) ||
        !take_number(rest, row.stat.inode) || !take_hash(rest, row.hash))
      continue;
    row.content_type = rest.empty() ? content_type_of(key).name : rest.substr(1);
    rows_.emplace(key.substr(kPrefix.size()), std::move(row));
  }
  return {};
}

void AttachmentIndex::listed(const filesystem::Listing& listing) {
  found_.emplace();
  for (const filesystem::Listed& file : listing.files) {
    if (!file.path.is_markdown()) found_->emplace(file.path.str(), file.stat);
  }
}

void AttachmentIndex::changed(const WorkspacePath& path) {
  if (path.is_hidden()) return;
  if (attached_.contains(path.str())) {
    wanted_.insert(path);
    return;
  }
  if (is_there(path.str())) return;
  if (came_.size() >= kMostCame) came_.clear();
  came_.insert(keyed_hash(path.str()));
  changed_records_.insert(missing_.begin(), missing_.end());
}

void AttachmentIndex::record_changed(const std::string& id) {
  if (!found_) changed_records_.insert(id);  // All of them will be looked at.
}

bool AttachmentIndex::is_there(const std::string& path) const {
  const std::uint64_t hash = keyed_hash(path);
  return there_.contains(hash) || came_.contains(hash);
}

void AttachmentIndex::compare() {
  const auto found = *std::exchange(found_, std::nullopt);
  there_.clear();
  for (const auto& [path, stat] : found) there_.insert(keyed_hash(path));
  attached_.clear();
  targets_.clear();
  missing_.clear();
  changed_records_.clear();
  const std::set<WorkspacePath> told = std::exchange(wanted_, {});  // Perhaps since the listing.
  const workspace::MetadataDoc& metadata = std::as_const(documents_).metadata();
  for (const std::string& id : metadata.with_attachments()) attach(id);
  std::vector<std::string> left;
  for (const auto& [path, row] : rows_) {
    if (!attached_.contains(path)) left.push_back(path);
  }
  for (const std::string& path : left) forget(path);
  wanted_.clear();
  for (auto& [path, attached] : attached_) {
    const auto it = found.find(path);
    if (it == found.end()) continue;
    attached.size = it->second.size;
    if (hash_of(path, it->second)) continue;
    if (auto parsed = WorkspacePath::parse(path)) wanted_.insert(std::move(*parsed));
  }
  for (const WorkspacePath& path : told) {
    if (attached_.contains(path.str())) wanted_.insert(path);
  }
}

void AttachmentIndex::look_at_records() {
  for (const std::string& id : std::exchange(changed_records_, {})) attach(id);
}

void AttachmentIndex::attach(const std::string& id) {
  const workspace::MetadataDoc& metadata = std::as_const(documents_).metadata();
  const workspace::FileRecord* record = metadata.find(id);
  const auto before = targets_.find(id);
  const bool has_some = record != nullptr && !record->deleted && !record->attachments.empty();
  if (!has_some && before == targets_.end() && missing_.empty()) return;  // Nearly all.
  std::vector<std::string> targets;
  bool misses = false;
  if (has_some) {
    for (const workspace::Attachment& attachment : record->attachments) {
      if (attachment.deleted) continue;
      auto target =
          workspace::attachment_target(attachment.path, record->path, metadata.link_format(),
                                       [this](const std::string& path) { return is_there(path); });
      misses = misses || !target;
      if (target) targets.push_back(std::move(*target));
    }
  }
  if (misses) {
    missing_.insert(id);
  } else {
    missing_.erase(id);
  }
  const std::vector<std::string> old =
      before == targets_.end() ? std::vector<std::string>() : before->second;
  if (old == targets) return;
  for (const std::string& path : targets) {
    if (attached_[path].notes++ != 0) continue;
    if (auto parsed = WorkspacePath::parse(path)) wanted_.insert(std::move(*parsed));
  }
  for (const std::string& path : old) detach(path);
  if (targets.empty()) {
    targets_.erase(id);
  } else {
    targets_.insert_or_assign(id, std::move(targets));
  }
}

void AttachmentIndex::detach(const std::string& path) {
  const auto it = attached_.find(path);
  if (it == attached_.end() || --it->second.notes != 0) return;
  attached_.erase(it);
  if (const auto parsed = WorkspacePath::parse(path)) {
    wanted_.erase(*parsed);
    again_.erase(*parsed);
  }
  forget(path);
}

void AttachmentIndex::gone(const std::string& path) {
  there_.erase(keyed_hash(path));
  came_.erase(keyed_hash(path));
  for (const auto& [id, targets] : targets_) {
    if (std::find(targets.begin(), targets.end(), path) != targets.end())
      changed_records_.insert(id);
  }
}

std::optional<HashTask> AttachmentIndex::next() {
  if (found_) {
    compare();
  } else if (!changed_records_.empty()) {
    look_at_records();
  }
  if (out_) return std::nullopt;
  const std::int64_t now = documents_.steady_ms();
  for (auto it = again_.begin(); it != again_.end();) {
    if (it->second <= now) wanted_.insert(it->first);
    it = it->second <= now ? again_.erase(it) : std::next(it);
  }
  if (unfinished_) {
    out_ = true;
    return std::exchange(unfinished_, std::nullopt);
  }
  if (wanted_.empty()) return std::nullopt;
  out_ = true;
  return HashTask{wanted_.extract(wanted_.begin()).value()};
}

std::optional<std::int64_t> AttachmentIndex::next_due_ms() const {
  std::optional<std::int64_t> due;
  for (const auto& [path, at] : again_) due = std::min(due.value_or(at), at);
  return due;
}

void AttachmentIndex::complete(const HashTask& task, const DiskResult& result) {
  if (!out_) return;  // From before the store was read again.
  out_ = false;
  if (!result.status) {
    const Error& why = result.status.error();
    log(LogLevel::Debug, "disk", why.message);
    if (why.code == ErrorCode::NotFound) gone(task.path.str());
    if (why.code == ErrorCode::Conflict && attached_.contains(task.path.str()))
      again_.insert_or_assign(task.path, documents_.steady_ms() + kBusyMs);
    // Not readable: the next look at the folder will tell.
    return forget(task.path.str());
  }
  if (!result.stat) {
    unfinished_ = task;
    return;
  }
  const auto attached = attached_.find(task.path.str());
  if (attached == attached_.end()) return;  // No more.
  attached->second.size = result.stat->size;
  put(task.path, *result.stat, result.hash);
}

void AttachmentIndex::put(const WorkspacePath& parsed, const filesystem::FileStat& stat,
                          const Sha256& hash) {
  const std::string& path = parsed.str();
  Row row{stat, hash, std::string(content_type_of(path).name)};
  const std::int64_t age_ns = documents_.wall_ms() * 1'000'000 - stat.mtime_ns;
  if (age_ns < kTickNs) row.stat.mtime_ns = 0;
  // A time to come is no clock's tick: the next look at the folder is soon enough.
  if (age_ns < kTickNs && age_ns >= 0)
    again_.insert_or_assign(parsed, documents_.steady_ms() + kAgainMs);
  const std::string value = fmt::format("{} {} {} {} {}", row.stat.size, row.stat.mtime_ns,
                                        row.stat.inode, to_hex(hash), row.content_type);
  rows_.insert_or_assign(path, std::move(row));
  documents_.queue([path = path, value](storage::Store& store) {
    return store.set_meta(std::string(kPrefix) + path, value);
  });
}

void AttachmentIndex::forget(const std::string& path) {
  if (rows_.erase(path) == 0) return;
  documents_.queue(
      [path](storage::Store& store) { return store.erase_meta(std::string(kPrefix) + path); });
}

std::optional<Sha256> AttachmentIndex::hash_of(const std::string& path,
                                               const filesystem::FileStat& stat) const {
  const auto it = rows_.find(path);
  if (it == rows_.end() || !it->second.stat.same_file(stat)) return std::nullopt;
  return it->second.hash;
}

AttachmentIndex::Totals AttachmentIndex::totals() const {
  Totals totals;
  for (const auto& [path, attached] : attached_) {
    ++totals.files;
    totals.bytes += attached.size;
    const auto row = rows_.find(path);
    const auto parsed = WorkspacePath::parse(path);
    const bool indexed = row != rows_.end() && row->second.stat.mtime_ns != 0 && parsed &&
                         !wanted_.contains(*parsed) && !again_.contains(*parsed);
    totals.not_indexed += indexed ? 0 : 1;
  }
  return totals;
}

AttachmentIndex::Totals AttachmentIndex::look(filesystem::FileTree& files) const {
  Totals totals;
  std::map<std::string, std::optional<filesystem::FileStat>> seen;
  const auto stat_of = [&](const std::string& path) {
    const auto known = seen.find(path);
    if (known != seen.end()) return known->second;
    std::optional<filesystem::FileStat> found;
    if (const auto parsed = WorkspacePath::parse(path); parsed && !parsed->is_hidden()) {
      if (const auto stat = files.stat(*parsed); stat) found = *stat;
    }
    return seen.emplace(path, found).first->second;
  };
  const workspace::MetadataDoc& metadata = std::as_const(documents_).metadata();
  std::set<std::string> counted;
  for (const std::string& id : metadata.with_attachments()) {
    const workspace::FileRecord& record = *metadata.find(id);
    if (record.deleted) continue;
    for (const workspace::Attachment& attachment : record.attachments) {
      if (attachment.deleted) continue;
      const auto target = workspace::attachment_target(
          attachment.path, record.path, metadata.link_format(),
          [&](const std::string& path) { return stat_of(path).has_value(); });
      if (!target || !counted.insert(*target).second) continue;
      const filesystem::FileStat stat = *stat_of(*target);
      ++totals.files;
      totals.bytes += stat.size;
      totals.not_indexed += hash_of(*target, stat) ? 0 : 1;
    }
  }
  return totals;
}

Result<Sha256> hash_file(filesystem::FileTree& files, const WorkspacePath& path) {
  HashTask task{path};
  for (;;) {
    const DiskResult result = run_disk_task(files, task);
    if (!result.status) return result.status.error();
    if (result.stat) return result.hash;
  }
}

}  // namespace diaryx::sync
