#include "engine/sync/room.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "engine/protocol/frame.h"
#include "engine/protocol/sync_message.h"

namespace diaryx::sync {
namespace {

// Each octet is copied once: a frame may hold a whole document.
std::shared_ptr<const std::string> frame_for(const Subscription& to,
                                             std::initializer_list<Bytes> parts) {
  const auto head = protocol::encode_frame(to.wire_id, {}, to.manners->framing);
  DX_CHECK(head.has_value());  // The name came in as a frame's document id, so it fits one.
  std::size_t size = head->size();
  for (const Bytes part : parts) size += part.size();
  std::string frame;
  frame.reserve(size);
  frame.append(as_text(*head));
  for (const Bytes part : parts) frame.append(as_text(part));
  return std::make_shared<const std::string>(std::move(frame));
}

bool same_frame(const Subscription& a, const Subscription& b) {
  return a.manners->framing == b.manners->framing &&
         (a.manners->framing == protocol::Framing::Bare || a.wire_id == b.wire_id);
}

}  // namespace

std::size_t Room::connections() const {
  std::set<ConnectionId> distinct;
  for (const Subscription* subscription : subscriptions_) distinct.insert(subscription->connection);
  return distinct.size();
}

void Room::add(Subscription& subscription) {
  subscriptions_.push_back(&subscription);
  ++document_->subscribers;
}

void Room::remove(const Subscription& subscription) {
  const auto it = std::find(subscriptions_.begin(), subscriptions_.end(), &subscription);
  DX_CHECK(it != subscriptions_.end());
  *it = subscriptions_.back();
  subscriptions_.pop_back();
  --document_->subscribers;
}

Outgoing Room::to_one(const Subscription& subscription, std::initializer_list<Bytes> payload) {
  return {.targets = {subscription.connection},
          .text = false,
          .payload = frame_for(subscription, payload)};
}

ConnectionId Room::connection_of(crdt::Origin origin) const {
  const auto it = std::find_if(
      subscriptions_.begin(), subscriptions_.end(),
      [&](const Subscription* subscription) { return subscription->number == origin; });
  return it == subscriptions_.end() ? 0 : (*it)->connection;
}

void Room::tell(Bytes payload, std::uint64_t except, std::vector<Outgoing>& out) const {
  tell(payload, except, Audience::All, out);
}

void Room::tell(Bytes payload, std::uint64_t except, Audience audience,
                std::vector<Outgoing>& out) const {
  // Nearly always all name it alike: one frame, one list of targets.
  const std::size_t first = out.size();
  std::vector<const Subscription*> ways;
  for (const Subscription* subscription : subscriptions_) {
    if (subscription->number == except) continue;
    if (audience == Audience::ThoseWithPresences && !subscription->manners->presences) continue;
    std::size_t i = 0;
    while (i < ways.size() && !same_frame(*ways[i], *subscription)) ++i;
    if (i == ways.size()) {
      ways.push_back(subscription);
      out.push_back({.targets = {}, .text = false, .payload = frame_for(*subscription, {payload})});
    }
    out[first + i].targets.push_back(subscription->connection);
  }
}

Status Room::presence(Subscription& from, Bytes update, std::int64_t now_ms,
                      std::vector<Outgoing>& out) {
  DX_TRY(const protocol::AwarenessEvents events, awareness_.apply(update, now_ms));
  for (const auto* clients : {&events.update.added, &events.update.updated}) {
    for (const std::uint64_t client : *clients) {
      // A client that comes back through another connection belongs to that one from now on.
      for (Subscription* other : subscriptions_) other->presences.erase(client);
      from.presences.insert(client);
    }
  }
  for (const std::uint64_t client : events.update.removed) from.presences.erase(client);
  std::vector<std::uint64_t> clients = events.update.added;
  clients.insert(clients.end(), events.update.updated.begin(), events.update.updated.end());
  clients.insert(clients.end(), events.update.removed.begin(), events.update.removed.end());
  if (!clients.empty()) tell_presences(clients, from.number, out);
  return {};
}

void Room::tell_presences(const std::vector<std::uint64_t>& clients, std::uint64_t except,
                          std::vector<Outgoing>& out) const {
  Buffer payload;
  protocol::write_awareness(payload, awareness_.encode(clients));
  tell(payload, except, Audience::ThoseWithPresences, out);
}

void Room::forget_presences(Subscription& subscription, std::int64_t now_ms,
                            std::vector<Outgoing>& out) {
  if (subscription.presences.empty()) return;
  const std::vector<std::uint64_t> clients(subscription.presences.begin(),
                                           subscription.presences.end());
  subscription.presences.clear();
  (void)awareness_.remove(clients, now_ms);  // What it reports is what we pass in.
  tell_presences(clients, subscription.number, out);
}

void Room::expire_presences(std::int64_t now_ms, std::int64_t timeout_ms,
                            std::vector<Outgoing>& out) {
  const std::vector<std::uint64_t> clients = awareness_.outdated(now_ms, timeout_ms);
  if (clients.empty()) return;
  (void)awareness_.remove(clients, now_ms);  // As above.
  for (Subscription* subscription : subscriptions_) {
    for (const std::uint64_t client : clients) subscription->presences.erase(client);
  }
  tell_presences(clients, 0, out);
}

Buffer Room::presences() const {
  const std::vector<std::uint64_t> clients = awareness_.clients();
  if (clients.empty()) return {};
  Buffer payload;
  protocol::write_awareness(payload, awareness_.encode(clients));
  return payload;
}

}  // namespace diaryx::sync
