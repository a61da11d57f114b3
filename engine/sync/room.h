// Everybody who has one document open, and what they say of themselves. Builds the frames that they
// are told.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/protocol/awareness.h"
#include "engine/sync/dialect.h"
#include "engine/sync/documents.h"
#include "engine/sync/hub_types.h"

namespace diaryx::sync {

// One document opened on one connection under one name. A connection may have it open under two
// names (by id and by path): those are two copies at the other end, so each is told what the other
// does.
struct Subscription {
  std::uint64_t number;  // From kFirstSubscription on, never reused: the origin of its edits.
  ConnectionId connection;
  std::string wire_id;  // The name that the client used; answers carry the same.
  LiveDocument* document;
  const Manners* manners;             // Of the connection's dialect.
  std::set<std::uint64_t> presences;  // Awareness clients that spoke through it.
  bool told_read_only = false;
};

class Room {
 public:
  explicit Room(LiveDocument& document) : document_(&document) {}

  LiveDocument& document() const { return *document_; }
  const std::vector<Subscription*>& subscriptions() const noexcept { return subscriptions_; }
  std::size_t connections() const;  // Distinct.

  void add(Subscription& subscription);
  void remove(const Subscription& subscription);

  // The connection whose edits have this origin; 0 if it is not here.
  ConnectionId connection_of(crdt::Origin origin) const;

  // One y-sync payload to everybody but the subscription that caused it: one frame per way of
  // naming the document that is in use.
  void tell(Bytes payload, std::uint64_t except, std::vector<Outgoing>& out) const;
  static Outgoing to_one(const Subscription& subscription, Bytes payload) {
    return to_one(subscription, {payload});
  }
  // The payload in parts.
  static Outgoing to_one(const Subscription& subscription, std::initializer_list<Bytes> payload);

  // An awareness update from `from`: kept, and told to the others.
  Status presence(Subscription& from, Bytes update, std::int64_t now_ms,
                  std::vector<Outgoing>& out);
  // Presences that left with a subscription, or were not heard of for too long: removed and told.
  void forget_presences(Subscription& subscription, std::int64_t now_ms,
                        std::vector<Outgoing>& out);
  void expire_presences(std::int64_t now_ms, std::int64_t timeout_ms, std::vector<Outgoing>& out);
  // All presences as one awareness message payload; empty if nobody is there.
  Buffer presences() const;

 private:
  enum class Audience : std::uint8_t { All, ThoseWithPresences };
  void tell(Bytes payload, std::uint64_t except, Audience audience,
            std::vector<Outgoing>& out) const;
  void tell_presences(const std::vector<std::uint64_t>& clients, std::uint64_t except,
                      std::vector<Outgoing>& out) const;

  LiveDocument* document_;
  std::vector<Subscription*> subscriptions_;
  protocol::Awareness awareness_;
};

}  // namespace diaryx::sync
