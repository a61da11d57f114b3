#include <algorithm>
#include <string>

#include "engine/codec/json_text.h"
#include "engine/codec/wtf8.h"
#include "engine/crdt/edit/list_edit.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {
namespace {

// JavaScript's String(value).
std::string js_string(const codec::Any& value) {
  if (const auto* text = value.get<std::string>()) return *text;
  if (value.is_undefined()) return "undefined";
  if (const auto* number = value.get<double>()) return codec::js_number_to_string(*number);
  if (const auto* big = value.get<codec::BigInt>()) return std::to_string(big->value);
  if (value.get<codec::AnyObject>() != nullptr) return "[object Object]";
  std::string joined;
  if (const auto* array = value.get<codec::AnyArray>()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) joined += ',';
      if (!(*array)[i].is_null() && !(*array)[i].is_undefined()) joined += js_string((*array)[i]);
    }
    return joined;
  }
  if (const auto* octets = value.get<Buffer>()) {
    for (std::size_t i = 0; i < octets->size(); ++i)
      joined += (i > 0 ? "," : "") + std::to_string((*octets)[i]);
    return joined;
  }
  return codec::to_js_json(value);
}

// Strings are compared by their UTF-16 units there.
bool js_less(std::string_view a, std::string_view b) {
  return utf8_to_utf16(a) < utf8_to_utf16(b);
}

// The alphabets in which capitals lie at a fixed distance from their small letters.
char32_t lower_case(char32_t c) noexcept {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (in('A', 'Z') || (in(0xC0, 0xDE) && c != 0xD7)) return c + 32;
  if (in(0x100, 0x137) || in(0x14A, 0x177) || in(0x1E00, 0x1E95) || in(0x1EA0, 0x1EFF) ||
      in(0x460, 0x481) || in(0x48A, 0x4BF) || in(0x4D0, 0x52F)) {
    return c | 1U;
  }
  if (in(0x139, 0x148) || in(0x179, 0x17E)) return c % 2 == 1 ? c + 1 : c;
  if (in(0x391, 0x3A9) || in(0x410, 0x42F) || in(0xFF21, 0xFF3A)) return c + 32;
  if (in(0x400, 0x40F)) return c + 80;
  if (in(0x531, 0x556)) return c + 48;
  return c;
}

std::string lower_case(std::string_view text) {
  std::string lower;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    append_code_point(lower, lower_case(c.value));
    at += c.bytes;
  }
  return lower;
}

// What JavaScript's for-in goes through, in the order of the keys: the members of an object, the
// elements of an array or of octets, the UTF-16 units of a string.
std::vector<std::pair<std::string, std::string>> enumerate(const codec::Any& value) {
  std::vector<std::pair<std::string, std::string>> members;
  const auto add = [&members](std::string member) {
    members.emplace_back(std::to_string(members.size()), std::move(member));
  };
  if (const auto* object = value.get<codec::AnyObject>()) {
    for (const auto& [key, member] : *object) members.emplace_back(key, js_string(member));
  } else if (const auto* array = value.get<codec::AnyArray>()) {
    for (const codec::Any& element : *array) add(js_string(element));
  } else if (const auto* octets = value.get<Buffer>()) {
    for (const std::uint8_t octet : *octets) add(std::to_string(octet));
  } else if (const auto* text = value.get<std::string>()) {
    for (const char16_t unit : utf8_to_utf16(*text)) {
      std::string one;
      codec::append_utf16_unit(one, unit);
      add(std::move(one));
    }
  }
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return js_less(a.first, b.first); });
  return members;
}

// A type is shown as texts and the types between them, which are shown in turn: from a list of our
// own, for how deep they nest is the peer's choice.
using Piece = std::variant<std::string, TypeRef>;

class Pieces {
 public:
  void add_text(std::string_view text) {
    if (pieces_.empty() || !std::holds_alternative<std::string>(pieces_.back()))
      pieces_.emplace_back(std::string());
    std::get<std::string>(pieces_.back()) += text;
  }
  void add_type(TypeRef type) { pieces_.emplace_back(type); }
  void add_value(const Value& value) {
    if (const auto* type = std::get_if<TypeRef>(&value)) return add_type(*type);
    add_text(js_string(std::get<codec::Any>(value)));
  }
  std::vector<Piece> take() && { return std::move(pieces_); }

 private:
  std::vector<Piece> pieces_;
};

void add_children(Pieces& pieces, TypeRef type) {
  Array(type).for_each([&](const Value& value) { pieces.add_value(value); });
}

void add_element(Pieces& pieces, TypeRef type) {
  std::vector<std::pair<std::string, Value>> attributes;
  Map(type).for_each(
      [&](std::string_view key, const Value& value) { attributes.emplace_back(key, value); });
  std::sort(attributes.begin(), attributes.end(),
            [](const auto& a, const auto& b) { return js_less(a.first, b.first); });
  const std::string name = lower_case(Xml(type).node_name());
  pieces.add_text("<" + name);
  for (const auto& [key, value] : attributes) {
    pieces.add_text(" " + key + "=\"");
    pieces.add_value(value);
    pieces.add_text("\"");
  }
  pieces.add_text(">");
  add_children(pieces, type);
  pieces.add_text("</" + name + ">");
}

// Attributes of a text run are shown as elements around it.
void add_text(Pieces& pieces, TypeRef type) {
  for (const DeltaOp& op : Text(type).to_delta()) {
    Attributes nodes = op.attributes;
    std::sort(nodes.begin(), nodes.end(),
              [](const auto& a, const auto& b) { return js_less(a.first, b.first); });
    for (const auto& [name, value] : nodes) {
      pieces.add_text("<" + name);
      for (const auto& [key, member] : enumerate(value))
        pieces.add_text(" " + key + "=\"" + member + "\"");
      pieces.add_text(">");
    }
    if (const auto* inserted = std::get_if<std::string>(&op.insert)) pieces.add_text(*inserted);
    if (const auto* embed = std::get_if<codec::Any>(&op.insert)) pieces.add_text(js_string(*embed));
    if (const auto* nested = std::get_if<TypeRef>(&op.insert)) pieces.add_type(*nested);
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
      pieces.add_text("</" + node->first + ">");
  }
}

std::vector<Piece> pieces_of(TypeRef type) {
  Pieces pieces;
  switch (type.doc->kind_of(type).value_or(TypeKind::Map)) {
    case TypeKind::XmlElement:
      add_element(pieces, type);
      break;
    case TypeKind::XmlFragment:
      add_children(pieces, type);
      break;
    case TypeKind::XmlText:
      add_text(pieces, type);
      break;
    case TypeKind::Text:
      pieces.add_text(Text(type).to_string());
      break;
    default:
      pieces.add_text("[object Object]");
  }
  return std::move(pieces).take();
}

std::string show(TypeRef top) {
  struct Level {
    std::vector<Piece> pieces;
    std::size_t next = 0;
  };
  std::string text;
  std::vector<Level> levels;
  levels.push_back({pieces_of(top)});
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.pieces.size()) {
      levels.pop_back();
      continue;
    }
    Piece& piece = level.pieces[level.next++];
    if (const auto* type = std::get_if<TypeRef>(&piece)) {
      levels.push_back({pieces_of(*type)});
    } else {
      text += std::get<std::string>(piece);
    }
  }
  return text;
}

}  // namespace

std::string Xml::node_name() const {
  const State& state = type_.doc->state();
  const Branch& branch = state.branches[type_.branch];
  // The name of a root is where it hangs; Yjs gives an element that nobody named this one.
  if (branch.is_root() && branch.kind == TypeKind::XmlElement) return "UNDEFINED";
  const bool named = branch.kind == TypeKind::XmlElement || branch.kind == TypeKind::XmlHook;
  return named ? std::string(state.keys[branch.name]) : std::string();
}

TypeRef Xml::insert_after(std::optional<TypeRef> child, const NewType& type) {
  State& state = type_.doc->state();
  const TransactionScope scope(state, 0, true);
  ItemIx left = kNone;
  if (child) {
    left = state.store.item_at(state.branches[child->branch].owner);
    DX_CHECK(state.items[left].parent == type_.branch);
  }
  return insert_type_after(state, type_.branch, left, type);
}

std::string Xml::to_string() const {
  return show(type_);
}

}  // namespace diaryx::crdt
