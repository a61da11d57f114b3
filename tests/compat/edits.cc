#include "tests/compat/edits.h"

#include <algorithm>

#include <fmt/format.h>

#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

bool is_form(const OrderedJson& value, std::string_view tag) {
  return value.is_object() && value.contains("$") && value.at("$") == std::string(tag);
}

bool makes_type(const OrderedJson& value) {
  return is_form(value, "ytext") || is_form(value, "yarray") || is_form(value, "ymap");
}

Error unsupported(std::string_view what) {
  return {ErrorCode::Unsupported, std::string(what)};
}

// Unsupported if the engine cannot store such a value.
Status check_value(const OrderedJson& value) {
  if (is_form(value, "ytext")) {
    if (value.contains("delta") || value.contains("attrs")) return unsupported("text formats");
    return {};
  }
  if (is_form(value, "yarray") && value.contains("items")) {
    for (const OrderedJson& item : value.at("items")) DX_TRY_OK(check_value(item));
    return {};
  }
  if (is_form(value, "ymap") && value.contains("entries")) {
    for (const OrderedJson& entry : value.at("entries")) DX_TRY_OK(check_value(entry.at(1)));
    return {};
  }
  if (makes_type(value)) return {};
  DX_TRY(const codec::Any plain, to_any(value));
  (void)plain;  // Only whether it can be had.
  return {};
}

Status insert_values(crdt::Array array, std::uint64_t index, const OrderedJson& values);
Status set_value(crdt::Map map, const std::string& key, const OrderedJson& value);

// Fills a new type with the content that `value` gives it.
Status fill(crdt::TypeRef type, const OrderedJson& value) {
  if (is_form(value, "ytext")) {
    if (!value.contains("insert")) return {};
    DX_TRY(const std::string text, to_text(value.at("insert")));
    crdt::Text(type).insert(0, text);
    return {};
  }
  if (is_form(value, "yarray")) {
    return value.contains("items") ? insert_values(crdt::Array(type), 0, value.at("items"))
                                   : Status();
  }
  if (value.contains("entries")) {
    for (const OrderedJson& entry : value.at("entries")) {
      DX_TRY(const std::string key, to_text(entry.at(0)));
      DX_TRY_OK(set_value(crdt::Map(type), key, entry.at(1)));
    }
  }
  return {};
}

crdt::TypeKind kind_of_form(const OrderedJson& value) {
  if (is_form(value, "ytext")) return crdt::TypeKind::Text;
  return is_form(value, "yarray") ? crdt::TypeKind::Array : crdt::TypeKind::Map;
}

// One insert of all values: neighbouring plain ones are one insert of the engine.
Status insert_values(crdt::Array array, std::uint64_t index, const OrderedJson& values) {
  std::vector<codec::Any> plain;
  const auto flush = [&] {
    if (plain.empty()) return;
    const std::uint64_t count = plain.size();
    array.insert(index, std::exchange(plain, {}));
    index += count;
  };
  for (const OrderedJson& value : values) {
    if (makes_type(value)) {
      flush();
      DX_TRY_OK(fill(array.insert_type(index++, kind_of_form(value)), value));
    } else {
      DX_TRY(codec::Any any, to_any(value));
      plain.push_back(std::move(any));
    }
  }
  flush();
  return {};
}

Status push_values(crdt::Array array, const OrderedJson& values) {
  std::vector<codec::Any> plain;
  for (const OrderedJson& value : values) {
    if (makes_type(value)) return unsupported("array.push of a type");
    DX_TRY(codec::Any any, to_any(value));
    plain.push_back(std::move(any));
  }
  array.push(std::move(plain));
  return {};
}

Status set_value(crdt::Map map, const std::string& key, const OrderedJson& value) {
  if (makes_type(value)) return fill(map.set_type(key, kind_of_form(value)), value);
  DX_TRY(codec::Any any, to_any(value));
  map.set(key, std::move(any));
  return {};
}

Result<crdt::Attributes> to_attributes(const OrderedJson& json) {
  DX_TRY(codec::Any any, to_any(json));
  const auto* object = any.get<codec::AnyObject>();
  if (object == nullptr) return Error{ErrorCode::Malformed, "attributes are no object"};
  return *object;
}

Status edit_text(crdt::Text text, const OrderedJson& op) {
  const auto what = op.at("do").get<std::string>();
  // Yjs appends what is inserted past the end, and deletes as far as there is something.
  const std::uint64_t index = std::min(op.at("index").get<std::uint64_t>(), text.length());
  if (what == "text.insert") {
    DX_TRY(const std::string inserted, to_text(op.at("text")));
    if (!op.contains("attrs")) {
      text.insert(index, inserted);
      return {};
    }
    DX_TRY(const crdt::Attributes attributes, to_attributes(op.at("attrs")));
    text.insert(index, inserted, attributes);
    return {};
  }
  if (what == "text.delete") {
    text.erase(index, std::min(op.at("len").get<std::uint64_t>(), text.length() - index));
    return {};
  }
  return unsupported(what);
}

Status edit_array(crdt::Array array, const OrderedJson& op) {
  const auto what = op.at("do").get<std::string>();
  if (what == "array.insert")
    return insert_values(array, op.at("index").get<std::uint64_t>(), op.at("values"));
  if (what == "array.push") return push_values(array, op.at("values"));
  if (what == "array.delete") {
    array.erase(op.at("index").get<std::uint64_t>(), op.at("len").get<std::uint64_t>());
    return {};
  }
  return unsupported(what);
}

Status edit_map(crdt::Map map, const OrderedJson& op) {
  const auto what = op.at("do").get<std::string>();
  if (what == "map.clear") {
    std::vector<std::string> keys;
    map.for_each([&](std::string_view key, const crdt::Value&) { keys.emplace_back(key); });
    for (const std::string& key : keys) map.erase(key);
    return {};
  }
  DX_TRY(const std::string key, to_text(op.at("key")));
  if (what == "map.set") return set_value(map, key, op.at("value"));
  if (what == "map.delete") {
    map.erase(key);
    return {};
  }
  return unsupported(what);
}

}  // namespace

Status check_edits(const OrderedJson& ops) {
  for (const OrderedJson& op : ops) {
    const auto what = op.at("do").get<std::string>();
    const bool known = what == "text.insert" || what == "text.delete" || what == "array.insert" ||
                       what == "array.push" || what == "array.delete" || what == "map.set" ||
                       what == "map.delete" || what == "map.clear";
    if (!known) return unsupported(what);
    // Yjs makes an embed of what is no text.
    if (what == "text.insert" && !to_text(op.at("text"))) return unsupported("text.embed");
    if (op.contains("attrs")) return unsupported("text formats");
    if (op.contains("value")) DX_TRY_OK(check_value(op.at("value")));
    if (op.contains("values")) {
      for (const OrderedJson& value : op.at("values")) DX_TRY_OK(check_value(value));
    }
  }
  return {};
}

Status apply_edit(Replica& replica, const OrderedJson& op) {
  DX_TRY(const crdt::TypeRef type, resolve(replica, op.at("at")));
  const auto what = op.at("do").get<std::string>();
  if (what.starts_with("text.")) return edit_text(crdt::Text(type), op);
  if (what.starts_with("array.")) return edit_array(crdt::Array(type), op);
  if (what.starts_with("map.")) return edit_map(crdt::Map(type), op);
  return unsupported(what);
}

Result<crdt::TypeRef> resolve(const Replica& replica, const OrderedJson& path) {
  const auto root = replica.root(path.at(0).get<std::string>());
  if (!root) return Error{ErrorCode::NotFound, "no root " + path.at(0).get<std::string>()};
  crdt::TypeRef type = *root;
  for (std::size_t i = 1; i < path.size(); ++i) {
    const OrderedJson& step = path.at(i);
    const auto kind = replica.doc().kind_of(type);
    std::optional<crdt::Value> value;
    if (step.is_string() && kind == crdt::TypeKind::Map) {
      value = crdt::Map(type).get(step.get<std::string>());
    } else if (step.is_number() && kind == crdt::TypeKind::Array) {
      value = crdt::Array(type).get(step.get<std::uint64_t>());
    } else {
      return unsupported("path into a text or an XML type");
    }
    if (!value || !std::holds_alternative<crdt::TypeRef>(*value)) {
      return Error{ErrorCode::NotFound, "no type at " + dump_json(path)};
    }
    type = std::get<crdt::TypeRef>(*value);
  }
  return type;
}

}  // namespace diaryx::compat
