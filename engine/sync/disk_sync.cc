#include "engine/sync/disk_sync.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/workspace/markdown_file.h"

namespace diaryx::sync {
namespace {

constexpr std::int64_t kFirstRetryMs = 1'000;
constexpr std::int64_t kLastRetryMs = 60'000;
// So many files are rendered in one turn, and so many more are on their way to disk: what is typed
// into a thousand notes at once should not wait until all of them are rendered. Not while somebody
// waits for the disk.
constexpr std::size_t kFilesATurn = 16;
constexpr std::size_t kFilesInFlight = 64;
constexpr std::int64_t kLostLookMs = 50;
constexpr std::string_view kAheadPrefix = "ahead/";

filesystem::Expected expect(const FileTable::Row* row) {
  if (row == nullptr || !row->on_disk) return {};
  return {row->base_hash};
}

// "a.md: permission denied; …"
std::string plain_words(const std::string& what, const Error& error) {
  std::string text = error.message.starts_with(what) ? error.message : what + ": " + error.message;
  return error.hint.empty() ? text : text + "; " + error.hint;
}

}  // namespace

DiskSync::DiskSync(Documents& documents, const DiskSyncOptions& options)
    : documents_(documents),
      options_(options),
      table_(documents),
      importer_(documents, table_, problems_, options.intake),
      attachments_(documents),
      mounts_(documents) {}

Status DiskSync::load() {
  planned_.clear();
  scan_.reset();
  listing_ = false;
  in_flight_.clear();
  busy_.clear();
  ahead_.clear();
  look_ms_ = 0;
  DX_TRY_OK(table_.load());
  DX_TRY_OK(attachments_.load());
  DX_TRY_OK(mounts_.load());
  DX_TRY(const auto marks, documents_.store().list_meta(kAheadPrefix));
  for (const auto& [key, value] : marks) {
    ahead_.emplace(key.substr(kAheadPrefix.size()), Ahead{.since_ms = 0, .last_ms = 0});
  }
  // A write that was under way when we stopped: its file is read by the next scan, whatever its
  // stat says.
  for (const auto& [id, row] : table_.rows()) {
    if (row.has_pending) ahead_.emplace(id, Ahead{.since_ms = 0, .last_ms = 0});
  }
  return {};
}

// --- documents → disk ---

void DiskSync::mark_ahead(const std::string& id) {
  const std::int64_t now = documents_.steady_ms();
  const auto [it, inserted] = ahead_.try_emplace(id, Ahead{.since_ms = now, .last_ms = now});
  ++it->second.changes;
  it->second.last_ms = now;  // Later than before: what look_ms_ promises still holds.
  if (inserted) {
    look_at(it->second);
    documents_.queue([id](storage::Store& store) {
      return store.set_meta(std::string(kAheadPrefix) + id, "1");
    });
  }
}

void DiskSync::mark_level(const std::string& id) {
  if (ahead_.erase(id) == 0) return;
  documents_.queue(
      [id](storage::Store& store) { return store.erase_meta(std::string(kAheadPrefix) + id); });
}

std::int64_t DiskSync::due_ms(const Ahead& ahead) const {
  if (hurry_) return 0;
  const std::int64_t behind_ms =
      std::max(options_.behind_ms,
               std::min(static_cast<std::int64_t>(ahead_.size()) * options_.behind_each_ms,
                        options_.behind_most_ms));
  const std::int64_t quiet =
      std::min(ahead.last_ms + options_.quiet_ms, ahead.since_ms + behind_ms);
  return std::max(quiet, ahead.not_before_ms);
}

void DiskSync::look_at(const Ahead& ahead) {
  look_ms_ = std::min(look_ms_, due_ms(ahead));
}

void DiskSync::store_failed() {
  hold_ms_ = std::clamp(hold_ms_ * 2, kFirstRetryMs, kLastRetryMs);
  hold_until_ms_ = documents_.steady_ms() + hold_ms_;
}

void DiskSync::plan() {
  for (const std::string& id : documents_.take_changed_files()) {
    mark_ahead(id);
    attachments_.record_changed(id);
  }
  if (is_held()) return;
  for (auto& [path, busy] : busy_) {
    if (busy.next_ms > documents_.steady_ms()) continue;
    busy.next_ms = INT64_MAX;
    paths_wanted_.insert(path);
  }
  look_for_mounts();
  if (!scan_ && !listing_) {
    if (list_wanted_) {
      list_wanted_ = false;
      listing_ = true;
      listed_ms_ = documents_.steady_ms();
      schedule(ListTask{});
    } else if (!paths_wanted_.empty()) {
      std::set<WorkspacePath> known;
      std::set<WorkspacePath> unknown;
      for (const WorkspacePath& path : std::exchange(paths_wanted_, {})) {
        (table_.id_at(path.str()) ? known : unknown).insert(path);
      }
      start_scan(known, unknown);
    }
  }
  if (!scan_ && !listing_) {
    if (auto task = attachments_.next()) schedule(std::move(*task));
  }
  // Until the disk has been looked at once, everything may still change.
  if (!reconciled_ || !options_.write_back) return;
  const std::int64_t now = documents_.steady_ms();
  if (now < look_ms_) return;
  look_ms_ = INT64_MAX;
  std::vector<std::pair<std::int64_t, std::string>> due;
  for (const auto& [id, ahead] : ahead_) {
    if (in_flight_.contains(id)) continue;
    if (due_ms(ahead) <= now) {
      due.emplace_back(due_ms(ahead), id);
    } else {
      look_at(ahead);
    }
  }
  // Those that have waited longest first, so that each has its turn.
  std::sort(due.begin(), due.end());
  if (const std::size_t room = room_for_files(); due.size() > room) {
    due.resize(room);
    // With the next result or in the next turn.
    if (room == kFilesATurn) look_ms_ = now;
    held_back_ = room < kFilesATurn;
  }
  for (const auto& [since, id] : due) plan_file(id);
}

std::size_t DiskSync::room_for_files() const {
  if (hurry_) return SIZE_MAX;
  return std::min(kFilesATurn, kFilesInFlight - std::min(kFilesInFlight, in_flight_.size()));
}

void DiskSync::plan_file(const std::string& id) {
  const workspace::MetadataDoc& metadata = documents_.metadata();
  const workspace::FileRecord* record = metadata.find(id);
  const FileTable::Row* row = table_.find(id);
  if (record == nullptr) return mark_level(id);  // A body whose record has not come yet.
  if (record->deleted) {
    if (row == nullptr) return mark_level(id);
    return plan_removal(id, *row);
  }
  const auto wanted = metadata.path_of(id);
  if (row != nullptr && row->has_pending) {
    // We meant to write it and do not know what came of that: look first.
    if (hurry_ && ahead_.at(id).retry_ms > 0) return;
    const auto at = WorkspacePath::parse(row->path);
    if (at && table_.claim_path(id)) {
      paths_wanted_.insert(*at);
      return wait(id, retry_after(ahead_.at(id)));
    }
    table_.give_up(id);  // Where it was to be is another note's file.
    row = table_.find(id);
  }
  const auto path =
      wanted ? WorkspacePath::parse(*wanted)
             : Result<WorkspacePath>(Error{ErrorCode::NotAllowed, "not a path we would write"});
  if (!path) {
    problems_[record->path] = path.error().message;
    return mark_level(id);
  }
  if (wait_for_mount(id, *path, row)) return;
  if (const auto owner = table_.id_at(path->str()); owner && *owner != id) {
    const FileTable::Row* there = table_.find(*owner);
    if (there != nullptr && there->on_disk) return wait_for_place(id, *path);
  }
  if (row != nullptr && row->on_disk && row->path != path->str()) {
    const auto from = WorkspacePath::parse(row->path);
    DX_CHECK(from.has_value());
    return send_off(id, MoveTask{id, *from, *path, expect(row)});
  }
  // It is looked for once more when programs that save by deleting first should be done.
  if (const auto lost = table_.lost().find(id);
      row == nullptr && lost != table_.lost().end() && !hurry_ &&
      listed_ms_ < lost->second.since_ms + options_.quiet_ms)
    list_wanted_ = true;
  const bool looking = list_wanted_ || listing_ || scan_;
  if (row == nullptr && lies_unread(id)) {
    ahead_.at(id).retry_ms = kLostLookMs;  // Until somebody lets us read it, or it is gone.
    return wait(id, kFirstRetryMs);
  }
  // It may have been moved, and we are looking; or somebody is about to want his place back.
  if ((row == nullptr && table_.lost().contains(id) && looking) || (!hurry_ && is_warm(*path)))
    return wait(id, kLostLookMs);
  auto bytes = importer_.render(id);
  if (!bytes) return failed(id, *path, bytes.error());
  if (row != nullptr && row->on_disk && sha256(as_bytes(*bytes)) == row->base_hash) {
    if (ahead_.at(id).retry_ms > 0) works_again(*path);  // It wants nothing of the disk any more.
    return mark_level(id);
  }
  const filesystem::Expected expected = expect(row);
  table_.intend(id, path->str(), *bytes);
  send_off(id,
           WriteTask{id, *path, std::make_shared<const std::string>(std::move(*bytes)), expected});
}

// The file of another note is where this one is to be: that one goes first. If it waits for us in
// turn, we step aside.
void DiskSync::wait_for_place(const std::string& id, const WorkspacePath& path) {
  const FileTable::Row* row = table_.find(id);
  if (row != nullptr && row->on_disk && !row->has_pending) {
    std::string at = path.str();
    for (std::size_t steps = 0; steps < table_.rows().size(); ++steps) {
      const auto owner = table_.id_at(at);
      if (!owner) break;
      if (*owner == id) {
        const auto from = WorkspacePath::parse(row->path);
        const auto aside = WorkspacePath::parse(
            std::string(path.parent()) + (path.parent().empty() ? "" : "/") + id + " (moving).md");
        if (from && aside) return send_off(id, MoveTask{id, *from, *aside, expect(row)});
        break;
      }
      const auto wanted = documents_.metadata().path_of(*owner);
      if (!wanted) break;
      at = *wanted;
    }
  }
  ahead_.at(id).retry_ms = kLostLookMs;  // Not for us to do.
  wait(id, kLostLookMs);
}

bool DiskSync::lies_unread(const std::string& id) const {
  const auto lost = table_.lost().find(id);
  if (lost == table_.lost().end()) return false;
  return std::any_of(strangers_.files.begin(), strangers_.files.end(), [&](const auto& file) {
    return file.stat.inode == lost->second.inode && table_.at(file.path.str()) == nullptr &&
           problems_.contains(file.path.str());
  });
}

bool DiskSync::is_warm(const WorkspacePath& path) const {
  const std::int64_t since = documents_.steady_ms() - options_.quiet_ms;
  // Nor may a folder be made there.
  const auto concerns = [&path](const std::string& other) {
    return path.str().starts_with(other) &&
           (path.str().size() == other.size() || path.str()[other.size()] == '/');
  };
  return std::any_of(table_.lost().begin(), table_.lost().end(),
                     [&](const auto& lost) {
                       return lost.second.since_ms > since && concerns(lost.second.path);
                     }) ||
         std::any_of(paths_wanted_.begin(), paths_wanted_.end(),
                     [&](const auto& wanted) { return wanted != path && concerns(wanted.str()); });
}

void DiskSync::wait(const std::string& id, std::int64_t ms) {
  Ahead& waiting = ahead_.at(id);
  waiting.not_before_ms = documents_.steady_ms() + ms;
  look_at(waiting);
}

void DiskSync::send_off(const std::string& id, DiskTask task) {
  in_flight_.emplace(id, ahead_.at(id).changes);
  schedule(std::move(task));
}

void DiskSync::plan_removal(const std::string& id, const FileTable::Row& row) {
  const auto path = WorkspacePath::parse(row.path);
  if (!path || !row.on_disk) {
    table_.forget(id);
    return mark_level(id);
  }
  send_off(id, TrashTask{id, *path, expect(&row)});
}

void DiskSync::written(const WriteTask& task, DiskResult&& result) {
  // Not in flight any more if the ledger was loaded afresh meanwhile: then there may be more to
  // write.
  const auto flight = in_flight_.extract(task.file_id);
  const std::uint64_t changes = flight.empty() ? UINT64_MAX : flight.mapped();
  if (!result.status)
    return failed(task.file_id, task.path, result.status.error(), result.uncertain);
  ++written_;
  works_again(task.path);
  // The record's `header` is the text on disk.
  const workspace::FileRecord* stored = documents_.metadata().find(task.file_id);
  if (const auto parts = workspace::split_markdown(*task.bytes);
      parts && stored != nullptr && !stored->deleted) {
    if (stored->header != parts->header) {
      workspace::FileRecord record = *stored;
      record.header = parts->header;
      documents_.metadata().put(task.file_id, record, kOriginDisk);
    }
  }
  const Sha256 hash = sha256(as_bytes(*task.bytes));
  const FileTable::Row* row = table_.find(task.file_id);
  if (row != nullptr && row->on_disk && row->path == task.path.str() &&
      row->base_hash != task.expected.hash) {
    // What was there before our write had been changed, taken in, and changed back since we sent it
    // off: now it says again what it said then, and what we wrote.
    Importer::Observed file{task.path, {}, hash};
    file.content.bytes = *task.bytes;
    file.content.stat = *result.stat;
    return note(importer_.known(task.file_id, std::move(file)), task.path.str());
  }
  table_.agree(task.file_id, task.path.str(), *task.bytes, hash, *result.stat);
  const auto ahead = ahead_.find(task.file_id);
  if (ahead == ahead_.end()) return;
  if (ahead->second.changes == changes) return mark_level(task.file_id);
  // More was typed while we wrote.
  ahead->second = {.since_ms = ahead->second.last_ms,
                   .last_ms = ahead->second.last_ms,
                   .changes = ahead->second.changes};
  look_at(ahead->second);
}

void DiskSync::moved(const MoveTask& task, const DiskResult& result) {
  in_flight_.erase(task.file_id);
  if (!result.status) {
    paths_wanted_.insert(task.to);  // It may be there all the same.
    paths_wanted_.insert(task.from);
    return failed(task.file_id, task.from, result.status.error());
  }
  ++written_;
  works_again(task.from);
  note(table_.move(task.file_id, task.to.str()), task.to.str());
  look_ms_ = 0;  // It may have to be written as well.
}

void DiskSync::trashed(const TrashTask& task, const DiskResult& result) {
  in_flight_.erase(task.file_id);
  if (!result.status && result.status.error().code != ErrorCode::NotFound) {
    return failed(task.file_id, task.path, result.status.error());
  }
  ++written_;
  works_again(task.path);
  note(table_.bury(task.file_id, FileTable::Burial::Ours), task.path.str());
  mark_level(task.file_id);
}

void DiskSync::failed(const std::string& id, const WorkspacePath& path, const Error& error,
                      bool uncertain) {
  const auto it = ahead_.find(id);
  if (error.code == ErrorCode::Conflict || error.code == ErrorCode::AlreadyExists ||
      error.code == ErrorCode::NotFound) {
    table_.give_up(id);          // Nothing was written.
    paths_wanted_.insert(path);  // Somebody changed it since: look first, then write what both say.
    return it == ahead_.end() ? void() : wait(id, options_.quiet_ms);
  }
  if (!uncertain) table_.give_up(id);
  problems_[path.str()] = error.message;
  complaints_.about(path.str(), plain_words(path.str(), error), documents_.steady_ms());
  if (it != ahead_.end()) wait(id, retry_after(it->second));
}

// Each time twice as long.
std::int64_t DiskSync::retry_after(Ahead& ahead) {
  ahead.retry_ms = std::clamp(ahead.retry_ms * 2, kFirstRetryMs, kLastRetryMs);
  return ahead.retry_ms;
}

void DiskSync::note(const Status& status, const std::string& what) {
  if (status) return;
  problems_[what] = status.error().message;
  complaints_.about(what, plain_words(what, status.error()), documents_.steady_ms(),
                    LogLevel::Error);
}

void DiskSync::works_again(const WorkspacePath& path) {
  problems_.erase(path.str());
  if (complaints_.over(path.str())) log(LogLevel::Info, "disk", path.str() + ": written now");
}

// --- the turn ---

void DiskSync::release() {
  released_.insert(released_.end(), std::make_move_iterator(planned_.begin()),
                   std::make_move_iterator(planned_.end()));
  planned_.clear();
}

std::vector<DiskTask> DiskSync::take_tasks() {
  return std::exchange(released_, {});
}

void DiskSync::complete(DiskResult&& result) {
  DiskTask task = std::move(result.task);
  if (std::exchange(held_back_, false)) look_ms_ = 0;
  if (std::holds_alternative<ListTask>(task)) {
    if (result.status) {
      (void)complaints_.over("list");
    } else {
      listing_ = false;
      return note(result.status, "list");
    }
    return listed(std::move(*result.listing));
  }
  if (const auto* read = std::get_if<ReadTask>(&task)) return read_done(*read, std::move(result));
  if (const auto* hash = std::get_if<HashTask>(&task)) return attachments_.complete(*hash, result);
  if (const auto* write = std::get_if<WriteTask>(&task)) return written(*write, std::move(result));
  if (const auto* move = std::get_if<MoveTask>(&task)) return moved(*move, result);
  if (const auto* trash = std::get_if<TrashTask>(&task)) return trashed(*trash, result);
}

std::optional<std::int64_t> DiskSync::next_due_ms() const {
  if (is_held()) return hold_until_ms_;
  if (!planned_.empty() || ((list_wanted_ || !paths_wanted_.empty()) && !scan_ && !listing_))
    return 0;
  std::int64_t due = INT64_MAX;
  for (const auto& entry : busy_) due = std::min(due, entry.second.next_ms);
  if (const auto again = attachments_.next_due_ms()) due = std::min(due, *again);
  if (!mounts_.away().empty()) due = std::min(due, probe_ms_);
  if (reconciled_ && options_.write_back) due = std::min(due, look_ms_);
  return due == INT64_MAX ? std::nullopt : std::optional(due);
}

bool DiskSync::idle() const {
  if (is_held()) return planned_.empty() && released_.empty() && in_flight_.empty();
  if (!planned_.empty() || !released_.empty() || scan_ || listing_ || list_wanted_ ||
      !paths_wanted_.empty())
    return false;
  if (!in_flight_.empty()) return false;
  if (!options_.write_back) return true;
  return std::all_of(ahead_.begin(), ahead_.end(),
                     [](const auto& entry) { return entry.second.retry_ms > 0; });
}

std::vector<std::string> DiskSync::ahead() const {
  std::vector<std::string> ids;
  for (const auto& [id, ahead] : ahead_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::set<std::string> DiskSync::unwritten() const {
  std::set<std::string> paths;
  for (const auto& [id, ahead] : ahead_) {
    if (ahead.retry_ms == 0) continue;
    const FileTable::Row* row = table_.find(id);
    for (const auto& path : {documents_.metadata().path_of(id),
                             row != nullptr ? std::optional(row->path) : std::nullopt}) {
      if (path && problems_.contains(*path)) paths.insert(*path);
    }
  }
  return paths;
}

std::optional<Sha256> DiskSync::agreed_hash(const std::string& id) const {
  const FileTable::Row* row = table_.find(id);
  const bool level = row != nullptr && row->on_disk && !row->has_pending && !ahead_.contains(id) &&
                     !in_flight_.contains(id) && !documents_.changed_file_ids().contains(id) &&
                     documents_.metadata().path_of(id) == row->path;
  return level ? std::optional<Sha256>(row->base_hash) : std::nullopt;
}

std::optional<Level> DiskSync::level() const {
  // What git ignores is not told by stats.
  if (is_held() || !idle() || !ahead_.empty() || !busy_.empty() || options_.intake.gitignore)
    return std::nullopt;
  std::vector<filesystem::Listed> strangers;
  for (const filesystem::Listed& file : strangers_.files) {
    if (!table_.id_at(file.path.str())) strangers.push_back(file);
  }
  const workspace::MetadataDoc& metadata = documents_.metadata();
  Level level{.left_out = importer_.left_out,
              .strangers = hash_strangers(strangers, strangers_.skipped),
              .problems = problems_};
  level.files = metadata.count().with_path;
  return level;
}

DiskSync::Counts DiskSync::counts() const {
  Counts counts{.updated = importer_.updated,
                .deleted = importer_.deleted,
                .written = written_,
                .left_out = left_out_ + importer_.left_out};
  if (scan_) {
    counts.scan_total = scan_->total;
    counts.scan_done = scan_->total - scan_->reading.size();
  }
  return counts;
}

}  // namespace diaryx::sync
