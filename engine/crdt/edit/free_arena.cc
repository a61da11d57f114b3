#include "engine/crdt/edit/free_arena.h"

#include "engine/crdt/structs/content.h"

namespace diaryx::crdt {
namespace {

constexpr std::size_t kSlack = std::size_t{16} << 20U;

bool has_octets(Kind kind) noexcept {
  return kind == Kind::String || kind == Kind::Any || kind == Kind::Json || kind == Kind::Binary ||
         kind == Kind::Doc;
}

template <class Visit>
void for_each_item(State& state, const Visit& visit) {
  for (std::size_t i = 0; i < state.store.size(); ++i) {
    const ClockList& structs = state.store[static_cast<ClientIx>(i)].structs;
    if (structs.empty()) continue;
    ClockList::Place place = structs.first();
    do {
      visit(state.items[structs.item(place)]);
    } while (structs.next(place));
  }
}

// By ValueIx, those that a format mark or an embed holds.
std::vector<bool> find_held_values(State& state) {
  std::vector<bool> held(state.values.size());
  if (state.null_value != kNone) held[state.null_value] = true;
  for_each_item(state, [&](const Item& item) {
    if (item.kind == Kind::Embed) held[item.content] = true;
    if (item.kind == Kind::Format) held[item.content_size] = true;
  });
  return held;
}

std::uint32_t move_octets(const Arena& from, Arena& to, std::uint32_t at, std::uint32_t size) {
  return size == 0 ? 0 : to.append(from.octets(at, size));
}

}  // namespace

void free_arena(State& state) {
  Arena& arena = state.arena;
  if (arena.size() < kSlack || arena.size() - kSlack < 2 * state.arena_kept) return;
  std::vector<bool> held = find_held_values(state);
  std::size_t live = 0;
  for_each_item(state, [&](const Item& item) {
    if (has_octets(item.kind)) live += item.content_size;
  });
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (held[i]) live += std::size_t{state.values[i].json_size} + state.values[i].any_size;
  }
  state.arena_kept = arena.size();
  if (live > arena.size() / 2) return;
  Arena kept;
  kept.reserve(live);
  for_each_item(state, [&](Item& item) {
    if (!has_octets(item.kind)) return;
    item.content = move_octets(arena, kept, item.content, item.content_size);
    item.unset(Item::kRoomy);
  });
  for (std::size_t i = 0; i < held.size(); ++i) {
    JsonValue& value = state.values[i];
    if (!held[i]) value = {};
    value.json = move_octets(arena, kept, value.json, value.json_size);
    value.any = move_octets(arena, kept, value.any, value.any_size);
  }
  state.arena_kept = kept.size();
  arena = std::move(kept);
}

}  // namespace diaryx::crdt
