// Two updates and a state vector, without a document: merging, diffing, converting, measuring. What
// comes out is an update again, and means what went in.
#include "engine/crdt/update.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/document.h"
#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

using namespace crdt;

constexpr MemoryBound kV1Memory{std::size_t{64} << 10U, 256};
constexpr MemoryBound kV2Memory{std::size_t{64} << 20U, 256};

struct Format {
  Result<Buffer> (*merge)(std::span<const Bytes>);
  Result<Buffer> (*diff)(Bytes, Bytes);
  Result<Buffer> (*state_vector)(Bytes);
  Result<UpdateMeta> (*meta)(Bytes);
  Result<Buffer> (*convert)(Bytes);
  Result<Buffer> (*convert_back)(Bytes);
  Status (Doc::*apply)(Bytes, Origin);
  MemoryBound memory;
};

constexpr Format kV1 = {merge_updates_v1,   diff_update_v1,   state_vector_from_update_v1,
                        update_meta_v1,     convert_v1_to_v2, convert_v2_to_v1,
                        &Doc::apply_update, kV1Memory};
constexpr Format kV2 = {merge_updates_v2,      diff_update_v2,   state_vector_from_update_v2,
                        update_meta_v2,        convert_v2_to_v1, convert_v1_to_v2,
                        &Doc::apply_update_v2, kV2Memory};

// An update that one of our functions wrote.
void check_written(const Format& format, Bytes update) {
  DX_CHECK(format.state_vector(update));
  DX_CHECK(format.meta(update));
  DX_CHECK(format.convert(update));
}

void check_one(const Format& format, Bytes update, Bytes state_vector) {
  const compat::MemoryMeter memory;
  const auto converted = format.convert(update);
  const auto reach = format.state_vector(update);
  const auto meta = format.meta(update);
  const auto rest = format.diff(update, state_vector);
  check_memory(format.memory, update.size(), memory.peak());
  DX_CHECK(converted.has_value() == reach.has_value());
  DX_CHECK(converted.has_value() == meta.has_value());
  if (rest) check_written(format, *rest);
  if (!converted) return;
  // There and back: the update in canonical form, which converts to the same.
  const auto back = format.convert_back(*converted);
  // Deletes that are in no order have no encoding in v2; what Yjs writes for them may not be
  // readable.
  if (!back) return;
  const auto again = format.convert(*back);
  DX_CHECK(again);
  DX_CHECK(*again == *converted);
  DX_CHECK(decode_state_vector(*reach));
}

// (Whether merged updates mean what they meant one by one is for honest ones: edits.cc. A hostile
// one may give a struct twice.)
void check_merged(const Format& format, Bytes first, Bytes second) {
  const Bytes both[] = {first, second};
  const compat::MemoryMeter memory;
  const auto merged = format.merge(std::span<const Bytes>(both));
  check_memory(format.memory, first.size() + second.size(), memory.peak());
  if (!merged) return;
  check_written(format, *merged);
  Doc doc({.client_id = 1});
  if ((doc.*format.apply)(*merged, 0)) check_promises(doc);
  Doc one_by_one({.client_id = 2});
  (void)(one_by_one.*format.apply)(first, 0);
  (void)(one_by_one.*format.apply)(second, 0);
  check_promises(one_by_one);
}

void fuzz(const Format& format, Bytes input) {
  Choices choices(input);
  const Bytes state_vector = choices.part();
  const Bytes first = choices.part();
  const Bytes second = choices.rest();
  check_one(format, first, state_vector);
  check_one(format, second, state_vector);
  check_merged(format, first, second);
  check_merged(format, second, first);
}

}  // namespace

void fuzz_stateless_v1(Bytes input) {
  fuzz(kV1, input);
}

void fuzz_stateless_v2(Bytes input) {
  fuzz(kV2, input);
}

void fuzz_state_vector(Bytes input) {
  if (const auto clocks = decode_state_vector(input)) {
    const Buffer written = encode_state_vector(*clocks);
    const auto again = decode_state_vector(written);
    DX_CHECK(again);
    DX_CHECK(*again == *clocks);
  }
  Doc doc({.client_id = 1});
  DX_CHECK(doc.apply_update(rich_update()));
  const auto v1 = doc.encode_state_as_update(input);
  const auto v2 = doc.encode_state_as_update_v2(input);
  DX_CHECK(v1.has_value() == v2.has_value());
  DX_CHECK(v1.has_value() == decode_state_vector(input).has_value());
  if (!v1) return;
  check_written(kV1, *v1);
  check_written(kV2, *v2);
  Doc other({.client_id = 2});
  DX_CHECK(other.apply_update(*v1));
  DX_CHECK(other.apply_update_v2(*v2));
  must(other.check_invariants(), "invariants");
}

}  // namespace diaryx::fuzz
