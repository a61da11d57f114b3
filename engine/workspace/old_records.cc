#include "engine/workspace/old_records.h"

#include <algorithm>

#include "engine/base/path.h"
#include "engine/base/utf.h"
#include "engine/workspace/link.h"
#include "engine/workspace/record_map.h"

namespace diaryx::workspace {
namespace {

using codec::Any;

constexpr std::size_t kMostParents = 256;

std::string_view name_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// The folder that a child of the note at `path` is in.
std::string folder_below(const std::string& path) {
  if (!path.ends_with(".md")) return path;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

class Places {
 public:
  Places(const OldRecords& records, const std::set<std::string>& on_disk)
      : records_(records), on_disk_(on_disk) {
    for (const std::string& path : on_disk) by_name_[std::string(name_of(path))].push_back(path);
    for (const auto& [key, record] : records.by_key) {
      if (!is_path_key(key)) ++wanting_[record.path];
    }
  }

  std::string of(const std::string& key) const {
    const FileRecord& record = records_.by_key.at(key);
    if (is_path_key(key)) return key;
    const std::string derived = derive(key);
    if (on_disk_.contains(derived)) return derived;
    const auto named = by_name_.find(record.path);
    const bool only_one =
        named != by_name_.end() && named->second.size() == 1 && wanting_.at(record.path) == 1;
    return only_one ? named->second.front() : derived;
  }

 private:
  // Round in a circle, or too deep: as if there was no parent.
  std::string derive(const std::string& key) const {
    std::vector<const std::string*> chain;  // File names, from the leaf up.
    std::set<std::string_view> seen;
    std::string folder;
    std::string_view at = key;
    for (;;) {
      const auto it = records_.by_key.find(at);
      if (it == records_.by_key.end()) break;
      if (!seen.insert(it->first).second || chain.size() > kMostParents)
        return records_.by_key.at(key).path;
      if (is_path_key(it->first)) {
        folder = folder_below(it->first);
        break;
      }
      chain.push_back(&it->second.path);
      if (!it->second.part_of) break;
      at = *it->second.part_of;
    }
    for (auto name = chain.rbegin(); name != chain.rend(); ++name) {
      const std::string path = folder.empty() ? **name : folder + "/" + **name;
      if (std::next(name) == chain.rend()) return path;
      folder = folder_below(path);
    }
    return records_.by_key.at(key).path;
  }

  const OldRecords& records_;
  const std::set<std::string>& on_disk_;
  std::map<std::string, std::vector<std::string>, std::less<>> by_name_;
  std::map<std::string, int, std::less<>> wanting_;  // How many records by id want that file name.
};

}  // namespace

bool is_path_key(std::string_view key) noexcept {
  return key.find('/') != std::string_view::npos || key.ends_with(".md");
}

std::optional<std::string> why_no_note(const std::string& path) {
  const auto parsed = WorkspacePath::parse(path);
  if (!parsed) return parsed.error().message;
  if (!parsed->is_markdown()) return "no Markdown file";
  if (parsed->is_hidden()) return "a hidden file";
  return std::nullopt;
}

std::string old_key(std::string_view raw) {
  std::string key(raw);
  std::replace(key.begin(), key.end(), '\\', '/');
  std::string_view rest = key;
  while (rest.starts_with("./")) rest.remove_prefix(2);
  while (rest.starts_with('/')) rest.remove_prefix(1);
  return std::string(rest);
}

OldRecords read_old_records(const crdt::Map& files, const std::set<std::string>& on_disk) {
  OldRecords found;
  files.for_each([&](std::string_view raw, const crdt::Value& value) {
    const auto leave_out = [&](std::string why) {
      found.left_out.emplace_back(std::string(raw), std::move(why));
    };
    std::string key = old_key(raw);
    if (!is_utf8(key) || key.empty()) return leave_out("its key is no text");
    const Any* any = std::get_if<Any>(&value);
    const auto* text = any == nullptr ? nullptr : any->get<std::string>();
    if (text == nullptr) return leave_out("its record is no text, as Diaryx 1.4 writes it");
    auto record = read_json_record(key, *text);
    if (!record) return leave_out("its record is not what Diaryx 1.4 writes: no JSON object");
    const auto [it, fresh] = found.by_key.try_emplace(std::move(key), *record);
    if (fresh) return;
    FileRecord& other = it->second;
    const bool newer =
        record->modified_at > other.modified_at ||
        (record->modified_at == other.modified_at && other.deleted && !record->deleted);
    if (newer) other = std::move(*record);
  });
  const Places places(found, on_disk);
  std::map<std::string, std::string> paths;
  for (const auto& [key, record] : found.by_key) paths.emplace(key, places.of(key));
  for (auto& [key, path] : paths) {
    if (const auto why = why_no_note(path)) {
      const bool counts = !found.by_key.at(key).deleted;
      if (counts) found.left_out.emplace_back(key, path + ": " + *why);
      found.by_key.erase(key);
      continue;
    }
    found.by_key.at(key).path = std::move(path);
  }
  return found;
}

void link_old_record(FileRecord& record,
                     const std::map<std::string, std::string, std::less<>>& id_of_key,
                     const std::map<std::string, std::string, std::less<>>& key_at_path) {
  const auto link = [&](std::string& text) {
    if (const auto it = id_of_key.find(old_key(text)); it != id_of_key.end()) {
      text = it->second;
      return;
    }
    const Link parsed = parse_link(text);
    for (const LinkFormat hint : {LinkFormat::PlainCanonical, LinkFormat::PlainRelative}) {
      const auto target = canonical_target(parsed, record.path, hint);
      if (!target) continue;
      const auto key = key_at_path.find(*target);
      if (key == key_at_path.end()) continue;
      text = id_of_key.at(key->second);
      return;
    }
    // A path from the root would be read as one from the note's own folder.
    if (parsed.title || parsed.base != LinkBase::Ambiguous || !is_path_key(text)) return;
    const auto target = canonical_target(parsed, record.path, LinkFormat::PlainCanonical);
    if (target)
      text = format_link(LinkFormat::MarkdownRoot, record.path, *target, path_to_title(*target));
  };
  if (record.part_of) link(*record.part_of);
  if (record.contents) {
    for (std::string& child : *record.contents) link(child);
  }
}

}  // namespace diaryx::workspace
