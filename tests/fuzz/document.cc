#include "tests/fuzz/document.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/crdt/update.h"

namespace diaryx::fuzz {

using namespace crdt;

namespace {

constexpr std::pair<const char*, TypeKind> kRoots[] = {{"t", TypeKind::Text},
                                                       {"a", TypeKind::Array},
                                                       {"m", TypeKind::Map},
                                                       {"x", TypeKind::XmlFragment}};

Buffer make_rich_update() {
  Doc doc({.client_id = 300});
  declare_roots(doc);
  Text text = doc.text("t");
  text.insert(0, "héllo wörld");
  text.erase(3, 2);
  text.format(1, 4, {{"bold", true}, {"link", codec::AnyObject{{"href", "x"}}}});
  text.insert_embed(2, codec::AnyObject{{"image", "y"}});
  Map map = doc.map("m");
  map.set("any", codec::AnyObject{{"a", codec::AnyArray{1, 2.5, "s", true, codec::Null{}}}});
  map.set("any", Buffer{1, 2, 3});
  map.set_document("doc", {"guid", {{"autoLoad", true}}});
  Array(map.set_type("list", TypeKind::Array)).insert(0, {1, 2, 3});
  doc.array("a").insert(0, {"one", 2, codec::Null{}});
  doc.array("a").insert_type(1, TypeKind::Map);
  Array nodes(doc.root("x", TypeKind::XmlFragment).value());
  nodes.insert_type(0, NewType{TypeKind::XmlElement, "p", [](TypeRef p) {
                                 Map(p).set("id", "1");
                                 Array(p).insert_type(0, NewType{TypeKind::XmlText});
                               }});
  nodes.insert_type(1, NewType{TypeKind::XmlHook, "hook"});
  Doc other({.client_id = 7});
  must(other.apply_update(doc.encode_state_as_update()), "our own update");
  other.text("t").insert(4, "between");
  other.array("a").erase(0, 1);
  return other.encode_state_as_update();
}

void edit_text(Text text) {
  const std::uint64_t length = text.length();
  text.insert(length / 2, "mid");
  text.insert(length / 3, "bold", {{"bold", true}});
  text.format(length / 4, length / 2 + 1, {{"bold", codec::Null{}}, {"i", 1}});
  text.insert_embed(length / 2, codec::AnyObject{{"e", 1}});
  text.erase(length / 3, 2);
}

void edit_list(Array list, int depth);

void edit_map(Map map, int depth) {
  TypeRef inner{};
  map.for_each([&](std::string_view, const Value& value) {
    if (const auto* type = std::get_if<TypeRef>(&value)) inner = *type;
  });
  map.set("k", 1);
  map.set("k", "two");
  map.set_type("n", TypeKind::Text);
  map.erase("k");
  if (inner.doc != nullptr && depth > 0) edit_list(Array(inner), depth - 1);
}

void edit_type(TypeRef type, int depth) {
  switch (type.doc->kind_of(type).value_or(TypeKind::Map)) {
    case TypeKind::Text:
    case TypeKind::XmlText:
      return edit_text(Text(type));
    case TypeKind::Map:
    case TypeKind::XmlHook:
      return edit_map(Map(type), depth);
    case TypeKind::Array:
      return edit_list(Array(type), depth);
    default: {
      Array children(type);
      children.insert_type(children.length() / 2, NewType{TypeKind::XmlElement, "q"});
      edit_map(Map(type), depth);
    }
  }
}

void edit_list(Array list, int depth) {
  if (list.ref().doc->kind_of(list.ref()) != TypeKind::Array) return edit_type(list.ref(), depth);
  std::optional<TypeRef> inner;
  list.for_each([&](const Value& value) {
    if (const auto* type = std::get_if<TypeRef>(&value); type != nullptr && !inner) inner = *type;
  });
  if (inner && depth > 0) edit_type(*inner, depth - 1);
  list.insert(list.length() / 2, {1, "two", codec::Null{}});
  list.push({true});
  list.insert_type(list.length() / 3, TypeKind::Map);
  if (list.length() > 2) list.erase(list.length() / 2, 2);
}

}  // namespace

void must(const Status& status, const char* what) {
  if (status) return;
  std::fprintf(stderr, "%s: %s\n", what, status.error().message.c_str());
  std::abort();
}

void must_equal(Bytes expected, Bytes got, const char* what) {
  if (std::ranges::equal(expected, got)) return;
  std::fprintf(stderr, "%s: %s instead of %s\n", what, to_hex(got).c_str(),
               to_hex(expected).c_str());
  std::abort();
}

void declare_roots(Doc& doc) {
  for (const auto& [name, kind] : kRoots) DX_CHECK(doc.root(name, kind));
}

const Buffer& rich_update() {
  static const Buffer update = make_rich_update();
  return update;
}

void look_at(Doc& doc) {
  for (const auto& [name, kind] : kRoots) {
    const auto root = doc.root(name, kind);
    if (!root) continue;
    (void)to_any(*root);  // Whatever it is: it came back.
    if (kind == TypeKind::Text) (void)Text(*root).to_delta();
    if (kind == TypeKind::XmlFragment) (void)Xml(*root).to_string();
  }
}

void edit_everywhere(Doc& doc) {
  doc.transact([&doc] {
    for (const auto& [name, kind] : kRoots) {
      if (const auto root = doc.root(name, kind)) edit_type(*root, 3);
    }
  });
  // The same alone: each edit makes and ends a transaction.
  edit_text(doc.text("t"));
}

void check_promises(Doc& doc, bool honest) {
  must(doc.check_invariants(), "invariants");
  const Buffer v1 = doc.encode_state_as_update();
  const Buffer v2 = doc.encode_state_as_update_v2();
  // They keep what it kept.
  Doc from_v1({.client_id = 901, .gc = false});
  Doc from_v2({.client_id = 902, .gc = false});
  must(from_v1.apply_update(v1), "its own update v1");
  must(from_v2.apply_update_v2(v2), "its own update v2");
  must(from_v1.check_invariants(), "invariants of the copy from v1");
  must(from_v2.check_invariants(), "invariants of the copy from v2");
  // (What waits is written as it came, and may be known by another way since.)
  if (!doc.has_pending()) {
    must_equal(doc.encode_state_vector(), from_v1.encode_state_vector(),
               "the state vector of the copy from v1");
    must_equal(doc.encode_state_vector(), from_v2.encode_state_vector(),
               "the state vector of the copy from v2");
    if (honest) {
      must_equal(v1, from_v1.encode_state_as_update(), "the state v1 of the copy");
      must_equal(v2, from_v2.encode_state_as_update_v2(), "the state v2 of the copy");
    }
  }
  const auto converted = convert_v1_to_v2(v1);
  DX_CHECK(converted);
  DX_CHECK(convert_v2_to_v1(*converted));
  DX_CHECK(state_vector_from_update_v1(v1));
  DX_CHECK(state_vector_from_update_v2(v2));
  DX_CHECK(diff_update_v1(v1, doc.encode_state_vector()));
}

}  // namespace diaryx::fuzz
