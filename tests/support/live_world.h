// A workspace with its disk, its peers and its clock, all in one thread: what a server does, step
// by step, without sockets.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/crdt/doc.h"
#include "engine/filesystem/file_tree.h"
#include "engine/storage/store.h"
#include "engine/sync/live.h"

namespace diaryx::test {

// A Yjs client at the other end of a connection: one document per name it has opened.
class Peer {
 public:
  Peer(sync::Hub& hub, sync::ConnectionId id, std::uint64_t client_id,
       sync::Principal principal = {});

  sync::ConnectionId id() const noexcept { return id_; }
  // Opens a document: sends SyncStep1 (and FilesReady for the workspace document).
  crdt::Doc& open(const std::string& wire_id);
  crdt::Doc& doc(const std::string& wire_id) { return *docs_.at(wire_id); }
  std::string body(const std::string& wire_id) { return doc(wire_id).text("body").to_string(); }
  const std::map<std::string, std::unique_ptr<crdt::Doc>>& docs() const { return docs_; }
  // A local edit: applied here, sent to the hub.
  void edit(const std::string& wire_id, const std::function<void(crdt::Doc&)>& change);
  // Feeds what the hub told this peer.
  void take(const sync::Turn& turn);
  void send(const std::string& wire_id, Bytes payload);
  // The connection is gone; the documents stay. reconnect() starts a new one and syncs each
  // document both ways.
  void disconnect();
  void reconnect(sync::Hub& hub, sync::ConnectionId id);
  void reconnect(sync::Live& live, sync::ConnectionId id) { reconnect(live.hub(), id); }

  std::vector<std::string> texts;   // Control messages.
  std::vector<std::string> frames;  // Binary messages, raw.
  std::optional<sync::CloseCode> closed;

 private:
  void start(const std::string& wire_id);
  void handle(const std::string& wire_id, Bytes payload);

  sync::Hub* hub_;
  sync::ConnectionId id_;
  std::uint64_t client_id_;
  sync::Principal principal_;
  std::map<std::string, std::unique_ptr<crdt::Doc>> docs_;
};

class World {
 public:
  // `files` must outlive it. The store is in memory unless a file is named.
  World(filesystem::FileTree& files, std::uint64_t seed,
        const std::string& store_file = ":memory:", bool write_back = true,
        const sync::Limits& limits = {});

  // Turns, disk tasks and deliveries until nobody has anything to say. The clock stands still.
  void run();
  // The clock moves on and everything that is due happens.
  void pass(std::int64_t ms);
  // What `serve` does at its start: list everything, take it in, write what is ahead.
  void reconcile();
  // The process dies (what is not in the store is gone) and starts again.
  void restart();
  Peer& connect(sync::Principal principal = {});
  std::string wire(std::string_view path_or_id) const {
    return "body:test/" + std::string(path_or_id);
  }
  std::string id_at(const std::string& path) const {
    return live->documents().metadata().id_at(path).value_or("");
  }

  ManualClock clock;
  SeededRandom random;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<sync::Live> live;
  std::vector<std::unique_ptr<Peer>> peers;

 private:
  void open();
  filesystem::FileTree& files_;
  bool write_back_;
  sync::Limits limits_;
  sync::ConnectionId next_connection_ = 1;
};

}  // namespace diaryx::test
