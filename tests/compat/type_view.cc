#include "tests/compat/type_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "engine/base/utf.h"
#include "engine/codec/json_text.h"
#include "engine/crdt/content.h"
#include "engine/crdt/state.h"
#include "engine/crdt/value.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

using codec::Any;
using crdt::Branch;
using crdt::Item;
using crdt::ItemIx;
using crdt::Kind;
using crdt::State;
using crdt::TypeKind;
using crdt::TypeRef;

constexpr std::array<std::pair<std::string_view, TypeKind>, 7> kKinds{
    {{"text", TypeKind::Text},
     {"array", TypeKind::Array},
     {"map", TypeKind::Map},
     {"xmlfragment", TypeKind::XmlFragment},
     {"xmlelement", TypeKind::XmlElement},
     {"xmltext", TypeKind::XmlText},
     {"xmlhook", TypeKind::XmlHook}}};

// String() gives "[object Object]" for something in it: the corpus has no such texts.
struct NoText {};

const State& state_of(TypeRef type) {
  return type.doc->state();
}
const Branch& branch_of(TypeRef type) {
  return state_of(type).branches[type.branch];
}
TypeKind kind_of(TypeRef type) {
  return branch_of(type).kind.value_or(TypeKind::Map);
}
std::string name_of(TypeRef type) {
  return std::string(state_of(type).keys[branch_of(type).name]);
}

std::string_view kind_word(TypeRef type) {
  for (const auto& [word, kind] : kKinds) {
    if (kind == kind_of(type)) return word;
  }
  return "untyped";
}

// Calls visit(item's index) for each item of the list that is not deleted, format marks included.
template <class Visit>
void for_each_live(TypeRef type, const Visit& visit) {
  const State& state = state_of(type);
  for (ItemIx ix = branch_of(type).start; ix != crdt::kNone; ix = state.items[ix].right) {
    if (!state.items[ix].deleted()) visit(ix);
  }
}

// Calls visit(const std::string& key, item's index) for each entry that is not deleted.
template <class Visit>
void for_each_entry(TypeRef type, const Visit& visit) {
  const State& state = state_of(type);
  for (const auto& entry : branch_of(type).map) {
    if (!state.items[entry.last].deleted()) visit(std::string(state.keys[entry.key]), entry.last);
  }
}

OrderedJson type_json(TypeRef type);
std::string type_text(TypeRef type);

std::string guid_of(const State& state, const Item& item) {
  crdt::WireReader in(crdt::content_bytes(state.arena, item));
  return std::string(in.var_string());
}

// One element of an item. `nested` says what becomes of a shared type.
template <class Nested>
OrderedJson element_json(const State& state, ItemIx ix, std::uint64_t offset,
                         const Nested& nested) {
  const Item& item = state.items[ix];
  if (item.kind == Kind::Doc) return {{"$", "doc"}, {"guid", guid_of(state, item)}};
  const crdt::Value value = crdt::value_at(state, ix, offset);
  if (const auto* inner = std::get_if<TypeRef>(&value)) return nested(*inner);
  return from_any(std::get<Any>(value));
}

OrderedJson list_json(TypeRef type, const std::function<OrderedJson(TypeRef)>& nested) {
  const State& state = state_of(type);
  OrderedJson list = OrderedJson::array();
  for_each_live(type, [&](ItemIx ix) {
    if (!state.items[ix].countable()) return;
    for (std::uint64_t i = 0; i < state.items[ix].length; ++i)
      list.push_back(element_json(state, ix, i, nested));
  });
  return list;
}

OrderedJson entries_json(TypeRef type, const std::function<OrderedJson(TypeRef)>& nested) {
  const State& state = state_of(type);
  Members members;
  for_each_entry(type, [&](const std::string& key, ItemIx ix) {
    members.emplace_back(key, element_json(state, ix, state.items[ix].length - 1, nested));
  });
  return from_members(members);
}

// toJSON()
OrderedJson type_json(TypeRef type) {
  switch (kind_of(type)) {
    case TypeKind::Map:
    case TypeKind::XmlHook:
      return entries_json(type, type_json);
    case TypeKind::Array:
      return list_json(type, type_json);
    default:
      return from_text(type_text(type));
  }
}

OrderedJson nested_type(TypeRef type) {
  return {{"$", "type"}, {"kind", kind_word(type)}, {"json", type_json(type)}};
}

// --- Texts ---

struct Run {
  Any text;  // What is inserted; Undefined for an embed.
  OrderedJson embed;
  codec::AnyObject attributes;
};

void set_attribute(codec::AnyObject& attributes, std::string_view key, Any value) {
  const auto at = std::find_if(attributes.begin(), attributes.end(),
                               [&](const auto& entry) { return entry.first == key; });
  if (value.is_null()) {
    if (at != attributes.end()) attributes.erase(at);
  } else if (at != attributes.end()) {
    at->second = std::move(value);
  } else {
    attributes.emplace_back(key, std::move(value));
  }
}

std::vector<Run> runs_of(TypeRef type) {
  const State& state = state_of(type);
  std::vector<Run> runs;
  codec::AnyObject attributes;
  std::string text;
  const auto flush = [&] {
    if (!text.empty()) runs.push_back({Any(std::exchange(text, {})), nullptr, attributes});
  };
  for_each_live(type, [&](ItemIx ix) {
    const Item& item = state.items[ix];
    if (item.kind == Kind::String) {
      text += crdt::content_text(state.arena, item);
    } else if (item.kind == Kind::Type || item.kind == Kind::Embed) {
      flush();
      runs.push_back({Any(), element_json(state, ix, 0, nested_type), attributes});
    } else if (item.kind == Kind::Format) {
      flush();
      const crdt::FormatValue& value = state.values[item.content_size];
      const Bytes json = Bytes(state.arena).subspan(value.content, value.content_size);
      set_attribute(attributes, state.keys[item.content],
                    codec::parse_js_json(as_text(json)).value());
    }
  });
  flush();
  return runs;
}

OrderedJson delta_of(TypeRef type) {
  OrderedJson delta = OrderedJson::array();
  for (const Run& run : runs_of(type)) {
    OrderedJson op{{"insert", run.text.is_undefined() ? run.embed : from_any(run.text)}};
    if (!run.attributes.empty()) op["attributes"] = from_any(run.attributes);
    delta.push_back(std::move(op));
  }
  return delta;
}

std::string plain_text(TypeRef type) {
  std::string text;
  for (const Run& run : runs_of(type)) {
    if (const auto* part = run.text.get<std::string>()) text += *part;
  }
  return text;
}

// --- XML ---

// JavaScript's String().
std::string js_string(const Any& value) {
  if (value.is_undefined()) return "undefined";
  if (value.is_null()) return "null";
  if (const auto* truth = value.get<bool>()) return *truth ? "true" : "false";
  if (const auto* number = value.get<double>()) return codec::js_number_to_string(*number);
  if (const auto* integer = value.get<codec::BigInt>()) return fmt::format("{}", integer->value);
  if (const auto* text = value.get<std::string>()) return *text;
  std::string out;
  if (const auto* array = value.get<codec::AnyArray>()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      const Any& element = (*array)[i];
      if (i != 0) out.push_back(',');
      if (!element.is_undefined() && !element.is_null()) out += js_string(element);
    }
    return out;
  }
  if (const auto* bytes = value.get<Buffer>()) {
    for (std::size_t i = 0; i < bytes->size(); ++i)
      out += fmt::format("{}{}", i == 0 ? "" : ",", (*bytes)[i]);
    return out;
  }
  throw NoText{};
}

std::string element_text(const State& state, ItemIx ix, std::uint64_t offset) {
  if (state.items[ix].kind == Kind::Doc) throw NoText{};
  const crdt::Value value = crdt::value_at(state, ix, offset);
  if (const auto* inner = std::get_if<TypeRef>(&value)) return type_text(*inner);
  return js_string(std::get<Any>(value));
}

// Formats become elements round the text, as YXmlText.toString() has it.
std::string formatted_text(TypeRef type) {
  std::string out;
  for (const Run& run : runs_of(type)) {
    codec::AnyObject nodes = run.attributes;
    const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::sort(nodes.begin(), nodes.end(), by_key);
    std::string closing;
    for (const auto& [name, value] : nodes) {
      codec::AnyObject attributes;
      if (const auto* object = value.get<codec::AnyObject>()) attributes = *object;
      std::sort(attributes.begin(), attributes.end(), by_key);
      out += "<" + name;
      for (const auto& [key, attribute] : attributes)
        out += fmt::format(" {}=\"{}\"", key, js_string(attribute));
      out += ">";
      closing.insert(0, "</" + name + ">");
    }
    const auto* text = run.text.get<std::string>();
    if (text == nullptr) throw NoText{};
    out += *text + closing;
  }
  return out;
}

std::string children_text(TypeRef type) {
  const State& state = state_of(type);
  std::string out;
  for_each_live(type, [&](ItemIx ix) {
    if (!state.items[ix].countable()) return;
    for (std::uint64_t i = 0; i < state.items[ix].length; ++i) out += element_text(state, ix, i);
  });
  return out;
}

std::string element_tag_text(TypeRef type) {
  const State& state = state_of(type);
  std::vector<std::pair<std::string, std::string>> attributes;
  for_each_entry(type, [&](const std::string& key, ItemIx ix) {
    attributes.emplace_back(key, element_text(state, ix, state.items[ix].length - 1));
  });
  std::sort(attributes.begin(), attributes.end());
  std::string name = name_of(type);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::string out = "<" + name;
  for (const auto& [key, value] : attributes) out += fmt::format(" {}=\"{}\"", key, value);
  return out + ">" + children_text(type) + "</" + name + ">";
}

// toString()
std::string type_text(TypeRef type) {
  switch (kind_of(type)) {
    case TypeKind::Text:
      return plain_text(type);
    case TypeKind::XmlText:
      return formatted_text(type);
    case TypeKind::XmlElement:
      return element_tag_text(type);
    case TypeKind::XmlFragment:
      return children_text(type);
    default:
      throw NoText{};
  }
}

OrderedJson tree_of(TypeRef type) {
  const auto with_attributes = [&](OrderedJson node) {
    OrderedJson attributes = entries_json(type, nested_type);
    if (!attributes.empty()) node["attrs"] = std::move(attributes);
    return node;
  };
  switch (kind_of(type)) {
    case TypeKind::Text:
    case TypeKind::XmlText:
      return with_attributes({{kind_word(type), delta_of(type)}});
    case TypeKind::XmlHook:
      return {{"hook", name_of(type)}, {"json", type_json(type)}};
    case TypeKind::Map:
    case TypeKind::Array:
      return {{kind_word(type), type_json(type)}};
    case TypeKind::XmlElement: {
      OrderedJson node = with_attributes({{"el", name_of(type)}});
      OrderedJson children = list_json(type, tree_of);
      if (!children.empty()) node["children"] = std::move(children);
      return node;
    }
    case TypeKind::XmlFragment:
      return {{"fragment", list_json(type, tree_of)}};
  }
  return nullptr;
}

}  // namespace

std::optional<TypeKind> type_kind(std::string_view name) noexcept {
  for (const auto& [word, kind] : kKinds) {
    if (word == name) return kind;
  }
  return std::nullopt;
}

OrderedJson root_view(TypeRef type) {
  const std::uint64_t length = branch_of(type).length;
  switch (kind_of(type)) {
    case TypeKind::Text: {
      OrderedJson view{
          {"string", from_text(plain_text(type))}, {"delta", delta_of(type)}, {"length", length}};
      OrderedJson attributes = entries_json(type, nested_type);
      if (!attributes.empty()) view["attrs"] = std::move(attributes);
      return view;
    }
    case TypeKind::Array:
      return {{"json", type_json(type)}, {"length", length}};
    case TypeKind::Map:
      return {{"json", type_json(type)}};
    default:
      break;
  }
  OrderedJson view{{"tree", tree_of(type)}, {"length", length}};
  try {
    view["string"] = from_text(type_text(type));
  } catch (const NoText&) {
    // The expectation has no "string" then either.
  }
  return view;
}

}  // namespace diaryx::compat
