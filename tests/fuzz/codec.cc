// lib0's any-values, JSON as JavaScript has it, and the columns of update v2.
#include <cstring>

#include "engine/base/json.h"
#include "engine/base/utf.h"
#include "engine/codec/columns.h"
#include "engine/codec/json_text.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/crdt/structs/content.h"
#include "engine/crdt/wire/columns.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

// An array element is one octet on the wire.
constexpr MemoryBound kMemory{std::size_t{16} << 10U, 256};
constexpr std::size_t kMostValues = 4096;

Buffer written(const codec::Any& value) {
  Buffer out;
  codec::Writer(out).any(value);
  return out;
}

// The second round changes nothing. (The first may: big integers come back as doubles.)
void check_any_as_json(const codec::Any& value) {
  const std::string first = codec::to_js_json(value);
  if (first == "undefined") return;
  const auto parsed = codec::parse_js_json(first);
  DX_CHECK(parsed);
  const std::string second = codec::to_js_json(*parsed);
  const auto again = codec::parse_js_json(second);
  DX_CHECK(again);
  DX_CHECK(codec::to_js_json(*again) == second);
}

// The columns once behind Results, once as the engine reads them: both see the same.
template <class Slow, class Fast>
void check_columns(Slow slow, Fast fast) {
  for (std::size_t i = 0; i < kMostValues; ++i) {
    const auto expected = slow.next();
    const auto got = fast.next();
    if (fast.failed()) return;  // The engine has no use for negative clocks and such.
    DX_CHECK(expected);
    DX_CHECK(static_cast<std::uint64_t>(*expected) == static_cast<std::uint64_t>(got));
  }
}

template <class Reader, class Writer>
void check_rewritten(Bytes input) {
  Reader reader(input);
  Writer writer;
  std::vector<std::int64_t> values;
  while (values.size() < kMostValues) {
    const auto value = reader.next();
    if (!value) break;
    if (static_cast<std::int64_t>(*value) >= std::int64_t{1} << 51U ||
        static_cast<std::int64_t>(*value) <= -(std::int64_t{1} << 51U))
      break;
    values.push_back(static_cast<std::int64_t>(*value));
    writer.write(*value);
  }
  const Buffer column = writer.finish();
  Reader again(column);
  for (const std::int64_t value : values) {
    const auto got = again.next();
    DX_CHECK(got);
    DX_CHECK(static_cast<std::int64_t>(*got) == value);
  }
}

void check_string_column(Bytes input) {
  auto slow = codec::StringColumnReader::open(input);
  crdt::StringColumnReader fast(input);
  if (!slow) {
    DX_CHECK(fast.failed());
    return;
  }
  codec::StringColumnWriter writer;
  for (std::size_t i = 0; i < kMostValues; ++i) {
    const auto expected = slow->next();
    bool lasting = false;
    const std::string_view got = fast.next(lasting);
    DX_CHECK(expected.has_value() == !fast.failed());
    if (!expected) break;
    DX_CHECK(*expected == got);
    writer.write(got);
  }
  DX_CHECK(codec::StringColumnReader::open(writer.finish()));
}

}  // namespace

void fuzz_any(Bytes input) {
  codec::Reader in(input);
  const compat::MemoryMeter memory;
  const auto value = in.any();
  check_memory(kMemory, input.size(), memory.peak());
  // The engine's own reader is of the same opinion, and writes what Writer writes.
  crdt::WireReader wire(input);
  crdt::Arena arena;
  crdt::read_anys(wire, 1, arena);
  DX_CHECK(value.has_value() == !wire.failed());
  if (!value) return;
  DX_CHECK(wire.position() == in.position());
  const Buffer canonical = written(*value);
  DX_CHECK(std::ranges::equal(arena.octets(), canonical));
  codec::Reader again(canonical);
  const auto reread = again.any();
  DX_CHECK(reread);
  DX_CHECK(again.at_end());
  DX_CHECK(*reread == *value);
  check_any_as_json(*value);
}

void fuzz_json(Bytes input) {
  const std::string_view text = as_text(input);
  (void)parse_json(text);  // Must come back, that is all.
  (void)parse_ordered_json(text);
  if (!is_utf8(text)) return;
  const compat::MemoryMeter memory;
  const auto value = codec::parse_js_json(text);
  check_memory(kMemory, input.size(), memory.peak());
  crdt::Arena arena;
  const bool canonical = crdt::append_canonical_json(text, arena, false);
  DX_CHECK(value.has_value() == canonical);
  if (!value) return;
  const std::string json = codec::to_js_json(*value);
  DX_CHECK(as_text(arena.octets()) == json);
  const auto again = codec::parse_js_json(json);
  DX_CHECK(again);
  DX_CHECK(codec::to_js_json(*again) == json);
  (void)written(*value);
}

void fuzz_columns(Bytes input) {
  check_columns(codec::UintOptRleReader(input), crdt::UintColumnReader(input));
  check_columns(codec::IntDiffOptRleReader(input), crdt::DiffColumnReader(input));
  check_columns(codec::RleUint8Reader(input), crdt::OctetColumnReader(input));
  check_string_column(input);
  check_rewritten<codec::UintOptRleReader, codec::UintOptRleWriter>(input);
  check_rewritten<codec::IntDiffOptRleReader, codec::IntDiffOptRleWriter>(input);
  check_rewritten<codec::RleUint8Reader, codec::RleUint8Writer>(input);
}

}  // namespace diaryx::fuzz
