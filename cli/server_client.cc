#include "cli/server_client.h"

#include <string_view>

#include <fmt/core.h>
#include <httplib.h>

namespace diaryx::cli {
namespace {

// A large workspace on a slow disk takes its time; a server that has not answered by then never
// will.
constexpr int kWorkSeconds = 600;
constexpr int kStatusSeconds = 5;
constexpr const char* kSharesPath = "/api/share/sessions";

bool is_ipv6(const std::string& host) {
  return host.find(':') != std::string::npos;
}

// A server that listens on every address is reached on the loopback one.
std::string reachable_host(const std::string& host) {
  if (host.empty() || host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

Error unreachable(const storage::ServerInfo& server, std::string_view why) {
  return Error{ErrorCode::Io,
               fmt::format("the server with pid {} at {} does not answer: {}", server.pid,
                           server_url(server), why),
               fmt::format("stop it (kill {}) and try again", server.pid)};
}

// A field that the server does not send is 0: an older or newer server still gets its work done.
std::uint64_t number(const OrderedJson& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

std::string text(const OrderedJson& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

std::filesystem::path diaryx_dir(const std::filesystem::path& root) {
  return root / ".diaryx";
}

std::string server_url(const storage::ServerInfo& server) {
  const std::string host = reachable_host(server.host);
  return is_ipv6(host) ? fmt::format("http://[{}]:{}/", host, server.port)
                       : fmt::format("http://{}:{}/", host, server.port);
}

Result<std::optional<ServerClient>> ServerClient::find(const std::filesystem::path& root) {
  DX_TRY(auto info, storage::read_server_info(diaryx_dir(root)));
  if (!info) return std::optional<ServerClient>();
  return std::optional<ServerClient>(ServerClient(*std::move(info)));
}

Result<OrderedJson> ServerClient::ask(const char* method, const std::string& path, int timeout_s,
                                      const std::string& body_to_send) const {
  httplib::Client client(reachable_host(server_.host), server_.port);
  client.set_connection_timeout(2);
  client.set_read_timeout(timeout_s);
  client.set_write_timeout(timeout_s);
  const httplib::Headers headers{{"Authorization", "Bearer " + server_.token}};
  const std::string_view verb = method;
  const httplib::Result answer = verb == "GET" ? client.Get(path, headers)
                                 : verb == "DELETE"
                                     ? client.Delete(path, headers)
                                     : client.Post(path, headers, body_to_send, "application/json");
  if (!answer) return unreachable(server_, httplib::to_string(answer.error()));
  auto body = answer->body.empty() ? Result<OrderedJson>(OrderedJson::object())
                                   : parse_ordered_json(answer->body);
  if (answer->status >= 200 && answer->status < 300) return body;
  std::string why = body && body->is_object() ? text(*body, "message") : std::string();
  if (why.empty() && body && body->is_object()) why = text(*body, "error");
  return Error{ErrorCode::Io,
               fmt::format("the server with pid {} answered {} to {} {}{}{}", server_.pid,
                           answer->status, method, path, why.empty() ? "" : ": ", why)};
}

Result<ReconcileReport> ServerClient::reconcile() const {
  DX_TRY(const OrderedJson answer, ask("POST", "/api/reconcile", kWorkSeconds));
  if (!answer.is_object())
    return unreachable(server_, "its answer to POST /api/reconcile is no JSON object");
  ReconcileReport report;
  report.files = number(answer, "files");
  report.updated = number(answer, "updated");
  report.deleted = number(answer, "deleted");
  report.written = number(answer, "written");
  report.left_out = number(answer, "left_out");
  report.elapsed_ms = static_cast<std::int64_t>(number(answer, "elapsed_ms"));
  if (const auto skipped = answer.find("skipped"); skipped != answer.end() && skipped->is_array()) {
    for (const OrderedJson& entry : *skipped) {
      if (entry.is_object())
        report.skipped.emplace_back(text(entry, "path"), text(entry, "reason"));
    }
  }
  return report;
}

Status ServerClient::flush() const {
  DX_TRY_OK(ask("POST", "/api/flush", kWorkSeconds));
  return {};
}

Result<OrderedJson> ServerClient::mend(bool trial) const {
  return ask("POST", "/api/validate/fix", kWorkSeconds, dump_json(OrderedJson{{"dry_run", trial}}));
}

Result<OrderedJson> ServerClient::undo_mending() const {
  return ask("POST", "/api/validate/undo", kWorkSeconds);
}

Result<std::uint64_t> ServerClient::count_validation(bool good) const {
  DX_TRY(const OrderedJson answer, ask("POST", "/api/validate/outcome", kStatusSeconds,
                                       dump_json(OrderedJson{{"good", good}})));
  return answer.is_object() ? number(answer, "failed_in_a_row") : 0;
}

Result<OrderedJson> ServerClient::share(bool read_only, std::int64_t lifetime_s) const {
  OrderedJson body{{"read_only", read_only}};
  if (lifetime_s > 0) body["expires_in_s"] = lifetime_s;
  return ask("POST", kSharesPath, kStatusSeconds, dump_json(body));
}

Result<OrderedJson> ServerClient::shares() const {
  return ask("GET", kSharesPath, kStatusSeconds);
}

Status ServerClient::end_share(const std::string& code) const {
  DX_TRY_OK(ask("DELETE", std::string(kSharesPath) + "/" + code, kStatusSeconds));
  return {};
}

Result<OrderedJson> ServerClient::status() const {
  return ask("GET", "/api/status", kStatusSeconds);
}

}  // namespace diaryx::cli
