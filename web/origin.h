// Host and Origin: which names this server answers to, and which pages may talk to it.
//
// A page of evil.example whose name suddenly resolves to 127.0.0.1 sends `Host: evil.example` (DNS
// rebinding); a page anywhere can open a WebSocket to http://127.0.0.1 and sends `Origin:
// https://evil.example`. Both headers are parsed and compared as wholes, never by prefix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace diaryx::web {

// host[:port], lower case; an IPv6 literal keeps its brackets.
struct Authority {
  std::string host;
  std::optional<std::uint16_t> port;
  bool operator==(const Authority&) const = default;
};
// Nothing if `text` is not exactly that: empty parts, user names, white space, port 0 or above
// 65535.
std::optional<Authority> parse_authority(std::string_view text);

struct Origin {
  std::string scheme;  // "http" or "https", or whatever a browser extension has.
  Authority authority;
  bool operator==(const Origin&) const = default;
};
// scheme://host[:port] without anything behind it; the port that is the scheme's default is left
// out. "null" is none.
std::optional<Origin> parse_origin(std::string_view text);

// "localhost", 127.0.0.0/8, [::1].
bool is_loopback_host(std::string_view host);

class HostRules {
 public:
  // `bound_host` is the address listened on: as a literal it cannot be rebound, so it is a name of
  // ours too (unless it is 0.0.0.0 or ::). InvalidArgument if an entry of `allow_hosts` is no
  // host[:port] or one of `allow_origins` no origin.
  static Result<HostRules> make(std::string_view bound_host,
                                const std::vector<std::string>& allow_hosts,
                                const std::vector<std::string>& allow_origins);

  // May a request with this Host header be answered? An entry of allow_hosts without a port matches
  // any port.
  bool host_allowed(std::string_view host_header) const;
  // May a page of this origin talk to us? Our own page may: one whose origin has the authority that
  // the request itself was sent to, or a loopback name with our port. `host_header` has been found
  // allowed.
  bool origin_allowed(std::string_view origin_header, std::string_view host_header,
                      std::uint16_t our_port) const;

 private:
  std::vector<Authority> hosts_;
  std::vector<Origin> origins_;
};

}  // namespace diaryx::web
