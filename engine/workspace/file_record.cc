#include "engine/workspace/file_record.h"

#include <algorithm>
#include <cmath>

#include "engine/base/hash.h"
#include "engine/base/utf.h"
#include "engine/workspace/list_diff.h"
#include "engine/workspace/yaml_scalar.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

// The original reads and writes JSON of any depth; ours must survive dump_json(), which recurses.
constexpr int kMaxShownDepth = kMaxJsonDepth - 8;

OrderedJson text_json(const std::string& text) {
  return is_utf8(text) ? text : replace_invalid_utf8(text);
}

// Keys sorted at every level: equal values look equal, in whatever order peers set them.
OrderedJson to_json(const Any& value, int depth = 0) {
  if (depth > kMaxShownDepth) return nullptr;
  if (const auto* flag = value.get<bool>()) return *flag;
  if (const auto* number = value.get<double>()) {
    if (!std::isfinite(*number)) return nullptr;
    const bool whole = std::trunc(*number) == *number && std::abs(*number) < 9.0e15;
    return whole ? OrderedJson(static_cast<std::int64_t>(*number)) : OrderedJson(*number);
  }
  if (const auto* big = value.get<codec::BigInt>()) return big->value;
  if (const auto* text = value.get<std::string>()) return text_json(*text);
  if (const auto* bytes = value.get<Buffer>()) return to_base64(*bytes);
  if (const auto* array = value.get<AnyArray>()) {
    OrderedJson out = OrderedJson::array();
    for (const Any& item : *array) out.push_back(to_json(item, depth + 1));
    return out;
  }
  if (const auto* object = value.get<AnyObject>()) {
    std::vector<const std::pair<std::string, Any>*> members;
    for (const auto& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    // Built in order, because looking up each key in an ordered object is linear.
    OrderedJson::object_t out;
    for (const auto* member : members) {
      static_cast<std::vector<OrderedJson::object_t::value_type>&>(out).emplace_back(
          text_json(member->first), to_json(member->second, depth + 1));
    }
    return out;
  }
  return nullptr;
}

template <class T>
OrderedJson or_null(const std::optional<T>& value) {
  return value ? OrderedJson(text_json(*value)) : OrderedJson(nullptr);
}

OrderedJson attachment_json(const Attachment& attachment) {
  OrderedJson out;
  out["path"] = text_json(attachment.path);
  out["source"] = text_json(attachment.source);
  out["hash"] = text_json(attachment.hash);
  out["mime_type"] = text_json(attachment.mime_type);
  out["size"] = attachment.size;
  out["uploaded_at"] =
      attachment.uploaded_at ? OrderedJson(*attachment.uploaded_at) : OrderedJson(nullptr);
  out["deleted"] = attachment.deleted;
  return out;
}

const Any* find(const AnyObject& object, std::string_view key) {
  const auto same = [&](const auto& member) { return member.first == key; };
  const auto found = std::find_if(object.begin(), object.end(), same);
  return found == object.end() ? nullptr : &found->second;
}

bool same_or_absent(const Any* a, const Any* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return same_in_yaml(*a, *b);
}

template <class T>
void merge_value(T& ours, const T& base, const T& theirs) {
  if (theirs != base) ours = theirs;
}

using Texts = std::optional<std::vector<std::string>>;

void merge_list(Texts& ours, const Texts& base, const Texts& theirs) {
  if (theirs == base) return;
  if (ours == base) {
    ours = theirs;
    return;
  }
  std::vector<std::string> merged = merge_lists(base.value_or(std::vector<std::string>{}),
                                                ours.value_or(std::vector<std::string>{}),
                                                theirs.value_or(std::vector<std::string>{}));
  // A list that one side took away stays only for what the other side put into it.
  const bool gone = merged.empty() && (!ours || !theirs);
  ours = gone ? Texts() : Texts(std::move(merged));
}

using Attachments = std::vector<Attachment>;

std::vector<std::string> paths_of(const Attachments& attachments) {
  std::vector<std::string> paths;
  for (const Attachment& attachment : attachments) paths.push_back(attachment.path);
  return paths;
}

const Attachment* find(const Attachments& attachments, const std::string& path) {
  const auto same = [&](const Attachment& attachment) { return attachment.path == path; };
  const auto found = std::find_if(attachments.begin(), attachments.end(), same);
  return found == attachments.end() ? nullptr : &*found;
}

void merge_attachments(Attachments& ours, const Attachments& base, const Attachments& theirs) {
  if (theirs == base) return;
  if (ours == base) {
    ours = theirs;
    return;
  }
  Attachments merged;
  for (const std::string& path : merge_lists(paths_of(base), paths_of(ours), paths_of(theirs))) {
    const Attachment* own = find(ours, path);
    const Attachment* old = find(base, path);
    const Attachment* other = find(theirs, path);
    const bool changed = other != nullptr && (old == nullptr || *other != *old);
    // A header that only names a file must not wipe what is known of it.
    const bool says_nothing =
        other != nullptr && own != nullptr && other->hash.empty() && old == nullptr;
    if (own == nullptr || (changed && !says_nothing)) own = other;
    if (own != nullptr) merged.push_back(*own);
  }
  ours = std::move(merged);
}

void merge_extra(AnyObject& ours, const AnyObject& base, const AnyObject& theirs) {
  for (const auto& [key, value] : theirs) {
    const std::string& name = key;
    if (same_or_absent(find(base, name), &value)) continue;
    const auto same = [&](const auto& member) { return member.first == name; };
    const auto found = std::find_if(ours.begin(), ours.end(), same);
    if (found == ours.end()) {
      ours.emplace_back(name, value);
    } else {
      found->second = value;
    }
  }
  const auto removed = [&](const auto& member) {
    return find(base, member.first) != nullptr && find(theirs, member.first) == nullptr;
  };
  ours.erase(std::remove_if(ours.begin(), ours.end(), removed), ours.end());
}

}  // namespace

OrderedJson to_file_metadata(
    const FileRecord& record,
    const std::function<std::optional<std::string>(const std::string&)>& path_of) {
  const auto link = [&](const std::string& value) {
    return text_json(path_of(value).value_or(value));
  };
  const std::size_t slash = record.path.rfind('/');
  OrderedJson out;
  out["filename"] = text_json(record.path.substr(slash == std::string::npos ? 0 : slash + 1));
  out["title"] = or_null(record.title);
  out["part_of"] = record.part_of ? link(*record.part_of) : OrderedJson(nullptr);
  out["contents"] = nullptr;
  if (record.contents) {
    out["contents"] = OrderedJson::array();
    for (const std::string& item : *record.contents) out["contents"].push_back(link(item));
  }
  out["attachments"] = OrderedJson::array();
  for (const Attachment& attachment : record.attachments)
    out["attachments"].push_back(attachment_json(attachment));
  out["deleted"] = record.deleted;
  out["audience"] = nullptr;
  if (record.audience) {
    out["audience"] = OrderedJson::array();
    for (const std::string& item : *record.audience) out["audience"].push_back(text_json(item));
  }
  out["description"] = or_null(record.description);
  out["extra"] = to_json(Any(record.extra));
  out["modified_at"] = record.modified_at;
  return out;
}

void merge_fields(FileRecord& record, const FileRecord& base, const FileRecord& theirs) {
  merge_value(record.title, base.title, theirs.title);
  merge_value(record.description, base.description, theirs.description);
  merge_value(record.part_of, base.part_of, theirs.part_of);
  merge_list(record.contents, base.contents, theirs.contents);
  merge_list(record.audience, base.audience, theirs.audience);
  merge_attachments(record.attachments, base.attachments, theirs.attachments);
  merge_extra(record.extra, base.extra, theirs.extra);
  merge_value(record.modified_at, base.modified_at, theirs.modified_at);
  record.header = theirs.header;
}

}  // namespace diaryx::workspace
