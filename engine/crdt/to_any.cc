#include <string>

#include "engine/crdt/value.h"

namespace diaryx::crdt {

codec::Any to_any(TypeRef type) {
  const TypeKind kind = type.doc->kind_of(type).value_or(TypeKind::Map);
  const auto inner = [](const Value& value) {
    if (const TypeRef* nested = std::get_if<TypeRef>(&value)) return to_any(*nested);
    return std::get<codec::Any>(value);
  };
  switch (kind) {
    case TypeKind::Map:
    case TypeKind::XmlHook: {
      codec::AnyObject object;
      Map(type).for_each([&](std::string_view key, const Value& value) {
        object.emplace_back(key, inner(value));
      });
      return object;
    }
    case TypeKind::Text:
    case TypeKind::XmlText:
      return Text(type).to_string();
    default: {
      codec::AnyArray array;
      Array(type).for_each([&](const Value& value) { array.push_back(inner(value)); });
      return array;
    }
  }
}

}  // namespace diaryx::crdt
