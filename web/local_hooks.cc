#include "web/local_hooks.h"

#include <string>

#include "engine/base/log.h"

namespace diaryx::web {

Status LocalHooks::on_connect(sync::ConnectionId connection, const sync::Visitor& visitor) {
  log(LogLevel::Debug, "net",
      (visitor.principal.is_guest ? "a guest from " : "the owner from ") + visitor.address +
          " on connection " + std::to_string(connection));
  return {};
}

Result<sync::Principal> LocalHooks::on_authenticate(const sync::AuthRequest& request) {
  const Error too_many{ErrorCode::LimitExceeded, "too many failed attempts; wait a minute"};
  sync::Share share;
  switch (auth_.find_share(request.token, request.address, share)) {
    case Auth::Answer::Yes:
      return guest_of(share, {});
    case Auth::Answer::TooMany:
      return too_many;
    case Auth::Answer::No:
      break;
  }
  switch (auth_.is_owner_token(request.token, request.address)) {
    case Auth::Answer::Yes:
      return owner();
    case Auth::Answer::TooMany:
      return too_many;
    case Auth::Answer::No:
      break;
  }
  return Error{ErrorCode::NotAllowed, "this token is not the one that the server printed"};
}

void LocalHooks::on_load(std::string_view document) {
  log(LogLevel::Debug, "sync", "opened " + std::string(document));
}

void LocalHooks::after_unload(std::string_view document) {
  log(LogLevel::Debug, "sync", "unloaded " + std::string(document));
}

sync::Principal owner() {
  return {.user_id = "owner", .is_guest = false, .read_only = false, .join_code = {}};
}

sync::Principal guest_of(const sync::Share& share, const std::string& guest_id) {
  auto name = clean_guest_id(guest_id);
  if (!name) name = "guest-" + SystemRandom().text(12, kUrlSafeAlphabet);
  return {.user_id = "guest:" + *name,
          .is_guest = true,
          .read_only = share.read_only,
          .join_code = share.code};
}

}  // namespace diaryx::web
