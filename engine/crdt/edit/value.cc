#include "engine/crdt/edit/value.h"

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"

namespace diaryx::crdt {
namespace {

codec::Any any_of(Bytes encoded) {
  auto value = codec::Reader(encoded).any();
  DX_CHECK(value);  // It was checked when it came in.
  return std::move(*value);
}

codec::Any document_value(Bytes encoded) {
  WireReader in(encoded);
  const std::string_view guid = in.var_string();
  return codec::AnyObject{{"guid", guid}, {"options", any_of(encoded.subspan(in.position()))}};
}

codec::Any unit_of(std::string_view text, std::uint64_t unit) {
  const Utf8Offset start = utf8_offset(text, static_cast<std::size_t>(unit));
  const CodePoint c = code_point_at(text, start.bytes);
  if (c.value < 0x10000) return text.substr(start.bytes, c.bytes);
  std::string half;
  const char32_t rest = c.value - 0x10000;
  append_code_point(half,
                    start.inside_surrogates ? 0xDC00 + (rest & 0x3FFU) : 0xD800 + (rest >> 10U));
  return half;
}

}  // namespace

void for_each_value(const State& state, ItemIx ix, const std::function<void(const Value&)>& visit) {
  const Item& item = state.items[ix];
  const Bytes octets = content_bytes(state.arena, item);
  if (item.kind == Kind::Any) {
    codec::Reader in(octets);
    for (std::uint64_t i = 0; i < item.length; ++i) {
      auto value = in.any();
      DX_CHECK(value);
      visit(Value(std::move(*value)));
    }
  } else if (item.kind == Kind::Json) {
    WireReader in(octets);
    for (std::uint64_t i = 0; i < item.length; ++i)
      visit(Value(json_to_any(as_text(in.var_bytes()))));
  } else {
    for (std::uint64_t i = 0; i < item.length; ++i) visit(value_at(state, ix, i));
  }
}

Value value_at(const State& state, ItemIx ix, std::uint64_t offset) {
  const Item& item = state.items[ix];
  const Bytes octets = item.kind == Kind::Type || item.kind == Kind::Embed
                           ? Bytes()
                           : content_bytes(state.arena, item);
  switch (item.kind) {
    case Kind::Any:
      return any_of(octets.subspan(any_prefix(octets, offset)));
    case Kind::Json: {
      WireReader in(octets.subspan(json_prefix(octets, offset)));
      return json_to_any(as_text(in.var_bytes()));
    }
    case Kind::String:
      return unit_of(as_text(octets), offset);
    case Kind::Binary:
      return codec::Any(to_buffer(octets));
    case Kind::Embed:
      return json_value(state, item.content);
    case Kind::Doc:
      return document_value(octets);
    case Kind::Type:
      return TypeRef{state.doc, item.content};
    default:
      return codec::Any();
  }
}

void visit_values(const State& state, ItemIx ix,
                  const std::function<void(const ValueView&)>& look) {
  const Item& item = state.items[ix];
  if (item.kind != Kind::Any) {
    for (std::uint64_t i = 0; i < item.length; ++i) look(ValueView(*state.doc, Bytes(), ix, i));
    return;
  }
  Bytes octets = content_bytes(state.arena, item);
  for (std::uint64_t i = 0; i < item.length; ++i) {
    const std::size_t size = any_prefix(octets, 1);
    look(ValueView(*state.doc, octets.first(size), ix, i));
    octets = octets.subspan(size);
  }
}

ValueView view_at(const State& state, ItemIx ix, std::uint64_t offset) {
  const Item& item = state.items[ix];
  if (item.kind != Kind::Any) return {*state.doc, Bytes(), ix, offset};
  const Bytes octets = content_bytes(state.arena, item);
  return {*state.doc, octets.subspan(any_prefix(octets, offset)), ix, offset};
}

std::optional<std::string_view> ValueView::text() const {
  constexpr std::uint8_t kText = 119;
  if (any_.empty() || any_[0] != kText) return std::nullopt;
  WireReader in(any_.subspan(1));
  return as_text(in.var_bytes());
}

std::optional<TypeRef> ValueView::type() const {
  if (!any_.empty()) return std::nullopt;
  const State& state = doc_->state();
  const Item& item = state.items[item_];
  if (item.kind != Kind::Type) return std::nullopt;
  return TypeRef{state.doc, item.content};
}

Value ValueView::value() const {
  if (!any_.empty()) return any_of(any_);
  return value_at(doc_->state(), item_, offset_);
}

codec::Any ValueView::any() const {
  if (const auto ref = type()) return to_any(*ref);
  return std::get<codec::Any>(value());
}

codec::Any json_value(const State& state, ValueIx ix) {
  const JsonValue& value = state.values[ix];
  if (value.any_size > 0) return any_of(state.arena.octets(value.any, value.any_size));
  return json_to_any(as_text(state.arena.octets(value.json, value.json_size)));
}

Item make_value_item(State& state, const codec::Any& value) {
  Item item;
  item.length = 1;
  item.content = static_cast<std::uint32_t>(state.arena.size());
  if (const Buffer* octets = value.get<Buffer>()) {
    item.kind = Kind::Binary;
    state.arena.append(*octets);
  } else {
    item.kind = Kind::Any;
    append_any(state.arena, value);
  }
  item.content_size = static_cast<std::uint32_t>(state.arena.size() - item.content);
  return item;
}

Item make_type_item(State& state, const NewType& type) {
  Item item;
  item.length = 1;
  item.kind = Kind::Type;
  item.content = state.branches.make();
  Branch& branch = state.branches[item.content];
  branch.kind = type.kind;
  const bool named = type.kind == TypeKind::XmlElement || type.kind == TypeKind::XmlHook;
  branch.name = named ? state.keys.intern(type.name) : kNone;
  // Known before it is linked, so that nothing takes the branch for a root.
  branch.owner = {state.self, state.store[state.self].state};
  return item;
}

Item make_document_item(State& state, const SubDocument& document) {
  Item item;
  item.length = 1;
  item.kind = Kind::Doc;
  item.content = static_cast<std::uint32_t>(state.arena.size());
  WireWriter guid;
  guid.var_string(document.guid);
  state.arena.append(guid.written());
  Arena options;
  append_any(options, document.options);
  WireReader in(options.octets());
  read_doc_options(in, state.arena);
  item.content_size = static_cast<std::uint32_t>(state.arena.size() - item.content);
  return item;
}

std::optional<SubDocument> document_of(const State& state, ItemIx ix) {
  const Item& item = state.items[ix];
  if (item.kind != Kind::Doc || item.deleted()) return std::nullopt;
  return document_in(state, ix);
}

SubDocument document_in(const State& state, ItemIx ix) {
  const codec::Any document = document_value(content_bytes(state.arena, state.items[ix]));
  return SubDocument{*document.find("guid")->get<std::string>(),
                     *document.find("options")->get<codec::AnyObject>()};
}

}  // namespace diaryx::crdt
