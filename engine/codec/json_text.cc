#include "engine/codec/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "engine/base/utf.h"
#include "engine/codec/reader.h"
#include "engine/codec/wtf8.h"

namespace diaryx::codec {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// The double that is nearest to a number of JSON. False if it is beyond the range of one, on either
// end.
bool read_double(std::string_view token, double& value) {
#ifdef __cpp_lib_to_chars
  return std::from_chars(token.data(), token.data() + token.size(), value).ec == std::errc();
#else
  // Only where from_chars knows no double: strtod() is as exact, but listens to the locale.
  value = std::strtod(std::string(token).c_str(), nullptr);
  return !std::isinf(value) && value != 0;
#endif
}

// Recursive descent over well-formed UTF-8.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Any> run() {
    Any value;
    DX_TRY_OK(value_into(value, 0));
    skip_space();
    if (at_ != text_.size()) return unexpected();
    return value;
  }

 private:
  Error unexpected() const {
    if (at_ >= text_.size()) return {ErrorCode::Malformed, "json: ends early"};
    return {ErrorCode::Malformed, fmt::format("json: unexpected octet {:#04x} at {}",
                                              static_cast<unsigned char>(text_[at_]), at_)};
  }

  void skip_space() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  bool take(char c) noexcept {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) noexcept {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Status value_into(Any& out, int depth) {
    if (depth > kMaxAnyDepth) {
      return Error{ErrorCode::LimitExceeded,
                   fmt::format("json: nested deeper than {}", kMaxAnyDepth)};
    }
    skip_space();
    if (at_ == text_.size()) return unexpected();
    switch (text_[at_]) {
      case '{':
        return object_into(out, depth);
      case '[':
        return array_into(out, depth);
      case '"': {
        std::string text;
        DX_TRY_OK(string_into(text));
        out = std::move(text);
        return {};
      }
      case 't':
        if (!take_word("true")) return unexpected();
        out = true;
        return {};
      case 'f':
        if (!take_word("false")) return unexpected();
        out = false;
        return {};
      case 'n':
        if (!take_word("null")) return unexpected();
        out = Null{};
        return {};
      default:
        return number_into(out);
    }
  }

  Status array_into(Any& out, int depth) {
    ++at_;
    AnyArray array;
    skip_space();
    if (!take(']')) {
      do {
        array.emplace_back();
        DX_TRY_OK(value_into(array.back(), depth + 1));
        skip_space();
      } while (take(','));
      if (!take(']')) return unexpected();
    }
    out = std::move(array);
    return {};
  }

  Status object_into(Any& out, int depth) {
    ++at_;
    AnyObject object;
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        if (at_ == text_.size() || text_[at_] != '"') return unexpected();
        object.emplace_back();
        DX_TRY_OK(string_into(object.back().first));
        skip_space();
        if (!take(':')) return unexpected();
        DX_TRY_OK(value_into(object.back().second, depth + 1));
        skip_space();
      } while (take(','));
      if (!take('}')) return unexpected();
    }
    normalise_keys(object);
    out = std::move(object);
    return {};
  }

  Status string_into(std::string& out) {
    ++at_;
    while (true) {
      const std::size_t start = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20) {
        ++at_;
      }
      out.append(text_, start, at_ - start);
      if (take('"')) return {};
      if (!take('\\')) return unexpected();
      DX_TRY_OK(escape_into(out));
    }
  }

  Status escape_into(std::string& out) {
    if (at_ == text_.size()) return unexpected();
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kNames.find(text_[at_]); i != std::string_view::npos) {
      out.push_back(kValues[i]);
      ++at_;
      return {};
    }
    if (!take('u')) return unexpected();
    unsigned unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ == text_.size()) return unexpected();
      const char c = text_[at_];
      const char lower = static_cast<char>(c | 0x20);
      if (is_digit(c)) {
        unit = unit * 16 + static_cast<unsigned>(c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        unit = unit * 16 + static_cast<unsigned>(lower - 'a' + 10);
      } else {
        return unexpected();
      }
    }
    append_utf16_unit(out, static_cast<char16_t>(unit));
    return {};
  }

  Status number_into(Any& out) {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      return at_ != from;
    };
    (void)take('-');  // A sign may be there or not.
    if (!take('0') && !digits()) return unexpected();
    if (take('.') && !digits()) return unexpected();
    if (take('e') || take('E')) {
      if (!take('+')) (void)take('-');  // As above.
      if (!digits()) return unexpected();
    }
    const std::string_view token = text_.substr(start, at_ - start);
    double value = 0;
    if (!read_double(token, value)) {
      if (!is_tiny(token)) {
        return Error{ErrorCode::Malformed,
                     fmt::format("json: number at {} is beyond the range of a double", start)};
      }
      value = token[0] == '-' ? -0.0 : 0.0;
    }
    out = value;
    return {};
  }

  // For a number that is no double: too near to zero, rather than too far from it? Its size shows
  // in where its first digit that is not zero stands, plus the exponent.
  static bool is_tiny(std::string_view token) noexcept {
    const std::size_t exponent_at = token.find_first_of("eE");
    const std::string_view mantissa = token.substr(0, exponent_at);
    const std::size_t first = mantissa.find_first_of("123456789");
    const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
    if (first == std::string_view::npos) return true;
    const double place = static_cast<double>(point) - static_cast<double>(first);
    if (exponent_at == std::string_view::npos) return place < 0;
    std::string_view exponent = token.substr(exponent_at + 1);
    const bool negative = exponent[0] == '-';
    if (negative || exponent[0] == '+') exponent.remove_prefix(1);
    double power = 0;  // May become infinite: good enough to compare.
    for (const char c : exponent) power = power * 10 + (c - '0');
    return place + (negative ? -power : power) < 0;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void value(const Any& any) {
    if (any.is_undefined() || any.is_null()) {
      out_ += "null";
    } else if (const auto* truth = any.get<bool>()) {
      out_ += *truth ? "true" : "false";
    } else if (const auto* real = any.get<double>()) {
      out_ += std::isfinite(*real) ? js_number_to_string(*real) : "null";
    } else if (const auto* integer = any.get<BigInt>()) {
      fmt::format_to(std::back_inserter(out_), "{}", integer->value);
    } else if (const auto* text = any.get<std::string>()) {
      string(*text);
    } else if (const auto* raw = any.get<Buffer>()) {
      octets(*raw);
    } else if (const auto* list = any.get<AnyArray>()) {
      array(*list);
    } else if (const auto* members = any.get<AnyObject>()) {
      object(*members);
    }
  }

 private:
  void array(const AnyArray& list) {
    out_.push_back('[');
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i != 0) out_.push_back(',');
      value(list[i]);
    }
    out_.push_back(']');
  }

  void object(const AnyObject& members) {
    out_.push_back('{');
    bool first = true;
    for (const auto* entry : in_key_order(members)) {
      if (entry->second.is_undefined()) continue;
      if (!first) out_.push_back(',');
      first = false;
      string(entry->first);
      out_.push_back(':');
      value(entry->second);
    }
    out_.push_back('}');
  }

  void octets(const Buffer& raw) {
    out_.push_back('{');
    for (std::size_t i = 0; i < raw.size(); ++i) {
      fmt::format_to(std::back_inserter(out_), "{}\"{}\":{}", i == 0 ? "" : ",", i, raw[i]);
    }
    out_.push_back('}');
  }

  void string(std::string_view wtf8) {
    out_.push_back('"');
    const bool surrogates = has_lone_surrogate(wtf8);
    for (std::size_t at = 0; at < wtf8.size();) {
      const char c = wtf8[at];
      if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
        escape(c);
        ++at;
      } else if (surrogates && c == '\xED') {
        const CodePoint point = code_point_at(wtf8, at);
        if (point.value >= 0xD800 && point.value <= 0xDFFF) {
          fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(point.value));
        } else {
          out_.append(wtf8, at, point.bytes);
        }
        at += point.bytes;
      } else {
        out_.push_back(c);
        ++at;
      }
    }
    out_.push_back('"');
  }

  void escape(char c) {
    constexpr std::string_view kValues = "\"\\\b\f\n\r\t";
    constexpr std::string_view kNames = "\"\\bfnrt";
    if (const std::size_t i = kValues.find(c); i != std::string_view::npos) {
      out_.push_back('\\');
      out_.push_back(kNames[i]);
    } else {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}",
                     static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }

  std::string& out_;
};

}  // namespace

Result<Any> parse_js_json(std::string_view text) {
  if (!is_utf8(text)) return Error{ErrorCode::Malformed, "json: not UTF-8"};
  return Parser(text).run();
}

std::string to_js_json(const Any& value) {
  if (value.is_undefined()) return "undefined";
  std::string out;
  Printer(out).value(value);
  return out;
}

namespace {

struct Digits {
  std::string digits;  // None of them zero at either end.
  int point;           // The decimal point stands after that many of them.
};

// The fewest digits that say which double it is, of a positive finite one. fmt finds them, and lays
// them out in ways of its own: "120", "0.00012", "1.2e-07".
Digits shortest_digits(double value) {
  const std::string text = fmt::format("{}", value);
  const std::size_t e = std::min(text.find('e'), text.size());
  Digits out{{}, 0};
  bool before_point = true;
  for (const char c : std::string_view(text).substr(0, e)) {
    if (c == '.') {
      before_point = false;
    } else {
      out.digits += c;
      if (before_point) ++out.point;
    }
  }
  if (e < text.size()) out.point += std::atoi(text.c_str() + e + 1);
  const std::size_t zeros = out.digits.find_first_not_of('0');
  out.digits.erase(0, zeros);
  out.point -= static_cast<int>(zeros);
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  return out;
}

}  // namespace

// Lays the shortest digits out as ECMA-262, Number::toString does: plain from 1e-6 up to 1e21, with
// an exponent outside.
std::string js_number_to_string(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return "0";

  auto [digits, point] = shortest_digits(std::fabs(value));
  const int count = static_cast<int>(digits.size());
  const int exponent = point - 1;
  std::string out = value < 0 ? "-" : "";
  if (count <= point && point <= 21) {
    return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
  }
  if (0 < point && point <= 21) {
    return out + digits.insert(static_cast<std::size_t>(point), 1, '.');
  }
  if (-6 < point && point <= 0) {
    return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  }
  if (count > 1) digits.insert(1, 1, '.');
  return fmt::format("{}{}e{}{}", out, digits, exponent < 0 ? '-' : '+', std::abs(exponent));
}

}  // namespace diaryx::codec
