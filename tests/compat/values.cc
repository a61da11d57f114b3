#include "tests/compat/values.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "engine/base/base64.h"
#include "engine/base/utf.h"
#include "engine/codec/wtf8.h"

namespace diaryx::compat {
namespace {

using codec::Any;

// What the corpus writes in full.
constexpr std::size_t kMaxTextUnits = 20'000;
constexpr std::size_t kMaxByteCount = 120'000;
constexpr std::size_t kMaxShownBytes = 60;

std::string fnv1a64(Bytes bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3U;
  return fmt::format("{:016x}", hash);
}

Error unknown_form(const OrderedJson& value) {
  return {ErrorCode::Malformed,
          fmt::format("unknown form {}", dump_json(value).substr(0, kMaxShownBytes))};
}

bool is_type_form(std::string_view tag) {
  for (const std::string_view type :
       {"ytext", "yarray", "ymap", "yxmlelement", "yxmlfragment", "yxmltext", "yxmlhook", "ydoc"}) {
    if (tag == type) return true;
  }
  return false;
}

Result<Any> from_float_form(std::string_view name) {
  if (name == "nan") return Any(std::numeric_limits<double>::quiet_NaN());
  if (name == "inf") return Any(std::numeric_limits<double>::infinity());
  if (name == "-inf") return Any(-std::numeric_limits<double>::infinity());
  if (name == "-0") return Any(-0.0);
  return Error{ErrorCode::Malformed, fmt::format("unknown number {}", name)};
}

Result<Any> from_form(const OrderedJson& value) {
  const auto tag = value.at("$").get<std::string>();
  if (tag == "undefined") return Any();
  if (tag == "f64") return from_float_form(value.at("v").get<std::string>());
  if (tag == "bigint") {
    const auto digits = value.at("v").get<std::string>();
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return Any(codec::BigInt{number});
  }
  if (tag == "bytes") {
    DX_TRY(Buffer bytes, to_bytes(value.at("v")));
    return Any(std::move(bytes));
  }
  if (tag == "utf16" || tag == "repeat") {
    DX_TRY(std::string text, to_text(value));
    return Any(std::move(text));
  }
  if (tag == "obj") {
    codec::AnyObject object;
    for (const OrderedJson& entry : value.at("v")) {
      DX_TRY(std::string key, to_text(entry.at(0)));
      DX_TRY(Any member, to_any(entry.at(1)));
      // Assigned in JavaScript, it would set the prototype.
      if (key != "__proto__") object.emplace_back(std::move(key), std::move(member));
    }
    codec::normalise_keys(object);
    return Any(std::move(object));
  }
  if (is_type_form(tag)) return Error{ErrorCode::Unsupported, fmt::format("value ${}", tag)};
  return unknown_form(value);
}

std::string shown(const OrderedJson& value) {
  std::string text = dump_json(value);
  if (text.size() > kMaxShownBytes) text = text.substr(0, kMaxShownBytes) + "…";
  return text;
}

// Empty if the two are same().
std::string difference_at(const std::string& place, const OrderedJson& expected,
                          const OrderedJson& got) {
  if (same(expected, got)) return {};
  if (expected.is_object() && got.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      if (!got.contains(key)) return fmt::format("{}.{} is missing", place, key);
      if (auto text = difference_at(place + "." + key, value, got.at(key)); !text.empty())
        return text;
    }
    for (const auto& [key, value] : got.items()) {
      if (!expected.contains(key))
        return fmt::format("{}.{}: {}, which is not expected", place, key, shown(value));
    }
  }
  if (expected.is_array() && got.is_array()) {
    for (std::size_t i = 0; i < std::min(expected.size(), got.size()); ++i) {
      if (auto text = difference_at(fmt::format("{}[{}]", place, i), expected[i], got[i]);
          !text.empty())
        return text;
    }
    return fmt::format("{}: {} elements instead of {}", place, got.size(), expected.size());
  }
  return fmt::format("{}: {} instead of {}", place, shown(got), shown(expected));
}

}  // namespace

Result<std::string> to_text(const OrderedJson& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object() || !value.contains("$")) return unknown_form(value);
  const auto tag = value.at("$").get<std::string>();
  std::string text;
  if (tag == "utf16") {
    for (const OrderedJson& unit : value.at("v"))
      codec::append_utf16_unit(text, unit.get<char16_t>());
    return text;
  }
  if (tag == "repeat") {
    DX_TRY(const std::string part, to_text(value.at("s")));
    for (auto n = value.at("n").get<std::size_t>(); n > 0; --n) codec::append_wtf8(text, part);
    return text;
  }
  return unknown_form(value);
}

Result<Buffer> to_bytes(const OrderedJson& value) {
  if (value.is_string()) return from_base64(value.get<std::string>());
  if (!value.is_object() || !value.contains("unit")) return unknown_form(value);
  DX_TRY(Buffer out, from_base64(value.value("prefix", "")));
  DX_TRY(const Buffer unit, from_base64(value.at("unit").get<std::string>()));
  DX_TRY(const Buffer suffix, from_base64(value.value("suffix", "")));
  const auto count = value.at("count").get<std::size_t>();
  out.reserve(out.size() + unit.size() * count + suffix.size());
  for (std::size_t i = 0; i < count; ++i) out.insert(out.end(), unit.begin(), unit.end());
  out.insert(out.end(), suffix.begin(), suffix.end());
  return out;
}

Result<codec::Any> to_any(const OrderedJson& value) {
  if (value.is_null()) return Any(codec::Null{});
  if (value.is_boolean()) return Any(value.get<bool>());
  if (value.is_number()) return Any(value.get<double>());
  if (value.is_string()) return Any(value.get<std::string>());
  if (value.is_array()) {
    codec::AnyArray array;
    for (const OrderedJson& element : value) {
      DX_TRY(Any member, to_any(element));
      array.push_back(std::move(member));
    }
    return Any(std::move(array));
  }
  if (value.contains("$")) return from_form(value);
  codec::AnyObject object;
  for (const auto& [key, element] : value.items()) {
    DX_TRY(Any member, to_any(element));
    object.emplace_back(key, std::move(member));
  }
  codec::normalise_keys(object);
  return Any(std::move(object));
}

OrderedJson from_text(std::string_view wtf8) {
  const std::size_t units = utf16_length(wtf8);
  if (codec::has_lone_surrogate(wtf8)) {
    OrderedJson list = OrderedJson::array();
    for (const char16_t unit : utf8_to_utf16(wtf8)) list.push_back(static_cast<unsigned>(unit));
    return {{"$", "utf16"}, {"v", std::move(list)}};
  }
  if (units > kMaxTextUnits) {
    return {{"$", "strhash"}, {"utf16_len", units}, {"fnv1a64_utf8", fnv1a64(as_bytes(wtf8))}};
  }
  return OrderedJson(wtf8);
}

OrderedJson fingerprint(Bytes bytes) {
  return {{"len", bytes.size()}, {"fnv1a64", fnv1a64(bytes)}};
}

OrderedJson from_bytes(Bytes bytes) {
  if (bytes.size() > kMaxByteCount) return fingerprint(bytes);
  return OrderedJson(to_base64(bytes));
}

OrderedJson from_any(const codec::Any& value) {
  const auto form = [](std::string_view tag, OrderedJson content) {
    return OrderedJson{{"$", tag}, {"v", std::move(content)}};
  };
  if (value.is_undefined()) return {{"$", "undefined"}};
  if (const auto* truth = value.get<bool>()) return *truth;
  if (const auto* number = value.get<double>()) {
    if (std::isnan(*number)) return form("f64", "nan");
    if (std::isinf(*number)) return form("f64", *number > 0 ? "inf" : "-inf");
    if (*number == 0 && std::signbit(*number)) return form("f64", "-0");
    return *number;
  }
  if (const auto* integer = value.get<codec::BigInt>())
    return form("bigint", fmt::format("{}", integer->value));
  if (const auto* text = value.get<std::string>()) return from_text(*text);
  if (const auto* bytes = value.get<Buffer>()) return form("bytes", from_bytes(*bytes));
  if (const auto* array = value.get<codec::AnyArray>()) {
    OrderedJson list = OrderedJson::array();
    for (const Any& element : *array) list.push_back(from_any(element));
    return list;
  }
  if (const auto* object = value.get<codec::AnyObject>()) {
    bool plain = true;
    OrderedJson pairs = OrderedJson::array();
    for (const auto& [key, member] : *object) {
      if (key == "$" || key == "__proto__" || codec::has_lone_surrogate(key)) plain = false;
      pairs.push_back(OrderedJson::array({from_text(key), from_any(member)}));
    }
    if (!plain) return form("obj", std::move(pairs));
    OrderedJson members = OrderedJson::object();
    for (std::size_t i = 0; i < object->size(); ++i)
      members[(*object)[i].first] = std::move(pairs[i][1]);
    return members;
  }
  return nullptr;
}

bool same(const OrderedJson& a, const OrderedJson& b) {
  if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a.items()) {
      const auto other = b.find(key);
      if (other == b.end() || !same(value, *other)) return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array()) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
  }
  return a == b;
}

std::string difference(const OrderedJson& expected, const OrderedJson& got) {
  return difference_at("$", expected, got);
}

std::string byte_difference(const OrderedJson& expected, Bytes got) {
  if (same(expected, from_bytes(got))) return {};
  if (!expected.is_string())
    return fmt::format("{} instead of {}", shown(from_bytes(got)), shown(expected));
  const auto wanted = from_base64(expected.get<std::string>());
  if (!wanted) return fmt::format("the case has no base64: {}", shown(expected));
  std::size_t at = 0;
  while (at < got.size() && at < wanted->size() && got[at] == (*wanted)[at]) ++at;
  const auto around = [&](Bytes bytes) {
    const std::size_t from = std::min(at < 6 ? 0 : at - 6, bytes.size());
    return to_hex(bytes.subspan(from, std::min<std::size_t>(16, bytes.size() - from)));
  };
  return fmt::format("{} octets instead of {}, first other one at {}: …{} instead of …{}",
                     got.size(), wanted->size(), at, around(got), around(*wanted));
}

}  // namespace diaryx::compat
