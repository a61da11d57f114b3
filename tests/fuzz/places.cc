// Relative positions and snapshots: read, written, and asked of a document.
#include "engine/crdt/relative_position.h"
#include "engine/crdt/snapshot.h"
#include "engine/crdt/snapshot_view.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/document.h"
#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

using namespace crdt;

constexpr MemoryBound kMemory{std::size_t{64} << 10U, 256};

void check_snapshot(const Snapshot& snapshot) {
  const auto v1 = decode_snapshot_v1(encode_snapshot_v1(snapshot));
  const auto v2 = decode_snapshot_v2(encode_snapshot_v2(snapshot));
  DX_CHECK(v1);
  DX_CHECK(v2);
  DX_CHECK(*v1 == snapshot);
  DX_CHECK(*v2 == snapshot);
  Doc doc({.client_id = 1, .gc = false});
  declare_roots(doc);
  DX_CHECK(doc.apply_update(rich_update()));
  const Buffer before = doc.encode_state_as_update();
  const Snapshot now = take_snapshot(doc);
  DX_CHECK(snapshot_contains_update_v1(now, before));
  (void)snapshot_contains_update_v1(snapshot, before);
  (void)text_at(doc.text("t"), &snapshot);
  (void)text_at(doc.text("t"), &now, &snapshot);
  (void)text_at(doc.text("t"), &snapshot, &now);
  (void)map_at(doc.map("m"), snapshot);
  (void)array_at(doc.array("a"), snapshot);
  Doc restored({.client_id = 2});
  declare_roots(restored);
  if (restore_snapshot(doc, snapshot, restored)) check_promises(restored);
  DX_CHECK(doc.encode_state_as_update() == before);
  check_promises(doc);
}

}  // namespace

void fuzz_snapshot(Bytes input) {
  const compat::MemoryMeter memory;
  const auto v1 = decode_snapshot_v1(input);
  const auto v2 = decode_snapshot_v2(input);
  check_memory(kMemory, input.size(), memory.peak());
  if (v1) check_snapshot(*v1);
  if (v2) check_snapshot(*v2);
}

void fuzz_relative_position(Bytes input) {
  const compat::MemoryMeter memory;
  const auto position = decode_relative_position(input);
  check_memory(kMemory, input.size(), memory.peak());
  if (!position) return;
  const Buffer written = encode_relative_position(*position);
  const auto again = decode_relative_position(written);
  DX_CHECK(again);
  DX_CHECK(*again == *position);
  const auto from_json = relative_position_from_json(relative_position_to_json(*position));
  DX_CHECK(from_json);
  DX_CHECK(encode_relative_position(*from_json) == written);
  for (const bool gc : {false, true}) {
    Doc doc({.client_id = 1, .gc = gc});
    declare_roots(doc);
    DX_CHECK(doc.apply_update(rich_update()));
    if (const auto place = resolve_relative_position(doc, *position)) {
      // Wherever it is, one can be made there.
      const RelativePosition made =
          create_relative_position(place->type, place->index, place->assoc);
      (void)resolve_relative_position(doc, made);
    }
    check_promises(doc);
  }
}

}  // namespace diaryx::fuzz
