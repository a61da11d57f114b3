#include <string>

#include "engine/codec/reader.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {
namespace {

// Types nest as deep as a peer likes, values do not: what lies deeper shows as null.
codec::Any to_any_at(TypeRef type, int depth) {
  if (depth > codec::kMaxAnyDepth / 2) return codec::Null{};
  const auto inner = [depth](const ValueView& value) {
    if (const auto nested = value.type()) return to_any_at(*nested, depth + 1);
    return std::get<codec::Any>(value.value());
  };
  switch (type.doc->kind_of(type).value_or(TypeKind::Map)) {
    case TypeKind::Map:
    case TypeKind::XmlHook: {
      codec::AnyObject object;
      object.reserve(Map(type).size());
      Map(type).visit([&](std::string_view key, const ValueView& value) {
        object.emplace_back(key, inner(value));
      });
      return object;
    }
    case TypeKind::Array: {
      codec::AnyArray array;
      array.reserve(static_cast<std::size_t>(Array(type).length()));
      Array(type).visit([&](const ValueView& value) { array.push_back(inner(value)); });
      return array;
    }
    case TypeKind::Text:
      return Text(type).to_string();
    case TypeKind::XmlText:
    case TypeKind::XmlElement:
    case TypeKind::XmlFragment:
      return Xml(type).to_string();
  }
  return {};
}

}  // namespace

codec::Any to_any(TypeRef type) {
  return to_any_at(type, 0);
}

}  // namespace diaryx::crdt
