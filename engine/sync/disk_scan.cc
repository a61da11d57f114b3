// The way from disk to documents: what is listed and read, and what has become of what was there.
#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/utf.h"
#include "engine/sync/disk_sync.h"
#include "engine/workspace/text_diff.h"

namespace diaryx::sync {
namespace {

// So much is held in memory before a batch of new files is taken in.
constexpr std::uint64_t kBatchBytes = 32U << 20U;
constexpr std::size_t kBatchFiles = 4'000;
// A file that another program is writing is looked at again so soon, and taken in as it is when
// that program has not closed it for so long.
constexpr std::int64_t kBusyLookMs = 200;
constexpr std::int64_t kPatienceMs = 10'000;
// So long a file that was not found is known again by its text, wherever it turns up.
constexpr std::int64_t kLostMs = 600'000;

// So often we look whether a file system that is away is back.
constexpr std::int64_t kProbeMs = 2'000;

bool is_below(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

void DiskSync::rescan() {
  list_wanted_ = true;
  hold_until_ms_ = 0;  // Somebody has reason to think that it works.
}

void DiskSync::paths_changed(const std::set<WorkspacePath>& paths) {
  for (const WorkspacePath& path : paths) {
    if (!path.is_markdown()) attachments_.changed(path);
    if (path.is_markdown() && !path.is_hidden()) paths_wanted_.insert(path);
  }
}

void DiskSync::start_scan(const std::set<WorkspacePath>& known,
                          const std::set<WorkspacePath>& unknown,
                          std::map<std::string, std::string> replaced) {
  scan_.emplace();
  scan_->gone = std::move(replaced);
  for (const WorkspacePath& path : known) read_in_scan(path);
  // Those beside the root index first: what it says of the workspace is to be known to all others.
  for (const bool deep : {false, true}) {
    for (const WorkspacePath& path : unknown) {
      if ((path.str().find('/') != std::string::npos) == deep) read_in_scan(path);
    }
  }
  if (scan_->reading.empty()) finish_scan();
}

void DiskSync::read_in_scan(const WorkspacePath& path) {
  if (!scan_->looked_at.insert(path.str()).second) return;
  ++scan_->total;
  scan_->reading.insert(path.str());
  schedule(ReadTask{path, mounts_.above(path.str())});
}

void DiskSync::listed(filesystem::Listing&& listing) {
  listing_ = false;
  attachments_.listed(listing);
  std::erase_if(problems_, [&](const auto& problem) { return !table_.id_at(problem.first); });
  for (const filesystem::Skipped& skipped : listing.skipped)
    problems_[skipped.path] = skipped.reason;
  look_at_mounts(listing);
  strangers_.files.clear();
  std::set<WorkspacePath> known;
  std::set<WorkspacePath> unknown;
  std::unordered_set<const FileTable::Row*> seen;
  seen.reserve(table_.rows().size());
  left_out_ = 0;
  importer_.left_out = 0;
  std::map<std::string, std::string> replaced;  // Ids whose file has become a folder → where.
  for (const filesystem::Listed& file : listing.files) {
    if (!file.path.is_markdown()) continue;
    const auto* const found = table_.at(file.path.str());
    if (found == nullptr) {
      strangers_.files.push_back(file);
      if (file.ignored && options_.intake.gitignore) {
        ++left_out_;
      } else {
        unknown.insert(file.path);
      }
      continue;
    }
    const FileTable::Row* const row = &found->second;
    seen.insert(row);
    const bool same = row->on_disk && !row->has_pending && row->stat.size == file.stat.size &&
                      row->stat.mtime_ns == file.stat.mtime_ns &&
                      row->stat.inode == file.stat.inode;
    // A file that nobody may read looks the same from outside: find out.
    const bool closed = (file.stat.mode & 0444U) == 0;
    // And what went wrong last time may be right by now.
    const bool troubled = problems_.contains(file.path.str());
    if (!same || closed || troubled) known.insert(file.path);
  }
  for (const auto& [id, row] : table_.rows()) {
    if (seen.contains(&row)) continue;
    // Not listed is not gone: it may lie in a folder that could not be read.
    const std::string& lost = row.path;
    const bool hidden_by_error =
        std::any_of(listing.skipped.begin(), listing.skipped.end(), [&lost](const auto& skipped) {
          return skipped.path == lost || is_below(lost, skipped.path);
        });
    auto path = WorkspacePath::parse(row.path);
    if (hidden_by_error || mounts_.away_with(lost) || !path || !(row.on_disk || row.has_pending))
      continue;
    // In its place is a folder with something in it.
    const std::string below_it = lost + "/";
    const auto inside = std::lower_bound(
        listing.files.begin(), listing.files.end(), below_it,
        [](const auto& file, const std::string& at) { return file.path.str() < at; });
    if (inside != listing.files.end() && inside->path.str().starts_with(below_it)) {
      if (!in_flight_.contains(id)) replaced.emplace(id, lost);
    } else {
      known.insert(std::move(*path));
    }
  }
  strangers_.skipped = std::move(listing.skipped);
  start_scan(known, unknown, std::move(replaced));
}

void DiskSync::read_done(const ReadTask& task, DiskResult&& result) {
  if (!scan_ || scan_->reading.erase(task.path.str()) == 0) return;
  const std::string& path = task.path.str();
  auto id = table_.id_at(path);
  const auto away_with = mounts_.away_with(path);
  // Whatever has become of it, it concerns the whole folder.
  if (away_with.has_value() != result.away) list_wanted_ = true;
  if (id && result.status && !table_.find(*id)->on_disk) {
    // We meant to write there for the first time.
    const bool flying = in_flight_.contains(*id);
    if (!importer_.may_be_ours(*id, result.content->bytes, flying)) {
      if (flying) {
        paths_wanted_.insert(task.path);  // What came of that is not known yet.
        if (scan_->reading.empty()) finish_scan();
        return;
      }
      table_.give_up(*id);
      id.reset();
    }
  }
  if (result.status && wait_for_writer(task.path, *result.content)) {
    // Read again soon.
  } else if (result.status) {
    Importer::Observed file{task.path, std::move(*result.content), result.hash};
    if (id && is_replaced(*id, file)) {
      // Taken in when all is read.
    } else if (id) {
      note(importer_.known(*id, std::move(file)), path);
    } else if (!result.ignored || !options_.intake.gitignore) {
      scan_->fresh_bytes += file.content.bytes.size();
      scan_->fresh.push_back(std::move(file));
      if (scan_->fresh_bytes >= kBatchBytes || scan_->fresh.size() >= kBatchFiles) take_in_fresh();
    }
  } else if (result.status.error().code == ErrorCode::NotFound && (result.away || away_with)) {
    scan_->not_read.insert(path);
    if (!result.away) mounts_.give_up(*away_with);
  } else if (result.status.error().code == ErrorCode::NotFound) {
    problems_.erase(path);
    busy_.erase(task.path);
    if (id && in_flight_.contains(*id)) {
      scan_->not_read.insert(path);  // We are about to write, move or delete it.
    } else if (id) {
      scan_->gone.emplace(*id, path);
    }
  } else {
    problems_[path] = result.status.error().message;
    scan_->not_read.insert(path);
  }
  if (scan_->reading.empty()) finish_scan();
}

// A file that nobody knew may be a known one at another place, moved while the watcher looked
// elsewhere: same inode or same content, and nobody has looked at its old place yet. True if
// somebody is looking now.
bool DiskSync::look_for_old_places() {
  if (scan_->fresh.empty()) return false;
  std::unordered_set<std::uint64_t> inodes;
  std::set<Sha256> hashes;
  std::set<std::string, std::less<>> wanted;  // Perhaps moved by ourselves, just before a crash.
  for (const Importer::Observed& file : scan_->fresh) {
    inodes.insert(file.content.stat.inode);
    hashes.insert(file.hash);
    if (auto id = documents_.metadata().id_at(file.path.str())) wanted.insert(*std::move(id));
  }
  for (const auto& [id, row] : table_.rows()) {
    const bool alike = row.on_disk && (inodes.contains(row.stat.inode) ||
                                       hashes.contains(row.base_hash) || wanted.contains(id));
    if (!alike) continue;
    if (const auto path = WorkspacePath::parse(row.path)) read_in_scan(*path);
  }
  return !scan_->reading.empty();
}

// A file that vanished and one that appeared: it was moved. In this scan, or between two looks of
// ours, the earlier of which did not find it anywhere.
std::optional<std::string> DiskSync::vanished_as(const Importer::Observed& file,
                                                 Likeness likeness) {
  const std::uint64_t inode = file.content.stat.inode;
  const auto is_alike = [&](const std::string& id, const Sha256& hash, std::uint64_t its_inode) {
    return (hash == file.hash && !file.content.bytes.empty()) ||
           (its_inode == inode && is_same_file(id, file));
  };
  if (likeness == Likeness::InItsPlace) {
    const auto wanted_here = documents_.metadata().id_at(file.path.str());
    if (wanted_here && scan_->gone.contains(*wanted_here)) {
      const FileTable::Row* row = table_.find(*wanted_here);
      if (row != nullptr && row->on_disk && is_same_file(*wanted_here, file)) return wanted_here;
    }
  } else {
    for (const auto& [id, path] : scan_->gone) {
      const FileTable::Row* row = table_.find(id);
      if (row != nullptr && row->on_disk && is_alike(id, row->base_hash, row->stat.inode))
        return id;
    }
  }
  for (const auto& [id, lost] : table_.lost()) {
    const FileTable::Row* row = table_.find(id);
    if ((row != nullptr && row->on_disk) || in_flight_.contains(id)) continue;
    const bool same = likeness == Likeness::InItsPlace
                          ? lost.path == file.path.str() && is_same_file(id, file)
                          : is_alike(id, lost.hash, lost.inode);
    if (same) return id;
  }
  return std::nullopt;
}

// Saved by deleting it first, moved and changed; or another file of the same name, or number.
bool DiskSync::is_same_file(const std::string& id, const Importer::Observed& file) {
  std::optional<std::string> before;
  if (const auto entry = table_.entry(id); entry && *entry) {
    before = (*entry)->base;
  } else if (auto buried = table_.buried(id)) {
    before = std::move(*buried);
  }
  // Text has been read from both: what is not UTF-8 has no part in this.
  return before && is_utf8(file.content.bytes) && workspace::are_alike(*before, file.content.bytes);
}

// Files that may be known ones, of which we cannot say at the moment whether they still are where
// they were: those are looked at again soon.
void DiskSync::put_off_unsettled(std::vector<Importer::Observed>& files) {
  std::unordered_set<std::uint64_t> inodes;
  std::set<Sha256> hashes;
  const auto doubt = [&](const FileTable::Row* row) {
    if (row == nullptr || !row->on_disk) return;
    inodes.insert(row->stat.inode);
    hashes.insert(row->base_hash);
  };
  for (const auto& [id, since] : in_flight_) doubt(table_.find(id));
  for (const std::string& path : scan_->not_read) {
    if (const auto* const named = table_.at(path)) doubt(&named->second);
  }
  if (inodes.empty()) return;
  std::erase_if(files, [&](const Importer::Observed& file) {
    const bool in_doubt = inodes.contains(file.content.stat.inode) || hashes.contains(file.hash);
    return in_doubt && look_again(file.path);
  });
}

void DiskSync::take_in_fresh() {
  std::vector<Importer::Observed> unknown = std::exchange(scan_->fresh, {});
  scan_->fresh_bytes = 0;
  // Who is alike comes before who is in its place: what was moved away may have made room for
  // another file.
  for (const Likeness likeness : {Likeness::Alike, Likeness::InItsPlace}) {
    if (scan_->gone.empty() && table_.lost().empty()) break;
    for (Importer::Observed& file : std::exchange(unknown, {})) {
      const auto id = vanished_as(file, likeness);
      if (!id) {
        unknown.push_back(std::move(file));
        continue;
      }
      scan_->gone.erase(*id);
      const std::string path = file.path.str();
      const auto lost = table_.lost().find(*id);
      const std::string lost_at = lost == table_.lost().end() ? std::string() : lost->second.path;
      note(importer_.moved(*id, std::move(file), lost_at), path);
    }
  }
  put_off_unsettled(unknown);
  if (unknown.empty()) return;
  scan_->added = true;
  for (const std::string& id : documents_.take_changed_files()) {
    mark_ahead(id);
    attachments_.record_changed(id);
  }
  note(importer_.fresh(std::move(unknown)), "import");
  // What was just taken in is level by construction (rendering an import gives the same bytes): no
  // need to render it all now.
  for (const std::string& id : documents_.take_changed_files()) {
    attachments_.record_changed(id);
    const FileTable::Row* row = table_.find(id);
    const bool level =
        row != nullptr && row->on_disk && documents_.loaded(body_doc_name(id)) == nullptr &&
        documents_.metadata().path_of(id) == row->path;  // Another note may want to be there.
    if (!level) mark_ahead(id);
  }
}

bool DiskSync::is_replaced(const std::string& id, Importer::Observed& file) {
  const FileTable::Row* row = table_.find(id);
  const std::uint64_t inode = file.content.stat.inode;
  if (row == nullptr || !row->on_disk || row->base_hash == file.hash || row->stat.inode == inode)
    return false;
  if (scan_->by_inode.empty()) {
    for (const auto& [each, its] : table_.rows()) {
      if (its.on_disk) scan_->by_inode.emplace(its.stat.inode, each);
    }
  }
  const auto other = scan_->by_inode.find(inode);
  if (other == scan_->by_inode.end() || other->second == id) return false;
  const FileTable::Row* its = table_.find(other->second);
  if (its == nullptr || !its->on_disk) return false;
  // `sed -i` on many files gives each the number that one before it had.
  const bool is_others =
      its->base_hash == file.hash || (!is_same_file(id, file) && is_same_file(other->second, file));
  if (!is_others) return false;
  if (const auto old_place = WorkspacePath::parse(its->path)) read_in_scan(*old_place);
  scan_->replaced.push_back({id, other->second, std::move(file)});
  return true;
}

void DiskSync::take_in_replaced() {
  const std::vector<DiskScan::Replaced> all = std::exchange(scan_->replaced, {});
  const auto left_its_place = [&](const std::string& id) {
    return scan_->gone.contains(id) ||
           std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.id == id; });
  };
  std::vector<DiskScan::Replaced> moved;
  for (DiskScan::Replaced each : all) {
    const bool flying = in_flight_.contains(each.id) || in_flight_.contains(each.by_id);
    if (left_its_place(each.by_id) && !flying) {
      moved.push_back(std::move(each));
    } else if (!look_again(each.file.path)) {  // Two names of one file.
      const std::string path = each.file.path.str();
      note(importer_.known(each.id, std::move(each.file)), path);
    }
  }
  for (const DiskScan::Replaced& each : moved) {
    const FileTable::Row* row = table_.find(each.id);
    if (row != nullptr) scan_->gone.emplace(each.id, row->path);
  }
  for (DiskScan::Replaced& each : moved) {
    const std::string path = each.file.path.str();
    scan_->gone.erase(each.by_id);
    note(importer_.moved(each.by_id, std::move(each.file)), path);
  }
}

void DiskSync::finish_scan() {
  if (look_for_old_places()) return;  // Comes back here when they are read.
  take_in_replaced();
  if (!scan_->fresh.empty()) take_in_fresh();
  for (const auto& [id, path] : scan_->gone) {
    const FileTable::Row* row = table_.find(id);
    if (row == nullptr || row->path != path) continue;  // Found elsewhere meanwhile.
    const bool was_there = row->on_disk;
    note(importer_.vanished(id), path);
    const auto* record = documents_.metadata().find(id);
    if (record == nullptr || record->deleted) continue;
    // It is to be written again, unless it turns up elsewhere: look everywhere, once more.
    mark_ahead(id);
    ahead_.at(id).not_before_ms = documents_.steady_ms() + options_.quiet_ms;
    if (was_there) list_wanted_ = true;
  }
  table_.lose_sight(documents_.steady_ms() - kLostMs);
  if (scan_->added) importer_.relink();
  scan_.reset();
  if (!list_wanted_ && !listing_) reconciled_ = true;
}

void DiskSync::look_at_mounts(const filesystem::Listing& listing) {
  const auto before = mounts_.away();
  mounts_.listed(listing, table_);
  for (const auto& [folder, away] : before) {
    if (!mounts_.away().contains(folder) && complaints_.over(folder))
      log(LogLevel::Info, "disk", folder + ": is no longer away");
  }
  for (const auto& [folder, away] : mounts_.away()) {
    problems_[folder] = away.message;
    complaints_.about(folder, folder + ": " + away.message, documents_.steady_ms());
    if (!before.contains(folder)) probe_ms_ = 0;  // Is the folder there?
  }
}

// Nobody tells us of a mount.
void DiskSync::look_for_mounts() {
  if (mounts_.away().empty() || documents_.steady_ms() < probe_ms_) return;
  probe_ms_ = documents_.steady_ms() + kProbeMs;
  for (const auto& [folder, away] : mounts_.away()) {
    if (auto path = WorkspacePath::parse(away.probe)) paths_wanted_.insert(std::move(*path));
  }
}

bool DiskSync::wait_for_mount(const std::string& id, const WorkspacePath& path,
                              const FileTable::Row* row) {
  auto folder = mounts_.away_with(path.str());
  if (!folder && row != nullptr) folder = mounts_.away_with(row->path);
  if (!folder) return false;
  problems_[path.str()] = *folder + ": " + mounts_.away().find(*folder)->second.message;
  ahead_.at(id).retry_ms = kProbeMs;
  wait(id, kProbeMs);
  return true;
}

bool DiskSync::wait_for_writer(const WorkspacePath& path, const filesystem::FileContent& content) {
  if (content.being_written && !hurry_) return look_again(path);
  busy_.erase(path);
  return false;
}

bool DiskSync::look_again(const WorkspacePath& path) {
  const std::int64_t now = documents_.steady_ms();
  const auto it = busy_.try_emplace(path, BusyFile{.since_ms = now, .next_ms = INT64_MAX}).first;
  if (now - it->second.since_ms >= kPatienceMs) return false;  // A log, perhaps: as it is now.
  it->second.next_ms = now + kBusyLookMs;
  return true;
}

}  // namespace diaryx::sync
