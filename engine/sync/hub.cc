#include "engine/sync/hub.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "engine/base/log.h"
#include "engine/crdt/update.h"

namespace diaryx::sync {
namespace {

// How often presences, shares and idle connections are looked at.
constexpr std::int64_t kSweepMs = 1'000;
constexpr std::size_t kMaxReasonBytes = 123;

CloseCode close_code(const Error& error) {
  switch (error.code) {
    case ErrorCode::NotAllowed:
      return CloseCode::NotAllowed;
    case ErrorCode::LimitExceeded:
      return CloseCode::TooMany;
    default:
      return CloseCode::NotAuthenticated;
  }
}

// Larger ones are told as they are: nobody gains by a copy.
constexpr std::size_t kMostMergedOctets = 64U << 10U;
constexpr std::size_t kMostMergedOctetsEach = 4U << 10U;

// How many of `changes`, from the first on, are of one document and by one who types: they can be
// told as one update. Not those of another in between, which the later ones may stand on.
std::size_t run_length(std::span<const DocumentChange> changes) {
  const DocumentChange& first = changes.front();
  std::size_t octets = first.update.size();
  std::size_t count = 1;
  for (; count < changes.size(); ++count) {
    const DocumentChange& next = changes[count];
    octets += next.update.size();
    if (next.document != first.document || next.origin != first.origin ||
        octets > kMostMergedOctets ||
        std::max(first.update.size(), next.update.size()) > kMostMergedOctetsEach)
      break;
  }
  return count;
}

// Nothing: they are told one by one.
std::optional<Buffer> merge(std::span<const DocumentChange> run) {
  if (run.size() < 2) return std::nullopt;
  std::vector<Bytes> updates;
  updates.reserve(run.size());
  for (const DocumentChange& change : run) updates.emplace_back(change.update);
  Result<Buffer> merged = crdt::merge_updates_v1(updates);
  if (!merged) return std::nullopt;
  return std::move(*merged);
}

Buffer update_payload(Bytes update) {
  Buffer payload;
  protocol::write_update(payload, update);
  return payload;
}

}  // namespace

Hub::Hub(Documents& documents, Facts facts, Random& random, const Clock& clock,
         const Limits& limits)
    : documents_(documents),
      facts_(std::move(facts)),
      random_(random),
      clock_(clock),
      limits_(limits),
      shares_(
          [&documents](std::function<Status(storage::Store&)> work) {
            documents.queue(std::move(work));
          },
          limits.shares),
      next_sweep_ms_(clock.steady_ms() + kSweepMs) {
  documents_.on_unload([this](const std::string& name) { hooks_->after_unload(name); });
}
Hub::~Hub() = default;

// --- Connections ---

Connection* Hub::find(ConnectionId id) {
  const auto it = connections_.find(id);
  return it == connections_.end() ? nullptr : &it->second;
}

void Hub::connect(ConnectionId id, Visitor visitor) {
  Connection& connection = connections_[id];
  connection.id = id;
  connection.dialect = Dialect::make(visitor.endpoint);
  connection.visitor = std::move(visitor);
  connection.spoken_ms = steady_ms();
  if (!connection.visitor.is_known) {
    connection.known_until_ms = steady_ms() + limits_.token_ms;
  } else if (const Status admitted = admit(connection); !admitted) {
    const Error& error = admitted.error();
    return refuse(connection, {.code = to_string(error.code),
                               .wire_id = {},
                               .message = error.message,
                               .close = close_code(error)});
  }
  connection.dialect->start(*this, connection);
}

// A guest is worth what its share is worth now: web/ may have looked a moment ago.
Status Hub::admit(Connection& connection) {
  Principal& principal = connection.visitor.principal;
  if (principal.is_guest) {
    const Share* share = shares_.find(principal.join_code);
    if (share == nullptr || share->expired(clock_.wall_ms()))
      return Error{ErrorCode::NotFound, "this session has ended"};
    // The connection itself is among those that are counted.
    if (guests(share->code) > limits_.guests_per_share) {
      return Error{ErrorCode::LimitExceeded,
                   std::to_string(limits_.guests_per_share) + " guests are here already"};
    }
    principal.join_code = share->code;
    principal.read_only = share->read_only;
  }
  return hooks_->on_connect(connection.id, connection.visitor);
}

Result<Principal> Hub::authenticate(Connection& connection, std::string_view document,
                                    std::string_view token) {
  // Whoever is known already need not show anything; what it shows is not looked at.
  if (connection.visitor.is_known) return connection.principal();
  DX_TRY(Principal principal, hooks_->on_authenticate({.connection = connection.id,
                                                       .document = document,
                                                       .token = token,
                                                       .address = connection.visitor.address}));
  connection.visitor.principal = std::move(principal);
  DX_TRY_OK(admit(connection));
  connection.visitor.is_known = true;
  return connection.principal();
}

void Hub::receive(ConnectionId id, Bytes message) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->closing) return;
  if (message.size() > limits_.frame_bytes) {
    return refuse(*connection,
                  {.code = "frame_too_large",
                   .wire_id = {},
                   .message = "a frame of " + std::to_string(message.size()) + " octets, at most " +
                              std::to_string(limits_.frame_bytes),
                   .close = CloseCode::TooLarge});
  }
  connection->dialect->receive(*this, *connection, message);
}

void Hub::receive_text(ConnectionId id, std::string_view text) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->closing) return;
  connection->dialect->receive_text(*this, *connection, text);
}

void Hub::disconnect(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  std::vector<std::string> open;
  for (const auto& [wire_id, subscription] : connection->open) open.push_back(wire_id);
  for (const std::string& wire_id : open) leave(*connection, wire_id);
  const bool had_focus = !connection->focus.empty();
  connections_.erase(id);
  if (had_focus) focus_changed();
}

std::size_t Hub::peers() const {
  const auto it = rooms_.find(&documents_.workspace());
  return it == rooms_.end() ? 0 : it->second->connections();
}

// --- What is said ---

void Hub::refuse(Connection& connection, const Refusal& refusal) {
  if (connection.closing) return;
  connection.dialect->refuse(*this, connection, refusal);
  if (refusal.close) close(connection, *refusal.close, std::string(refusal.code));
}

void Hub::malformed(Connection& connection, std::string_view wire_id, const std::string& message) {
  refuse(
      connection,
      {.code = "malformed", .wire_id = wire_id, .message = message, .close = CloseCode::Malformed});
}

void Hub::close(Connection& connection, CloseCode code, std::string reason) {
  if (std::exchange(connection.closing, true)) return;
  if (reason.size() > kMaxReasonBytes) reason.resize(kMaxReasonBytes);
  staged_.closes.push_back({connection.id, code, std::move(reason)});
}

void Hub::send(const Connection& connection, std::string octets) {
  staged_.sends.push_back({.targets = {connection.id},
                           .text = false,
                           .payload = std::make_shared<const std::string>(std::move(octets))});
}

void Hub::send_text(const Connection& connection, std::string text) {
  staged_.sends.push_back({.targets = {connection.id},
                           .text = true,
                           .payload = std::make_shared<const std::string>(std::move(text))});
}

void Hub::send_payload(const Connection& connection, const std::string& wire_id, Bytes payload) {
  const auto frame =
      protocol::encode_frame(wire_id, payload, connection.dialect->manners().framing);
  if (frame)
    send(connection, std::string(as_text(*frame)));  // A name that fits no frame has no
                                                     // document: nobody waits for it.
}

void Hub::text_to_workspace(std::string text, ConnectionId except) {
  const auto it = rooms_.find(&documents_.workspace());
  if (it == rooms_.end()) return;
  Outgoing outgoing{
      .targets = {}, .text = true, .payload = std::make_shared<const std::string>(std::move(text))};
  for (const Subscription* subscription : it->second->subscriptions()) {
    if (subscription->connection != except && subscription->manners->control_texts)
      outgoing.targets.push_back(subscription->connection);
  }
  if (!outgoing.targets.empty()) staged_.sends.push_back(std::move(outgoing));
}

bool Hub::control_message(Connection& connection, std::string_view text) {
  return hooks_->on_control_message(connection.id, connection.principal(), text);
}

// --- Focus ---

void Hub::change_focus(Connection& connection, const std::vector<std::string>& files,
                       bool focused) {
  const std::set<std::string> before = connection.focus;
  for (const std::string& file : files) {
    if (!focused) {
      connection.focus.erase(file);
    } else if (connection.focus.size() < protocol::kMaxFocusFiles) {
      connection.focus.insert(file);
    }
  }
  if (connection.focus != before) focus_changed();
}

std::vector<std::string> Hub::focus() const {
  std::set<std::string> all;
  for (const auto& [id, connection] : connections_)
    all.insert(connection.focus.begin(), connection.focus.end());
  return {all.begin(), all.end()};
}

// Told to every connection that has anything open and understands it: who shows one body only wants
// to know, too.
void Hub::focus_changed() {
  Outgoing outgoing{.targets = {},
                    .text = true,
                    .payload = std::make_shared<const std::string>(
                        protocol::focus_list_changed_message(focus()))};
  for (const auto& [id, connection] : connections_) {
    if (!connection.open.empty() && connection.dialect->manners().control_texts)
      outgoing.targets.push_back(id);
  }
  if (!outgoing.targets.empty()) staged_.sends.push_back(std::move(outgoing));
}

// --- Shares ---

Status Hub::load_shares() {
  return shares_.load(documents_.store());
}

std::size_t Hub::guests(std::string_view code) const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(), [&](const auto& entry) {
        const Connection& connection = entry.second;
        return connection.principal().is_guest && !connection.closing &&
               connection.principal().join_code == code;
      }));
}

Result<Share> Hub::create_share(bool read_only, std::int64_t lifetime_ms) {
  const std::int64_t now = clock_.wall_ms();
  return shares_.create(random_, read_only, now, lifetime_ms == 0 ? 0 : now + lifetime_ms);
}

Result<Share> Hub::set_share_read_only(std::string_view code, bool read_only) {
  if (!shares_.set_read_only(code, read_only)) return Error{ErrorCode::NotFound, "no such session"};
  const Share share = *shares_.find(code);
  for (auto& [id, connection] : connections_) {
    Principal& principal = connection.visitor.principal;
    if (!principal.is_guest || principal.join_code != share.code || connection.closing) continue;
    if (principal.read_only == read_only) continue;
    principal.read_only = read_only;
    for (auto& [wire_id, subscription] : connection.open) subscription->told_read_only = false;
    connection.dialect->rights_changed(*this, connection);
  }
  return share;
}

Status Hub::end_share(std::string_view code) {
  const Share* found = shares_.find(code);
  if (found == nullptr) return Error{ErrorCode::NotFound, "no such session"};
  const Share share = *found;
  (void)shares_.end(code);  // It was there a line ago.
  drop_guests_of(share);
  return {};
}

void Hub::drop_guests_of(const Share& share) {
  for (auto& [id, connection] : connections_) {
    const Principal& principal = connection.principal();
    if (!principal.is_guest || principal.join_code != share.code || connection.closing) continue;
    if (connection.dialect->manners().control_texts)
      send_text(connection, protocol::session_ended_message());
    close(connection, CloseCode::NotAllowed, "session_ended");
  }
}

// --- Time, and the end of a turn ---

void Hub::keep_alive(Connection& connection, std::int64_t now_ms) {
  if (!connection.dialect->manners().keep_alive || connection.closing) return;
  if (now_ms - connection.spoken_ms < limits_.keep_alive_ms) return;
  connection.spoken_ms = now_ms;
  Buffer nobody;
  protocol::write_awareness(nobody, protocol::Awareness().encode({}));
  if (!connection.open.empty()) send_payload(connection, connection.open.begin()->first, nobody);
}

void Hub::sweep(std::int64_t now_ms) {
  for (const auto& [document, room] : rooms_) {
    room->expire_presences(now_ms, limits_.awareness_timeout_ms, staged_.sends);
  }
  for (const Share& share : shares_.take_expired(clock_.wall_ms())) drop_guests_of(share);
  for (auto& [id, connection] : connections_) {
    keep_alive(connection, now_ms);
    if (!connection.visitor.is_known && now_ms >= connection.known_until_ms) {
      refuse(connection, {.code = "not_authenticated",
                          .wire_id = {},
                          .message = "no token came",
                          .close = CloseCode::NotAuthenticated});
    }
  }
}

void Hub::wake_at(const Connection& connection, std::int64_t due_ms) {
  timers_.emplace(due_ms, connection.id);
}

void Hub::tick() {
  const std::int64_t now = steady_ms();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Connection* connection = find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    if (connection != nullptr && !connection->closing) connection->dialect->due(*this, *connection);
  }
  if (now < next_sweep_ms_) return;
  next_sweep_ms_ = now + kSweepMs;
  sweep(now);
}

std::optional<std::int64_t> Hub::next_due_ms() const {
  if (connections_.empty()) return std::nullopt;
  return timers_.empty() ? next_sweep_ms_ : std::min(next_sweep_ms_, timers_.begin()->first);
}

std::size_t Hub::staged_octets() {
  for (; counted_ < staged_.sends.size(); ++counted_)
    counted_octets_ += staged_.sends[counted_].payload->size();
  return counted_octets_;
}

Turn Hub::told(std::vector<DocumentChange> changes) {
  counted_ = counted_octets_ = 0;
  std::span<const DocumentChange> left(changes);
  while (!left.empty()) {
    const std::span<const DocumentChange> run = left.first(run_length(left));
    left = left.subspan(run.size());
    const auto it = rooms_.find(run.front().document);
    ConnectionId from = 0;
    if (it != rooms_.end()) {
      const Room& room = *it->second;
      if (const auto merged = merge(run); merged) {
        room.tell(update_payload(*merged), run.front().origin, staged_.sends);
      } else {
        for (const DocumentChange& change : run)
          room.tell(update_payload(change.update), change.origin, staged_.sends);
      }
      from = room.connection_of(run.front().origin);
    }
    for (const DocumentChange& change : run)
      hooks_->on_change(change.document->name, change.update, from);
  }
  return std::exchange(staged_, {});
}

Turn Hub::untold(const Error& why) {
  counted_ = counted_octets_ = 0;
  std::set<ConnectionId> affected;
  for (const Outgoing& outgoing : staged_.sends)
    affected.insert(outgoing.targets.begin(), outgoing.targets.end());
  staged_.sends.clear();
  for (auto it = rooms_.begin(); it != rooms_.end();) {
    if (documents_.holds(it->first)) {
      ++it;
      continue;
    }
    for (const Subscription* subscription : it->second->subscriptions())
      affected.insert(subscription->connection);
    it = rooms_.erase(it);
  }
  for (const ConnectionId id : affected) {
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    for (auto& [wire_id, subscription] : connection->open) {
      const auto room = rooms_.find(subscription->document);
      if (room == rooms_.end()) continue;
      room->second->forget_presences(*subscription, steady_ms(), staged_.sends);
      room->second->remove(*subscription);
      if (room->second->subscriptions().empty()) rooms_.erase(room);
    }
    connection->open.clear();
    refuse(*connection, {.code = "not_saved",
                         .wire_id = {},
                         .message = "the edit could not be saved: " + why.message,
                         .close = CloseCode::Internal});
  }
  if (const Status loaded = load_shares(); !loaded)
    log(LogLevel::Error, "share", loaded.error().message);
  staged_.lost = why;
  return std::exchange(staged_, {});
}

}  // namespace diaryx::sync
