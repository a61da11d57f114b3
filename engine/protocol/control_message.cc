#include "engine/protocol/control_message.h"

#include <fmt/format.h>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/path.h"

namespace diaryx::protocol {
namespace {

// A message names at most so many octets of what it complains about.
constexpr std::size_t kMaxQuotedBytes = 64;

Error malformed(std::string_view what) {
  return {ErrorCode::Malformed, fmt::format("control message: {}", what)};
}

Error unknown(std::string_view what, std::string_view name) {
  return {ErrorCode::Unsupported,
          fmt::format("control message: unknown {} '{}'", what, name.substr(0, kMaxQuotedBytes))};
}

// Null pointer if there is no such field or it is no string.
const std::string* string_field(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() ? nullptr : it->get_ptr<const std::string*>();
}

Result<std::vector<std::string>> files_field(const Json& object) {
  const auto it = object.find("files");
  if (it == object.end() || !it->is_array()) return malformed("'files' is no array");
  if (it->size() > kMaxFocusFiles) {
    return Error{ErrorCode::LimitExceeded, fmt::format("control message: {} files, {} are allowed",
                                                       it->size(), kMaxFocusFiles)};
  }
  std::vector<std::string> files;
  files.reserve(it->size());
  for (const Json& element : *it) {
    const auto* file = element.get_ptr<const std::string*>();
    if (file == nullptr) return malformed("'files' holds something else than strings");
    if (file->size() > kMaxPathBytes) {
      return Error{ErrorCode::LimitExceeded,
                   fmt::format("control message: path of {} octets, {} are allowed", file->size(),
                               kMaxPathBytes)};
    }
    files.push_back(*file);
  }
  return files;
}

Result<ClientMessage> parse_action(const Json& object, std::string_view action) {
  if (action != "leave" && action != "save") return unknown("action", action);
  const std::string* doc = string_field(object, "doc");
  if (doc == nullptr) return malformed("'doc' is no string");
  if (action == "leave") return ClientMessage(LeaveDoc{*doc});
  return ClientMessage(SaveDoc{*doc});
}

Result<ClientMessage> parse_typed(const Json& object, std::string_view type) {
  if (type == "files_ready" || type == "FilesReady") return ClientMessage(FilesReady{});
  if (type != "focus" && type != "unfocus") return unknown("type", type);
  DX_TRY(std::vector<std::string> files, files_field(object));
  if (type == "focus") return ClientMessage(Focus{std::move(files)});
  return ClientMessage(Unfocus{std::move(files)});
}

OrderedJson message_of(std::string_view type) {
  return OrderedJson{{"type", type}};
}

OrderedJson optional_text(const std::optional<std::string>& text) {
  return text ? OrderedJson(*text) : OrderedJson(nullptr);
}

std::string peer_message(std::string_view type, std::string_view guest_id,
                         std::uint64_t peer_count) {
  OrderedJson message = message_of(type);
  message["guestId"] = guest_id;
  message["guest_id"] = guest_id;
  message["peer_count"] = peer_count;
  return dump_json(message);
}

}  // namespace

Result<ClientMessage> parse_client_message(std::string_view text) {
  if (text.size() > kMaxControlBytes) {
    return Error{ErrorCode::LimitExceeded, fmt::format("control message: {} octets, {} are allowed",
                                                       text.size(), kMaxControlBytes)};
  }
  auto parsed = parse_json(text);
  if (!parsed) return std::move(parsed).error().with("control message");
  if (!parsed->is_object()) return malformed("no JSON object");
  if (const std::string* action = string_field(*parsed, "action"))
    return parse_action(*parsed, *action);
  if (const std::string* type = string_field(*parsed, "type")) return parse_typed(*parsed, *type);
  return malformed("neither 'action' nor 'type' is a string");
}

std::string session_joined_message(std::string_view join_code, std::string_view workspace_id,
                                   bool read_only) {
  OrderedJson message = message_of("session_joined");
  message["joinCode"] = join_code;
  message["workspaceId"] = workspace_id;
  message["readOnly"] = read_only;
  return dump_json(message);
}

std::string file_manifest_message(std::span<const ManifestFile> files, bool client_is_new,
                                  std::string_view epoch) {
  OrderedJson list = OrderedJson::array();
  for (const ManifestFile& file : files) {
    list.push_back(OrderedJson{{"doc_id", file.doc_id},
                               {"filename", file.filename},
                               {"title", optional_text(file.title)},
                               {"part_of", optional_text(file.part_of)},
                               {"deleted", file.deleted}});
  }
  OrderedJson message = message_of("file_manifest");
  message["files"] = std::move(list);
  message["client_is_new"] = client_is_new;
  message["epoch"] = epoch;
  return dump_json(message);
}

// Put together by hand: the state may have megabytes, and base64 needs no escaping.
std::string crdt_state_message(Bytes update_v1) {
  return fmt::format(R"({{"type":"crdt_state","state":"{}"}})", to_base64(update_v1));
}

std::string sync_complete_message(std::uint64_t files_synced) {
  OrderedJson message = message_of("sync_complete");
  message["files_synced"] = files_synced;
  return dump_json(message);
}

std::string sync_progress_message(std::uint64_t completed, std::uint64_t total) {
  OrderedJson message = message_of("sync_progress");
  message["completed"] = completed;
  message["total"] = total;
  return dump_json(message);
}

std::string peer_joined_message(std::string_view guest_id, std::uint64_t peer_count) {
  return peer_message("peer_joined", guest_id, peer_count);
}

std::string peer_left_message(std::string_view guest_id, std::uint64_t peer_count) {
  return peer_message("peer_left", guest_id, peer_count);
}

std::string focus_list_changed_message(std::span<const std::string> files) {
  OrderedJson message = message_of("focus_list_changed");
  message["files"] = OrderedJson::array();
  for (const std::string& file : files) message["files"].push_back(file);
  return dump_json(message);
}

std::string session_ended_message() {
  return dump_json(message_of("session_ended"));
}

std::string read_only_changed_message(bool read_only) {
  OrderedJson message = message_of("read_only_changed");
  message["read_only"] = read_only;
  return dump_json(message);
}

std::string error_message(std::string_view code, std::string_view doc, std::string_view message) {
  OrderedJson out = message_of("error");
  out["code"] = code;
  out["doc"] = doc.empty() ? OrderedJson(nullptr) : OrderedJson(doc);
  out["message"] = message;
  return dump_json(out);
}

std::string error_message(const Error& error, std::string_view doc) {
  return error_message(to_string(error.code), doc, error.message);
}

}  // namespace diaryx::protocol
