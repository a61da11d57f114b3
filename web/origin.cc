#include "web/origin.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace diaryx::web {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// inet_pton reads up to a NUL: what lies behind one must not pass as part of an address.
bool read_address(int family, const std::string& text, void* address) {
  return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), address) == 1;
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return read_address(AF_INET, text, &address);
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return read_address(AF_INET6, text, &address);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 65'535)
    return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::optional<std::uint16_t> default_port(std::string_view scheme) {
  if (scheme == "http") return std::uint16_t{80};
  if (scheme == "https") return std::uint16_t{443};
  return std::nullopt;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(0, end + 1);
    if (!is_ipv6(std::string(host.substr(1, host.size() - 2)))) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    if (!rest.empty()) port = rest.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
    if (!is_name(lowered(host))) return std::nullopt;
  }
  out.host = lowered(host);
  if (port) {
    out.port = parse_port(*port);
    if (!out.port) return std::nullopt;
  }
  return out;
}

std::optional<Origin> parse_origin(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) return std::nullopt;
  Origin out;
  out.scheme = lowered(text.substr(0, mark));
  const bool scheme_ok = std::all_of(out.scheme.begin(), out.scheme.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
  const auto authority = parse_authority(text.substr(mark + 3));
  if (!scheme_ok || !authority) return std::nullopt;
  out.authority = *authority;
  if (out.authority.port == default_port(out.scheme)) out.authority.port.reset();
  return out;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  if (!host.empty() && host.front() == '[') {
    in6_addr address{};
    const std::string inner(host.substr(1, host.size() - 2));
    return read_address(AF_INET6, inner, &address) && IN6_IS_ADDR_LOOPBACK(&address);
  }
  // inet_pton takes the four-part form only: "127.1" and "0x7f.0.0.1" are names to it.
  return host.substr(0, 4) == "127." && is_ipv4(std::string(host));
}

Result<HostRules> HostRules::make(std::string_view bound_host,
                                  const std::vector<std::string>& allow_hosts,
                                  const std::vector<std::string>& allow_origins) {
  HostRules rules;
  const std::string bound = lowered(bound_host);
  if (is_ipv6(bound) && bound != "::") {
    rules.hosts_.push_back({"[" + bound + "]", std::nullopt});
  } else if (is_ipv4(bound) && bound != "0.0.0.0") {
    rules.hosts_.push_back({bound, std::nullopt});
  }
  for (const std::string& text : allow_hosts) {
    const auto host = parse_authority(text);
    if (!host)
      return Error{ErrorCode::InvalidArgument,
                   "allowed host " + text + ": not a host name or host:port"};
    rules.hosts_.push_back(*host);
  }
  for (const std::string& text : allow_origins) {
    const auto origin = parse_origin(text);
    if (!origin) {
      return Error{
          ErrorCode::InvalidArgument,
          "allowed origin " + text + ": not of the form https://host or https://host:port"};
    }
    rules.origins_.push_back(*origin);
  }
  return rules;
}

bool HostRules::host_allowed(std::string_view host_header) const {
  const auto host = parse_authority(host_header);
  if (!host) return false;
  if (is_loopback_host(host->host)) return true;
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const Authority& allowed) {
    return allowed.host == host->host && (!allowed.port || allowed.port == host->port);
  });
}

bool HostRules::origin_allowed(std::string_view origin_header, std::string_view host_header,
                               std::uint16_t our_port) const {
  const auto origin = parse_origin(origin_header);
  if (!origin) return false;
  if (std::find(origins_.begin(), origins_.end(), *origin) != origins_.end()) return true;
  if (origin->scheme != "http" && origin->scheme != "https") return false;
  const std::uint16_t origin_port =
      origin->authority.port.value_or(origin->scheme == "http" ? 80 : 443);
  if (origin->scheme == "http" && is_loopback_host(origin->authority.host) &&
      origin_port == our_port)
    return true;
  auto host = parse_authority(host_header);
  if (!host) return false;
  if (host->port == default_port(origin->scheme)) host->port.reset();
  return *host == origin->authority;
}

}  // namespace diaryx::web
