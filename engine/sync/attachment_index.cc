#include "engine/sync/attachment_index.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/log.h"
#include "engine/workspace/link.h"

namespace diaryx::sync {
namespace {

constexpr std::string_view kPrefix = "attachment/";
// A file that changed so shortly before it was read may change again with the same time.
constexpr std::int64_t kTickNs = 20'000'000;
constexpr std::int64_t kAgainMs = 50;

template <class T>
bool take_number(std::string_view& text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

bool take_hash(std::string_view text, Sha256& hash) {
  if (text.size() != 2 * hash.size()) return false;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const char* at = text.data() + 2 * i;
    if (std::from_chars(at, at + 2, hash[i], 16).ptr != at + 2) return false;
  }
  return true;
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
    if (take_number(rest, row.stat.size) && take_number(rest, row.stat.mtime_ns) &&
        take_number(rest, row.stat.inode) && take_hash(rest, row.hash))
      rows_.emplace(key.substr(kPrefix.size()), row);
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
  if (attached_.contains(path.str())) wanted_.insert(path);
}

void AttachmentIndex::compare() {
  const auto found = *std::exchange(found_, std::nullopt);
  const workspace::MetadataDoc& metadata = std::as_const(documents_).metadata();
  attached_.clear();
  for (const std::string& id : metadata.with_attachments()) {
    const workspace::FileRecord& record = *metadata.find(id);
    if (record.deleted) continue;
    for (const workspace::Attachment& attachment : record.attachments) {
      if (attachment.deleted) continue;
      auto target = workspace::attachment_target(
          attachment.path, record.path, metadata.link_format(),
          [&found](const std::string& path) { return found.contains(path); });
      if (target) attached_.insert(std::move(*target));
    }
  }
  std::vector<std::string> gone;
  for (const auto& [path, row] : rows_) {
    if (!attached_.contains(path)) gone.push_back(path);
  }
  for (const std::string& path : gone) forget(path);
  for (const std::string& path : attached_) {
    if (hash_of(path, found.at(path))) continue;
    if (auto parsed = WorkspacePath::parse(path)) wanted_.insert(std::move(*parsed));
  }
}

std::optional<HashTask> AttachmentIndex::next() {
  if (found_) compare();
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
    // Gone, not readable, or changed just now: the next look at the folder will tell.
    log(LogLevel::Debug, "disk", result.status.error().message);
    return forget(task.path.str());
  }
  if (!result.stat) {
    unfinished_ = task;
    return;
  }
  put(task.path, *result.stat, result.hash);
}

void AttachmentIndex::put(const WorkspacePath& parsed, const filesystem::FileStat& stat,
                          const Sha256& hash) {
  const std::string& path = parsed.str();
  Row row{stat, hash};
  const std::int64_t age_ns = documents_.wall_ms() * 1'000'000 - stat.mtime_ns;
  if (age_ns < kTickNs) row.stat.mtime_ns = 0;
  // A time to come is no clock's tick: the next look at the folder is soon enough.
  if (age_ns < kTickNs && age_ns >= 0)
    again_.insert_or_assign(parsed, documents_.steady_ms() + kAgainMs);
  rows_.insert_or_assign(path, row);
  const std::string value =
      fmt::format("{} {} {} {}", row.stat.size, row.stat.mtime_ns, row.stat.inode, to_hex(hash));
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

Result<Sha256> hash_file(filesystem::FileTree& files, const WorkspacePath& path) {
  HashTask task{path};
  for (;;) {
    const DiskResult result = run_disk_task(files, task);
    if (!result.status) return result.status.error();
    if (result.stat) return result.hash;
  }
}

}  // namespace diaryx::sync
