#include "engine/workspace/record_map.h"

#include <algorithm>
#include <cmath>

#include "engine/base/json.h"
#include "engine/base/utf.h"
#include "engine/workspace/list_diff.h"
#include "engine/workspace/yaml_scalar.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;
using crdt::Array;
using crdt::Map;
using crdt::TypeKind;
using crdt::TypeRef;
using crdt::Value;
using Texts = std::vector<std::string>;

constexpr double kMaxMs = 9.0e15;

std::string clean(const std::string& text) {
  return is_utf8(text) ? text : replace_invalid_utf8(text);
}

std::optional<TypeRef> type_of(const Value& value, TypeKind kind) {
  const auto* type = std::get_if<TypeRef>(&value);
  if (type == nullptr || type->doc->kind_of(*type) != kind) return std::nullopt;
  return *type;
}

std::optional<TypeRef> type_at(const Map& map, std::string_view key, TypeKind kind) {
  const auto value = map.get(key);
  return value ? type_of(*value, kind) : std::nullopt;
}

// --- Reading ---

// Shared types within shared types, as deep as any value of ours can be; what lies deeper is left
// out. A peer may nest them without end.
constexpr int kMaxNesting = 64;

Any plain(const Value& value, int depth = 0) {
  const auto* type = std::get_if<TypeRef>(&value);
  if (type == nullptr) return std::get<Any>(value);
  if (depth == kMaxNesting) return Any(codec::Null{});
  if (type_of(value, TypeKind::Map)) {
    AnyObject members;
    Map(*type).for_each([&](std::string_view key, const Value& member) {
      members.emplace_back(key, plain(member, depth + 1));
    });
    return Any(std::move(members));
  }
  if (type_of(value, TypeKind::Array)) {
    AnyArray items;
    Array(*type).for_each([&](const Value& item) { items.push_back(plain(item, depth + 1)); });
    return Any(std::move(items));
  }
  if (type_of(value, TypeKind::Text)) return Any(crdt::Text(*type).to_string());
  return Any(codec::Null{});  // XML has no meaning here.
}

std::optional<std::string> text_in(const Any* value) {
  const auto* text = value == nullptr ? nullptr : value->get<std::string>();
  if (text == nullptr) return std::nullopt;
  return clean(*text);
}

bool is_true(const Any* value) {
  const auto* flag = value == nullptr ? nullptr : value->get<bool>();
  return flag != nullptr && *flag;
}

std::optional<std::int64_t> whole_in(const Any* value) {
  if (value == nullptr) return std::nullopt;
  if (const auto* big = value->get<codec::BigInt>()) return big->value;
  const auto* number = value->get<double>();
  if (number == nullptr || !std::isfinite(*number) || std::abs(*number) > kMaxMs)
    return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<Texts> texts_in(const Any* value) {
  const auto* array = value == nullptr ? nullptr : value->get<AnyArray>();
  if (array == nullptr) return std::nullopt;
  Texts texts;
  for (const Any& item : *array) {
    if (auto text = text_in(&item)) texts.push_back(std::move(*text));
  }
  return texts;
}

std::optional<Attachment> attachment_in(const Any& value) {
  Attachment attachment;
  if (auto text = text_in(&value); text && !text->empty()) {
    attachment.path = std::move(*text);
    return attachment;
  }
  auto path = text_in(value.find("path"));
  if (!path || path->empty()) return std::nullopt;
  attachment.path = std::move(*path);
  attachment.source = text_in(value.find("source")).value_or(attachment.source);
  attachment.hash = text_in(value.find("hash")).value_or("");
  attachment.mime_type = text_in(value.find("mime_type")).value_or("");
  attachment.size = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, whole_in(value.find("size")).value_or(0)));
  attachment.uploaded_at = whole_in(value.find("uploaded_at"));
  attachment.deleted = is_true(value.find("deleted"));
  return attachment;
}

std::optional<std::string> header_in(const Any* value) {
  auto text = text_in(value);
  if (!text || text->empty()) return std::nullopt;
  // Only what split_markdown() would find again in front of a body; a lone LF behind it keeps CRLF
  // in it as it is.
  const auto split = split_markdown(*text + "\n");
  if (!split || split->bom || !split->header) return std::nullopt;
  const bool ends = text->back() == '\n';
  if (*split->header != (ends ? *text : *text + "\n")) return std::nullopt;
  return text;
}

FileRecord record_in(const Any& members) {
  FileRecord record;
  record.path = text_in(members.find("path")).value_or("");
  record.title = text_in(members.find("title"));
  record.description = text_in(members.find("description"));
  record.part_of = text_in(members.find("part_of"));
  record.contents = texts_in(members.find("contents"));
  record.audience = texts_in(members.find("audience"));
  const Any* attachments = members.find("attachments");
  if (const auto* array = attachments == nullptr ? nullptr : attachments->get<AnyArray>()) {
    for (const Any& item : *array) {
      if (auto attachment = attachment_in(item))
        record.attachments.push_back(std::move(*attachment));
    }
  }
  const Any* extra = members.find("extra");
  if (const auto* object = extra == nullptr ? nullptr : extra->get<AnyObject>()) {
    for (const auto& [key, value] : *object) {
      if (!value.is_undefined()) record.extra.emplace_back(clean(key), value);
    }
  }
  record.deleted = is_true(members.find("deleted"));
  record.modified_at = whole_in(members.find("modified_at")).value_or(0);
  return record;
}

// --- The original's JSON ---

Any any_of(const OrderedJson& json) {
  if (json.is_boolean()) return Any(json.get<bool>());
  if (json.is_number()) return Any(json.get<double>());
  if (json.is_string()) return Any(json.get_ref<const std::string&>());
  if (json.is_array()) {
    AnyArray out;
    for (const auto& item : json) out.push_back(any_of(item));
    return Any(std::move(out));
  }
  if (json.is_object()) {
    AnyObject out;
    for (const auto& [key, value] : json.items()) out.emplace_back(key, any_of(value));
    return Any(std::move(out));
  }
  return Any(codec::Null{});
}

// As the original normalises keys: "/" for "\", no "./" or "/" in front.
std::string path_of_key(std::string_view key) {
  std::string path(key);
  std::replace(path.begin(), path.end(), '\\', '/');
  std::size_t at = 0;
  while (path.compare(at, 2, "./") == 0) at += 2;
  while (at < path.size() && path[at] == '/') ++at;
  return path.substr(at);
}

// Numbers and flags become their text, as the original reads titles.
void soften(AnyObject& members, std::string_view key) {
  for (auto& [name, value] : members) {
    if (name != key) continue;
    if (const auto* number = value.get<double>()) value = Any(write_number(*number));
    if (const auto* flag = value.get<bool>()) value = Any(*flag ? "true" : "false");
  }
}

std::optional<FileRecord> read_json(std::string_view id, const std::string& text) {
  const auto json = parse_ordered_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  Any value = any_of(*json);
  auto* members = value.get<AnyObject>();
  soften(*members, "title");
  soften(*members, "description");
  FileRecord record = record_in(value);
  const bool path_key = id.find('/') != std::string_view::npos ||
                        (id.size() > 3 && id.substr(id.size() - 3) == ".md");
  record.path = path_key ? path_of_key(id) : text_in(value.find("filename")).value_or("");
  return record;
}

// --- Writing ---

class RecordWriter {
 public:
  RecordWriter(Map map, const FileRecord& stored, const FileRecord& wanted)
      : map_(map), stored_(stored), wanted_(wanted) {}

  void run() {
    const FileRecord fresh;
    if (!map_.has("path") || wanted_.path != stored_.path) map_.set("path", Any(wanted_.path));
    text("title", stored_.title, wanted_.title);
    text("description", stored_.description, wanted_.description);
    text("part_of", stored_.part_of, wanted_.part_of);
    texts("contents", stored_.contents, wanted_.contents);
    texts("audience", stored_.audience, wanted_.audience);
    if (stored_.attachments != wanted_.attachments) attachments();
    extra();
    if (stored_.deleted != wanted_.deleted) map_.set("deleted", Any(wanted_.deleted));
    if (stored_.modified_at != wanted_.modified_at)
      map_.set("modified_at", Any(wanted_.modified_at));
    if (stored_.eol != wanted_.eol) set_or_erase("eol", wanted_.eol == Eol::Crlf, Any("crlf"));
    if (stored_.bom != wanted_.bom) set_or_erase("bom", wanted_.bom, Any(true));
    text("header", stored_.header, wanted_.header);
  }

 private:
  void set_or_erase(std::string_view key, bool present, Any value) {
    if (present) {
      map_.set(key, std::move(value));
    } else {
      map_.erase(key);
    }
  }

  void text(std::string_view key, const std::optional<std::string>& stored,
            const std::optional<std::string>& wanted) {
    if (stored != wanted) set_or_erase(key, wanted.has_value(), Any(wanted.value_or("")));
  }

  Array array(std::string_view key) {
    const auto existing = type_at(map_, key, TypeKind::Array);
    return Array(existing ? *existing : map_.set_type(key, TypeKind::Array));
  }

  void texts(std::string_view key, const std::optional<Texts>& stored,
             const std::optional<Texts>& wanted) {
    if (stored == wanted) return;
    if (!wanted) {
      map_.erase(key);
      return;
    }
    Array list = array(key);
    // What cannot be read keeps its place: only what we read is compared.
    Texts present;
    std::vector<std::uint64_t> places;
    std::uint64_t index = 0;
    list.for_each([&](const Value& value) {
      if (auto text = text_in(std::get_if<Any>(&value))) {
        present.push_back(std::move(*text));
        places.push_back(index);
      }
      ++index;
    });
    places.push_back(index);
    const std::vector<Hunk> hunks = diff_lists(present, *wanted);
    for (auto hunk = hunks.rbegin(); hunk != hunks.rend(); ++hunk) {
      for (std::size_t i = hunk->a_end; i-- > hunk->a_begin;) list.erase(places[i], 1);
      std::vector<Any> values;
      for (std::size_t j = hunk->b_begin; j < hunk->b_end; ++j) values.emplace_back((*wanted)[j]);
      if (!values.empty()) list.insert(places[hunk->a_begin], std::move(values));
    }
  }

  void attachments() {
    if (wanted_.attachments.empty()) {
      map_.erase("attachments");
      return;
    }
    Array list = array("attachments");
    Texts present;
    std::vector<std::uint64_t> places;
    std::vector<std::optional<TypeRef>> maps;
    std::vector<Attachment> read;
    std::uint64_t index = 0;
    list.for_each([&](const Value& value) {
      if (auto attachment = attachment_in(plain(value))) {
        present.push_back(attachment->path);
        places.push_back(index);
        maps.push_back(type_of(value, TypeKind::Map));
        read.push_back(std::move(*attachment));
      }
      ++index;
    });
    places.push_back(index);
    Texts paths;
    for (const Attachment& attachment : wanted_.attachments) paths.push_back(attachment.path);
    const std::vector<Hunk> hunks = diff_lists(present, paths);
    // From the end, so that places stay true; what lies between two hunks is the same file on both
    // sides.
    std::size_t a = present.size();
    std::size_t b = paths.size();
    const auto update_down_to = [&](std::size_t a_stop) {
      while (a > a_stop) {
        --a;
        --b;
        const Attachment& wanted = wanted_.attachments[b];
        if (read[a] == wanted) continue;
        if (maps[a]) {
          write_attachment(Map(*maps[a]), read[a], wanted);
        } else {
          list.erase(places[a], 1);
          write_attachment(Map(list.insert_type(places[a], TypeKind::Map)), std::nullopt, wanted);
        }
      }
    };
    for (auto hunk = hunks.rbegin(); hunk != hunks.rend(); ++hunk) {
      update_down_to(hunk->a_end);
      for (; a > hunk->a_begin; --a) list.erase(places[a - 1], 1);
      for (; b > hunk->b_begin; --b) {
        const TypeRef made = list.insert_type(places[hunk->a_begin], TypeKind::Map);
        write_attachment(Map(made), std::nullopt, wanted_.attachments[b - 1]);
      }
    }
    update_down_to(0);
  }

  static void write_attachment(Map map, const std::optional<Attachment>& stored,
                               const Attachment& wanted) {
    const auto put = [&](std::string_view key, bool differs, Any value) {
      if (!stored || differs) map.set(key, std::move(value));
    };
    put("path", stored && stored->path != wanted.path, Any(wanted.path));
    put("source", stored && stored->source != wanted.source, Any(wanted.source));
    put("hash", stored && stored->hash != wanted.hash, Any(wanted.hash));
    put("mime_type", stored && stored->mime_type != wanted.mime_type, Any(wanted.mime_type));
    put("size", stored && stored->size != wanted.size, Any(static_cast<double>(wanted.size)));
    if (wanted.uploaded_at) {
      put("uploaded_at", stored && stored->uploaded_at != wanted.uploaded_at,
          Any(*wanted.uploaded_at));
    } else if (stored && stored->uploaded_at) {
      map.erase("uploaded_at");
    }
    put("deleted", stored && stored->deleted != wanted.deleted, Any(wanted.deleted));
  }

  void extra() {
    const Any stored{AnyObject(stored_.extra)};
    const Any wanted{AnyObject(wanted_.extra)};
    if (same_in_yaml(stored, wanted)) return;
    const auto existing = type_at(map_, "extra", TypeKind::Map);
    Map members(existing ? *existing : map_.set_type("extra", TypeKind::Map));
    for (const auto& [key, value] : stored_.extra) {
      if (existing && wanted.find(key) == nullptr) members.erase(key);
    }
    for (const auto& [key, value] : wanted_.extra) {
      const Any* old = existing ? stored.find(key) : nullptr;
      if (old == nullptr || !same_in_yaml(*old, value)) members.set(key, value);
    }
  }

  Map map_;
  const FileRecord& stored_;
  const FileRecord& wanted_;
};

}  // namespace

std::optional<FileRecord> read_record(std::string_view id, const Value& value) {
  if (const auto* any = std::get_if<Any>(&value)) {
    const auto* text = any->get<std::string>();
    return text == nullptr ? std::nullopt : read_json(id, *text);
  }
  if (!type_of(value, TypeKind::Map)) return std::nullopt;
  const Any members = plain(value);
  FileRecord record = record_in(members);
  if (text_in(members.find("eol")) == "crlf") record.eol = Eol::Crlf;
  record.bom = is_true(members.find("bom"));
  record.header = header_in(members.find("header"));
  return record;
}

void write_record(Map files, std::string_view id, const FileRecord& record) {
  const auto value = files.get(id);
  const auto existing = value ? type_of(*value, TypeKind::Map) : std::nullopt;
  const FileRecord stored =
      existing ? read_record(id, *value).value_or(FileRecord()) : FileRecord();
  RecordWriter(Map(existing ? *existing : files.set_type(id, TypeKind::Map)), stored, record).run();
}

}  // namespace diaryx::workspace
