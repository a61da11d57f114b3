#include "tests/compat/views.h"

#include "engine/codec/wtf8.h"
#include "tests/compat/edits.h"
#include "tests/compat/report.h"
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

OrderedJson view_value(const crdt::Value& value) {
  if (const auto* type = std::get_if<TypeRef>(&value)) return view_json(*type);
  return from_any(std::get<codec::Any>(value));
}

// `mark_types`: show types as such, and not as what toJSON() makes of them.
OrderedJson view_map(TypeRef type, bool mark_types = false) {
  std::vector<std::pair<std::string, OrderedJson>> members;
  Map(type).for_each([&](std::string_view key, const crdt::Value& value) {
    const auto document = Map(type).document(key);
    const auto* inner = mark_types ? std::get_if<TypeRef>(&value) : nullptr;
    members.emplace_back(key, document           ? view_document(*document)
                              : inner != nullptr ? view_type(*inner)
                                                 : view_value(value));
  });
  return view_object(members);
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
      view[std::string(name_of(kind))] = view_delta(Text(type).to_delta());
      if (Map(type).size() > 0) view["attrs"] = view_map(type, true);
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
      if (Map(type).size() > 0) view["attrs"] = view_map(type, true);
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
      view["delta"] = view_delta(Text(type).to_delta());
      view["length"] = Text(type).length();
      if (Map(type).size() > 0) view["attrs"] = view_map(type, true);
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

OrderedJson view_document(const crdt::SubDocument& document) {
  return {{"$", "doc"}, {"guid", document.guid}};
}

OrderedJson view_type(TypeRef type) {
  return {{"$", "type"}, {"kind", name_of(kind_of(type))}, {"json", view_json(type)}};
}

OrderedJson view_object(const std::vector<std::pair<std::string, OrderedJson>>& members) {
  codec::AnyObject order;  // Of the names: integer-like ones come first.
  for (std::size_t i = 0; i < members.size(); ++i)
    order.emplace_back(members[i].first, static_cast<double>(i));
  codec::normalise_keys(order);
  OrderedJson object = OrderedJson::object();
  OrderedJson pairs = OrderedJson::array();
  bool plain = true;
  for (const auto& [key, place] : order) {
    const OrderedJson& value = members[static_cast<std::size_t>(*place.get<double>())].second;
    if (codec::has_lone_surrogate(key) || key == "$" || key == "__proto__") plain = false;
    if (plain) object[key] = value;
    pairs.push_back(OrderedJson::array({from_text(key), value}));
  }
  if (plain) return object;
  return {{"$", "obj"}, {"v", std::move(pairs)}};
}

OrderedJson view_delta(const std::vector<crdt::DeltaOp>& delta) {
  OrderedJson list = OrderedJson::array();
  for (const crdt::DeltaOp& op : delta) {
    OrderedJson step = OrderedJson::object();
    if (const auto* inserted = std::get_if<std::string>(&op.insert))
      step["insert"] = from_text(*inserted);
    if (const auto* embed = std::get_if<codec::Any>(&op.insert)) step["insert"] = from_any(*embed);
    if (const auto* type = std::get_if<TypeRef>(&op.insert)) step["insert"] = view_type(*type);
    if (!op.attributes.empty()) step["attributes"] = from_any(op.attributes);
    list.push_back(std::move(step));
  }
  return list;
}

OrderedJson view_roots(crdt::Doc& doc, const OrderedJson& roots) {
  OrderedJson views = OrderedJson::object();
  for (const auto& [name, kind] : roots.items()) {
    views[name] = view_root(need(doc.root(name, need(root_kind(kind.get<std::string>())))));
  }
  return views;
}

OrderedJson view_clocks(const crdt::ClockMap& clocks) {
  OrderedJson view = OrderedJson::object();
  for (const auto& [client, clock] : clocks) view[std::to_string(client)] = clock;
  return view;
}

OrderedJson view_state_vector(Bytes state_vector) {
  return view_clocks(need(crdt::decode_state_vector(state_vector)));
}

}  // namespace diaryx::compat
