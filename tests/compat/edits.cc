#include "tests/compat/edits.h"

#include <fmt/format.h>

#include "tests/compat/report.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

using crdt::Array;
using crdt::Map;
using crdt::NewType;
using crdt::Text;
using crdt::TypeKind;
using crdt::TypeRef;
using crdt::Xml;

std::string form_of(const OrderedJson& value) {
  return value.is_object() && value.contains("$") ? value.at("$").get<std::string>()
                                                  : std::string();
}

std::optional<TypeKind> type_form(const std::string& form) {
  if (form == "ytext") return TypeKind::Text;
  if (form == "yarray") return TypeKind::Array;
  if (form == "ymap") return TypeKind::Map;
  if (form == "yxmlelement") return TypeKind::XmlElement;
  if (form == "yxmlfragment") return TypeKind::XmlFragment;
  if (form == "yxmltext") return TypeKind::XmlText;
  if (form == "yxmlhook") return TypeKind::XmlHook;
  return std::nullopt;
}

codec::AnyObject attributes_of(const OrderedJson& value) {
  const codec::Any object = need(to_any(value));
  const auto* attributes = object.get<codec::AnyObject>();
  if (attributes == nullptr) throw std::runtime_error("attributes are no object");
  return *attributes;
}

NewType new_type(TypeKind kind, const OrderedJson& value);

std::vector<crdt::DeltaOp> delta_of(const OrderedJson& delta) {
  std::vector<crdt::DeltaOp> ops;
  for (const OrderedJson& op : delta) {
    crdt::DeltaOp step{crdt::DeltaOp::Kind::Insert};
    if (op.contains("attributes")) step.attributes = attributes_of(op.at("attributes"));
    if (!op.contains("insert")) {
      step.kind = op.contains("retain") ? crdt::DeltaOp::Kind::Retain : crdt::DeltaOp::Kind::Delete;
      step.length = op.at(op.contains("retain") ? "retain" : "delete").get<std::uint64_t>();
    } else if (const auto kind = type_form(form_of(op.at("insert")))) {
      step.insert = new_type(*kind, op.at("insert"));
    } else {
      codec::Any inserted = need(to_any(op.at("insert")));
      if (const auto* text = inserted.get<std::string>()) {
        step.insert = *text;
      } else {
        step.insert = std::move(inserted);
      }
    }
    ops.push_back(std::move(step));
  }
  return ops;
}

void set_value(TypeRef type, const std::string& key, const OrderedJson& value);
void insert_values(TypeRef type, std::uint64_t index, const OrderedJson& values);

const OrderedJson& member(const OrderedJson& value, const char* name) {
  static const OrderedJson kNothing = OrderedJson::array();
  return value.contains(name) ? value.at(name) : kNothing;
}

// The type that a form stands for, content and all. Borrows `value` until it is inserted.
NewType new_type(TypeKind kind, const OrderedJson& value) {
  const auto fill = [kind, &value](TypeRef made) {
    if (value.contains("insert")) Text(made).insert(0, need(to_text(value.at("insert"))));
    if (value.contains("delta")) Text(made).apply_delta(delta_of(value.at("delta")));
    if (kind == TypeKind::Array) insert_values(made, 0, member(value, "items"));
    insert_values(made, 0, member(value, "children"));
    for (const OrderedJson& entry : member(value, "attrs")) {
      set_value(made, need(to_text(entry.at(0))), entry.at(1));
    }
    for (const OrderedJson& entry : member(value, "entries")) {
      set_value(made, need(to_text(entry.at(0))), entry.at(1));
    }
  };
  // The name that Yjs gives an element that has none.
  return {kind, value.value("name", kind == TypeKind::XmlElement ? "UNDEFINED" : ""), fill};
}

crdt::SubDocument sub_document(const OrderedJson& value) {
  crdt::SubDocument document{value.at("guid").get<std::string>()};
  for (const char* option : {"gc", "autoLoad", "meta"}) {
    if (value.contains(option))
      document.options.emplace_back(option, need(to_any(value.at(option))));
  }
  return document;
}

void set_value(TypeRef type, const std::string& key, const OrderedJson& value) {
  const std::string form = form_of(value);
  if (const auto kind = type_form(form)) {
    Map(type).set_type(key, new_type(*kind, value));
  } else if (form == "ydoc") {
    Map(type).set_document(key, sub_document(value));
  } else {
    Map(type).set(key, need(to_any(value)));
  }
}

// Calls plain(values) for each run of plain values and special(value) for each other one.
template <class Plain, class Special>
void in_runs(const OrderedJson& values, Plain plain, Special special) {
  std::vector<codec::Any> run;
  const auto flush = [&] {
    if (!run.empty()) plain(std::exchange(run, {}));
  };
  for (const OrderedJson& value : values) {
    const std::string form = form_of(value);
    if (type_form(form) || form == "ydoc") {
      flush();
      special(value);
    } else {
      run.push_back(need(to_any(value)));
    }
  }
  flush();
}

void insert_values(TypeRef type, std::uint64_t index, const OrderedJson& values) {
  in_runs(
      values,
      [&](std::vector<codec::Any> run) {
        const std::size_t count = run.size();
        Array(type).insert(index, std::move(run));
        index += count;
      },
      [&](const OrderedJson& value) {
        if (const auto kind = type_form(form_of(value))) {
          Array(type).insert_type(index++, new_type(*kind, value));
        } else {
          Array(type).insert_document(index++, sub_document(value));
        }
      });
}

void push_values(TypeRef type, const OrderedJson& values) {
  in_runs(
      values, [&](std::vector<codec::Any> run) { Array(type).push(std::move(run)); },
      [&](const OrderedJson& value) {
        if (const auto kind = type_form(form_of(value))) {
          Array(type).push_type(new_type(*kind, value));
        } else {
          Array(type).push_document(sub_document(value));
        }
      });
}

void insert_after(TypeRef parent, const OrderedJson& op) {
  std::optional<TypeRef> left;
  if (!op.at("ref").is_null()) {
    left = std::get<TypeRef>(Array(parent).get(op.at("ref").get<std::uint64_t>()).value());
  }
  for (const OrderedJson& value : op.at("values")) {
    left = Xml(parent).insert_after(left, new_type(type_form(form_of(value)).value(), value));
  }
}

Status run_text_edit(Text text, const std::string& action, const OrderedJson& op) {
  const auto number = [&](const char* name) { return op.at(name).get<std::uint64_t>(); };
  if (action == "text.insert" && form_of(op.at("text")) == "obj") {
    // JavaScript does not mind: Yjs takes an object for an embed.
    text.insert_embed(number("index"), need(to_any(op.at("text"))));
  } else if (action == "text.insert") {
    DX_TRY(const std::string inserted, to_text(op.at("text")));
    if (op.contains("attrs")) {
      text.insert(number("index"), inserted, attributes_of(op.at("attrs")));
    } else {
      text.insert(number("index"), inserted);
    }
  } else if (action == "text.delete") {
    text.erase(number("index"), number("len"));
  } else if (action == "text.format") {
    text.format(number("index"), number("len"), attributes_of(op.at("attrs")));
  } else if (action == "text.embed") {
    const codec::AnyObject attributes =
        op.contains("attrs") ? attributes_of(op.at("attrs")) : codec::AnyObject();
    const OrderedJson& value = op.at("value");
    if (const auto kind = type_form(form_of(value))) {
      text.insert_type(number("index"), new_type(*kind, value), attributes);
    } else {
      text.insert_embed(number("index"), need(to_any(value)), attributes);
    }
  } else if (action == "text.applyDelta") {
    text.apply_delta(delta_of(op.at("delta")), op.value("sanitize", true));
  } else {
    return Error{ErrorCode::Unsupported, action};
  }
  return {};
}

}  // namespace

Result<TypeKind> root_kind(std::string_view name) {
  if (name == "text") return TypeKind::Text;
  if (name == "array") return TypeKind::Array;
  if (name == "map") return TypeKind::Map;
  if (name == "xmlfragment") return TypeKind::XmlFragment;
  if (name == "xmlelement") return TypeKind::XmlElement;
  if (name == "xmltext") return TypeKind::XmlText;
  return Error{ErrorCode::Unsupported, fmt::format("root {}", name)};
}

Status declare_roots(crdt::Doc& doc, const OrderedJson& roots) {
  for (const auto& [name, kind_name] : roots.items()) {
    DX_TRY(const TypeKind kind, root_kind(kind_name.get<std::string>()));
    DX_TRY_OK(doc.root(name, kind));
  }
  return {};
}

Result<TypeRef> resolve_path(crdt::Doc& doc, const OrderedJson& roots, const OrderedJson& path) {
  const auto name = path.at(0).get<std::string>();
  DX_TRY(const TypeKind kind, root_kind(roots.at(name).get<std::string>()));
  DX_TRY(TypeRef type, doc.root(name, kind));
  for (std::size_t i = 1; i < path.size(); ++i) {
    const std::optional<crdt::Value> value = path[i].is_string()
                                                 ? Map(type).get(path[i].get<std::string>())
                                                 : Array(type).get(path[i].get<std::uint64_t>());
    const TypeRef* next = value ? std::get_if<TypeRef>(&*value) : nullptr;
    if (next == nullptr) return Error{ErrorCode::NotFound, "no type at " + path.dump()};
    type = *next;
  }
  return type;
}

Status run_edit(crdt::Doc& doc, const OrderedJson& roots, const OrderedJson& op) {
  const auto action = op.at("do").get<std::string>();
  DX_TRY(const TypeRef type, resolve_path(doc, roots, op.at("at")));
  const auto number = [&](const char* name) { return op.at(name).get<std::uint64_t>(); };
  if (action == "array.insert" || action == "xml.insert") {
    insert_values(type, number("index"), op.at("values"));
  } else if (action == "array.push") {
    push_values(type, op.at("values"));
  } else if (action == "xml.push") {
    insert_values(type, Array(type).length(), op.at("values"));
  } else if (action == "xml.insertAfter") {
    insert_after(type, op);
  } else if (action == "array.delete" || action == "xml.delete") {
    Array(type).erase(number("index"), number("len"));
  } else if (action == "map.set" || action == "text.setAttr" || action == "xml.setAttr") {
    set_value(type, need(to_text(op.at("key"))), op.at("value"));
  } else if (action == "map.delete" || action == "text.removeAttr" || action == "xml.removeAttr") {
    Map(type).erase(need(to_text(op.at("key"))));
  } else if (action == "map.clear") {
    Map(type).clear();
  } else {
    return run_text_edit(Text(type), action, op);
  }
  return {};
}

}  // namespace diaryx::compat
