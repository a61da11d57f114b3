#include "engine/sync/level.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/keyed_hash.h"

namespace diaryx::sync {
namespace {

constexpr std::string_view kKey = "level";
constexpr std::string_view kAheadPrefix = "ahead/";

std::string to_text(const Level& level) {
  OrderedJson problems = OrderedJson::array();
  for (const auto& [path, reason] : level.problems)
    problems.push_back(OrderedJson::array({path, reason}));
  return dump_json(OrderedJson{{"seq", level.seq},
                               {"files", level.files},
                               {"left_out", level.left_out},
                               {"strangers", level.strangers},
                               {"problems", std::move(problems)}});
}

// Nothing if it is not as we write it: then everything is looked at again.
std::optional<Level> from_text(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  const auto number = [&](const char* key) -> std::optional<std::int64_t> {
    const auto it = json->find(key);
    if (it == json->end() || !it->is_number_integer()) return std::nullopt;
    return it->get<std::int64_t>();
  };
  const auto seq = number("seq");
  const auto files = number("files");
  const auto left_out = number("left_out");
  const auto strangers = json->find("strangers");
  const auto problems = json->find("problems");
  if (!seq || !files || !left_out || strangers == json->end() || !strangers->is_string() ||
      problems == json->end() || !problems->is_array()) {
    return std::nullopt;
  }
  Level level{.seq = *seq,
              .files = static_cast<std::uint64_t>(*files),
              .left_out = static_cast<std::uint64_t>(*left_out),
              .strangers = strangers->get<std::string>(),
              .problems = {}};
  for (const Json& row : *problems) {
    if (!row.is_array() || row.size() != 2 || !row[0].is_string() || !row[1].is_string())
      return std::nullopt;
    level.problems.emplace(row[0].get<std::string>(), row[1].get<std::string>());
  }
  return level;
}

}  // namespace

std::string hash_strangers(const std::vector<filesystem::Listed>& files,
                           const std::vector<filesystem::Skipped>& skipped) {
  Sha256Stream hash;
  const auto add = [&hash](std::string line) {
    line.push_back('\0');
    hash.add(as_bytes(line));
  };
  for (const filesystem::Listed& file : files) {
    add(file.path.str());
    add(std::to_string(file.stat.size) + " " + std::to_string(file.stat.mtime_ns) + " " +
        std::to_string(file.stat.inode) + " " + std::to_string(file.stat.mode));
  }
  add("");
  for (const filesystem::Skipped& one : skipped) {
    add(one.path);
    add(one.reason);
  }
  return to_hex(hash.finish());
}

Result<std::optional<Level>> load_level(storage::Store& store) {
  DX_TRY(const auto text, store.meta(kKey));
  return text ? from_text(*text) : std::nullopt;
}

Status save_level(storage::Store& store, const Level& level) {
  const std::string text = to_text(level);
  DX_TRY(const auto stored, store.meta(kKey));
  return stored == text ? Status{} : store.set_meta(kKey, text);
}

Result<std::optional<Noted>> load_noted(storage::Store& store) {
  const std::optional<Noted> changed;
  DX_TRY(auto level, load_level(store));
  if (!level) return changed;
  DX_TRY(const std::int64_t seq, store.last_seq("workspace"));
  DX_TRY(const auto ahead, store.list_meta(kAheadPrefix));
  if (seq != level->seq || !ahead.empty()) return changed;
  DX_TRY(auto stamps, store.ledger_stamps());
  for (const storage::LedgerStamp& stamp : stamps) {
    if (stamp.has_pending || stamp.path.empty()) return changed;
  }
  return Noted{std::move(*level), std::move(stamps)};
}

bool is_still_level(const Noted& noted, const filesystem::Listing& listing) {
  std::unordered_map<std::string_view, const storage::LedgerStamp*, KeyedHash> by_path;
  by_path.reserve(noted.stamps.size());
  for (const storage::LedgerStamp& stamp : noted.stamps) by_path.emplace(stamp.path, &stamp);
  std::vector<filesystem::Listed> strangers;
  std::size_t seen = 0;
  for (const filesystem::Listed& file : listing.files) {
    if (!file.path.is_markdown()) continue;
    const auto it = by_path.find(file.path.str());
    if (it == by_path.end()) {
      strangers.push_back(file);
      continue;
    }
    const storage::LedgerStamp& stamp = *it->second;
    const bool same = stamp.size == file.stat.size && stamp.mtime_ns == file.stat.mtime_ns &&
                      stamp.inode == file.stat.inode && (file.stat.mode & 0444U) != 0;
    if (!same) return false;
    ++seen;
  }
  return seen == noted.stamps.size() &&
         hash_strangers(strangers, listing.skipped) == noted.level.strangers;
}

}  // namespace diaryx::sync
