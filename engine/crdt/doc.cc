#include "engine/crdt/doc.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/crdt/check.h"
#include "engine/crdt/edit/apply.h"
#include "engine/crdt/state.h"
#include "engine/crdt/update.h"
#include "engine/crdt/wire/encode.h"

namespace diaryx::crdt {
namespace {

constexpr std::string_view kKindNames[] = {"array",        "map",      "text",    "xml element",
                                           "xml fragment", "xml hook", "xml text"};

std::string_view name_of(TypeKind kind) noexcept {
  return kKindNames[static_cast<std::size_t>(kind)];
}

constexpr std::uint8_t kNothingKnown[] = {0};  // A state vector.

// What waits is merged in, as Yjs does; the structs of it that the other side has are left out.
Buffer with_pending(const State& state, Format format, Buffer encoded, Bytes state_vector) {
  Result<Buffer> lacking = diff_update_v2(pending_update(state), state_vector);
  if (format == Format::V1 && lacking) lacking = convert_v2_to_v1(*lacking);
  DX_CHECK(lacking);
  const Bytes both[] = {encoded, *lacking};
  Result<Buffer> merged = format == Format::V2 ? merge_updates_v2(both) : merge_updates_v1(both);
  DX_CHECK(merged);
  return std::move(*merged);
}

template <class Sink>
Buffer encode_state(const State& state, const std::vector<Clock>& known, Bytes state_vector) {
  Sink sink;
  if (known.empty()) {
    constexpr std::size_t kStructOctets = 16;  // Of an id or two, besides its content.
    sink.rest().reserve(state.arena.size() / 2 + state.items.size() * kStructOctets + 64);
  }
  write_structs_since(state, sink, known);
  write_document_deletes(state, sink);
  Buffer encoded = std::move(sink).take();
  if (state.pending.empty()) return encoded;
  return with_pending(state, Sink::kIsV2 ? Format::V2 : Format::V1, std::move(encoded),
                      state_vector);
}

template <class Sink>
Result<Buffer> encode_since(const State& state, Bytes state_vector) {
  DX_TRY(const ClockMap clocks, decode_state_vector(state_vector));
  if (clocks.empty()) return encode_state<Sink>(state, {}, state_vector);
  std::vector<Clock> known(state.store.size(), 0);
  for (const auto& [client, clock] : clocks) {
    if (const ClientIx ix = state.store.find(client); ix != kNone) known[ix] = clock;
  }
  return encode_state<Sink>(state, known, state_vector);
}

}  // namespace

BranchIx Doc::State::root_of(KeyIx name) {
  if (const BranchIx known = find_root(name); known != kNone) return known;
  if (root_by_key.size() <= name) root_by_key.resize(std::size_t{name} + 1, kNone);
  const BranchIx ix = branches.make();
  branches[ix].name = name;
  root_by_key[name] = ix;
  roots.push_back(ix);
  return ix;
}

Listeners& Doc::State::listen() {
  if (!listeners) listeners = std::make_unique<Listeners>();
  watched = true;
  return *listeners;
}

Doc::Doc(DocOptions options) : state_(std::make_unique<State>()) {
  state_->doc = this;
  state_->options = std::move(options);
  state_->watched = state_->options.clean_formats;
  state_->self = state_->store.intern(state_->options.client_id);
}

Doc::~Doc() = default;

std::uint64_t Doc::client_id() const noexcept {
  return state_->options.client_id;
}

Result<TypeRef> Doc::root(std::string_view name, TypeKind kind) {
  const BranchIx ix = state_->root_of(state_->keys.intern(name));
  Branch& branch = state_->branches[ix];
  if (branch.kind && *branch.kind != kind) {
    return Error{ErrorCode::InvalidArgument, fmt::format("root '{}' is a {}, not a {}", name,
                                                         name_of(*branch.kind), name_of(kind))};
  }
  branch.kind = kind;
  return TypeRef{this, ix};
}

Text Doc::text(std::string_view root_name) {
  return Text(root(root_name, TypeKind::Text).value());
}
Map Doc::map(std::string_view root_name) {
  return Map(root(root_name, TypeKind::Map).value());
}
Array Doc::array(std::string_view root_name) {
  return Array(root(root_name, TypeKind::Array).value());
}

void Doc::transact(const std::function<void()>& body, Origin origin) {
  const TransactionScope scope(*state_, origin, true);
  body();
}

Status Doc::apply_update(Bytes update_v1, Origin origin) {
  return crdt::apply_update(*state_, Format::V1, update_v1, origin);
}

Status Doc::apply_update_v2(Bytes update_v2, Origin origin) {
  return crdt::apply_update(*state_, Format::V2, update_v2, origin);
}

void Doc::limit_rivals(std::uint64_t most) noexcept {
  state_->most_rivals = most;
}

bool Doc::has_pending() const noexcept {
  return !state_->pending.empty();
}

Buffer Doc::encode_state_vector() const {
  const StructStore& store = state_->store;
  std::uint64_t count = 0;
  for (const ClientIx ix : store.by_id_descending()) count += store[ix].state > 0;
  WireWriter out;
  out.reserve((store.size() * 2 + 1) * WireWriter::kMaxVar);
  out.var_uint(count);
  for (const ClientIx ix : store.by_id_descending()) {
    if (store[ix].state == 0) continue;
    out.var_uint(store[ix].id);
    out.var_uint(store[ix].state);
  }
  return std::move(out).take();
}

Buffer Doc::encode_state_as_update() const {
  return encode_state<V1Sink>(*state_, {}, kNothingKnown);
}
Buffer Doc::encode_state_as_update_v2() const {
  return encode_state<V2Sink>(*state_, {}, kNothingKnown);
}
Result<Buffer> Doc::encode_state_as_update(Bytes state_vector) const {
  return encode_since<V1Sink>(*state_, state_vector);
}
Result<Buffer> Doc::encode_state_as_update_v2(Bytes state_vector) const {
  return encode_since<V2Sink>(*state_, state_vector);
}

std::uint64_t Doc::clock_of(std::uint64_t client) const noexcept {
  const ClientIx ix = state_->store.find(client);
  return ix == kNone ? 0 : state_->store[ix].state;
}

bool Doc::empty() const noexcept {
  for (std::size_t i = 0; i < state_->store.size(); ++i) {
    if (state_->store[static_cast<ClientIx>(i)].state > 0) return false;
  }
  return state_->pending.empty();
}

std::uint64_t Doc::observe(Observer observer) {
  state_->watched = true;
  state_->observers.add(state_->next_handle, std::move(observer));
  return state_->next_handle++;
}

std::uint64_t Doc::observe(TypeRef type, TypeObserver observer) {
  Listeners& listeners = state_->listen();
  listeners.types[type.branch].add(state_->next_handle, std::move(observer));
  return state_->next_handle++;
}

std::uint64_t Doc::observe_deep(TypeRef type, DeepObserver observer) {
  Listeners& listeners = state_->listen();
  listeners.deep[type.branch].add(state_->next_handle, std::move(observer));
  return state_->next_handle++;
}

std::uint64_t Doc::observe_documents(SubDocumentObserver observer) {
  state_->listen().documents.add(state_->next_handle, std::move(observer));
  return state_->next_handle++;
}

void Doc::unobserve(std::uint64_t handle) {
  state_->observers.remove(handle);
  if (Listeners* listeners = state_->listeners.get()) {
    listeners->after.remove(handle);
    listeners->documents.remove(handle);
    for (auto& [branch, observers] : listeners->types) observers.remove(handle);
    for (auto& [branch, observers] : listeners->deep) observers.remove(handle);
    // While they are being called nothing may move; what is empty then goes the next time.
    if (!state_->chain.telling) {
      std::erase_if(listeners->types, [](const auto& entry) { return entry.second.empty(); });
      std::erase_if(listeners->deep, [](const auto& entry) { return entry.second.empty(); });
      if (listeners->empty()) state_->listeners.reset();
    }
  }
  state_->watched =
      !state_->observers.empty() || state_->options.clean_formats || state_->listeners != nullptr;
}

std::optional<Doc::Path> Doc::path_of(TypeRef type) const {
  Path path;
  BranchIx ix = type.branch;
  for (; !state_->branches[ix].is_root();) {
    const Branch& branch = state_->branches[ix];
    if (branch.deleted) return std::nullopt;
    const Item& item = state_->items[state_->store.item_at(branch.owner)];
    PathStep step;
    if (item.parent_sub != kNone) step.key = std::string(state_->keys[item.parent_sub]);
    path.steps.push_back(std::move(step));
    ix = item.parent;
  }
  path.root = std::string(state_->keys[state_->branches[ix].name]);
  std::reverse(path.steps.begin(), path.steps.end());
  return path;
}

std::optional<TypeKind> Doc::kind_of(TypeRef type) const noexcept {
  return state_->branches[type.branch].kind;
}

Status Doc::check_invariants() const {
  return check_document(*state_);
}

}  // namespace diaryx::crdt
