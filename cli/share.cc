#include <string_view>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/server_client.h"

namespace diaryx::cli {
namespace {

std::string text_of(const OrderedJson& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

bool is_read_only(const OrderedJson& share) {
  const auto it = share.find("read_only");
  return it != share.end() && it->is_boolean() && it->get<bool>();
}

// "for ever", "until 2026-11-22 18:00 UTC".
std::string until(const OrderedJson& share, const Context& context) {
  const auto it = share.find("expires_ms");
  if (it == share.end() || !it->is_number_integer()) return "until it is ended";
  const std::int64_t left_s = (it->get<std::int64_t>() - context.clock.wall_ms()) / 1000;
  if (left_s >= 2 * 86'400) return fmt::format("for {} days", left_s / 86'400);
  if (left_s >= 2 * 3'600) return fmt::format("for {} hours", left_s / 3'600);
  return fmt::format("for {} minutes", (left_s + 59) / 60);
}

std::string link_of(const storage::ServerInfo& server, const std::string& code) {
  return server_url(server) + "#session=" + code;
}

ExitCode list(const OrderedJson& answer, const Context& context) {
  const auto sessions = answer.find("sessions");
  if (sessions != answer.end() && sessions->is_array()) {
    for (const OrderedJson& share : *sessions) {
      if (!share.is_object()) continue;
      const auto guests = share.find("guests");
      context.report.say(fmt::format("{}  {}  {}, {} here", printable(text_of(share, "code")),
                                     is_read_only(share) ? "read only " : "read-write",
                                     until(share, context),
                                     counted(guests != share.end() && guests->is_number_unsigned()
                                                 ? guests->get<std::uint64_t>()
                                                 : 0,
                                             "guest")));
    }
    if (sessions->empty()) context.report.say("no codes are good now");
  }
  context.report.result(answer);
  return ExitCode::Done;
}

}  // namespace

Result<ExitCode> run(const ShareOptions& options, const Context& context) {
  DX_TRY(const auto server, ServerClient::find(context.root));
  if (!server) {
    return Error{ErrorCode::NotFound, context.root.string() + ": no server is running here",
                 "start `diaryx-sync serve`, and share in another terminal"};
  }
  if (options.list) {
    DX_TRY(const OrderedJson answer, server->shares());
    return list(answer, context);
  }
  if (options.end) {
    DX_TRY_OK(server->end_share(*options.end));
    context.report.say("Ended " + printable(*options.end) + ".");
    context.report.result({{"ended", *options.end}});
    return ExitCode::Done;
  }
  DX_TRY(OrderedJson share, server->share(options.read_only, options.lifetime_s));
  const std::string code = text_of(share, "code");
  const std::string link = link_of(server->info(), code);
  context.report.say(fmt::format(
      "Guests may {} {}", is_read_only(share) ? "read" : "read and write", until(share, context)));
  context.report.say(fmt::format("  code   {}", printable(code)));
  context.report.say(fmt::format("  open   {}", printable(link)));
  share["url"] = link;
  context.report.result(share);
  return ExitCode::Done;
}

}  // namespace diaryx::cli
