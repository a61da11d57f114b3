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

OrderedJson attachments_json(const sync::AttachmentIndex::Totals& totals) {
  return {{"files", totals.files}, {"bytes", totals.bytes}, {"not_indexed", totals.not_indexed}};
}

// A folder that is no workspace yet has a status too.
ExitCode nothing_here(const Context& context) {
  context.report.say(fmt::format("{}: not a workspace yet; `diaryx-sync init` makes it one",
                                 printable(context.root.string())));
  context.report.result({{"root", context.root.string()},
                         {"workspace_id", nullptr},
                         {"epoch", nullptr},
                         {"files", 0},
                         {"deleted", 0},
                         {"attachments", attachments_json({})},
                         {"pending", OrderedJson::array()},
                         {"server", nullptr},
                         {"watching", nullptr},
                         {"troubles", OrderedJson::array()}});
  return ExitCode::Done;
}

struct Served {
  OrderedJson json = nullptr;  // null: not served.
  // What the server knows to be on its way to the disk; nothing if it did not say.
  std::optional<std::vector<std::string>> pending;
  OrderedJson attachments = nullptr;  // Null: it did not say.
  OrderedJson watching = nullptr;  // As the server tells them (web/routes.h); null if it does not.
  OrderedJson troubles = OrderedJson::array();
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
  if (!server) return {};
  Served out;
  out.json = {{"url", server_url(server->info())},
              {"pid", server->info().pid},
              {"started_ms", server->info().started_ms},
              {"reachable", false},
              {"connections", nullptr}};
  const auto answer = server->status();
  if (!answer || !answer->is_object()) return out;
  out.json["reachable"] = true;
  if (const auto it = answer->find("connections"); it != answer->end())
    out.json["connections"] = *it;
  out.pending = strings(*answer, "pending");
  if (const auto it = answer->find("attachments"); it != answer->end() && it->is_object())
    out.attachments = *it;
  if (const auto it = answer->find("watching"); it != answer->end() && it->is_object())
    out.watching = *it;
  if (const auto it = answer->find("troubles"); it != answer->end() && it->is_array())
    out.troubles = *it;
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

std::string text_of(const OrderedJson& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::uint64_t number_of(const OrderedJson& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

std::string attachments_line(const OrderedJson& attachments) {
  const std::uint64_t files = number_of(attachments, "files");
  if (files == 0) return "attachments: none";
  const std::uint64_t waiting = number_of(attachments, "not_indexed");
  return fmt::format("attachments: {}, {}{}", files,
                     counted(number_of(attachments, "bytes"), "octet"),
                     waiting == 0 ? "" : fmt::format("; {} not yet indexed", waiting));
}

void say_troubles(const Served& served, const Report& report) {
  if (const std::string why = text_of(served.watching, "message"); !why.empty()) {
    const std::string hint = text_of(served.watching, "hint");
    report.say("watching: " + printable(why) + (hint.empty() ? "" : "; " + printable(hint)));
  }
  if (served.troubles.empty()) return;
  report.say(fmt::format("troubles: {}", served.troubles.size()));
  for (const OrderedJson& trouble : served.troubles) {
    const auto unsaved = trouble.find("unsaved");
    const bool is_unsaved = unsaved != trouble.end() && *unsaved == OrderedJson(true);
    report.say(fmt::format("  {}: {}{}", printable(text_of(trouble, "path")),
                           is_unsaved ? "cannot be written: " : "",
                           printable(text_of(trouble, "message"))));
  }
}

}  // namespace

Result<ExitCode> run(const StatusOptions&, const Context& context) {
  std::error_code ignored;  // A folder that cannot be looked into is reported by open_workspace.
  if (!std::filesystem::exists(diaryx_dir(context.root) / "store.db", ignored) && !ignored)
    return nothing_here(context);
  DX_TRY(const auto server, ServerClient::find(context.root));
  DX_TRY(const auto workspace, open_workspace(context, Access::Read));
  Served served = ask_server(server);
  if (served.attachments.is_null())
    served.attachments = attachments_json(workspace->count_attachments());
  DX_TRY(std::vector<std::string> pending, workspace->pending());
  if (served.pending) pending = *served.pending;
  const auto [live, deleted] = workspace->count_files();

  const WorkspaceInfo& info = workspace->info();
  const Report& report = context.report;
  report.say(
      fmt::format("{}: workspace {}", printable(info.root.string()), printable(info.workspace_id)));
  report.say(fmt::format("notes: {}, and {} deleted", live, deleted));
  report.say(attachments_line(served.attachments));
  report.say(server_line(served.json));
  report.say(pending.empty()
                 ? "pending: nothing"
                 : fmt::format("pending: {} to be written", counted(pending.size(), "note")));
  for (const std::string& path : pending) report.say("  " + printable(path));
  say_troubles(served, report);
  report.result({{"root", info.root.string()},
                 {"workspace_id", info.workspace_id},
                 {"epoch", info.epoch},
                 {"files", live},
                 {"deleted", deleted},
                 {"attachments", served.attachments},
                 {"pending", pending},
                 {"server", served.json},
                 {"watching", served.watching},
                 {"troubles", served.troubles}});
  return ExitCode::Done;
}

}  // namespace diaryx::cli
