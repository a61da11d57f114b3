// The sync server without its sockets: who is connected, what they have open, what they may do,
// what they are told. Bytes in, bytes out, time passed in. How a peer speaks is its dialect's
// (dialect.h); the rules here hold for all.
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
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/protocol/control_message.h"
#include "engine/protocol/doc_id.h"
#include "engine/protocol/sync_message.h"
#include "engine/sync/connection.h"
#include "engine/sync/documents.h"
#include "engine/sync/hooks.h"
#include "engine/sync/hub_types.h"
#include "engine/sync/room.h"
#include "engine/sync/shares.h"

namespace diaryx::sync {

class Hub {
 public:
  struct Facts {
    std::string workspace_id;
    std::string epoch;
  };
  // All references must outlive it.
  Hub(Documents& documents, Facts facts, Random& random, const Clock& clock, const Limits& limits);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // From now on these are called. They must outlive the hub, or the next call.
  void use_hooks(Hooks& hooks) { hooks_ = &hooks; }

  // --- Events ---
  void connect(ConnectionId id, Visitor visitor);
  void receive(ConnectionId id, Bytes message);               // A binary message.
  void receive_text(ConnectionId id, std::string_view text);  // A text message.
  void disconnect(ConnectionId id);
  // Looks at the timers: handshakes, presences, shares, idle connections.
  void tick();
  // Steady ms of the next timer.
  std::optional<std::int64_t> next_due_ms() const;

  // Of the answers that wait for the turn's end, without the updates that told() adds.
  std::size_t staged_octets();
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

  // --- Shares ---
  Status load_shares();
  const Shares& shares() const noexcept { return shares_; }
  // Open connections that came by this share.
  std::size_t guests(std::string_view code) const;
  // `lifetime_ms` 0: until it is ended.
  Result<Share> create_share(bool read_only, std::int64_t lifetime_ms);
  // At once, for open documents too; its guests are told. NotFound.
  Result<Share> set_share_read_only(std::string_view code, bool read_only);
  // Its guests are told, and closed with 4403. NotFound.
  Status end_share(std::string_view code);

  // --- For dialects ---
  const Facts& facts() const noexcept { return facts_; }
  const Limits& limits() const noexcept { return limits_; }
  std::int64_t steady_ms() const { return clock_.steady_ms(); }
  LiveDocument& workspace_document() { return documents_.workspace(); }
  std::size_t file_count() const;  // Live files.
  std::vector<protocol::ManifestFile> manifest(bool include_deleted) const;

  // A y-sync payload for a document that the connection has open. False: it was refused.
  bool payload(Connection& connection, Subscription& subscription, Bytes payload);
  // The same for a document that is opened first, if it is not. False also if there was nothing to
  // open.
  bool payload(Connection& connection, const std::string& wire_id, const protocol::DocId& doc,
               Bytes payload);
  // Null if it was refused; the client has been told.
  Subscription* open(Connection& connection, const std::string& wire_id,
                     const protocol::DocId& doc);
  void leave(Connection& connection, const std::string& wire_id);
  void saved(Connection& connection, const Subscription& subscription);
  void stateless(Connection& connection, const Subscription& subscription,
                 std::string_view payload);
  // Says what a visitor that is not known shows; true: it is known now. Nothing is told.
  Result<Principal> authenticate(Connection& connection, std::string_view document,
                                 std::string_view token);
  void change_focus(Connection& connection, const std::vector<std::string>& files, bool focused);
  std::vector<std::string> focus() const;  // Of all connections.
  bool control_message(Connection& connection, std::string_view text);
  // The dialect's due() is called at or after that time, steady ms.
  void wake_at(const Connection& connection, std::int64_t due_ms);

  void send(const Connection& connection, std::string octets);
  void send_text(const Connection& connection, std::string text);
  // As a frame of the connection's dialect.
  void send_payload(const Connection& connection, const std::string& wire_id, Bytes payload);
  // To everybody who has the document open by the same dialect, the sender included.
  void send_to_dialect(const Subscription& subscription, Bytes payload);
  void refuse(Connection& connection, const Refusal& refusal);
  // What came does not follow its format: told, and closed. `wire_id` may be empty.
  void malformed(Connection& connection, std::string_view wire_id, const std::string& message);
  void close(Connection& connection, CloseCode code, std::string reason);

 private:
  Connection* find(ConnectionId id);
  Status admit(Connection& connection);
  // The store name for a document; refuses what is not of this workspace or no document.
  Result<std::string> resolve(const protocol::DocId& doc) const;
  Status check_waiting_limit(const std::string& name) const;
  Result<Subscription*> subscribe(Connection& connection, const std::string& wire_id,
                                  const protocol::DocId& doc);
  void refuse_to_open(Connection& connection, const std::string& wire_id,
                      const protocol::DocId& doc, const Error& error);
  // Nothing if it was refused.
  std::optional<std::vector<protocol::Message>> read(Connection& connection,
                                                     std::string_view wire_id, Bytes payload);
  // False: the connection was closed over one of them.
  bool handle(Connection& connection, Subscription& subscription,
              const std::vector<protocol::Message>& messages);
  void handle(Connection& connection, Subscription& subscription, const protocol::Message& message);
  void answer_step1(Connection& connection, Subscription& subscription, Bytes state_vector);
  void take_update(Connection& connection, Subscription& subscription,
                   const protocol::Message& message);
  void focus_changed();
  void sweep(std::int64_t now_ms);
  void drop_guests_of(const Share& share);
  void keep_alive(Connection& connection, std::int64_t now_ms);

  Room& room_of(LiveDocument& document);
  void text_to_workspace(std::string text, ConnectionId except);
  DocumentUse use_of(const Connection& connection, const Subscription& subscription) const;

  Documents& documents_;
  Facts facts_;
  Hooks no_hooks_;
  Hooks* hooks_ = &no_hooks_;
  Random& random_;
  const Clock& clock_;
  Limits limits_;
  Shares shares_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::unordered_map<const LiveDocument*, std::unique_ptr<Room>> rooms_;
  std::set<std::pair<std::int64_t, ConnectionId>> timers_;
  std::uint64_t next_subscription_ = kFirstSubscription;
  std::int64_t next_sweep_ms_ = 0;
  Turn staged_;
  std::size_t counted_ = 0;  // So many of staged_.sends are in counted_octets_.
  std::size_t counted_octets_ = 0;
};

}  // namespace diaryx::sync
