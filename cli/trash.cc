#include "engine/filesystem/trash.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/report.h"
#include "engine/base/path.h"

namespace diaryx::cli {
namespace {

using filesystem::Trash;
using filesystem::TrashEntry;

// "2026-01-04 09:00", local.
std::string when(std::int64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm local{};
  if (wall_ms == 0 || ::localtime_r(&seconds, &local) == nullptr) return "               ?";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
                     local.tm_mday, local.tm_hour, local.tm_min);
}

std::string size_text(std::uint64_t octets) {
  if (octets < 1024) return fmt::format("{} B", octets);
  if (octets < (1U << 20U)) return fmt::format("{} KiB", octets >> 10U);
  return fmt::format("{} MiB", octets >> 20U);
}

OrderedJson to_json(const TrashEntry& entry) {
  return {{"name", entry.name},
          {"path", entry.path},
          {"deleted_ms", entry.deleted_ms},
          {"size", entry.size}};
}

ExitCode list(const std::vector<TrashEntry>& entries, const Report& report) {
  OrderedJson files = OrderedJson::array();
  for (const TrashEntry& entry : entries) {
    report.say(fmt::format("{}  {:>8}  {}", when(entry.deleted_ms), size_text(entry.size),
                           printable(entry.name)));
    files.push_back(to_json(entry));
  }
  if (entries.empty()) report.say("the trash is empty");
  report.result({{"files", std::move(files)}});
  return ExitCode::Done;
}

// By its name in the trash, else the newest of that path.
Result<TrashEntry> entry_of(const std::vector<TrashEntry>& entries, const std::string& name) {
  const TrashEntry* newest = nullptr;
  for (const TrashEntry& entry : entries) {
    if (entry.name == name) return entry;
    if (entry.path == name) newest = &entry;  // They come oldest first.
  }
  if (newest != nullptr) return *newest;
  return Error{ErrorCode::NotFound, fmt::format("{}: not in the trash", name),
               "`diaryx-sync trash list` shows what is"};
}

Result<ExitCode> restore(const Trash& trash, const std::vector<TrashEntry>& entries,
                         const TrashOptions& options, const Report& report) {
  if (!options.to.empty() && options.names.size() > 1) {
    return Error{ErrorCode::InvalidArgument, "--to names one place, and there are several files",
                 "restore them one by one"};
  }
  // All of them are looked up before the first one is moved: a slip of the keyboard does nothing.
  std::vector<std::pair<TrashEntry, WorkspacePath>> moves;
  for (const std::string& name : options.names) {
    DX_TRY(TrashEntry entry, entry_of(entries, name));
    DX_TRY(WorkspacePath to, WorkspacePath::parse(options.to.empty() ? entry.path : options.to));
    moves.emplace_back(std::move(entry), std::move(to));
  }
  OrderedJson restored = OrderedJson::array();
  for (const auto& [entry, to] : moves) {
    DX_TRY_OK(trash.restore(entry.name, to));
    report.say("restored " + printable(to.str()));
    restored.push_back({{"name", entry.name}, {"path", to.str()}});
  }
  report.result({{"restored", std::move(restored)}});
  return ExitCode::Done;
}

Result<ExitCode> empty(const Trash& trash, const std::vector<TrashEntry>& entries,
                       const TrashOptions& options, const Context& context) {
  const std::int64_t before = context.clock.wall_ms() - options.older_than_s * 1000;
  std::uint64_t removed = 0;
  std::uint64_t bytes = 0;
  for (const TrashEntry& entry : entries) {
    // What does not say when it was deleted is only removed with all the rest.
    const bool old =
        options.older_than_s == 0 || (entry.deleted_ms != 0 && entry.deleted_ms < before);
    if (!old) continue;
    DX_TRY_OK(trash.remove(entry.name));
    ++removed;
    bytes += entry.size;
  }
  context.report.say(
      fmt::format("removed {} for good ({})", counted(removed, "file"), size_text(bytes)));
  context.report.result({{"removed", removed}, {"bytes", bytes}});
  return ExitCode::Done;
}

}  // namespace

Result<ExitCode> run(const TrashOptions& options, const Context& context) {
  DX_TRY(const Trash trash, Trash::open(context.root));
  DX_TRY(const std::vector<TrashEntry> entries, trash.list());
  switch (options.action) {
    case TrashOptions::Action::List:
      return list(entries, context.report);
    case TrashOptions::Action::Restore:
      return restore(trash, entries, options, context.report);
    case TrashOptions::Action::Empty:
      break;
  }
  return empty(trash, entries, options, context);
}

}  // namespace diaryx::cli
