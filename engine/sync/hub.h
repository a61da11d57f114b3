// The sync server without its sockets: who is connected, what they have open, what they may do,
// what they are told. Bytes in, bytes out, time passed in.
//
// The caller feeds events (connect, receive, receive_text, disconnect, tick). Nothing is told
// before the turn's updates are durable: apply → append → tell. See Workspace::end_turn().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/protocol/control_message.h"
#include "engine/protocol/doc_id.h"
#include "engine/protocol/sync_message.h"
#include "engine/sync/documents.h"
#include "engine/sync/hub_types.h"
#include "engine/sync/room.h"

namespace diaryx::sync {

class Hub {
 public:
  // All references must outlive it.
  Hub(Documents& documents, std::string workspace_id, std::string epoch, const Clock& clock,
      const Limits& limits);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  void connect(ConnectionId connection, Principal principal);
  void receive(ConnectionId connection, Bytes frame);                 // A binary message.
  void receive_text(ConnectionId connection, std::string_view text);  // A text message.
  void disconnect(ConnectionId connection);
  // Looks at the timers: handshakes, presences, idle documents.
  void tick();
  // Steady ms of the next timer.
  std::optional<std::int64_t> next_due_ms() const;

  // The turn's updates are durable: what may be told now.
  Turn told(std::vector<DocumentChange> changes);
  // They are not, and the documents they were for are gone from memory. Nothing of the turn is
  // told; those who had one of them open, or waited for an answer, are closed with 1011, so that
  // they come back and send again what the disk lacks.
  Turn untold(const Error& why);

  // Everybody who has `from` open has `to` open from now on, and is told its state. `from` may be
  // removed afterwards.
  void move_subscribers(LiveDocument& from, LiveDocument& to);

  std::size_t connections() const noexcept { return connections_.size(); }
  std::size_t open_documents() const noexcept { return rooms_.size(); }
  // Distinct connections that have the workspace document open.
  std::size_t peers() const;

 private:
  // The workspace document was asked for and the manifest sent; nothing of it is told before the
  // client is ready.
  struct Handshake {
    std::string wire_id;
    std::int64_t deadline_ms;
    std::vector<Buffer> waiting;  // Payloads that came meanwhile, in order.
  };
  struct Connection {
    Principal principal;
    std::unordered_map<std::string, std::unique_ptr<Subscription>> open;  // By wire id.
    std::optional<Handshake> handshake;
    std::set<std::string> focus;
    std::size_t bodies_synced = 0;
    bool closing = false;
  };

  void receive_payload(ConnectionId id, Connection& connection, std::string_view wire_id,
                       Bytes payload);
  Result<Subscription*> subscribe(ConnectionId id, Connection& connection,
                                  const std::string& wire_id);
  // The store name for a document id; refuses what is not of this workspace or no document.
  Result<std::string> resolve(const protocol::DocId& doc) const;
  Status check_waiting_limit(const std::string& name) const;
  void unsubscribe(Connection& connection, const std::string& wire_id);
  void handle(Connection& connection, Subscription& subscription, const protocol::Message& message);
  void handle_update(Connection& connection, Subscription& subscription,
                     const protocol::Message& message);
  void begin_handshake(ConnectionId id, Connection& connection, const std::string& wire_id,
                       Bytes payload);
  void finish_handshake(ConnectionId id, Connection& connection);
  void progress(Connection& connection, const Subscription& subscription);
  void change_focus(Connection& connection, const std::vector<std::string>& files, bool focused);
  void focus_changed();
  std::vector<protocol::ManifestFile> manifest() const;

  Room& room_of(LiveDocument& document);
  void text_to(ConnectionId id, std::string text);
  void text_to_workspace(std::string text, ConnectionId except);
  void refuse(ConnectionId id, std::string_view code, std::string_view wire_id,
              const std::string& message);
  void close(ConnectionId id, CloseCode code, std::string reason);
  void refuse_and_close(ConnectionId id, CloseCode code, std::string_view name,
                        std::string_view wire_id, const std::string& message);

  Documents& documents_;
  std::string workspace_id_;
  std::string epoch_;
  const Clock& clock_;
  Limits limits_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::unordered_map<const LiveDocument*, std::unique_ptr<Room>> rooms_;
  std::uint64_t next_subscription_ = kFirstSubscription;
  std::int64_t next_sweep_ms_ = 0;
  Turn staged_;
};

}  // namespace diaryx::sync
