#include "web/preconditions.h"

#include <algorithm>

namespace diaryx::web {

std::string to_hex(const Sha256& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(hash.size() * 2);
  for (const std::uint8_t octet : hash) out.append({kDigits[octet >> 4U], kDigits[octet & 15U]});
  return out;
}

std::string etag_of(const Sha256& hash) {
  return "\"" + to_hex(hash) + "\"";
}

bool lists_etag(std::string_view list, std::string_view etag, bool strongly) {
  while (!list.empty()) {
    std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
    while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
    while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
    if (!strongly && part.starts_with("W/")) part.remove_prefix(2);
    if (part == "*" || part == etag) return true;
  }
  return false;
}

bool has_it_already(const HttpRequest& request, std::string_view etag) {
  const auto list = request.field("if-none-match");
  return list && lists_etag(*list, etag, false);
}

int check_change(const HttpRequest& request, const std::optional<std::string>& current,
                 bool required) {
  const auto wanted = request.field("if-match");
  const auto unwanted = request.field("if-none-match");
  if (wanted && (!current || !lists_etag(*wanted, *current, true))) return 412;
  if (unwanted && current && lists_etag(*unwanted, *current, false)) return 412;
  return required && current && !wanted ? 428 : 0;
}

}  // namespace diaryx::web
