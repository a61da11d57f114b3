#include "engine/crdt/structs/content.h"

#include <array>
#include <cmath>
#include <string>

#include "engine/base/standard.h"
#include "engine/codec/json_text.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/codec/wtf8.h"

namespace diaryx::crdt {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD.

// The last three octets are a lone high surrogate: ED A0..AF xx.
bool ends_high(std::string_view text) noexcept {
  return text.size() >= 3 && text[text.size() - 3] == '\xED' &&
         (static_cast<unsigned char>(text[text.size() - 2]) & 0xF0U) == 0xA0U;
}
bool starts_low(std::string_view text) noexcept {
  return text.size() >= 3 && text[0] == '\xED' &&
         (static_cast<unsigned char>(text[1]) & 0xF0U) == 0xB0U;
}
bool is_surrogate_at(std::string_view text, std::size_t at) noexcept {
  return text[at] == '\xED' && at + 1 < text.size() &&
         static_cast<unsigned char>(text[at + 1]) >= 0xA0U;
}

void set_shape(Item& item, std::uint8_t shape) noexcept {
  item.unset(Item::kAscii);
  item.unset(Item::kHasSurrogates);
  item.flags = static_cast<std::uint8_t>(item.flags | shape);
}

// Scanning so much again and again costs next to nothing.
constexpr std::size_t kShort = 4096;

// Puts together anew what a cut has spoiled: of the two halves, `left_drop` octets before the cut
// and `right_drop` behind it become `left_end` and `right_begin`. The shorter half moves, so that
// cutting a text to pieces copies each octet a few times only. Where it was the other one finds the
// octets that it needs more.
void respell(Arena& arena, Item& left, Item& right, std::size_t left_drop,
             std::string_view left_end, std::size_t right_drop, std::string_view right_begin) {
  const std::size_t kept_left = left.content_size - left_drop;
  const std::size_t kept_right = right.content_size - right_drop;
  const std::size_t left_size = kept_left + left_end.size();
  const std::size_t right_size = right_begin.size() + kept_right;
  if (left.content_size < right.content_size) {
    left.content =
        arena.append_block(arena.octets(left.content, kept_left), as_bytes(left_end), left_size);
    right.content += static_cast<std::uint32_t>(right_drop - right_begin.size());
    arena.overwrite(right.content, as_bytes(right_begin));
  } else {
    right.content = arena.append_block(
        as_bytes(right_begin), arena.octets(right.content + right_drop, kept_right), right_size);
    arena.overwrite(left.content + kept_left, as_bytes(left_end));
  }
  left.content_size = static_cast<std::uint32_t>(left_size);
  right.content_size = static_cast<std::uint32_t>(right_size);
}

void split_text(Arena& arena, Item& left, Item& right, std::uint64_t offset) {
  const std::string_view text = content_text(arena, left);
  const auto cut_at = [&](std::size_t octets) {
    right.content = left.content + static_cast<std::uint32_t>(octets);
    right.content_size = left.content_size - static_cast<std::uint32_t>(octets);
    left.content_size = static_cast<std::uint32_t>(octets);
  };
  if (left.has(Item::kAscii)) return cut_at(static_cast<std::size_t>(offset));
  // From the nearer end, so that cutting off piece after piece costs no more than the pieces.
  const std::uint64_t rest = left.length - offset;
  const Utf8Offset cut = offset <= rest
                             ? utf8_offset(text, static_cast<std::size_t>(offset))
                             : utf8_offset_from_end(text, static_cast<std::size_t>(rest));
  const std::string_view head = text.substr(0, cut.bytes);
  const std::string_view tail = text.substr(cut.bytes);
  cut_at(cut.bytes);
  if (cut.inside_surrogates) return respell(arena, left, right, 0, kReplacement, 4, kReplacement);
  if (left.has(Item::kHasSurrogates) && ends_high(head)) {
    // Yjs looks only at the last unit of the left half: a high surrogate there spoils it and the
    // unit behind the cut. Of a pair behind it the second half is left.
    const CodePoint next = code_point_at(tail, 0);
    std::string begin(kReplacement);
    if (next.value > 0xFFFF)
      codec::append_utf16_unit(begin, static_cast<char16_t>(0xDC00 + (next.value & 0x3FFU)));
    return respell(arena, left, right, 3, kReplacement, next.bytes, begin);
  }
  // A half that is not looked at may be ASCII and not be known as such.
  const bool is_short = text.size() <= kShort;
  if (is_short || head.size() <= tail.size()) set_shape(left, measure(head).flags);
  if (is_short || head.size() > tail.size()) set_shape(right, measure(tail).flags);
}

std::size_t var_size(std::uint64_t value) noexcept {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7U) ++size;
  return size;
}

std::uint64_t big_endian(Bytes octets) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8U | octet;
  return value;
}

bool written_as_integer(double value) noexcept {
  return std::isfinite(value) && std::trunc(value) == value && std::fabs(value) <= 2147483647.0;
}

// Reads a length and tells whether it was written in the shortest way.
std::uint64_t scan_length(WireReader& in, bool& canonical) noexcept {
  const std::size_t start = in.position();
  const std::uint64_t value = in.var_uint();
  if (in.position() - start != var_size(value)) canonical = false;
  return value;
}

void scan_object(WireReader& in, bool& canonical, int depth) {
  constexpr std::size_t kCompared = 16;  // Larger objects take the careful way.
  std::array<std::string_view, kCompared> seen;
  const std::uint64_t count = scan_length(in, canonical);
  if (count > in.remaining()) return in.fail("an object has more members than octets");
  if (count > kCompared) canonical = false;
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    const std::string_view key = as_text(in.bytes(scan_length(in, canonical)));
    if (!is_utf8(key)) return in.fail("a key is not UTF-8");
    // JavaScript moves integer-like keys to the front, drops doubles, and treats __proto__
    // specially.
    if ((!key.empty() && key[0] >= '0' && key[0] <= '9') || key == "__proto__") canonical = false;
    if (i < kCompared) {
      for (std::size_t k = 0; k < i; ++k) {
        if (seen[k] == key) canonical = false;
      }
      seen[static_cast<std::size_t>(i)] = key;
    }
    scan_any(in, canonical, depth + 1);
  }
}

void scan_integer(WireReader& in, bool& canonical) noexcept {
  const std::size_t start = in.position();
  std::uint8_t octet = in.u8();
  std::uint64_t value = octet & 0x3FU;
  // Padding, octets without bits, may follow for ever.
  for (unsigned shift = 6; (octet & 0x80U) != 0; shift += shift < 56 ? 7 : 0) {
    octet = in.u8();
    if (in.failed()) return;
    const std::uint64_t bits = octet & 0x7FU;
    if (shift < 56) value |= bits << shift;
    if ((shift >= 56 && bits != 0) || value > kMaxClock)
      return in.fail("an integer above 2^53 - 1");
  }
  std::size_t shortest = 1;
  for (std::uint64_t rest = value >> 6U; rest != 0; rest >>= 7U) ++shortest;
  if (value > 2147483647U || in.position() - start != shortest) canonical = false;
}

}  // namespace

TextShape measure(std::string_view text) noexcept {
  if (is_ascii(text)) return {text.size(), Item::kAscii};
  TextShape shape{utf16_length(text), 0};
  for (std::size_t at = text.find('\xED'); at != std::string_view::npos;
       at = text.find('\xED', at + 1)) {
    if (is_surrogate_at(text, at)) shape.flags = Item::kHasSurrogates;
  }
  return shape;
}

void write_text(WireWriter& out, std::string_view text, std::uint8_t flags) {
  const bool plain =
      (flags & Item::kHasSurrogates) == 0 || text.find('\xED') == std::string_view::npos;
  if (plain) return out.var_string(text);
  std::string replaced(text);
  for (std::size_t at = replaced.find('\xED'); at != std::string::npos;
       at = replaced.find('\xED', at + 1)) {
    if (is_surrogate_at(replaced, at)) replaced.replace(at, 3, kReplacement);
  }
  out.var_string(replaced);
}

std::string_view text_from(std::string_view text, std::uint8_t& flags, std::uint64_t offset,
                           std::string& scratch) {
  if ((flags & Item::kAscii) != 0) return text.substr(static_cast<std::size_t>(offset));
  const Utf8Offset cut = utf8_offset(text, static_cast<std::size_t>(offset));
  if (!cut.inside_surrogates) return text.substr(cut.bytes);
  scratch.clear();
  append_code_point(scratch, 0xDC00 + ((code_point_at(text, cut.bytes).value - 0x10000) & 0x3FFU));
  scratch += text.substr(cut.bytes + 4);
  flags = Item::kHasSurrogates;
  return scratch;
}

void scan_any(WireReader& in, bool& canonical, int depth) {
  if (depth > codec::kMaxAnyDepth) return in.fail("an any-value is nested too deep");
  switch (in.u8()) {
    case 127:
    case 126:
    case 121:
    case 120:
      return;
    case 125:
      return scan_integer(in, canonical);
    case 124: {
      const auto value = bit_cast<float>(static_cast<std::uint32_t>(big_endian(in.bytes(4))));
      if (std::isnan(value) || written_as_integer(value)) canonical = false;
      return;
    }
    case 123: {
      const std::uint64_t bits = big_endian(in.bytes(8));
      const auto value = bit_cast<double>(bits);
      const bool shorter =
          written_as_integer(value) || static_cast<double>(static_cast<float>(value)) == value;
      if (std::isnan(value) ? bits != 0x7FF8000000000000ULL : shorter) canonical = false;
      return;
    }
    case 122:
      return in.skip(8);
    case 119: {
      const std::uint64_t size = scan_length(in, canonical);
      if (!is_utf8(as_text(in.bytes(size)))) in.fail("a string is not UTF-8");
      return;
    }
    case 116:
      return in.skip(scan_length(in, canonical));
    case 117: {
      const std::uint64_t count = scan_length(in, canonical);
      if (count > in.remaining()) return in.fail("an array has more elements than octets");
      for (std::uint64_t i = 0; i < count && !in.failed(); ++i) scan_any(in, canonical, depth + 1);
      return;
    }
    case 118:
      return scan_object(in, canonical, depth);
    default:
      return in.fail("an any-value of unknown kind");
  }
}

void read_anys(WireReader& in, std::uint64_t count, Arena& arena) {
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    const std::uint8_t* start = in.cursor();
    bool canonical = true;
    scan_any(in, canonical);
    if (in.failed()) return;
    const Bytes encoded(start, in.cursor());
    if (canonical) {
      arena.append(encoded);
      continue;
    }
    const auto value = codec::Reader(encoded).any();
    if (!value) return in.fail("an any-value cannot be read");
    append_any(arena, *value);
  }
}

void append_any(Arena& arena, const codec::Any& value) {
  // A string is what most values are: no detour.
  if (const std::string* text = value.get<std::string>(); text != nullptr && is_utf8(*text)) {
    WireWriter head;
    head.reserve(1 + WireWriter::kMaxVar);
    head.u8(119);
    head.var_uint(text->size());
    arena.append(head.written());
    arena.append(*text);
    return;
  }
  Buffer encoded;
  codec::Writer(encoded).any(value);
  arena.append(encoded);
}

bool append_canonical_json(std::string_view text, Arena& arena, bool undefined_too) {
  if (text == "null" || text == "true" || text == "false" ||
      (undefined_too && text == "undefined")) {
    arena.append(text);
    return true;
  }
  const auto value = codec::parse_js_json(text);
  if (!value) return false;
  arena.append(codec::to_js_json(*value));
  return true;
}

void read_json(WireReader& in, Arena& arena, bool undefined_too) {
  const std::string_view text = in.var_string();
  if (in.failed()) return;
  if (!append_canonical_json(text, arena, undefined_too)) in.fail("a value is not JSON");
}

codec::Any json_to_any(std::string_view json) {
  if (json == "undefined") return {};
  auto value = codec::parse_js_json(json);
  DX_CHECK(value);  // It was made by JSON.stringify's rules, or checked when it came in.
  return std::move(*value);
}

JsonValue store_json_value(Arena& arena, const codec::Any& value) {
  // JSON has no undefined; Yjs cannot write it in v1 at all.
  const std::string json = value.is_undefined() ? "null" : codec::to_js_json(value);
  JsonValue stored{arena.append(json), static_cast<std::uint32_t>(json.size()), 0, 0};
  if (json_to_any(json) == value) return stored;
  stored.any = static_cast<std::uint32_t>(arena.size());
  append_any(arena, value);
  stored.any_size = static_cast<std::uint32_t>(arena.size() - stored.any);
  return stored;
}

void read_doc_options(WireReader& in, Arena& arena) {
  const std::uint8_t* start = in.cursor();
  bool canonical = true;
  scan_any(in, canonical);
  if (in.failed()) return;
  const auto options = codec::Reader(Bytes(start, in.cursor())).any();
  if (!options || options->is_null() || options->is_undefined())
    return in.fail("a sub-document without options");
  const auto truthy = [](const codec::Any* value) {
    if (value == nullptr || value->is_null() || value->is_undefined()) return false;
    if (const bool* flag = value->get<bool>()) return *flag;
    if (const double* number = value->get<double>()) return *number != 0 && !std::isnan(*number);
    if (const std::string* text = value->get<std::string>()) return !text->empty();
    if (const codec::BigInt* big = value->get<codec::BigInt>()) return big->value != 0;
    return true;
  };
  codec::AnyObject kept;
  const codec::Any* gc = options->find("gc");
  if (gc != nullptr && !gc->is_undefined() && !truthy(gc)) kept.emplace_back("gc", false);
  if (truthy(options->find("autoLoad"))) kept.emplace_back("autoLoad", true);
  const codec::Any* meta = options->find("meta");
  if (meta != nullptr && !meta->is_null() && !meta->is_undefined())
    kept.emplace_back("meta", *meta);
  append_any(arena, codec::Any(std::move(kept)));
}

std::size_t any_prefix(Bytes encoded, std::uint64_t count) noexcept {
  WireReader in(encoded);
  bool canonical = true;
  for (std::uint64_t i = 0; i < count; ++i) scan_any(in, canonical);
  return in.position();
}

std::size_t json_prefix(Bytes encoded, std::uint64_t count) noexcept {
  WireReader in(encoded);
  for (std::uint64_t i = 0; i < count; ++i) in.skip(in.var_uint());
  return in.position();
}

void split_content(Arena& arena, Item& left, Item& right, std::uint64_t offset) {
  // What comes behind the left half is the right one now, and that begins no block.
  left.unset(Item::kRoomy);
  right.unset(Item::kRoomy);
  std::size_t head = 0;
  switch (left.kind) {
    case Kind::String:
      return split_text(arena, left, right, offset);
    case Kind::Any:
      head = any_prefix(content_bytes(arena, left), offset);
      break;
    case Kind::Json:
      head = json_prefix(content_bytes(arena, left), offset);
      break;
    default:
      return;
  }
  right.content = left.content + static_cast<std::uint32_t>(head);
  right.content_size = left.content_size - static_cast<std::uint32_t>(head);
  left.content_size = static_cast<std::uint32_t>(head);
}

void append_apart(Arena& arena, Item& item, Bytes octets) {
  const std::size_t size = item.content_size;
  const std::size_t whole = size + octets.size();
  if (item.has(Item::kRoomy) && whole <= std::bit_ceil(size)) {
    arena.overwrite(item.content + size, octets);
  } else {
    item.content = arena.append_block(content_bytes(arena, item), octets, std::bit_ceil(whole));
    item.set(Item::kRoomy);
  }
  item.content_size = static_cast<std::uint32_t>(whole);
}

void join_content(Arena& arena, Item& left, const Item& right) {
  if (left.kind != Kind::String && left.kind != Kind::Any && left.kind != Kind::Json) return;
  if (left.kind == Kind::String) {
    const bool ascii = left.has(Item::kAscii) && right.has(Item::kAscii);
    const bool surrogates = left.has(Item::kHasSurrogates) || right.has(Item::kHasSurrogates);
    if (surrogates && ends_high(content_text(arena, left)) &&
        starts_low(content_text(arena, right))) {
      // Two halves of a pair meet and are one character from now on.
      const std::string_view high = content_text(arena, left).substr(left.content_size - 3);
      const std::string_view low = content_text(arena, right).substr(0, 3);
      std::string pair;
      append_code_point(pair, 0x10000 + ((code_point_at(high, 0).value & 0x3FFU) << 10U) +
                                  (code_point_at(low, 0).value & 0x3FFU));
      left.content_size -= 3;
      append_content(arena, left, as_bytes(pair));
      append_content(arena, left, content_bytes(arena, right).subspan(3));
      left.unset(Item::kAscii);
      left.set(Item::kHasSurrogates);  // There may be more of them.
      return;
    }
    set_shape(left, static_cast<std::uint8_t>((ascii ? Item::kAscii : 0) |
                                              (surrogates ? Item::kHasSurrogates : 0)));
  }
  if (std::size_t{left.content} + left.content_size == right.content) {
    left.unset(Item::kRoomy);
    left.content_size += right.content_size;
  } else {
    append_content(arena, left, content_bytes(arena, right));
  }
}

}  // namespace diaryx::crdt
