// Control messages: the JSON text messages that go beside the binary frames of /sync2. One JSON
// object each.
//
//   client → server   {"action":"leave","doc":ID}              unsubscribe from a document
//                     {"action":"save","doc":ID}               make it durable now
//                     {"type":"files_ready"} or "FilesReady"   the client has what the manifest
//                     named
//                     {"type":"focus","files":[PATH,…]}        these files are on the client's
//                     screen; "unfocus": no longer
//
//   server → client   {"type":"session_joined","joinCode":…,"workspaceId":…,"readOnly":…}
//                     {"type":"file_manifest","files":[{"doc_id":…,"filename":…,"title":…,"part_of":…,"deleted":…},…],
//                      "client_is_new":…,"epoch":…}
//                     {"type":"crdt_state","state":BASE64}     update v1 of the workspace document
//                     {"type":"sync_complete","files_synced":N}
//                     {"type":"sync_progress","completed":N,"total":N}
//                     {"type":"peer_joined","guestId":…,"guest_id":…,"peer_count":N}; "peer_left"
//                     likewise
//                     {"type":"focus_list_changed","files":[PATH,…]}
//                     {"type":"session_ended"}
//                     {"type":"read_only_changed","read_only":…}
//                     {"type":"error","code":…,"doc":ID or null,"message":…}
//
// Clients differ in how they spell a guest's id, so a peer message has it twice. Fields that are
// not known are ignored, messages that are not known are errors: a client that was misunderstood
// should hear of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::protocol {

// A client's control message may have so many octets, and a focus message so many files.
inline constexpr std::size_t kMaxControlBytes = 256U << 10U;
inline constexpr std::size_t kMaxFocusFiles = 1'000;

struct LeaveDoc {
  std::string doc;  // As the client wrote it: parse_doc_id() is still to come.
  bool operator==(const LeaveDoc&) const = default;
};
struct SaveDoc {
  std::string doc;
  bool operator==(const SaveDoc&) const = default;
};
struct FilesReady {
  bool operator==(const FilesReady&) const = default;
};
struct Focus {
  std::vector<std::string> files;  // As the client wrote them; at most kMaxPathBytes octets each.
  bool operator==(const Focus&) const = default;
};
struct Unfocus {
  std::vector<std::string> files;
  bool operator==(const Unfocus&) const = default;
};
using ClientMessage = std::variant<LeaveDoc, SaveDoc, FilesReady, Focus, Unfocus>;

// Malformed: no JSON object, or a field is missing or of the wrong kind. Unsupported: an action or
// type that is not known. LimitExceeded: too large. The error's message can be told to the client
// (error_message).
Result<ClientMessage> parse_client_message(std::string_view text);

struct ManifestFile {
  std::string doc_id;
  std::string filename;              // The whole path.
  std::optional<std::string> title;  // null if absent.
  std::optional<std::string> part_of;
  bool deleted = false;
};

// All texts are UTF-8; octets that are not become U+FFFD.
std::string session_joined_message(std::string_view join_code, std::string_view workspace_id,
                                   bool read_only);
std::string file_manifest_message(std::span<const ManifestFile> files, bool client_is_new,
                                  std::string_view epoch);
std::string crdt_state_message(Bytes update_v1);
std::string sync_complete_message(std::uint64_t files_synced);
std::string sync_progress_message(std::uint64_t completed, std::uint64_t total);
std::string peer_joined_message(std::string_view guest_id, std::uint64_t peer_count);
std::string peer_left_message(std::string_view guest_id, std::uint64_t peer_count);
std::string focus_list_changed_message(std::span<const std::string> files);
std::string session_ended_message();
std::string read_only_changed_message(bool read_only);
// `doc` may be empty: the error is about no document. `code` is to_string(ErrorCode) or a word of
// the caller's.
std::string error_message(std::string_view code, std::string_view doc, std::string_view message);
std::string error_message(const Error& error, std::string_view doc);

}  // namespace diaryx::protocol
