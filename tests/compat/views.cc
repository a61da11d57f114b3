#include "tests/compat/views.h"

#include "tests/compat/edits.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

using crdt::Array;
using crdt::Map;
using crdt::Text;
using crdt::TypeKind;
using crdt::TypeRef;
using crdt::Xml;

TypeKind kind_of(TypeRef type) {
  return type.doc->kind_of(type).value_or(TypeKind::Map);
}

std::string_view name_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::Array:
      return "array";
    case TypeKind::Map:
      return "map";
    case TypeKind::Text:
      return "text";
    case TypeKind::XmlElement:
      return "xmlelement";
    case TypeKind::XmlFragment:
      return "xmlfragment";
    case TypeKind::XmlHook:
      return "xmlhook";
    case TypeKind::XmlText:
      return "xmltext";
  }
  return "untyped";
}

OrderedJson view_json(TypeRef type);

OrderedJson view_document(const crdt::SubDocument& document) {
  return {{"$", "doc"}, {"guid", document.guid}};
}

OrderedJson view_value(const crdt::Value& value) {
  if (const auto* type = std::get_if<TypeRef>(&value)) return view_json(*type);
  return from_any(std::get<codec::Any>(value));
}

OrderedJson view_map(TypeRef type) {
  codec::AnyObject order;  // A plain object of JavaScript has its own order, which nobody compares.
  OrderedJson members = OrderedJson::object();
  OrderedJson pairs = OrderedJson::array();
  bool plain = true;
  Map(type).for_each([&](std::string_view key, const crdt::Value& value) {
    const auto document = Map(type).document(key);
    OrderedJson shown = document ? view_document(*document) : view_value(value);
    const OrderedJson name = from_text(key);
    if (!name.is_string() || key == "$" || key == "__proto__") plain = false;
    pairs.push_back(OrderedJson::array({name, shown}));
    if (plain) members[std::string(key)] = std::move(shown);
  });
  if (plain) return members;
  return {{"$", "obj"}, {"v", std::move(pairs)}};
}

OrderedJson view_array(TypeRef type) {
  OrderedJson list = OrderedJson::array();
  Array(type).for_each([&](const crdt::Value& value) {
    const auto document = Array(type).document(list.size());
    list.push_back(document ? view_document(*document) : view_value(value));
  });
  return list;
}

// toJSON() of Yjs.
OrderedJson view_json(TypeRef type) {
  switch (kind_of(type)) {
    case TypeKind::Map:
    case TypeKind::XmlHook:
      return view_map(type);
    case TypeKind::Array:
      return view_array(type);
    case TypeKind::Text:
      return from_text(Text(type).to_string());
    default:
      return from_text(Xml(type).to_string());
  }
}

OrderedJson view_tree(TypeRef type);

OrderedJson view_nodes(TypeRef type) {
  OrderedJson list = OrderedJson::array();
  Array(type).for_each([&](const crdt::Value& value) {
    const auto* node = std::get_if<TypeRef>(&value);
    list.push_back(node != nullptr ? view_tree(*node) : from_any(std::get<codec::Any>(value)));
  });
  return list;
}

OrderedJson view_tree(TypeRef type) {
  const TypeKind kind = kind_of(type);
  OrderedJson view = OrderedJson::object();
  switch (kind) {
    case TypeKind::Text:
    case TypeKind::XmlText:
      view[std::string(name_of(kind))] = view_delta(type);
      if (Map(type).size() > 0) view["attrs"] = view_map(type);
      break;
    case TypeKind::XmlHook:
      view["hook"] = Xml(type).node_name();
      view["json"] = view_map(type);
      break;
    case TypeKind::Map:
    case TypeKind::Array:
      view[std::string(name_of(kind))] = view_json(type);
      break;
    case TypeKind::XmlElement: {
      view["el"] = Xml(type).node_name();
      if (Map(type).size() > 0) view["attrs"] = view_map(type);
      OrderedJson children = view_nodes(type);
      if (!children.empty()) view["children"] = std::move(children);
      break;
    }
    case TypeKind::XmlFragment:
      view["fragment"] = view_nodes(type);
      break;
  }
  return view;
}

OrderedJson view_root(TypeRef type) {
  OrderedJson view = OrderedJson::object();
  switch (kind_of(type)) {
    case TypeKind::Text:
      view["string"] = from_text(Text(type).to_string());
      [[fallthrough]];
    case TypeKind::XmlText:
      view["delta"] = view_delta(type);
      view["length"] = Text(type).length();
      if (Map(type).size() > 0) view["attrs"] = view_map(type);
      break;
    case TypeKind::Array:
      view["json"] = view_array(type);
      view["length"] = Array(type).length();
      break;
    case TypeKind::Map:
    case TypeKind::XmlHook:
      view["json"] = view_map(type);
      break;
    case TypeKind::XmlElement:
    case TypeKind::XmlFragment: {
      view["tree"] = view_tree(type);
      view["length"] = Array(type).length();
      const std::string text = Xml(type).to_string();
      if (text.find("[object Object]") == std::string::npos) view["string"] = from_text(text);
      break;
    }
  }
  return view;
}

}  // namespace

std::string_view view_kind(TypeRef type) {
  return name_of(kind_of(type));
}

OrderedJson view_typed(const crdt::Value& value) {
  if (const auto* type = std::get_if<TypeRef>(&value))
    return {{"$", "type"}, {"kind", view_kind(*type)}, {"json", view_json(*type)}};
  const codec::Any& plain = std::get<codec::Any>(value);
  // The engine shows a sub-document as an object of these two.
  const codec::Any* guid = plain.find("guid");
  if (guid != nullptr && plain.find("options") != nullptr)
    return {{"$", "doc"}, {"guid", *guid->get<std::string>()}};
  return from_any(plain);
}

OrderedJson view_delta(TypeRef text) {
  OrderedJson list = OrderedJson::array();
  for (const crdt::DeltaOp& op : Text(text).to_delta()) {
    OrderedJson step = OrderedJson::object();
    if (const auto* inserted = std::get_if<std::string>(&op.insert))
      step["insert"] = from_text(*inserted);
    if (const auto* embed = std::get_if<codec::Any>(&op.insert)) step["insert"] = from_any(*embed);
    if (const auto* type = std::get_if<TypeRef>(&op.insert)) step["insert"] = view_typed(*type);
    if (!op.attributes.empty()) step["attributes"] = from_any(op.attributes);
    list.push_back(std::move(step));
  }
  return list;
}

OrderedJson view_roots(crdt::Doc& doc, const OrderedJson& roots) {
  OrderedJson views = OrderedJson::object();
  for (const auto& [name, kind] : roots.items()) {
    views[name] = view_root(doc.root(name, root_kind(kind.get<std::string>()).value()).value());
  }
  return views;
}

OrderedJson view_clocks(const crdt::ClockMap& clocks) {
  OrderedJson view = OrderedJson::object();
  for (const auto& [client, clock] : clocks) view[std::to_string(client)] = clock;
  return view;
}

OrderedJson view_state_vector(Bytes state_vector) {
  return view_clocks(crdt::decode_state_vector(state_vector).value());
}

}  // namespace diaryx::compat
