#include <atomic>
#include <memory>
#include <utility>

#include <fmt/core.h>
#include <unistd.h>

#include "cli/browser.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/server_client.h"
#include "cli/workspace_access.h"
#include "web/server.h"

namespace diaryx::cli {
namespace {

std::atomic<web::Server*> serving{nullptr};

void stop_serving() {
  if (web::Server* server = serving.load(); server != nullptr) server->request_stop();
}

// "somebody holds the lock" becomes "it is served already, there".
Error explain_busy(Error error, const Context& context) {
  const auto other = ServerClient::find(context.root);
  if (error.code != ErrorCode::Busy || !other || !*other) return error;
  const storage::ServerInfo& info = (*other)->info();
  return Error{ErrorCode::Busy,
               fmt::format("{}: served already, at {} by pid {}", context.root.string(),
                           server_url(info), info.pid),
               "use that one, or stop it first"};
}

web::ServerOptions server_options(const ServeOptions& options) {
  web::ServerOptions out;
  out.host = options.host;
  out.port = options.port.value_or(kDefaultPort);
  out.port_fixed = options.port.has_value() && *options.port != 0;
  out.token = options.token;
  out.allow_hosts = options.allow_hosts;
  out.allow_origins = options.allow_origins;
  out.write_back = options.write_back;
  return out;
}

void announce(const web::Server& server, const WorkspaceInfo& info, const Report& report) {
  report.say(fmt::format("Serving {}", printable(info.root.string())));
  report.say(fmt::format("  open          {}", server.url()));
  report.say("  Ctrl-C stops");
  report.result({{"event", "ready"},
                 {"url", server.url()},
                 {"port", server.port()},
                 {"token", server.token()},
                 {"workspace_id", info.workspace_id},
                 {"epoch", info.epoch},
                 {"pid", getpid()}});
}

}  // namespace

Result<ExitCode> run(const ServeOptions& options, const Context& context) {
  auto opened = open_workspace(context, Access::Create, options.write_back, {}, true);
  if (!opened) return explain_busy(std::move(opened).error(), context);
  const WorkspaceInfo info = (*opened)->info();
  DX_TRY(const std::unique_ptr<web::Server> server,
         web::Server::start(*std::move(opened), server_options(options), context.clock,
                            context.random));
  serving = server.get();
  on_next_signal(stop_serving);
  announce(*server, info, context.report);
  if (options.open_browser) {
    if (const Status shown = open_browser(server->url()); !shown)
      context.report.note(shown.error().message);
  }
  const Status ended = server->wait_until_stopped();
  // From here on a signal need not stop anything in order.
  on_next_signal(nullptr);
  serving = nullptr;
  DX_TRY_OK(ended);
  context.report.say("Stopped: everything is written.");
  return ExitCode::Done;
}

}  // namespace diaryx::cli
