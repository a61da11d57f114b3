// lib0's any-values, JSON as JavaScript has it, and the columns of update v2.
#include <cstring>

#include "engine/base/json.h"
#include "engine/base/utf.h"
#include "engine/codec/json_text.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/crdt/structs/content.h"
#include "engine/crdt/wire/columns.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/target.h"
#include "tests/support/plain_columns.h"

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

// The columns the plain way and as the engine reads them: both see the same, and what the engine
// writes of it reads the same again.
template <class Plain, class Reader, class Writer, class Write>
void check_column(Bytes input, const Write& write) {
  Plain plain(input);
  Reader reader(input);
  Writer writer;
  std::vector<std::int64_t> values;
  while (values.size() < kMostValues) {
    const auto expected = plain.next();
    const auto got = reader.next();
    DX_CHECK(expected.has_value() == !reader.failed());
    if (!expected) break;
    DX_CHECK(*expected == got);
    values.push_back(static_cast<std::int64_t>(got));
    write(writer, got);
  }
  const Buffer column(to_buffer(writer.finish()));
  Reader again{Bytes(column)};
  for (const std::int64_t value : values)
    DX_CHECK(static_cast<std::int64_t>(again.next()) == value);
  DX_CHECK(!again.failed());
}

// Clocks are the same until one is below 0.
void check_clocks(Bytes input) {
  crdt::SignedDiffColumnReader any(input);
  crdt::DiffColumnReader clocks(input);
  for (std::size_t i = 0; i < kMostValues; ++i) {
    const std::int64_t expected = any.next();
    const std::uint64_t got = clocks.next();
    DX_CHECK(clocks.failed() == (any.failed() || expected < 0));
    if (clocks.failed()) return;
    DX_CHECK(got == static_cast<std::uint64_t>(expected));
  }
}

void check_string_column(Bytes input) {
  auto slow = test::StringColumnReader::open(input);
  crdt::StringColumnReader fast(input);
  if (!slow) {
    DX_CHECK(fast.failed());
    return;
  }
  crdt::StringColumnWriter writer;
  for (std::size_t i = 0; i < kMostValues; ++i) {
    const auto expected = slow->next();
    bool lasting = false;
    const std::string_view got = fast.next(lasting);
    DX_CHECK(expected.has_value() == !fast.failed());
    if (!expected) break;
    DX_CHECK(*expected == got);
    writer.write(got, crdt::measure(got).flags);
  }
  DX_CHECK(test::StringColumnReader::open(writer.finish()));
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
  const auto write = [](auto& writer, auto value) { writer.write(value); };
  check_column<test::UintOptRleReader, crdt::UintColumnReader, crdt::UintColumnWriter>(input,
                                                                                       write);
  check_column<test::IntDiffOptRleReader, crdt::SignedDiffColumnReader, crdt::DiffColumnWriter>(
      input, [](auto& writer, std::int64_t value) { writer.write_signed(value); });
  check_column<test::RleUint8Reader, crdt::OctetColumnReader, crdt::OctetColumnWriter>(input,
                                                                                       write);
  check_clocks(input);
  check_string_column(input);
}

}  // namespace diaryx::fuzz
