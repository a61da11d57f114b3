#include "engine/workspace/record_map.h"

#include <algorithm>
#include <cmath>

#include "engine/base/json.h"
#include "engine/codec/json_text.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

std::optional<std::string> text_in(const crdt::ValueView& value) {
  if (const auto text = value.text()) return std::string(*text);
  const Any any = value.any();  // A shared text may be one, too.
  if (const auto* text = any.get<std::string>()) return *text;
  return std::nullopt;
}

std::optional<std::string> text_in(const Any& any) {
  if (const auto* text = any.get<std::string>()) return *text;
  return std::nullopt;
}

// A number or a flag becomes its text, as the original reads titles.
std::optional<std::string> title_in(const Any& any) {
  if (const double* number = any.get<double>()) return codec::js_number_to_string(*number);
  if (const bool* flag = any.get<bool>()) return *flag ? "true" : "false";
  return text_in(any);
}

// Only what split_markdown() finds again in front of a body: else what is written to disk would say
// something else when it is read.
std::optional<std::string> header_in(const crdt::ValueView& value) {
  auto text = text_in(value);
  return text && is_header(*text) ? std::move(text) : std::nullopt;
}

bool flag_in(const Any& any) {
  const bool* flag = any.get<bool>();
  return flag != nullptr && *flag;
}

std::int64_t ms_in(const Any& any) {
  if (const auto* big = any.get<codec::BigInt>()) return big->value;
  const double* number = any.get<double>();
  if (number == nullptr || !(std::abs(*number) < 9e15)) return 0;
  return static_cast<std::int64_t>(*number);
}

std::optional<std::vector<std::string>> texts_in(const Any& any) {
  const auto* array = any.get<AnyArray>();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const Any& item : *array) {
    if (auto text = text_in(item)) texts.push_back(std::move(*text));
  }
  return texts;
}

std::optional<std::vector<std::string>> texts_in(const crdt::ValueView& value) {
  const auto type = value.type();
  if (!type || type->doc->kind_of(*type) != crdt::TypeKind::Array) return texts_in(value.any());
  std::vector<std::string> texts;
  crdt::Array(*type).visit([&](const crdt::ValueView& item) {
    if (auto text = text_in(item)) texts.push_back(std::move(*text));
  });
  return texts;
}

std::vector<Attachment> attachments_in(const Any& any) {
  std::vector<Attachment> attachments;
  const auto* array = any.get<AnyArray>();
  if (array == nullptr) return attachments;
  for (const Any& item : *array) {
    const auto field = [&](std::string_view key) {
      const Any* found = item.find(key);
      return found == nullptr ? Any() : *found;
    };
    const auto path = item.get<std::string>() != nullptr ? text_in(item) : text_in(field("path"));
    if (!path) continue;
    Attachment attachment;
    attachment.path = *path;
    attachment.source = text_in(field("source")).value_or("local");
    attachment.hash = text_in(field("hash")).value_or("");
    attachment.mime_type = text_in(field("mime_type")).value_or("");
    attachment.size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms_in(field("size"))));
    if (const Any at = field("uploaded_at"); at.get<double>() != nullptr)
      attachment.uploaded_at = ms_in(at);
    attachment.deleted = flag_in(field("deleted"));
    attachments.push_back(std::move(attachment));
  }
  return attachments;
}

Any to_any(const Attachment& attachment) {
  AnyObject object{{"path", attachment.path},
                   {"source", attachment.source},
                   {"hash", attachment.hash},
                   {"mime_type", attachment.mime_type},
                   {"size", static_cast<std::int64_t>(attachment.size)}};
  object.emplace_back("uploaded_at",
                      attachment.uploaded_at ? Any(*attachment.uploaded_at) : Any(codec::Null{}));
  object.emplace_back("deleted", attachment.deleted);
  return object;
}

AnyArray to_anys(const std::vector<std::string>& texts) {
  return AnyArray(texts.begin(), texts.end());
}
AnyArray to_anys(const std::vector<Attachment>& attachments) {
  AnyArray anys;
  for (const Attachment& attachment : attachments) anys.push_back(to_any(attachment));
  return anys;
}

Any json_to_any(const OrderedJson& json, int depth = 0) {
  if (depth > kMaxJsonDepth) return codec::Null{};
  switch (json.type()) {
    case OrderedJson::value_t::boolean:
      return json.get<bool>();
    case OrderedJson::value_t::number_integer:
    case OrderedJson::value_t::number_unsigned:
    case OrderedJson::value_t::number_float:
      return json.get<double>();
    case OrderedJson::value_t::string:
      return json.get<std::string>();
    case OrderedJson::value_t::array: {
      AnyArray array;
      for (const OrderedJson& item : json) array.push_back(json_to_any(item, depth + 1));
      return array;
    }
    case OrderedJson::value_t::object: {
      AnyObject object;
      for (const auto& [key, item] : json.items())
        object.emplace_back(key, json_to_any(item, depth + 1));
      return object;
    }
    default:
      return codec::Null{};
  }
}

void write_text(crdt::Map& map, std::string_view key, const std::optional<std::string>& text) {
  if (text) {
    map.set(key, *text);
  } else {
    map.erase(key);
  }
}

// Makes the shared array under `key` hold `items`, touching only its differing middle.
void write_list(crdt::Map& map, std::string_view key, const std::optional<AnyArray>& items) {
  if (!items) return map.erase(key);
  const auto found = map.get(key);
  const auto* type = found ? std::get_if<crdt::TypeRef>(&*found) : nullptr;
  if (type == nullptr || type->doc->kind_of(*type) != crdt::TypeKind::Array) {
    crdt::Array made(map.set_type(key, crdt::TypeKind::Array));
    if (!items->empty()) made.push(*items);
    return;
  }
  crdt::Array array(*type);
  AnyArray before;
  array.for_each([&](const crdt::Value& value) {
    const auto* any = std::get_if<Any>(&value);
    before.push_back(any != nullptr ? *any : crdt::to_any(std::get<crdt::TypeRef>(value)));
  });
  std::size_t head = 0;
  while (head < before.size() && head < items->size() && before[head] == (*items)[head]) ++head;
  std::size_t tail = 0;
  while (tail < before.size() - head && tail < items->size() - head &&
         before[before.size() - 1 - tail] == (*items)[items->size() - 1 - tail]) {
    ++tail;
  }
  if (before.size() > head + tail) array.erase(head, before.size() - head - tail);
  if (items->size() > head + tail) {
    array.insert(head, AnyArray(items->begin() + static_cast<std::ptrdiff_t>(head),
                                items->end() - static_cast<std::ptrdiff_t>(tail)));
  }
}

void write_extra(crdt::Map& map, const AnyObject* stored, const AnyObject& extra) {
  const auto found = map.get("extra");
  const auto* type = found ? std::get_if<crdt::TypeRef>(&*found) : nullptr;
  const bool usable = type != nullptr && type->doc->kind_of(*type) == crdt::TypeKind::Map;
  if (!usable && extra.empty()) return;
  crdt::Map target(usable ? *type : map.set_type("extra", crdt::TypeKind::Map));
  const auto same_as_stored = [&](const std::string& key, const Any& value) {
    if (!usable || stored == nullptr) return false;
    const auto it = std::find_if(stored->begin(), stored->end(),
                                 [&](const auto& entry) { return entry.first == key; });
    return it != stored->end() && it->second == value;
  };
  for (const auto& [key, value] : extra) {
    if (!same_as_stored(key, value)) target.set(key, value);
  }
  if (!usable || stored == nullptr) return;
  for (const auto& [key, value] : *stored) {
    const bool kept = std::any_of(extra.begin(), extra.end(), [&, &name = key](const auto& entry) {
      return entry.first == name;
    });
    if (!kept) target.erase(key);
  }
}

}  // namespace

FileRecord read_record(const crdt::Map& map) {
  FileRecord record;
  // In the order of the map: to look each key up would cost several times as much.
  map.visit([&record](std::string_view key, const crdt::ValueView& value) {
    if (key == "path") {
      record.path = text_in(value).value_or("");
    } else if (key == "title") {
      record.title = text_in(value);
    } else if (key == "description") {
      record.description = text_in(value);
    } else if (key == "part_of") {
      record.part_of = text_in(value);
    } else if (key == "contents") {
      record.contents = texts_in(value);
    } else if (key == "audience") {
      record.audience = texts_in(value);
    } else if (key == "attachments") {
      record.attachments = attachments_in(value.any());
    } else if (key == "extra") {
      Any extra = value.any();
      if (extra.get<AnyObject>() == nullptr) return;
      record.extra = std::move(*extra.get<AnyObject>());
      std::sort(record.extra.begin(), record.extra.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    } else if (key == "deleted") {
      record.deleted = flag_in(value.any());
    } else if (key == "modified_at") {
      record.modified_at = ms_in(value.any());
    } else if (key == "eol") {
      record.eol = text_in(value) == "crlf" ? Eol::Crlf : Eol::Lf;
    } else if (key == "bom") {
      record.bom = flag_in(value.any());
    } else if (key == "header") {
      record.header = header_in(value);
    }
  });
  return record;
}

RecordOutline read_outline(const crdt::Map& map) {
  RecordOutline outline;
  map.visit([&outline](std::string_view key, const crdt::ValueView& value) {
    if (key == "path") {
      outline.path = text_in(value).value_or("");
    } else if (key == "part_of") {
      outline.has_parent = value.text() || text_in(value);
    } else if (key == "contents") {
      outline.is_index = texts_in(value).has_value();
    } else if (key == "attachments") {
      outline.has_attachments = !attachments_in(value.any()).empty();
    } else if (key == "deleted") {
      outline.deleted = flag_in(value.any());
    }
  });
  return outline;
}

RecordOutline outline_of(const FileRecord& record) {
  return {.path = record.path,
          .deleted = record.deleted,
          .is_index = record.contents.has_value(),
          .has_parent = record.part_of.has_value(),
          .has_attachments = !record.attachments.empty()};
}

std::optional<FileRecord> read_json_record(std::string_view id, std::string_view json) {
  const auto parsed = parse_ordered_json(json);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const Any any = json_to_any(*parsed);
  const auto field = [&](std::string_view key) {
    const Any* found = any.find(key);
    return found == nullptr ? Any() : *found;
  };
  FileRecord record;
  const bool is_path = id.find('/') != std::string_view::npos || id.ends_with(".md");
  record.path = is_path ? std::string(id) : text_in(field("filename")).value_or(std::string(id));
  record.title = title_in(field("title"));
  record.description = title_in(field("description"));
  record.part_of = text_in(field("part_of"));
  record.contents = texts_in(field("contents"));
  record.audience = texts_in(field("audience"));
  record.attachments = attachments_in(field("attachments"));
  if (const Any extra = field("extra"); extra.get<AnyObject>() != nullptr)
    record.extra = *extra.get<AnyObject>();
  record.deleted = flag_in(field("deleted"));
  record.modified_at = ms_in(field("modified_at"));
  // What a later program wrote beside the ten.
  static constexpr std::string_view kTen[] = {
      "filename", "title",    "part_of",     "contents", "attachments",
      "deleted",  "audience", "description", "extra",    "modified_at"};
  for (const auto& [key, value] : *any.get<AnyObject>()) {
    if (std::find(std::begin(kTen), std::end(kTen), key) != std::end(kTen)) continue;
    const bool has = std::any_of(record.extra.begin(), record.extra.end(),
                                 [&name = key](const auto& entry) { return entry.first == name; });
    if (!has) record.extra.emplace_back(key, value);
  }
  return record;
}

void write_record(crdt::Map map, const FileRecord* stored, const FileRecord& record) {
  const bool fresh = stored == nullptr;
  const auto text = [&](std::string_view key, const std::optional<std::string>& was,
                        const std::optional<std::string>& is) {
    if (fresh ? is.has_value() : was != is) write_text(map, key, is);
  };
  const FileRecord none;
  const FileRecord& before = fresh ? none : *stored;
  if (fresh || before.path != record.path) map.set("path", record.path);
  text("title", before.title, record.title);
  text("description", before.description, record.description);
  text("part_of", before.part_of, record.part_of);
  if (before.contents != record.contents) {
    write_list(map, "contents",
               record.contents ? std::optional(to_anys(*record.contents)) : std::nullopt);
  }
  if (before.audience != record.audience) {
    write_list(map, "audience",
               record.audience ? std::optional(to_anys(*record.audience)) : std::nullopt);
  }
  if (before.attachments != record.attachments)
    write_list(map, "attachments", to_anys(record.attachments));
  write_extra(map, fresh ? nullptr : &before.extra, record.extra);
  if (before.deleted != record.deleted) {
    if (record.deleted) {
      map.set("deleted", true);
    } else {
      map.erase("deleted");
    }
  }
  if (before.modified_at != record.modified_at) map.set("modified_at", record.modified_at);
  text("eol", before.eol == Eol::Crlf ? std::optional<std::string>("crlf") : std::nullopt,
       record.eol == Eol::Crlf ? std::optional<std::string>("crlf") : std::nullopt);
  if (before.bom != record.bom) {
    if (record.bom) {
      map.set("bom", true);
    } else {
      map.erase("bom");
    }
  }
  text("header", before.header, record.header);
}

}  // namespace diaryx::workspace
