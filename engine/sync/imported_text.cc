#include "engine/sync/imported_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/utf.h"
#include "engine/crdt/update.h"
#include "engine/sync/text_edits.h"

namespace diaryx::sync {
namespace {

// As for the updates of a peer (documents.cc): an update can be made to take for ever.
constexpr std::uint64_t kMostRivals = std::uint64_t{1} << 24U;

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r'))
    line.remove_suffix(1);
  return line;
}

bool passes_through(const std::vector<ImportedRow>& rows, std::size_t from, std::string_view text) {
  const std::size_t length = utf16_length(text);
  crdt::Doc doc(crdt::DocOptions{.client_id = 1});
  doc.limit_rivals(kMostRivals);
  const crdt::Text body = doc.text("body");
  for (std::size_t i = from; i < rows.size(); ++i) {
    if (!doc.apply_update(rows[i].data)) return false;
    if (body.length() == length && body.to_string() == text) return true;
  }
  return false;
}

}  // namespace

std::optional<ImportedDocument> put_together(const storage::DiaryxDocument& stored,
                                             std::string_view root, crdt::TypeKind kind,
                                             Random& random, LeftOutRows& left_out) {
  ImportedDocument found;
  found.doc = std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = random.client_id()});
  found.doc->limit_rivals(kMostRivals);
  bool hostile = false;  // A part of such an update stays in the document.
  const auto take = [&](const Buffer& data, const std::string& what, storage::UpdateOrigin origin,
                        std::int64_t time_ms) {
    if (hostile) return;
    if (Status applied = found.doc->apply_update(data); !applied) {
      left_out.emplace_back(fmt::format("{}: {}", stored.name, what), applied.error().message);
      hostile = applied.error().code == ErrorCode::LimitExceeded;
      return;
    }
    found.rows.push_back({data, origin, time_ms});
  };
  for (const Buffer& state : stored.states)
    take(state, "its snapshot", storage::UpdateOrigin::Import, stored.state_ms);
  found.states = found.rows.size();
  for (const storage::DiaryxUpdate& update : stored.updates)
    take(update.data, fmt::format("update {}", update.id), update.origin, update.time_ms);
  if (found.rows.empty() || hostile) return std::nullopt;
  if (auto type = found.doc->root(root, kind); !type) {
    left_out.emplace_back(stored.name, type.error().message);
    return std::nullopt;
  }
  if (Status sound = found.doc->check_invariants(); !sound) {
    left_out.emplace_back(stored.name, sound.error().message);
    return std::nullopt;
  }
  return found;
}

bool share_history(const crdt::Doc& a, const crdt::Doc& b) {
  const auto clocks = crdt::decode_state_vector(a.encode_state_vector());
  if (!clocks) return false;
  return std::any_of(clocks->begin(), clocks->end(), [&](const auto& client) {
    return client.second > 0 && b.clock_of(client.first) > 0;
  });
}

bool was_once(const ImportedDocument& body, std::string_view text) {
  // A snapshot holds what came after it in the log, too: without it the log shows more.
  const bool log_alone = body.states > 0 && body.rows.size() > body.states;
  return passes_through(body.rows, 0, text) ||
         (log_alone && passes_through(body.rows, body.states, text));
}

bool is_contained(std::string_view text, std::string_view other) {
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.empty()) continue;
    bool found = false;
    while (!found && !other.empty()) found = next_line(other) == line;
    if (!found) return false;
  }
  return true;
}

workspace::Eol use_line_feeds(ImportedDocument& body, std::int64_t time_ms) {
  crdt::Text shared = body.doc->text("body");
  const std::string text = shared.to_string();
  // Something that is not text is in it: its places cannot be counted in the text alone.
  if (utf16_length(text) != shared.length()) return workspace::Eol::Lf;
  std::vector<workspace::TextEdit> edits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (pair) edits.push_back({.at = i++, .erase = 1, .insert = {}});
    if (!pair && (text[i] == '\r' || text[i] == '\n')) return workspace::Eol::Lf;
  }
  if (edits.empty()) return workspace::Eol::Lf;
  const std::uint64_t observer = body.doc->observe([&](const crdt::TransactionSummary& summary) {
    body.rows.push_back({to_buffer(summary.update), storage::UpdateOrigin::Import, time_ms});
  });
  body.doc->transact([&] { apply_text_edits(shared, text, edits); });
  body.doc->unobserve(observer);
  return workspace::Eol::Crlf;
}

}  // namespace diaryx::sync
