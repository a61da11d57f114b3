#include "web/auth.h"

#include <algorithm>

#include "engine/base/check.h"

namespace diaryx::web {
namespace {

constexpr std::size_t kMaxSessions = 1'000;
constexpr std::size_t kMaxPeers = 10'000;
constexpr std::size_t kUnguessableToken = 22;  // 22 characters of 6 bits: 132 bits.
constexpr std::int64_t kSessionIdleMs = 30LL * 24 * 60 * 60 * 1000;
constexpr double kPeerBurst = 20;
constexpr double kPeerPerSecond = 1.0 / 3;
constexpr double kAllBurst = 200;
constexpr double kAllPerSecond = 5;

}  // namespace

// --- AttemptLimit ---

double AttemptLimit::left(std::int64_t now_ms) const {
  return std::min(burst_, left_ + static_cast<double>(now_ms - counted_ms_) / 1000 * per_second_);
}

void AttemptLimit::count_failure(std::int64_t now_ms) {
  left_ = std::max(0.0, left(now_ms) - 1);
  counted_ms_ = now_ms;
}

// --- Auth ---

Auth::Auth(std::string token, std::string cookie_name, const Clock& clock)
    : token_(std::move(token)),
      cookie_name_(std::move(cookie_name)),
      clock_(clock),
      all_(kAllBurst, kAllPerSecond) {
  DX_CHECK(!token_.empty());
}

std::string Auth::make_token(Random& random) {
  return random.text(43, kUrlSafeAlphabet);
}

// `mutex_` is held. A guessable secret is not even compared once the attempts are used up.
Auth::Answer Auth::judge(bool right, bool guessable, std::string_view peer) {
  if (right && !guessable) return Answer::Yes;
  const std::int64_t now = clock_.steady_ms();
  if (all_.exhausted(now)) return Answer::TooMany;
  auto at = by_peer_.find(peer);
  if (at != by_peer_.end() && at->second.exhausted(now)) return Answer::TooMany;
  if (right) return Answer::Yes;
  if (at == by_peer_.end()) {
    if (by_peer_.size() >= kMaxPeers)
      std::erase_if(by_peer_, [&](const auto& entry) { return entry.second.at_rest(now); });
    if (by_peer_.size() >= kMaxPeers) return Answer::TooMany;
    at = by_peer_.emplace(std::string(peer), AttemptLimit(kPeerBurst, kPeerPerSecond)).first;
  }
  at->second.count_failure(now);
  all_.count_failure(now);
  return Answer::No;
}

Auth::Answer Auth::is_owner_token(std::string_view token, std::string_view peer) {
  const std::lock_guard lock(mutex_);
  return judge(equal_constant_time(token, token_), token_.size() < kUnguessableToken, peer);
}

Auth::Answer Auth::find_share(std::string_view code, std::string_view peer, sync::Share& found) {
  const std::string wanted = sync::Shares::canonical(code);
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.wall_ms();
  const sync::Share* match = nullptr;
  // All of them are compared, so that the time does not tell how many there are before the right
  // one.
  for (const sync::Share& share : shares_) {
    if (equal_constant_time(wanted, share.code) && !share.expired(now)) match = &share;
  }
  const Answer answer = judge(match != nullptr, true, peer);
  if (answer == Answer::Yes) found = *match;
  return answer;
}

void Auth::set_shares(std::vector<sync::Share> shares) {
  const std::lock_guard lock(mutex_);
  shares_ = std::move(shares);
}

Auth::Answer Auth::log_in(std::string_view token, std::string_view peer, std::string& session) {
  const Answer answer = is_owner_token(token, peer);
  if (answer != Answer::Yes) return answer;
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.steady_ms();
  std::erase_if(sessions_, [&](const auto& entry) { return now - entry.second > kSessionIdleMs; });
  if (sessions_.size() >= kMaxSessions) {
    sessions_.erase(
        std::min_element(sessions_.begin(), sessions_.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  session = random_.text(43, kUrlSafeAlphabet);
  sessions_.emplace(sha256(as_bytes(session)), now);
  return Answer::Yes;
}

std::optional<Sha256> Auth::session_key(std::string_view cookie_header) const {
  // Cookie: a=1; diaryx_8080=…; b=2
  while (!cookie_header.empty()) {
    std::string_view pair = cookie_header.substr(0, cookie_header.find(';'));
    cookie_header.remove_prefix(std::min(pair.size() + 1, cookie_header.size()));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != cookie_name_) continue;
    return sha256(as_bytes(pair.substr(equals + 1)));
  }
  return std::nullopt;
}

bool Auth::is_owner_cookie(std::string_view cookie_header) {
  const auto key = session_key(cookie_header);
  if (!key) return false;
  const std::lock_guard lock(mutex_);
  const auto at = sessions_.find(*key);
  if (at == sessions_.end()) return false;
  const std::int64_t now = clock_.steady_ms();
  if (now - at->second > kSessionIdleMs) {
    sessions_.erase(at);
    return false;
  }
  at->second = now;
  return true;
}

void Auth::log_out(std::string_view cookie_header) {
  const auto key = session_key(cookie_header);
  if (!key) return;
  const std::lock_guard lock(mutex_);
  sessions_.erase(*key);
}

std::string Auth::set_cookie(std::string_view session) const {
  std::string out = cookie_name_;
  out.append("=").append(session).append("; Path=/; HttpOnly; SameSite=Strict");
  if (session.empty()) out.append("; Max-Age=0");
  return out;
}

std::optional<std::string> clean_guest_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  if (text.find_first_not_of(kUrlSafeAlphabet) != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

}  // namespace diaryx::web
