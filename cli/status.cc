#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/server_client.h"
#include "cli/workspace_access.h"

namespace diaryx::cli {
namespace {

// A folder that is no workspace yet has a status too.
ExitCode nothing_here(const Context& context) {
  context.report.say(fmt::format("{}: not a workspace yet; `diaryx-sync init` makes it one",
                                 printable(context.root.string())));
  context.report.result({{"root", context.root.string()},
                         {"workspace_id", nullptr},
                         {"epoch", nullptr},
                         {"files", 0},
                         {"deleted", 0},
                         {"pending", OrderedJson::array()},
                         {"server", nullptr}});
  return ExitCode::Done;
}

struct Served {
  OrderedJson json;  // null: not served.
  // What the server knows to be on its way to the disk; nothing if it did not say.
  std::optional<std::vector<std::string>> pending;
};

std::optional<std::vector<std::string>> strings(const OrderedJson& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const OrderedJson& item : *it) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

// `reachable` is false if the server holds the lock and does not answer.
Served ask_server(const std::optional<ServerClient>& server) {
  if (!server) return {nullptr, std::nullopt};
  Served out{{{"url", server_url(server->info())},
              {"pid", server->info().pid},
              {"started_ms", server->info().started_ms},
              {"reachable", false},
              {"connections", nullptr}},
             std::nullopt};
  const auto answer = server->status();
  if (!answer || !answer->is_object()) return out;
  out.json["reachable"] = true;
  if (const auto it = answer->find("connections"); it != answer->end())
    out.json["connections"] = *it;
  out.pending = strings(*answer, "pending");
  return out;
}

std::string server_line(const OrderedJson& server) {
  if (server.is_null()) return "served: no";
  std::string line = fmt::format("served: {} (pid {})", server["url"].get<std::string>(),
                                 server["pid"].get<std::int64_t>());
  if (!server["reachable"].get<bool>()) return line + ", but it does not answer";
  if (server["connections"].is_number_unsigned()) {
    line += ", " + counted(server["connections"].get<std::uint64_t>(), "connection");
  }
  return line;
}

}  // namespace

Result<ExitCode> run(const StatusOptions&, const Context& context) {
  std::error_code ignored;  // A folder that cannot be looked into is reported by open_workspace.
  if (!std::filesystem::exists(diaryx_dir(context.root) / "store.db", ignored) && !ignored)
    return nothing_here(context);
  DX_TRY(const auto server, ServerClient::find(context.root));
  DX_TRY(const auto workspace, open_workspace(context, Access::Read));
  const Served served = ask_server(server);
  DX_TRY(std::vector<std::string> pending, workspace->pending());
  if (served.pending) pending = *served.pending;
  const auto [live, deleted] = workspace->count_files();

  const WorkspaceInfo& info = workspace->info();
  const Report& report = context.report;
  report.say(
      fmt::format("{}: workspace {}", printable(info.root.string()), printable(info.workspace_id)));
  report.say(fmt::format("notes: {}, and {} deleted", live, deleted));
  report.say(server_line(served.json));
  report.say(pending.empty()
                 ? "pending: nothing"
                 : fmt::format("pending: {} to be written", counted(pending.size(), "note")));
  for (const std::string& path : pending) report.say("  " + printable(path));
  report.result({{"root", info.root.string()},
                 {"workspace_id", info.workspace_id},
                 {"epoch", info.epoch},
                 {"files", live},
                 {"deleted", deleted},
                 {"pending", pending},
                 {"server", served.json}});
  return ExitCode::Done;
}

}  // namespace diaryx::cli
