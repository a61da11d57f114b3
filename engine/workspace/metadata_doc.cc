#include "engine/workspace/metadata_doc.h"

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/path.h"
#include "engine/base/random.h"
#include "engine/workspace/record_map.h"

namespace diaryx::workspace {
namespace {

constexpr std::size_t kIdLength = 16;

// A live record's path, if it is one that we would write.
bool is_note_path(const std::string& path) {
  const auto parsed = WorkspacePath::parse(path);
  return parsed && parsed->is_markdown() && !parsed->is_hidden();
}

std::string with_number(const std::string& path, int number) {
  return path.substr(0, path.size() - 3) + " (" + std::to_string(number) + ")" +
         path.substr(path.size() - 3);
}

std::string url_safe(const Sha256& digest) {
  std::string text = to_base64(digest).substr(0, kIdLength);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

// Eight, four, four, four and twelve hexadecimal digits.
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool fits =
        dash ? text[i] == '-'
             : std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (!fits) return false;
  }
  return true;
}

bool may_be_root(const RecordOutline& record) {
  return !record.deleted && record.is_index && !record.has_parent;
}

// In fewer folders, then shorter, then smaller: an index in a folder with a short name is not the
// workspace's.
bool is_nearer_root(const std::string& path, const std::string& than) noexcept {
  const auto folders = std::count(path.begin(), path.end(), '/');
  const auto other = std::count(than.begin(), than.end(), '/');
  if (folders != other) return folders < other;
  return path.size() != than.size() ? path.size() < than.size() : path < than;
}

void add(std::vector<std::string>& ids, const std::string& id) {
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at == ids.end() || *at != id) ids.insert(at, id);
}

void remove(std::vector<std::string>& ids, const std::string& id) {
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at != ids.end() && *at == id) ids.erase(at);
}

}  // namespace

bool is_rather_root(const FileRecord& record, const FileRecord* best) noexcept {
  const bool may_be = !record.deleted && record.contents && !record.part_of;
  if (!may_be || best == nullptr) return may_be;
  return is_nearer_root(record.path, best->path);
}

MetadataDoc::MetadataDoc(crdt::Doc& doc) : doc_(doc) {
  read_all();
  displaced_ = displaced();
  for (const auto& [id, path] : displaced_) {
    if (!path.empty()) displaced_by_path_.emplace(path, id);
  }
}

// There may be a hundred thousand, and somebody waits.
void MetadataDoc::read_all() {
  std::vector<std::pair<std::string_view, crdt::ValueView>> values;
  const crdt::Map files = doc_.map("files");
  values.reserve(files.size());
  files.visit(
      [&](std::string_view id, const crdt::ValueView& value) { values.emplace_back(id, value); });
  std::sort(values.begin(), values.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  claims_.reserve(values.size());
  for (const auto& [id, value] : values) {
    RecordOutline found;
    const auto type = value.type();
    if (type && doc_.kind_of(*type) == crdt::TypeKind::Map) {
      found = read_outline(crdt::Map(*type));
    } else if (const auto record = read(id, value)) {
      found = outline_of(*record);
    } else {
      unreadable_.emplace(id);
      continue;
    }
    const auto at = outlines_.emplace_hint(outlines_.end(), id, std::move(found));
    index(at->first, at->second);
  }
}

const RecordOutline* MetadataDoc::outline(std::string_view id) const {
  const auto it = outlines_.find(id);
  return it == outlines_.end() ? nullptr : &it->second;
}

const FileRecord* MetadataDoc::find(std::string_view id) const {
  const auto known = records_.find(id);
  if (known != records_.end()) return &known->second;
  if (!has(id)) return nullptr;
  const auto value = doc_.map("files").view(id);
  auto record = value ? read(id, *value) : std::nullopt;
  // It is being taken away in this very transaction: what is left of it is of no use.
  if (!record) record.emplace();
  return &records_.emplace(id, std::move(*record)).first->second;
}

const std::map<std::string, FileRecord, std::less<>>& MetadataDoc::records() const {
  if (records_.size() == outlines_.size()) return records_;
  for (const auto& [id, outline] : outlines_) (void)find(id);
  return records_;
}

MetadataDoc::Count MetadataDoc::count() const {
  Count count;
  for (const auto& [id, record] : outlines_) {
    ++(record.deleted ? count.deleted : count.live);
    count.with_path += has_path(id) ? 1 : 0;
  }
  return count;
}

// --- index ---

void MetadataDoc::index(const std::string& id, const RecordOutline& record) {
  if (record.has_attachments) with_attachments_.insert(id);
  if (may_be_root(record)) root_.reset();
  if (record.deleted) {
    add(tombstones_[record.path], id);
    return;
  }
  if (!is_note_path(record.path)) return;
  Ids& ids = claims_[record.path];
  add(ids, id);
  if (ids.size() > 1) contested_.insert(record.path);
}

void MetadataDoc::unindex(const std::string& id, const RecordOutline& record) {
  if (record.has_attachments) with_attachments_.erase(id);
  if (may_be_root(record)) root_.reset();
  auto& table = record.deleted ? tombstones_ : claims_;
  const auto it = table.find(record.path);
  if (it == table.end()) return;
  remove(it->second, id);
  if (!record.deleted && it->second.size() < 2) contested_.erase(record.path);
  if (it->second.empty()) table.erase(it);
}

std::optional<FileRecord> MetadataDoc::read(std::string_view id,
                                            const crdt::ValueView& value) const {
  if (const auto type = value.type()) {
    if (doc_.kind_of(*type) != crdt::TypeKind::Map) return std::nullopt;
    return read_record(crdt::Map(*type));
  }
  const codec::Any any = value.any();
  const auto* text = any.get<std::string>();
  return text == nullptr ? std::nullopt : read_json_record(id, *text);
}

bool MetadataDoc::reload(const std::string& id) {
  const std::optional<crdt::ValueView> value = doc_.map("files").view(id);
  std::optional<FileRecord> record = value ? read(id, *value) : std::nullopt;
  if (value && !record) {
    unreadable_.insert(id);
  } else {
    unreadable_.erase(id);
  }
  const auto old = outlines_.find(id);
  if (old == outlines_.end() && !record) return false;
  if (old == outlines_.end()) {
    const auto made = outlines_.emplace(id, outline_of(*record)).first;
    records_.emplace(id, std::move(*record));
    index(id, made->second);
    return true;
  }
  // What nobody has asked for may be as it was; nobody can have kept anything of it.
  const auto known = records_.find(id);
  if (record && known != records_.end() && known->second == *record) return false;
  unindex(id, old->second);
  if (!record) {
    outlines_.erase(old);
    if (known != records_.end()) records_.erase(known);
    return true;
  }
  old->second = outline_of(*record);
  if (known != records_.end()) {
    known->second = std::move(*record);  // In place: what find() gave stays valid.
  } else {
    records_.emplace(id, std::move(*record));
  }
  index(id, old->second);
  return true;
}

std::map<std::string, std::string> MetadataDoc::displaced() const {
  std::map<std::string, std::string> result;
  std::set<std::string> given;
  for (const std::string& path : contested_) {
    int number = 2;
    const Ids& ids = claims_.at(path);
    for (auto id = std::next(ids.begin()); id != ids.end(); ++id) {
      std::string candidate = with_number(path, number++);
      while (claims_.contains(candidate) || given.contains(candidate))
        candidate = with_number(path, number++);
      // Too long with its number: it has no place, and must not get in the way of those that do.
      if (!is_note_path(candidate)) candidate.clear();
      given.insert(candidate);
      result.emplace(*id, std::move(candidate));
    }
  }
  return result;
}

std::vector<std::string> MetadataDoc::refresh(const crdt::TransactionSummary& summary) {
  std::set<std::string> touched;
  for (const crdt::TransactionSummary::Change& change : summary.changes()) {
    const auto path = doc_.path_of(change.type);
    if (!path || path->root != "files") continue;
    if (path->steps.empty()) {
      touched.insert(change.keys.begin(), change.keys.end());
    } else if (path->steps.front().key) {
      touched.insert(*path->steps.front().key);
    }
  }
  std::set<std::string> changed;
  std::set<std::string> moved;  // Their links in other files follow.
  for (const std::string& id : touched) {
    const auto before = path_of(id);
    if (!reload(id)) continue;
    changed.insert(id);
    if (before && path_of(id) != before) moved.insert(id);
  }
  if (!changed.empty() && !(contested_.empty() && displaced_.empty())) {
    std::map<std::string, std::string> now = displaced();
    for (const auto* table : {&now, &displaced_}) {
      for (const auto& [id, path] : *table) {
        const auto a = now.find(id);
        const auto b = displaced_.find(id);
        const bool same = a != now.end() && b != displaced_.end() && a->second == b->second;
        if (same) continue;
        changed.insert(id);
        moved.insert(id);
      }
    }
    displaced_ = std::move(now);
    displaced_by_path_.clear();
    for (const auto& [id, path] : displaced_) {
      if (!path.empty()) displaced_by_path_.emplace(path, id);
    }
  }
  if (!moved.empty()) add_linking_to(moved, changed);
  return {changed.begin(), changed.end()};
}

void MetadataDoc::add_linking_to(const std::set<std::string>& targets,
                                 std::set<std::string>& ids) const {
  for (const auto& [id, record] : records()) {
    if (record.deleted) continue;
    const bool up = record.part_of && targets.contains(*record.part_of);
    const bool down =
        record.contents &&
        std::any_of(record.contents->begin(), record.contents->end(),
                    [&](const std::string& child) { return targets.contains(child); });
    if (up || down) ids.insert(id);
  }
}

// --- look-ups ---

bool MetadataDoc::has_path(std::string_view id) const {
  const RecordOutline* record = outline(id);
  if (record == nullptr || record->deleted || !claims_.contains(record->path)) return false;
  const auto it = displaced_.find(std::string(id));
  return it == displaced_.end() || !it->second.empty();
}

std::optional<std::string> MetadataDoc::path_of(std::string_view id) const {
  const RecordOutline* record = outline(id);
  if (record == nullptr || record->deleted || !claims_.contains(record->path)) return std::nullopt;
  if (const auto it = displaced_.find(std::string(id)); it != displaced_.end()) {
    return it->second.empty() ? std::nullopt : std::optional<std::string>(it->second);
  }
  return record->path;
}

std::optional<std::string> MetadataDoc::id_at(std::string_view path) const {
  const std::string key(path);
  if (const auto it = claims_.find(key); it != claims_.end()) return *it->second.begin();
  if (const auto it = displaced_by_path_.find(key); it != displaced_by_path_.end())
    return it->second;
  return std::nullopt;
}

std::optional<std::string> MetadataDoc::tombstone_at(std::string_view path) const {
  const auto it = tombstones_.find(std::string(path));
  if (it == tombstones_.end()) return std::nullopt;
  return *std::max_element(it->second.begin(), it->second.end(),
                           [&](const std::string& a, const std::string& b) {
                             return find(a)->modified_at < find(b)->modified_at;
                           });
}

std::string MetadataDoc::id_for_path(std::string_view path) const {
  for (int attempt = 0;; ++attempt) {
    std::string what = "diaryx file\n";
    what.append(path);
    if (attempt > 0) what.append("\n").append(std::to_string(attempt));
    std::string id = url_safe(sha256(as_bytes(what)));
    if (!has(id)) return id;
  }
}

const MetadataDoc::Root& MetadataDoc::root() const {
  if (root_) return *root_;
  root_ = Root{.id = std::nullopt, .format = LinkFormat::MarkdownRoot};
  const RecordOutline* best = nullptr;
  for (const auto& [id, record] : outlines_) {
    if (!may_be_root(record) || (best != nullptr && !is_nearer_root(record.path, best->path)))
      continue;
    if (!has_path(id)) continue;
    best = &record;
    root_->id = id;
  }
  if (best == nullptr) return *root_;
  const codec::Any extra(find(*root_->id)->extra);
  const codec::Any* config = extra.find("workspace_config");
  const codec::Any* format = config != nullptr ? config->find("link_format") : nullptr;
  if (format == nullptr) format = extra.find("link_format");
  if (format == nullptr || format->get<std::string>() == nullptr) return *root_;
  root_->format = parse_link_format(*format->get<std::string>()).value_or(LinkFormat::MarkdownRoot);
  return *root_;
}

std::optional<std::string> MetadataDoc::root_index() const {
  return root().id;
}
LinkFormat MetadataDoc::link_format() const {
  return root().format;
}

std::optional<std::string> MetadataDoc::id_of(std::string_view link_text,
                                              std::string_view from) const {
  const Link link = parse_link(link_text);
  Link decoded = link;
  decoded.target =
      decode_percent(link.target).value_or(std::string());  // An empty one means nothing.
  const auto look_up = [&](LinkFormat hint) -> std::optional<std::string> {
    for (const Link* reading : {&link, &std::as_const(decoded)}) {
      const auto target = canonical_target(*reading, from, hint);
      if (!target) continue;
      if (auto id = id_at(*target)) return id;
    }
    return std::nullopt;
  };
  const LinkFormat format = link_format();
  if (auto id = look_up(format)) return id;
  if (link.base != LinkBase::Ambiguous) return std::nullopt;
  return look_up(format == LinkFormat::PlainCanonical ? LinkFormat::PlainRelative
                                                      : LinkFormat::PlainCanonical);
}

std::optional<std::string> MetadataDoc::target_of(std::string_view link,
                                                  std::string_view from) const {
  const RecordOutline* named = outline(link);
  if (named != nullptr) return named->deleted ? std::nullopt : std::optional<std::string>(link);
  return id_of(link, from);
}

std::optional<std::string> MetadataDoc::link_to(std::string_view id, std::string_view from) const {
  const auto path = path_of(id);
  if (!path) return std::nullopt;
  const FileRecord* record = find(id);
  return format_link(link_format(), from, *path,
                     record->title ? *record->title : path_to_title(*path));
}

bool MetadataDoc::is_file_id(std::string_view text) const {
  if (has(text)) return true;
  // A record that has not arrived yet: its id must not be taken for a link that somebody wrote.
  const bool as_ours = text.size() == kIdLength &&
                       text.find_first_not_of(kUrlSafeAlphabet) == std::string_view::npos;
  return as_ours || is_uuid(text);
}

// --- writing ---

void MetadataDoc::put(const std::string& id, const FileRecord& record, crdt::Origin origin) {
  const auto value = doc_.map("files").get(id);
  const auto* type = value ? std::get_if<crdt::TypeRef>(&*value) : nullptr;
  const bool is_map = type != nullptr && doc_.kind_of(*type) == crdt::TypeKind::Map;
  // From the document, not from the index: this may be the second put() of one transaction.
  const std::optional<FileRecord> stored =
      is_map ? std::optional<FileRecord>(read_record(crdt::Map(*type))) : std::nullopt;
  if (stored == record) return;
  doc_.transact(
      [&] {
        crdt::Map target(is_map ? *type : doc_.map("files").set_type(id, crdt::TypeKind::Map));
        write_record(target, stored ? &*stored : nullptr, record);
      },
      origin);
}

}  // namespace diaryx::workspace
