#include "tests/support/random_edits.h"

#include <algorithm>

#include "engine/base/check.h"

namespace diaryx::test {

using namespace crdt;

namespace {

constexpr std::pair<const char*, TypeKind> kRoots[] = {{"text", TypeKind::Text},
                                                       {"rich", TypeKind::Text},
                                                       {"map", TypeKind::Map},
                                                       {"array", TypeKind::Array},
                                                       {"xml", TypeKind::XmlFragment}};

bool is_text(TypeKind kind) {
  return kind == TypeKind::Text || kind == TypeKind::XmlText;
}
bool is_map(TypeKind kind) {
  return kind == TypeKind::Map || kind == TypeKind::XmlHook;
}

}  // namespace

void RandomEdits::declare_roots(Doc& doc) {
  for (const auto& [name, kind] : kRoots) DX_CHECK(doc.root(name, kind));
}

void RandomEdits::edit(Doc& doc) {
  const auto& [name, kind] = kRoots[random_.below(std::size(kRoots))];
  const TypeRef root = doc.root(name, kind).value();
  if (std::string_view(name) == "text") return edit_text(Text(root), false);
  edit_type(go_inside(root, 4));
}

// No characters of two units: cut in the middle they become U+FFFD, and if nothing else changes
// there (a format that holds already) nobody is told. That is so in Yjs too.
std::string RandomEdits::word() {
  static const std::vector<std::string> kWords = {
      "a", "bc", "hello ", "é", "漢字", "wörld", "\n", "0", std::string(1, '\0')};
  if (one_in(30)) return std::string(1 + random_.below(200), 'x');
  return kWords[random_.below(kWords.size())];
}

std::string RandomEdits::key() {
  static const std::vector<std::string> kKeys = {"a", "b", "c", "7", "10", "é", ""};
  return kKeys[random_.below(kKeys.size())];
}

codec::Any RandomEdits::value() {
  switch (random_.below(9)) {
    case 0:
      return static_cast<double>(random_.below(1000));
    case 1:
      return word();
    case 2:
      return codec::AnyObject{{key(), 1}, {"list", codec::AnyArray{true, codec::Null{}}}};
    case 3:
      return Buffer{1, 2};
    case 4:
      return codec::Null{};
    case 5:
      return codec::Any();
    case 6:
      return codec::BigInt{static_cast<std::int64_t>(random_.next())};
    case 7:
      return one_in(2);
    default:
      return 0.1 * static_cast<double>(random_.below(100));
  }
}

// An embed's value: what JSON holds, for update v1 knows no more of it.
codec::Any RandomEdits::embed() {
  switch (random_.below(3)) {
    case 0:
      return codec::AnyObject{{"image", word()}};
    case 1:
      return codec::AnyObject{{key(), codec::AnyArray{0.5, codec::Null{}, true}}};
    default:
      return codec::AnyObject{{"e", static_cast<double>(random_.below(100))}};
  }
}

Attributes RandomEdits::attributes() {
  static const std::vector<std::string> kMarks = {"b", "i", "link", "1"};
  static const std::vector<codec::Any> kValues = {
      true, true, codec::Null{}, codec::Null{}, "red", codec::AnyObject{{"href", "x"}}, 0, false};
  Attributes chosen;
  for (std::uint64_t n = random_.below(3); n > 0; --n) {
    const std::string& mark = kMarks[random_.below(kMarks.size())];
    const bool there = std::any_of(chosen.begin(), chosen.end(),
                                   [&](const auto& entry) { return entry.first == mark; });
    if (!there) chosen.emplace_back(mark, kValues[random_.below(kValues.size())]);
  }
  return chosen;
}

SubDocument RandomEdits::document() {
  SubDocument made{key() + "guid"};
  if (one_in(2)) made.options.emplace_back("autoLoad", true);
  if (one_in(3)) made.options.emplace_back("meta", codec::AnyObject{{"k", word()}});
  return made;
}

NewType RandomEdits::new_type(int depth) {
  static constexpr TypeKind kKinds[] = {TypeKind::Array, TypeKind::Map, TypeKind::Text};
  if (one_in(3)) return new_node(depth);
  const TypeKind kind = kKinds[random_.below(3)];
  return NewType{kind, "", [this, kind, depth](TypeRef made) {
                   if (one_in(3)) return;
                   if (kind == TypeKind::Text) Text(made).insert(0, word(), attributes());
                   if (kind == TypeKind::Array) Array(made).insert(0, {value(), value()});
                   if (kind == TypeKind::Map) Map(made).set(key(), value());
                   if (kind != TypeKind::Text && depth > 0 && one_in(3)) {
                     if (kind == TypeKind::Map) Map(made).set_type(key(), new_type(depth - 1));
                     if (kind == TypeKind::Array) Array(made).insert_type(0, new_type(depth - 1));
                   }
                 }};
}

NewType RandomEdits::new_node(int depth) {
  switch (random_.below(5)) {
    case 0:
      return NewType{TypeKind::XmlText, "", [this](TypeRef made) { Text(made).insert(0, word()); }};
    case 1:
      return NewType{TypeKind::XmlHook, "hook",
                     [this](TypeRef made) { Map(made).set(key(), value()); }};
    case 2:
      return NewType{TypeKind::XmlFragment};
    default:
      return NewType{TypeKind::XmlElement, one_in(2) ? "p" : "DIV", [this, depth](TypeRef made) {
                       if (depth > 0 && one_in(2)) Array(made).insert_type(0, new_node(depth - 1));
                       if (one_in(2)) Map(made).set(key(), word());
                     }};
  }
}

std::vector<TypeRef> RandomEdits::types_in(TypeRef type) {
  std::vector<TypeRef> found;
  const auto consider = [&found](const Value& value) {
    if (const auto* inner = std::get_if<TypeRef>(&value)) found.push_back(*inner);
  };
  const TypeKind kind = *type.doc->kind_of(type);
  if (is_text(kind)) {
    for (const DeltaOp& op : Text(type).to_delta()) {
      if (const auto* inner = std::get_if<TypeRef>(&op.insert)) found.push_back(*inner);
    }
  } else if (!is_map(kind)) {
    Array(type).for_each(consider);
  }
  Map(type).for_each([&](std::string_view, const Value& value) { consider(value); });
  return found;
}

TypeRef RandomEdits::go_inside(TypeRef type, int depth) {
  if (depth == 0 || one_in(3)) return type;
  const std::vector<TypeRef> inner = types_in(type);
  return inner.empty() ? type : go_inside(inner[random_.below(inner.size())], depth - 1);
}

void RandomEdits::edit_type(TypeRef type) {
  switch (*type.doc->kind_of(type)) {
    case TypeKind::Text:
    case TypeKind::XmlText:
      if (one_in(10)) return edit_map(Text(type).attributes());
      return edit_text(Text(type), true);
    case TypeKind::Map:
    case TypeKind::XmlHook:
      return edit_map(Map(type));
    case TypeKind::Array:
      return edit_array(Array(type));
    case TypeKind::XmlElement:
      if (one_in(3)) return edit_map(Xml(type).attributes());
      [[fallthrough]];
    case TypeKind::XmlFragment:
      return edit_nodes(Xml(type));
  }
}

void RandomEdits::edit_text(Text text, bool rich) {
  const std::uint64_t length = text.length();
  const std::uint64_t at = random_.below(length + 1);
  const std::uint64_t rest = length - at;
  const std::uint64_t count =
      one_in(10) ? rest : random_.below(std::min<std::uint64_t>(rest, 6) + 1);
  switch (random_.below(rich ? 12 : 4)) {
    case 0:
    case 1:
      return text.insert(at, word());
    case 2:
    case 3:
      return text.erase(at, count);
    case 4:
    case 5:
      return text.insert(at, word(), attributes());
    case 6:
    case 7:
      return text.format(at, count + (one_in(20) ? 2 : 0), attributes());
    case 8:
      return text.insert_embed(at, embed(), attributes());
    case 9:
      return (void)text.insert_type(at, new_type(1), attributes());
    default:
      return text.apply_delta(delta(length), one_in(2));
  }
}

std::vector<DeltaOp> RandomEdits::delta(std::uint64_t length) {
  std::vector<DeltaOp> ops;
  std::uint64_t rest = length;
  for (std::uint64_t n = 1 + random_.below(4); n > 0; --n) {
    DeltaOp op{one_in(2)   ? DeltaOp::Kind::Insert
               : one_in(2) ? DeltaOp::Kind::Retain
                           : DeltaOp::Kind::Delete};
    if (op.kind == DeltaOp::Kind::Insert) {
      if (one_in(4)) {
        op.insert = embed();
      } else {
        op.insert = word();
      }
    } else {
      op.length = std::min<std::uint64_t>(rest, 1 + random_.below(5));
      rest -= op.length;
      if (op.length == 0) continue;
    }
    if (op.kind != DeltaOp::Kind::Delete) op.attributes = attributes();
    ops.push_back(std::move(op));
  }
  return ops;
}

void RandomEdits::edit_map(Map map) {
  switch (random_.below(12)) {
    case 0:
      return map.clear();
    case 1:
    case 2:
      return map.erase(key());
    case 3:
    case 4:
      return (void)map.set_type(key(), new_type(2));
    case 5:
      return map.set_document(key(), document());
    default:
      return map.set(key(), value());
  }
}

void RandomEdits::edit_array(Array array) {
  const std::uint64_t length = array.length();
  const std::uint64_t at = random_.below(length + 1);
  switch (random_.below(10)) {
    case 0:
    case 1:
    case 2:
      return array.insert(at, {value(), value()});
    case 3:
      return array.push({value()});
    case 4:
      return (void)array.insert_type(at, new_type(2));
    case 5:
      return (void)array.push_type(new_type(1));
    case 6:
      return array.insert_document(at, document());
    default:
      return array.erase(at, random_.below(std::min<std::uint64_t>(length - at, 4) + 1));
  }
}

void RandomEdits::edit_nodes(Xml parent) {
  Array children = parent.children();
  const std::uint64_t length = children.length();
  const std::uint64_t at = random_.below(length + 1);
  switch (random_.below(6)) {
    case 0:
    case 1:
      return (void)children.insert_type(at, new_node(2));
    case 2:
      return (void)children.push_type(new_node(2));
    case 3: {
      const auto left = at < length ? children.get(at) : std::nullopt;
      const auto* type = left ? std::get_if<TypeRef>(&*left) : nullptr;
      return (void)parent.insert_after(type != nullptr ? std::optional(*type) : std::nullopt,
                                       new_node(1));
    }
    default:
      return children.erase(at, random_.below(std::min<std::uint64_t>(length - at, 3) + 1));
  }
}

}  // namespace diaryx::test
