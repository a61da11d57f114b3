#include "tests/support/live_world.h"

#include "engine/base/check.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/sync_message.h"

namespace diaryx::test {
namespace {

constexpr crdt::Origin kRemote = 1;

}  // namespace

Peer::Peer(sync::Hub& hub, sync::ConnectionId id, std::uint64_t client_id,
           sync::Principal principal)
    : hub_(&hub), id_(id), client_id_(client_id), principal_(std::move(principal)) {
  hub.connect(id, {.principal = principal_, .endpoint = {}});
}

void Peer::send(const std::string& wire_id, Bytes payload) {
  if (hub_ == nullptr) return;
  const auto frame = protocol::encode_frame(wire_id, payload);
  DX_CHECK(frame.has_value());
  hub_->receive(id_, *frame);
}

crdt::Doc& Peer::open(const std::string& wire_id) {
  auto doc = std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = client_id_});
  crdt::Doc& result = *doc;
  docs_.insert_or_assign(wire_id, std::move(doc));
  if (wire_id.starts_with("workspace:")) {
    (void)result.map("files");  // Declares the root.
  } else {
    (void)result.text("body");  // As above.
  }
  result.observe([this, wire_id](const crdt::TransactionSummary& summary) {
    if (!summary.local || summary.update.empty()) return;
    Buffer payload;
    protocol::write_update(payload, summary.update);
    send(wire_id, payload);
  });
  start(wire_id);
  return result;
}

void Peer::start(const std::string& wire_id) {
  Buffer payload;
  protocol::write_sync_step1(payload, doc(wire_id).encode_state_vector());
  send(wire_id, payload);
  if (wire_id.starts_with("workspace:")) hub_->receive_text(id_, R"({"type":"FilesReady"})");
}

void Peer::edit(const std::string& wire_id, const std::function<void(crdt::Doc&)>& change) {
  crdt::Doc& target = doc(wire_id);
  target.transact([&] { change(target); });
}

void Peer::handle(const std::string& wire_id, Bytes payload) {
  const auto it = docs_.find(wire_id);
  if (it == docs_.end()) return;
  const auto messages = protocol::decode_messages(payload);
  DX_CHECK(messages.has_value());
  for (const protocol::Message& message : *messages) {
    if (message.kind == protocol::MessageKind::SyncStep1) {
      const auto update = it->second->encode_state_as_update(message.body);
      DX_CHECK(update.has_value());
      Buffer reply;
      protocol::write_sync_step2(reply, *update);
      send(wire_id, reply);
    } else if (message.kind == protocol::MessageKind::SyncStep2 ||
               message.kind == protocol::MessageKind::Update) {
      DX_CHECK(it->second->apply_update(message.body, kRemote).has_value());
    }
  }
}

void Peer::take(const sync::Turn& turn) {
  for (const sync::Outgoing& outgoing : turn.sends) {
    for (const sync::ConnectionId target : outgoing.targets) {
      if (target != id_ || hub_ == nullptr) continue;
      if (outgoing.text) {
        texts.push_back(*outgoing.payload);
        continue;
      }
      frames.push_back(*outgoing.payload);
      const auto frame = protocol::decode_frame(as_bytes(*outgoing.payload));
      DX_CHECK(frame.has_value());
      handle(std::string(frame->doc_id), frame->payload);
    }
  }
  for (const sync::Closing& closing : turn.closes) {
    if (closing.connection == id_) closed = closing.code;
  }
  if (closed && hub_ != nullptr) disconnect();
}

void Peer::disconnect() {
  if (hub_ != nullptr) hub_->disconnect(id_);
  hub_ = nullptr;
}

void Peer::reconnect(sync::Hub& hub, sync::ConnectionId id) {
  hub_ = &hub;
  id_ = id;
  closed.reset();
  hub.connect(id, {.principal = principal_, .endpoint = {}});
  for (const auto& [wire_id, doc] : docs_) start(wire_id);
}

World::World(filesystem::FileTree& files, std::uint64_t seed, const std::string& store_file,
             bool write_back, const sync::Limits& limits)
    : random(seed), files_(files), write_back_(write_back), limits_(limits) {
  auto opened = storage::Store::open(store_file, storage::OpenMode::Create);
  DX_CHECK(opened.has_value());
  store = std::move(*opened);
  open();
}

void World::open() {
  auto opened = sync::Live::open({.workspace_id = "test",
                                  .epoch = "epoch",
                                  .disk = {.write_back = write_back_},
                                  .limits = limits_},
                                 *store, clock, random);
  DX_CHECK(opened.has_value());
  live = std::move(*opened);
}

void World::run() {
  for (int turns = 0; turns < 10'000; ++turns) {
    live->tick();
    const sync::Turn turn = live->end_turn();
    for (const auto& peer : peers) peer->take(turn);
    std::vector<sync::DiskTask> tasks = live->disk().take_tasks();
    for (sync::DiskTask& task : tasks)
      live->disk().complete(sync::run_disk_task(files_, std::move(task)));
    const auto disk_due = live->disk().next_due_ms();
    const bool quiet = turn.sends.empty() && turn.closes.empty() && tasks.empty() &&
                       !live->documents().has_changes() &&
                       !(disk_due && *disk_due <= clock.steady_ms());
    if (quiet) return;
  }
  constexpr bool kWorldComesToRest = false;
  DX_CHECK(kWorldComesToRest);
}

void World::pass(std::int64_t ms) {
  for (std::int64_t passed = 0; passed < ms; passed += 100) {
    clock.advance(std::min<std::int64_t>(100, ms - passed));
    run();
  }
}

void World::reconcile() {
  live->disk().rescan();
  pass(3'000);
}

void World::restart() {
  for (const auto& peer : peers) peer->disconnect();
  live.reset();
  open();
}

Peer& World::connect(sync::Principal principal) {
  peers.push_back(std::make_unique<Peer>(live->hub(), next_connection_++, random.client_id(),
                                         std::move(principal)));
  return *peers.back();
}

}  // namespace diaryx::test
