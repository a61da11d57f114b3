// What a load says and hears: each dialect's frames round y-sync messages.
#include <algorithm>

#include "tests/bench/server/load.h"
#include "tests/bench/server/yjs_bytes.h"

namespace diaryx::bench {
namespace {

constexpr std::uint64_t kSync = 0;
constexpr std::uint64_t kAwareness = 1;
constexpr std::uint64_t kAuth = 2;
constexpr std::uint64_t kQueryAwareness = 3;
constexpr std::uint64_t kSyncReply = 4;  // Hocuspocus only, like those below.
constexpr std::uint64_t kClose = 7;
constexpr std::uint64_t kSyncStatus = 8;
constexpr std::uint64_t kAuthenticated = 2;

constexpr std::uint64_t kStep1 = 0;
constexpr std::uint64_t kStep2 = 1;
constexpr std::uint64_t kUpdate = 2;

// What its provider says.
constexpr std::string_view kHocuspocusVersion = "4.7.0";
constexpr std::uint64_t kKeepAliveNs = 20'000'000'000;

constexpr std::string_view kNoStates("\0", 1);
constexpr std::string_view kNoUpdate("\0\0", 2);

std::string sync_message(std::uint64_t kind, std::string_view body) {
  std::string out;
  put_varuint(out, kSync);
  put_varuint(out, kind);
  put_varstring(out, body);
  return out;
}

}  // namespace

void Load::send(std::uint32_t doc, Socket& socket, std::string_view messages) {
  std::string frame;
  const std::string& name = docs_[doc];
  if (o_.dialect == Dialect::Mux8) {
    frame.push_back(static_cast<char>(name.size()));
    frame.append(name);
  } else if (o_.dialect != Dialect::Yws) {
    put_varstring(frame, name);
  }
  frame.append(messages);
  sent_bytes_ += frame.size();
  socket.send(frame);
}

void Load::open_documents(std::uint32_t c) {
  const Connection& connection = connections_[c];
  for (const auto& [doc, participant] : connection.participant_of) {
    participants_[participant].opened_ns = connection.started_ns;
    if (o_.dialect == Dialect::Hocuspocus) {
      std::string auth;
      put_varuint(auth, kAuth);
      put_varuint(auth, 0);
      put_varstring(auth, o_.token);
      put_varstring(auth, kHocuspocusVersion);
      send(doc, *connection.socket, auth);
    }
    send(doc, *connection.socket, sync_message(kStep1, kNoStates));
  }
}

// Hocuspocus closes sockets that say nothing for a minute.
void Load::keep_alive() {
  const std::uint64_t now = now_ns();
  if (now - kept_alive_ns_ < kKeepAliveNs) return;
  kept_alive_ns_ = now;
  std::string query;
  put_varuint(query, kQueryAwareness);
  for (const Participant& participant : participants_) {
    const Connection& connection = connections_[participant.socket];
    if (participant.synced && connection.pace == Pace::Full && connection.socket->open())
      send(participant.doc, *connection.socket, query);
  }
}

void Load::on_message(std::uint32_t c, std::string_view message, std::uint64_t received_ns) {
  const Connection& connection = connections_[c];
  Cursor in(message);
  std::uint32_t doc = connection.participant_of.begin()->first;
  if (o_.dialect != Dialect::Yws) {
    const auto name =
        doc_of_name_.find(in.octets(o_.dialect == Dialect::Mux8 ? in.octet() : in.varuint()));
    if (!in.ok() || name == doc_of_name_.end()) {
      ++foreign_;
      return;
    }
    doc = name->second;
  }
  const auto at = connection.participant_of.find(doc);
  if (at == connection.participant_of.end()) {
    ++foreign_;
    return;
  }
  Participant& participant = participants_[at->second];
  const bool hocuspocus = o_.dialect == Dialect::Hocuspocus;
  while (in.more()) {
    const std::uint64_t type = in.varuint();
    if (type == kSync || (hocuspocus && type == kSyncReply)) {
      const std::uint64_t kind = in.varuint();
      const std::string_view body = in.varoctets();
      if (in.ok()) on_sync(participant, kind, body, received_ns);
    } else if (type == kAwareness) {
      in.varoctets();
    } else if (type == kAuth) {
      const std::uint64_t verdict = in.varuint();
      const std::string why(in.varoctets());
      if (hocuspocus && verdict == kAuthenticated) continue;
      ++denied_;
      if (first_failure_.empty()) first_failure_ = "denied: " + why;
    } else if (hocuspocus && type == kSyncStatus) {
      in.varuint();
    } else if (hocuspocus && type == kClose) {
      return failed("document closed by the server");
    } else {
      break;
    }
  }
  if (in.more() || !in.ok()) ++undecoded_;
}

void Load::on_sync(Participant& participant, std::uint64_t kind, std::string_view body,
                   std::uint64_t received_ns) {
  Connection& connection = connections_[participant.socket];
  const bool slow = connection.pace != Pace::Full;
  if (kind == kStep1) {
    // The server asks what it lacks: nothing.
    if (!slow || !participant.synced)
      send(participant.doc, *connection.socket, sync_message(kStep2, kNoUpdate));
    return;
  }
  if (kind == kStep2 && !participant.synced) {
    participant.synced = true;
    participant.step2_bytes = body.size();
    progress_ns_ = received_ns;
    open_.add((received_ns - participant.opened_ns) / 1000);
    if (++synced_ == participants_.size()) synced_ns_ = received_ns;
    const auto& all = connection.participant_of;
    if (slow && std::all_of(all.begin(), all.end(),
                            [&](const auto& p) { return participants_[p.second].synced; }))
      connection.socket->stop_reading();
  }
  if (kind == kUpdate) ++update_messages_;
  if (slow) return;
  const bool decoded =
      decode_update(body, [&](std::uint64_t client, std::uint64_t clock, std::uint64_t length) {
        participant.characters += length;
        on_range(participant, client, clock, length, received_ns);
      });
  if (!decoded) ++undecoded_;
  if (o_.expect == 0 || participant.has_expected || participant.characters < o_.expect) return;
  participant.has_expected = true;
  ++with_expected_;
  content_.add((received_ns - participant.opened_ns) / 1000);
}

// A range of one client's clocks is whole updates: one, or several that the server merged.
void Load::on_range(Participant& participant, std::uint64_t client, std::uint64_t clock,
                    std::uint64_t length, std::uint64_t received_ns) {
  const std::uint64_t id = client - base_;
  const std::uint32_t ids = ids_per_writer();
  if (client < base_ || id >= writers_.size() * ids) {
    ++foreign_;
    return;
  }
  Writer& writer = writers_[id / ids];
  if (writer.doc != participant.doc) {
    ++foreign_;
    return;
  }
  for (std::uint64_t n = clock / chars_; n * chars_ < clock + length; ++n)
    deliver(participant, writer, n * ids + id % ids, received_ns);
}

void Load::deliver(Participant& participant, Writer& writer, std::uint64_t update,
                   std::uint64_t received_ns) {
  if (update >= writer.sent_ns.size()) {
    ++foreign_;
    return;
  }
  const auto number = static_cast<std::int64_t>(&writer - writers_.data());
  if (participant.writer == number) {
    ++echoes_;
    return;
  }
  std::vector<bool>& seen = participant.seen[writer.number];
  if (seen.size() <= update) seen.resize(std::max<std::size_t>(update + 1, seen.size() * 2));
  if (seen[update]) {
    ++duplicates_;
    return;
  }
  seen[update] = true;
  ++delivered_;
  last_delivery_ns_ = received_ns;
  latency_.add((received_ns - writer.sent_ns[update]) / 1000);
  if (--writer.missing[update] > 0) return;
  ++writer.complete;
  if (o_.rate == 0) fill_window(static_cast<std::uint32_t>(number));
}

}  // namespace diaryx::bench
