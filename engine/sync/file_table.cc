#include "engine/sync/file_table.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace diaryx::sync {
namespace {

// Two entries each, so that the ids can be listed without reading the texts.
constexpr std::string_view kBuriedPrefix = "buried/";
constexpr std::string_view kBuriedTextPrefix = "buried-text/";

std::string buried_key(const std::string& file_id) {
  return std::string(kBuriedPrefix) + file_id;
}
std::string buried_text_key(const std::string& file_id) {
  return std::string(kBuriedTextPrefix) + file_id;
}

// How a vanished file would be known again: `inode hash path`, the hash in base64.
std::string whereabouts_of(const FileTable::Lost& lost) {
  return fmt::format("{} {} {}", lost.inode, to_base64(lost.hash), lost.path);
}

std::optional<FileTable::Lost> read_whereabouts(std::string_view text, std::int64_t since_ms) {
  const std::size_t first = text.find(' ');
  const std::size_t second = first == text.npos ? text.npos : text.find(' ', first + 1);
  if (second == text.npos) return std::nullopt;
  FileTable::Lost lost{
      .path = std::string(text.substr(second + 1)), .hash = {}, .inode = 0, .since_ms = since_ms};
  const auto number = std::from_chars(text.data(), text.data() + first, lost.inode);
  const auto hash = from_base64(text.substr(first + 1, second - first - 1));
  if (number.ec != std::errc() || !hash || hash->size() != lost.hash.size()) return std::nullopt;
  std::copy(hash->begin(), hash->end(), lost.hash.begin());
  return lost;
}

}  // namespace

Status FileTable::load() {
  rows_.clear();
  by_path_.clear();
  queued_.clear();
  buried_.clear();
  lost_.clear();
  queued_buried_.clear();
  DX_TRY(const auto buried, documents_.store().list_meta(kBuriedPrefix));
  for (const auto& [key, whereabouts] : buried) {
    std::string id = key.substr(kBuriedPrefix.size());
    if (auto lost = read_whereabouts(whereabouts, documents_.steady_ms()))
      lost_.emplace(id, std::move(*lost));
    buried_.insert(std::move(id));
  }
  DX_TRY(auto stamps, documents_.store().ledger_stamps());
  by_path_.reserve(stamps.size());
  for (storage::LedgerStamp& stamp : stamps) {
    Row row;
    row.path = std::move(stamp.path);
    row.base_hash = stamp.base_hash;
    row.stat = {.size = stamp.size, .mtime_ns = stamp.mtime_ns, .inode = stamp.inode};
    row.on_disk = !row.path.empty();
    row.has_pending = stamp.has_pending;
    if (!row.on_disk) {
      // Its first write did not come to its end: it may be there or not.
      DX_TRY(const auto entry, documents_.store().ledger(stamp.file_id));
      if (entry) row.path = entry->pending_path;
    }
    std::string path = row.path;
    const bool on_disk = row.on_disk;
    const auto added = rows_.emplace(std::move(stamp.file_id), std::move(row)).first;
    if (on_disk) {
      by_path_[std::move(path)] = &*added;
    } else {
      by_path_.try_emplace(std::move(path), &*added);
    }
  }
  return {};
}

const FileTable::Row* FileTable::find(std::string_view file_id) const {
  const auto it = rows_.find(file_id);
  return it == rows_.end() ? nullptr : &it->second;
}

std::optional<std::string> FileTable::id_at(std::string_view path) const {
  const auto* found = at(std::string(path));
  return found == nullptr ? std::nullopt : std::optional<std::string>(found->first);
}

const FileTable::Rows::value_type* FileTable::at(const std::string& path) const {
  const auto it = by_path_.find(path);
  return it == by_path_.end() ? nullptr : it->second;
}

void FileTable::leave_path(const Rows::value_type& named) {
  const auto it = by_path_.find(named.second.path);
  if (it != by_path_.end() && it->second == &named) by_path_.erase(it);
}

FileTable::Rows::value_type& FileTable::row_of(const std::string& file_id) {
  return *rows_.try_emplace(file_id).first;
}

Result<std::optional<storage::LedgerEntry>> FileTable::entry(const std::string& file_id) {
  if (const auto it = queued_.find(file_id); it != queued_.end()) return std::optional(it->second);
  if (!rows_.contains(file_id)) return std::optional<storage::LedgerEntry>();
  return documents_.store().ledger(file_id);
}

filesystem::FileStat FileTable::settled(filesystem::FileStat stat) const {
  constexpr std::int64_t kTickNs = 20'000'000;
  if (documents_.wall_ms() * 1'000'000 - stat.mtime_ns < kTickNs) stat.mtime_ns = 0;
  return stat;
}

void FileTable::put(storage::LedgerEntry entry) {
  auto& named = row_of(entry.file_id);
  Row& row = named.second;
  if (row.path != entry.path) leave_path(named);
  row.path = entry.path;
  row.base_hash = entry.base_hash;
  row.stat = {.size = entry.size, .mtime_ns = entry.mtime_ns, .inode = entry.inode};
  row.on_disk = true;
  row.has_pending = entry.pending.has_value();
  by_path_[entry.path] = &named;
  const std::string id = entry.file_id;
  queued_.insert_or_assign(id, std::move(entry));
  documents_.queue([this, id](storage::Store& store) -> Status {
    const auto it = queued_.find(id);
    if (it == queued_.end()) return {};  // A later change of this turn has replaced it.
    auto node = queued_.extract(it);
    return store.put_ledger(node.mapped());
  });
}

void FileTable::agree(const std::string& file_id, const std::string& path, std::string bytes,
                      const Sha256& hash, const filesystem::FileStat& stat) {
  const filesystem::FileStat kept = settled(stat);
  if (buried_.erase(file_id) != 0) {
    lost_.erase(file_id);
    queued_buried_.erase(file_id);
    documents_.queue([file_id](storage::Store& store) -> Status {
      DX_TRY_OK(store.erase_meta(buried_key(file_id)));
      return store.erase_meta(buried_text_key(file_id));
    });
  }
  put({.file_id = file_id,
       .path = path,
       .base = std::move(bytes),
       .base_hash = hash,
       .size = kept.size,
       .mtime_ns = kept.mtime_ns,
       .inode = kept.inode,
       .pending = std::nullopt,
       .pending_path = {}});
}

void FileTable::touch(const std::string& file_id, const filesystem::FileStat& stat) {
  const auto it = rows_.find(file_id);
  if (it == rows_.end()) return;
  const filesystem::FileStat kept = settled(stat);
  it->second.stat = kept;
  if (const auto queued = queued_.find(file_id); queued != queued_.end()) {
    queued->second.size = kept.size;
    queued->second.mtime_ns = kept.mtime_ns;
    queued->second.inode = kept.inode;
    return;
  }
  documents_.queue([file_id, kept](storage::Store& store) {
    return store.put_ledger_stat(file_id, kept.size, kept.mtime_ns, kept.inode);
  });
}

Status FileTable::move(const std::string& file_id, const std::string& path) {
  DX_TRY(auto found, entry(file_id));
  if (!found) return {};
  found->path = path;
  put(std::move(*found));
  return {};
}

void FileTable::intend(const std::string& file_id, const std::string& path,
                       const std::string& bytes) {
  auto& named = row_of(file_id);
  Row& row = named.second;
  if (!row.on_disk) {
    if (row.path != path) leave_path(named);
    row.path = path;
    by_path_.try_emplace(path, &named);  // Where a file of another note is, that one stays known.
  }
  row.has_pending = true;
  if (const auto queued = queued_.find(file_id); queued != queued_.end()) {
    queued->second.pending = bytes;
    queued->second.pending_path = path;
    return;
  }
  documents_.queue([file_id, path, bytes](storage::Store& store) {
    return store.set_ledger_pending(file_id, path, bytes);
  });
}

void FileTable::give_up(const std::string& file_id) {
  const auto it = rows_.find(file_id);
  if (it == rows_.end()) return;
  if (!it->second.on_disk) {
    forget(file_id);
    return;
  }
  it->second.has_pending = false;
  if (const auto queued = queued_.find(file_id); queued != queued_.end()) {
    queued->second.pending.reset();
    return;
  }
  documents_.queue(
      [file_id](storage::Store& store) { return store.clear_ledger_pending(file_id); });
}

bool FileTable::claim_path(const std::string& file_id) {
  auto& named = row_of(file_id);
  return by_path_.try_emplace(named.second.path, &named).first->second == &named;
}

void FileTable::forget(const std::string& file_id) {
  const auto it = rows_.find(file_id);
  if (it == rows_.end()) return;
  leave_path(*it);
  rows_.erase(it);
  queued_.erase(file_id);
  documents_.queue([file_id](storage::Store& store) { return store.remove_ledger(file_id); });
}

Status FileTable::bury(const std::string& file_id, Burial burial) {
  DX_TRY(auto found, entry(file_id));
  const Row* row = find(file_id);
  if (found && row != nullptr && row->on_disk) {
    buried_.insert(file_id);
    queued_buried_.insert_or_assign(file_id, std::move(found->base));
    std::string whereabouts;
    if (burial == Burial::Vanished) {
      const Lost& lost =
          lost_
              .insert_or_assign(
                  file_id, Lost{row->path, row->base_hash, row->stat.inode, documents_.steady_ms()})
              .first->second;
      whereabouts = whereabouts_of(lost);
    }
    documents_.queue([this, file_id, whereabouts](storage::Store& store) -> Status {
      auto node = queued_buried_.extract(file_id);
      if (node.empty()) return {};  // Agreed on again in this turn.
      DX_TRY_OK(store.set_meta(buried_text_key(file_id), node.mapped()));
      return store.set_meta(buried_key(file_id), whereabouts);
    });
  }
  forget(file_id);
  return {};
}

void FileTable::lose_sight(std::int64_t steady_ms) {
  for (auto it = lost_.begin(); it != lost_.end();) {
    if (it->second.since_ms >= steady_ms) {
      ++it;
      continue;
    }
    documents_.queue([key = buried_key(it->first)](storage::Store& store) -> Status {
      return store.set_meta(key, "");
    });
    it = lost_.erase(it);
  }
}

Result<std::optional<std::string>> FileTable::buried(const std::string& file_id) {
  if (const auto it = queued_buried_.find(file_id); it != queued_buried_.end())
    return std::optional(it->second);
  if (!buried_.contains(file_id)) return std::optional<std::string>();
  return documents_.store().meta(buried_text_key(file_id));
}

}  // namespace diaryx::sync
