#include "engine/sync/shares.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/json.h"
#include "engine/base/log.h"

namespace diaryx::sync {
namespace {

constexpr std::string_view kPrefix = "share/";
constexpr std::string_view kLettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

std::string key_of(std::string_view code) {
  return std::string(kPrefix).append(code);
}

std::string to_json(const Share& share) {
  return dump_json(OrderedJson{{"read_only", share.read_only},
                               {"created_ms", share.created_ms},
                               {"expires_ms", share.expires_ms}});
}

std::optional<Share> from_json(std::string_view code, std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  const auto read_only = json->find("read_only");
  const auto created = json->find("created_ms");
  const auto expires = json->find("expires_ms");
  if (read_only == json->end() || !read_only->is_boolean()) return std::nullopt;
  if (created == json->end() || !created->is_number_integer()) return std::nullopt;
  if (expires == json->end() || !expires->is_number_integer()) return std::nullopt;
  return Share{.code = std::string(code),
               .read_only = read_only->get<bool>(),
               .created_ms = created->get<std::int64_t>(),
               .expires_ms = expires->get<std::int64_t>()};
}

}  // namespace

std::string Shares::make_code(Random& random) {
  return random.text(8, kLettersAndDigits) + "-" + random.text(8, kLettersAndDigits);
}

std::string Shares::canonical(std::string_view code) {
  std::string out(code);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

Status Shares::load(storage::Store& from) {
  DX_TRY(const auto rows, from.list_meta(kPrefix));
  shares_.clear();
  ++version_;
  for (const auto& [key, value] : rows) {
    const std::string code = key.substr(kPrefix.size());
    if (auto share = from_json(code, value)) {
      shares_.emplace(code, *std::move(share));
    } else {
      log(LogLevel::Warning, "share", "a stored share cannot be read; nobody is let in by it");
    }
  }
  return {};
}

void Shares::store(const Share& share) {
  queue_([key = key_of(share.code), value = to_json(share)](storage::Store& to) {
    return to.set_meta(key, value);
  });
  ++version_;
}

Result<Share> Shares::create(Random& random, bool read_only, std::int64_t created_ms,
                             std::int64_t expires_ms) {
  if (shares_.size() >= limit_) {
    return Error{ErrorCode::LimitExceeded,
                 std::to_string(shares_.size()) + " shares are open already",
                 "end one that is no longer needed"};
  }
  Share share{.code = make_code(random),
              .read_only = read_only,
              .created_ms = created_ms,
              .expires_ms = expires_ms};
  store(share);
  shares_.emplace(share.code, share);
  return share;
}

const Share* Shares::find(std::string_view code) const {
  const auto it = shares_.find(canonical(code));
  return it == shares_.end() ? nullptr : &it->second;
}

bool Shares::set_read_only(std::string_view code, bool read_only) {
  const auto it = shares_.find(canonical(code));
  if (it == shares_.end()) return false;
  it->second.read_only = read_only;
  store(it->second);
  return true;
}

bool Shares::end(std::string_view code) {
  const auto it = shares_.find(canonical(code));
  if (it == shares_.end()) return false;
  queue_([key = key_of(it->first)](storage::Store& to) { return to.erase_meta(key); });
  shares_.erase(it);
  ++version_;
  return true;
}

std::vector<Share> Shares::take_expired(std::int64_t wall_ms) {
  std::vector<Share> gone;
  for (const auto& [code, share] : shares_) {
    if (share.expired(wall_ms)) gone.push_back(share);
  }
  for (const Share& share : gone) (void)end(share.code);  // It was there a line ago.
  return gone;
}

std::vector<Share> Shares::all() const {
  std::vector<Share> out;
  for (const auto& [code, share] : shares_) out.push_back(share);
  return out;
}

}  // namespace diaryx::sync
