#include "engine/workspace/metadata_doc.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/path.h"
#include "engine/base/random.h"
#include "engine/workspace/record_map.h"

namespace diaryx::workspace {
namespace {

using codec::Any;

constexpr std::string_view kFiles = "files";
constexpr std::size_t kIdLength = 16;

bool is_file_path(const std::string& path) {
  const auto parsed = WorkspacePath::parse(path);
  return parsed && parsed->is_markdown();
}

constexpr std::size_t kSuffix = 3;  // ".md", in any case of letters.

// "a.md" → "a (2).md". Nothing if that is no path any more, being too long.
std::optional<std::string> numbered(const std::string& path, std::size_t number) {
  std::string out = path;
  out.insert(out.size() - kSuffix, " (" + std::to_string(number) + ")");
  return is_file_path(out) ? std::optional<std::string>(std::move(out)) : std::nullopt;
}

// The path that `path` would be a numbered name of: "a (2).md" → "a.md".
std::optional<std::string> unnumbered(const std::string& path) {
  const std::size_t open = path.rfind(" (");
  const std::size_t close = path.size() - kSuffix - 1;
  if (open == std::string::npos || path.size() < open + kSuffix + 4 || path[close] != ')')
    return std::nullopt;
  const std::string_view digits = std::string_view(path).substr(open + 2, close - open - 2);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return path.substr(0, open) + path.substr(close + 1);
}

const std::string* text_at(const Any* object, std::string_view key) {
  const Any* value = object == nullptr ? nullptr : object->find(key);
  return value == nullptr ? nullptr : value->get<std::string>();
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-'
             : std::string_view("0123456789abcdefABCDEF").find(text[i]) == std::string_view::npos)
      return false;
  }
  return true;
}

template <class Key, class Index>
void erase_from(Index& index, const Key& key, const std::string& id) {
  const auto found = index.find(key);
  if (found == index.end()) return;
  found->second.erase(id);
  if (found->second.empty()) index.erase(found);
}

}  // namespace

bool is_nearer_root(std::string_view path, std::string_view than) {
  const auto folders = std::count(path.begin(), path.end(), '/');
  const auto other = std::count(than.begin(), than.end(), '/');
  if (folders != other) return folders < other;
  return path.size() != than.size() ? path.size() < than.size() : path < than;
}

bool MetadataDoc::NearerRoot::operator()(const std::pair<std::string, std::string>& a,
                                         const std::pair<std::string, std::string>& b) const {
  return a.first == b.first ? a.second < b.second : is_nearer_root(a.first, b.first);
}

MetadataDoc::MetadataDoc(crdt::Doc& doc) : doc_(doc) {
  // Declares the root: a change in it is reported only under its name.
  const auto map = files();
  if (!map) return;
  std::set<std::string> paths;
  std::set<std::string> changed;
  map->for_each([&](std::string_view key, const crdt::Value& value) {
    const std::string id(key);
    if (auto record = read_record(id, value)) {
      remember(id, *record, paths);
      records_.emplace(id, std::move(*record));
    } else {
      note_unreadable(id, true);
    }
  });
  assign(std::move(paths), changed);
  link_format_ = read_link_format();
}

std::optional<crdt::Map> MetadataDoc::files() const {
  auto root = doc_.root(kFiles, crdt::TypeKind::Map);
  return root ? std::optional<crdt::Map>(crdt::Map(*root)) : std::nullopt;
}

const FileRecord* MetadataDoc::find(std::string_view id) const {
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : &found->second;
}

std::optional<std::string> MetadataDoc::path_of(std::string_view id) const {
  const auto found = place_of_.find(std::string(id));
  return found == place_of_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

std::optional<std::string> MetadataDoc::id_at(std::string_view path) const {
  const auto found = at_place_.find(std::string(path));
  return found == at_place_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

std::optional<std::string> MetadataDoc::tombstone_at(std::string_view path) const {
  const auto found = tombstones_.find(std::string(path));
  if (found == tombstones_.end()) return std::nullopt;
  const auto older = [&](const std::string& a, const std::string& b) {
    return records_.find(a)->second.modified_at < records_.find(b)->second.modified_at;
  };
  return *std::max_element(found->second.begin(), found->second.end(), older);
}

// --- Keeping the index ---

void MetadataDoc::forget(const std::string& id, const FileRecord& record,
                         std::set<std::string>& paths) {
  if (record.deleted) {
    erase_from(tombstones_, record.path, id);
    return;
  }
  erase_from(claims_, record.path, id);
  paths.insert(record.path);
  if (const auto place = place_of_.find(id); place != place_of_.end())
    roots_.erase({place->second, id});
}

void MetadataDoc::remember(const std::string& id, const FileRecord& record,
                           std::set<std::string>& paths) {
  if (record.deleted) {
    tombstones_[record.path].insert(id);
  } else if (is_file_path(record.path)) {
    claims_[record.path].insert(id);
    paths.insert(record.path);
  }
}

void MetadataDoc::note_unreadable(const std::string& id, bool unreadable) {
  const auto place = std::lower_bound(unreadable_.begin(), unreadable_.end(), id);
  const bool there = place != unreadable_.end() && *place == id;
  if (unreadable && !there) unreadable_.insert(place, id);
  if (!unreadable && there) unreadable_.erase(place);
}

void MetadataDoc::note_root(const std::string& id) {
  const FileRecord* record = find(id);
  const auto place = place_of_.find(id);
  if (record == nullptr || place == place_of_.end()) return;
  if (record->contents && !record->part_of) {
    roots_.insert({place->second, id});
  } else {
    roots_.erase({place->second, id});
  }
}

bool MetadataDoc::reread(const crdt::Map& files, const std::string& id,
                         std::set<std::string>& paths) {
  const auto value = files.get(id);
  std::optional<FileRecord> record = value ? read_record(id, *value) : std::nullopt;
  note_unreadable(id, value && !record);
  const auto known = records_.find(id);
  if (known == records_.end() ? !record : record && known->second == *record) return false;
  if (known != records_.end()) {
    forget(id, known->second, paths);
    records_.erase(known);
  }
  if (record) {
    remember(id, *record, paths);
    records_.emplace(id, std::move(*record));
  }
  return true;
}

void MetadataDoc::assign(std::set<std::string> paths, std::set<std::string>& changed) {
  // A name that is claimed, or no longer, may change which numbers the records of another path get.
  std::set<std::string> all;
  for (const std::string& path : paths) {
    all.insert(path);
    if (auto base = unnumbered(path)) all.insert(std::move(*base));
  }
  std::map<std::string, std::optional<std::string>> places;  // id → its new place
  for (const std::string& id : changed) places.emplace(id, std::nullopt);
  for (const std::string& path : all) {
    const auto claim = claims_.find(path);
    if (claim == claims_.end()) continue;
    std::size_t number = 1;
    for (const std::string& id : claim->second) {
      std::optional<std::string> place = path;
      if (number > 1) {
        while ((place = numbered(path, number)) && claims_.count(*place) > 0) ++number;
      }
      ++number;
      places[id] = std::move(place);
    }
  }
  // First everybody leaves, then everybody comes: a place may pass from one record to another.
  for (const auto& [id, place] : places) {
    const auto old = place_of_.find(id);
    if (old == place_of_.end() ? place.has_value() : old->second != place) changed.insert(id);
    if (old == place_of_.end()) continue;
    roots_.erase({old->second, id});
    at_place_.erase(old->second);
    place_of_.erase(old);
  }
  for (auto& [id, place] : places) {
    if (!place) continue;
    at_place_.emplace(*place, id);
    place_of_.emplace(id, std::move(*place));
    note_root(id);
  }
}

std::vector<std::string> MetadataDoc::refresh(const crdt::TransactionSummary& summary) {
  const auto map = files();
  if (!map) return {};
  std::set<std::string> touched;
  for (const auto& change : summary.changes) {
    const auto path = doc_.path_of(change.type);
    if (!path || path->root != kFiles) continue;
    if (path->steps.empty()) {
      touched.insert(change.keys.begin(), change.keys.end());
    } else if (path->steps.front().key) {
      touched.insert(*path->steps.front().key);
    }
  }
  std::set<std::string> paths;
  std::set<std::string> changed;
  for (const std::string& id : touched) {
    if (reread(*map, id, paths)) changed.insert(id);
  }
  if (changed.empty()) return {};
  assign(std::move(paths), changed);
  link_format_ = read_link_format();
  return {changed.begin(), changed.end()};
}

void MetadataDoc::put(const std::string& id, const FileRecord& record, crdt::Origin origin) {
  doc_.transact(
      [&] {
        if (const auto map = files()) write_record(*map, id, record);
      },
      origin);
}

std::string MetadataDoc::id_for_path(std::string_view path) const {
  const auto map = files();
  for (std::uint64_t attempt = 0;; ++attempt) {
    std::string text(path);
    if (attempt > 0) text += '\n' + std::to_string(attempt);  // No path contains a line break.
    const Sha256 hash = sha256(as_bytes(text));
    std::string id;
    for (std::size_t i = 0; i < kIdLength; ++i) id += kUrlSafeAlphabet[hash[i] & 63U];
    if (find(id) == nullptr && !(map && map->has(id))) return id;
  }
}

// --- Links ---

std::optional<std::string> MetadataDoc::root_index() const {
  return roots_.empty() ? std::nullopt : std::optional<std::string>(roots_.begin()->second);
}

LinkFormat MetadataDoc::read_link_format() const {
  const auto root = root_index();
  if (!root) return LinkFormat::MarkdownRoot;
  const Any extra{codec::AnyObject(find(*root)->extra)};
  const std::string* name = nullptr;
  std::optional<Any> other;
  if (const Any* config = extra.find("workspace_config")) {
    name = text_at(config, "link_format");
    if (const auto* link = config->get<std::string>()) {
      // Whatever the format is, a link to the configuration is read as one from the root index.
      const auto at = [this](const std::string& path) { return id_at(path); };
      const auto id =
          resolve_link(*link, path_of(*root).value_or(""), LinkFormat::MarkdownRoot, at);
      if (const FileRecord* record = find(id.value_or(""))) {
        other = Any(codec::AnyObject(record->extra));
        name = text_at(&*other, "link_format");
      }
    }
  }
  if (name == nullptr) name = text_at(&extra, "link_format");
  return name == nullptr ? LinkFormat::MarkdownRoot
                         : parse_link_format(*name).value_or(LinkFormat::MarkdownRoot);
}

std::optional<std::string> resolve_link(
    std::string_view link_text, std::string_view from, LinkFormat hint,
    const std::function<std::optional<std::string>(const std::string&)>& id_at) {
  Link link = parse_link(link_text);
  const auto decoded = decode_percent(link.target);
  const LinkFormat other =
      hint == LinkFormat::PlainCanonical ? LinkFormat::MarkdownRoot : LinkFormat::PlainCanonical;
  for (const LinkFormat reading : {hint, other}) {
    for (const bool decode : {false, true}) {
      if (decode && !decoded) continue;
      Link candidate = link;
      if (decode) candidate.target = *decoded;
      const auto path = canonical_target(candidate, from, reading);
      if (!path) continue;
      if (auto id = id_at(*path)) return id;
    }
    if (link.base != LinkBase::Ambiguous) break;
  }
  return std::nullopt;
}

std::optional<std::string> MetadataDoc::id_of(std::string_view link_text,
                                              std::string_view from) const {
  return resolve_link(link_text, from, link_format_,
                      [this](const std::string& path) { return id_at(path); });
}

std::optional<std::string> MetadataDoc::link_to(std::string_view id, std::string_view from) const {
  const auto path = path_of(id);
  if (!path) return std::nullopt;
  const FileRecord* record = find(id);
  const bool titled = record->title && !record->title->empty();
  return format_link(link_format_, from, *path, titled ? *record->title : path_to_title(*path));
}

bool MetadataDoc::is_file_id(std::string_view text) const {
  if (find(text) != nullptr || std::binary_search(unreadable_.begin(), unreadable_.end(), text))
    return true;
  return is_uuid(text) || (text.size() == kIdLength &&
                           text.find_first_not_of(kUrlSafeAlphabet) == std::string_view::npos);
}

PlannedLinks::PlannedLinks(const MetadataDoc& known, std::map<std::string, std::string> planned)
    : known_(known), by_path_(std::move(planned)) {
  for (const auto& [path, id] : by_path_) by_id_.emplace(id, path);
}

std::optional<std::string> PlannedLinks::id_of(std::string_view link_text,
                                               std::string_view from) const {
  return resolve_link(link_text, from, known_.link_format(),
                      [this](const std::string& path) -> std::optional<std::string> {
                        if (const auto found = by_path_.find(path); found != by_path_.end())
                          return found->second;
                        auto id = known_.id_at(path);
                        if (id && by_id_.count(*id) > 0)
                          return std::nullopt;  // It is about to leave.
                        return id;
                      });
}

std::optional<std::string> PlannedLinks::link_to(std::string_view id, std::string_view from) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return known_.link_to(id, from);
  const FileRecord* record = known_.find(id);
  const bool titled = record != nullptr && record->title && !record->title->empty();
  return format_link(known_.link_format(), from, found->second,
                     titled ? *record->title : path_to_title(found->second));
}

bool PlannedLinks::is_file_id(std::string_view text) const {
  return by_id_.count(text) > 0 || known_.is_file_id(text);
}

}  // namespace diaryx::workspace
