// Who is there: the owner, by token or by the session cookie the token was traded for; a guest, by
// the code of a share; or nobody.
//
// Secrets are compared in constant time and never logged. Cookies are random, kept here only as
// hashes, and end with the process. Failed attempts are counted per peer address and in all;
// whoever has used them up is refused unheard (429). A token of at least 22 characters cannot be
// guessed, so it is always heard: otherwise a forgotten script with an old token would lock the
// owner out.
//
// May be called on any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/sync/shares.h"

namespace diaryx::web {

// Counts failures in a bucket that refills with time.
class AttemptLimit {
 public:
  AttemptLimit(double burst, double per_second)
      : burst_(burst), per_second_(per_second), left_(burst) {}
  bool exhausted(std::int64_t now_ms) const { return left(now_ms) < 1; }
  void count_failure(std::int64_t now_ms);
  // Full again: nothing worth remembering.
  bool at_rest(std::int64_t now_ms) const { return left(now_ms) >= burst_; }

 private:
  double left(std::int64_t now_ms) const;
  double burst_;
  double per_second_;
  double left_;  // At counted_ms_.
  std::int64_t counted_ms_ = 0;
};

class Auth {
 public:
  // `token` is the owner's, not empty. The clock must outlive it. `cookie_name` should tell servers
  // on different ports of one host apart: browsers do not.
  Auth(std::string token, std::string cookie_name, const Clock& clock);

  enum class Answer { Yes, No, TooMany };

  // The token is right: a new session's cookie value goes to `session`.
  Answer log_in(std::string_view token, std::string_view peer, std::string& session);
  void log_out(std::string_view cookie_header);

  // The owner, by the Cookie header's value.
  bool is_owner_cookie(std::string_view cookie_header);
  Answer is_owner_token(std::string_view token, std::string_view peer);
  // The share that a code stands for, in any case of letters, unless its time is over.
  Answer find_share(std::string_view code, std::string_view peer, sync::Share& found);
  // From now on these are the shares. What they may do is decided by the hub once more.
  void set_shares(std::vector<sync::Share> shares);

  const std::string& cookie_name() const noexcept { return cookie_name_; }
  // "name=value; HttpOnly; …", to be sent. An empty session ends the cookie.
  std::string set_cookie(std::string_view session) const;

  static std::string make_token(Random& random);  // 256 bits.

 private:
  Answer judge(bool right, bool guessable, std::string_view peer);
  std::optional<Sha256> session_key(std::string_view cookie_header) const;

  const std::string token_;
  const std::string cookie_name_;
  const Clock& clock_;
  // Not the engine's: that one belongs to another thread, and cookies must come from the operating
  // system.
  SystemRandom random_;
  std::mutex mutex_;
  std::vector<sync::Share> shares_;
  std::map<Sha256, std::int64_t>
      sessions_;  // Hash of the cookie → when it was last used, steady ms.
  std::map<std::string, AttemptLimit, std::less<>> by_peer_;
  AttemptLimit all_;
};

// A guest's name for itself as it comes in a query: 1 to 64 URL-safe characters, else nothing.
std::optional<std::string> clean_guest_id(std::string_view text);

}  // namespace diaryx::web
