#include "engine/workspace/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/base/hash.h"
#include "engine/base/utf.h"
#include "engine/codec/json_text.h"
#include "engine/codec/reader.h"

namespace diaryx::workspace {
namespace {

using codec::Any;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_of(std::string_view text, bool (*test)(char)) {
  for (const char c : text) {
    if (!test(c)) return false;
  }
  return !text.empty();
}

bool is_one_of(std::string_view text, std::string_view lower) {
  // "lower", "Lower" or "LOWER".
  if (text.size() != lower.size()) return false;
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  bool small = true;
  bool large = true;
  for (std::size_t i = 1; i < text.size(); ++i) {
    small = small && text[i] == lower[i];
    large = large && text[i] == upper(lower[i]);
  }
  return (text[0] == lower[0] && small) || (text[0] == upper(lower[0]) && (small || large));
}

// [0-9]+ ( "." [0-9]* )? ( [eE] [-+]? [0-9]+ )?  or with no digit before the point.
bool is_float(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  const std::size_t whole = digits();
  std::size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    fraction = digits();
  }
  if (whole + fraction == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

Any whole_number(std::string_view digits, int base, bool negative, std::string_view text) {
  std::uint64_t magnitude = 0;
  const auto result =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  const bool exact = result.ec == std::errc() && magnitude <= codec::kMaxSafeInteger;
  if (!exact) return Any(text);
  const auto value = static_cast<double>(magnitude);
  return Any(negative ? -value : value);
}

Any resolve_number(std::string_view text) {
  std::string_view rest = text;
  const bool sign = !rest.empty() && (rest.front() == '-' || rest.front() == '+');
  const bool negative = sign && rest.front() == '-';
  if (sign) rest.remove_prefix(1);
  if (all_of(rest, is_digit)) return whole_number(rest, 10, negative, text);
  if (!sign && rest.size() > 2 && rest[0] == '0' && rest[1] == 'o' &&
      all_of(rest.substr(2), [](char c) { return c >= '0' && c <= '7'; })) {
    return whole_number(rest.substr(2), 8, false, text);
  }
  if (!sign && rest.size() > 2 && rest[0] == '0' && rest[1] == 'x' &&
      all_of(rest.substr(2), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      })) {
    return whole_number(rest.substr(2), 16, false, text);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (rest == ".inf" || rest == ".Inf" || rest == ".INF")
    return Any(negative ? -kInfinity : kInfinity);
  if (!is_float(rest)) return Any(text);
  double value = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (result.ec != std::errc()) return Any(text);  // Out of range: nothing that a double can say.
  return Any(negative ? -value : value);
}

// What YAML 1.1 readers take for something else, though 1.2 does not: yes, 1_000, 0b1, 12:30,
// 2024-01-01, =, <<.
bool old_yaml_disagrees(std::string_view text) {
  for (const std::string_view word : {"y", "n", "yes", "no", "on", "off"}) {
    if (is_one_of(text, word)) return true;
  }
  if (text == "=" || text == "<<") return true;
  std::string_view rest = text;
  if (rest.front() == '-' || rest.front() == '+') rest.remove_prefix(1);
  if (rest.empty() || (!is_digit(rest.front()) && rest.front() != '.')) return false;
  // Digits with the letters that dates, times and numbers in any base have. Quotes too many do no
  // harm.
  return rest.find_first_not_of("0123456789abcdefxoABCDEFXO_.:-+TtZz ") == std::string_view::npos;
}

// Characters that must be escaped, or that break lines for some readers and not for others.
bool is_special(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
         c == 0xFFFE || c == 0xFFFF || (c >= 0xD800 && c <= 0xDFFF);
}

bool has_special(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    if (is_special(c.value)) return true;
    at += c.bytes;
  }
  return false;
}

bool plain_is_safe(std::string_view text, YamlPlace place) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`=<").find(text.front()) != std::string_view::npos)
    return false;
  if (text.substr(0, 3) == "..." || text.find(": ") != std::string_view::npos ||
      text.find(" #") != std::string_view::npos)
    return false;
  if (place == YamlPlace::Flow && text.find_first_of(",[]{}:") != std::string_view::npos)
    return false;
  if (place == YamlPlace::Key && text.find(':') != std::string_view::npos) return false;
  if (has_special(text) || old_yaml_disagrees(text)) return false;
  return resolve_plain(text).get<std::string>() != nullptr;
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

// `text` must be UTF-8.
std::string double_quoted(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    if (c.value == '"' || c.value == '\\') {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (c.value == '\r') {
      out += "\\r";
    } else if (is_special(c.value)) {
      out += c.value < 0x100 ? "\\x" : "\\u";
      for (int shift = c.value < 0x100 ? 4 : 12; shift >= 0; shift -= 4) {
        out += kHex[(c.value >> static_cast<unsigned>(shift)) & 0xFU];
      }
    } else {
      out.append(text.substr(at, c.bytes));
    }
    at += c.bytes;
  }
  return out + "\"";
}

bool same_form(const Any& a, const Any& b) {
  const auto* a_array = a.get<codec::AnyArray>();
  const auto* b_array = b.get<codec::AnyArray>();
  if (a_array != nullptr && b_array != nullptr) {
    return std::equal(a_array->begin(), a_array->end(), b_array->begin(), b_array->end(),
                      same_form);
  }
  const auto* a_object = a.get<codec::AnyObject>();
  const auto* b_object = b.get<codec::AnyObject>();
  if (a_object != nullptr && b_object != nullptr) {
    if (a_object->size() != b_object->size()) return false;
    for (std::size_t i = 0; i < a_object->size(); ++i) {
      const auto& [key, value] = (*a_object)[i];
      // Mostly the order is the same, too.
      const Any* other = (*b_object)[i].first == key ? &(*b_object)[i].second : b.find(key);
      if (other == nullptr || !same_form(value, *other)) return false;
    }
    return true;
  }
  return a == b;
}

}  // namespace

Any resolve_plain(std::string_view text) {
  if (text.empty() || text == "~" || is_one_of(text, "null")) return Any(codec::Null{});
  if (is_one_of(text, "true")) return Any(true);
  if (is_one_of(text, "false")) return Any(false);
  if (text == ".nan" || text == ".NaN" || text == ".NAN")
    return Any(std::numeric_limits<double>::quiet_NaN());
  const char c = text.front();
  if (is_digit(c) || c == '-' || c == '+' || c == '.') return resolve_number(text);
  return Any(text);
}

std::string write_string(std::string_view text, Quote preferred, YamlPlace place) {
  if (!is_utf8(text)) return double_quoted(replace_invalid_utf8(text));
  if (preferred == Quote::Plain && plain_is_safe(text, place)) return std::string(text);
  if (preferred == Quote::Single && !text.empty() && !has_special(text)) return single_quoted(text);
  return double_quoted(text);
}

std::string write_number(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  return codec::js_number_to_string(value);
}

Any yaml_form(const Any& value) {
  if (value.is_undefined()) return Any(codec::Null{});
  if (const auto* number = value.get<double>()) {
    if (*number == 0) return Any(0.0);
    // A whole number that is not exact would come back as text.
    const bool large =
        std::abs(*number) > static_cast<double>(codec::kMaxSafeInteger) && std::isfinite(*number);
    return large ? resolve_plain(write_number(*number)) : value;
  }
  if (const auto* big = value.get<codec::BigInt>())
    return resolve_plain(std::to_string(big->value));
  if (const auto* bytes = value.get<Buffer>()) return Any(to_base64(*bytes));
  if (const auto* text = value.get<std::string>())
    return is_utf8(*text) ? value : Any(replace_invalid_utf8(*text));
  if (const auto* array = value.get<codec::AnyArray>()) {
    codec::AnyArray out;
    out.reserve(array->size());
    for (const Any& item : *array) out.push_back(yaml_form(item));
    return Any(std::move(out));
  }
  if (const auto* object = value.get<codec::AnyObject>()) {
    codec::AnyObject out;
    out.reserve(object->size());
    for (const auto& [key, member] : *object)
      out.emplace_back(replace_invalid_utf8(key), yaml_form(member));
    return Any(std::move(out));
  }
  return value;
}

bool same_in_yaml(const Any& a, const Any& b) {
  return a == b || same_form(yaml_form(a), yaml_form(b));
}

}  // namespace diaryx::workspace
