#include "tests/compat/event_view.h"

#include <algorithm>

#include "tests/compat/values.h"
#include "tests/compat/views.h"

namespace diaryx::compat {
namespace {

using crdt::DeltaOp;
using crdt::KeyChange;
using crdt::ListOp;

OrderedJson view_typed(const crdt::Value& value) {
  if (const auto* type = std::get_if<crdt::TypeRef>(&value)) return view_type(*type);
  const codec::Any& plain = std::get<codec::Any>(value);
  // The engine shows a sub-document as an object of these two.
  const codec::Any* guid = plain.find("guid");
  if (guid != nullptr && plain.find("options") != nullptr)
    return view_document({*guid->get<std::string>()});
  return from_any(plain);
}

OrderedJson view_values(const std::vector<crdt::Value>& values) {
  OrderedJson list = OrderedJson::array();
  for (const crdt::Value& value : values) list.push_back(view_typed(value));
  return list;
}

OrderedJson view_text_delta(const std::vector<DeltaOp>& delta) {
  OrderedJson list = OrderedJson::array();
  for (const DeltaOp& op : delta) {
    OrderedJson step = OrderedJson::object();
    if (op.kind == DeltaOp::Kind::Retain) {
      step["retain"] = op.length;
    } else if (op.kind == DeltaOp::Kind::Delete) {
      step["delete"] = op.length;
    } else if (const auto* text = std::get_if<std::string>(&op.insert)) {
      step["insert"] = from_text(*text);
    } else if (const auto* type = std::get_if<crdt::TypeRef>(&op.insert)) {
      step["insert"] = view_type(*type);
    } else {
      step["insert"] = from_any(std::get<codec::Any>(op.insert));
    }
    if (!op.attributes.empty()) step["attributes"] = from_any(op.attributes);
    list.push_back(std::move(step));
  }
  return list;
}

OrderedJson view_list_delta(const std::vector<ListOp>& delta) {
  OrderedJson list = OrderedJson::array();
  for (const ListOp& op : delta) {
    if (op.kind == ListOp::Kind::Insert) {
      list.push_back({{"insert", view_values(op.insert)}});
    } else {
      list.push_back({{op.kind == ListOp::Kind::Retain ? "retain" : "delete", op.length}});
    }
  }
  return list;
}

OrderedJson view_key_change(const KeyChange& change) {
  if (change.action == KeyChange::Action::Add) return {{"action", "add"}};
  return {{"action", change.action == KeyChange::Action::Update ? "update" : "delete"},
          {"old", view_typed(change.old_value)}};
}

void put(OrderedJson& view, const char* name, OrderedJson value) {
  if (!value.empty()) view[name] = std::move(value);
}

}  // namespace

OrderedJson view_event(const crdt::Event& event) {
  OrderedJson path = OrderedJson::array();
  for (const crdt::PathKey& step : event.path())
    std::visit([&](const auto& key) { path.push_back(key); }, step);
  OrderedJson view = {{"path", std::move(path)}, {"kind", view_kind(event.target())}};
  OrderedJson keys = OrderedJson::object();
  for (const KeyChange& change : event.keys()) keys[change.key] = view_key_change(change);
  put(view, "keys", std::move(keys));
  const bool is_text = !event.text_delta().empty();
  put(view, "delta",
      is_text ? view_text_delta(event.text_delta()) : view_list_delta(event.list_delta()));
  put(view, "added", view_values(event.added()));
  put(view, "deleted", view_values(event.deleted()));
  return view;
}

OrderedJson view_document_events(const crdt::SubDocumentEvents& events) {
  const auto names = [](const std::vector<crdt::SubDocument>& documents) {
    std::vector<std::string> guids;
    for (const crdt::SubDocument& document : documents) guids.push_back(document.guid);
    std::sort(guids.begin(), guids.end());
    return guids;
  };
  return {{"added", names(events.added)},
          {"removed", names(events.removed)},
          {"loaded", names(events.loaded)}};
}

}  // namespace diaryx::compat
