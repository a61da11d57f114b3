#include "web/file_routes.h"

#include <utility>

#include "web/http_status.h"
#include "web/json_body.h"
#include "web/preconditions.h"

namespace diaryx::web {
namespace {

OrderedJson to_json(FileSummary&& file, const std::optional<Sha256>& hash) {
  OrderedJson row;
  row["id"] = std::move(file.id);
  row["path"] = std::move(file.path);
  row["title"] = file.metadata.at("title");
  row["hash"] = hash ? OrderedJson(to_hex(*hash)) : OrderedJson(nullptr);
  row["deleted"] = file.deleted;
  row["metadata"] = std::move(file.metadata);
  return row;
}

// A change that the core refuses before anything is touched: an answer of its own, and not an
// Error, because 412 and 428 have no code in the engine.
struct Refused {
  int status;
};
template <class T>
using Answer = Result<std::variant<T, Refused>>;

// If-Match on what is not the note's octets but concerns them all the same.
Result<int> check_version(const Call& call, Workspace& workspace, const std::string& id) {
  if (!call.request.field("if-match") && !call.request.field("if-none-match")) return 0;
  DX_TRY(const Sha256 hash, workspace.hash_of(id));
  return check_change(call.request, etag_of(hash), false);
}

template <class T>
Reply to_reply(const Answer<T>& answer, int status) {
  if (!answer) return Reply::error(answer.error());
  if (const auto* refused = std::get_if<Refused>(&*answer)) return Reply::error(refused->status);
  return Reply::json(status, dump_json(std::get<T>(*answer)));
}

Result<OrderedJson> all_files(const ServerFacts& facts, Workspace& workspace,
                              bool include_deleted) {
  OrderedJson files = OrderedJson::array();
  for (FileSummary& file : workspace.files(include_deleted)) {
    std::optional<Sha256> hash;
    if (!file.deleted) {
      DX_TRY(hash, workspace.hash_of(file.id));
    }
    files.push_back(to_json(std::move(file), hash));
  }
  return OrderedJson{
      {"workspace_id", facts.workspace_id}, {"epoch", facts.epoch}, {"files", std::move(files)}};
}

// --- What clients send ---

Error wrong(std::string what) {
  return Error{ErrorCode::InvalidArgument, std::move(what)};
}

Result<std::optional<std::string>> read_text(const Json& body, const char* key, bool or_null) {
  const auto it = body.find(key);
  if (it == body.end()) return std::optional<std::string>();
  if (or_null && it->is_null()) return std::optional<std::string>(std::string());
  if (!it->is_string()) return wrong(std::string(key) + ": must be a text");
  return std::optional<std::string>(it->get<std::string>());
}

Result<std::optional<sync::Parent>> read_parent(const Json& body) {
  const auto place = body.find("place");
  const auto it = body.find("parent");
  if (it == body.end()) {
    if (place != body.end()) return wrong("place: says nothing without a parent");
    return std::optional<sync::Parent>();
  }
  sync::Parent parent;
  if (!it->is_null()) {
    if (!it->is_string()) return wrong("parent: must be the id of a note, or null");
    parent.id = it->get<std::string>();
  }
  if (place != body.end()) {
    if (!place->is_number_unsigned()) return wrong("place: must be a whole number from 0 on");
    parent.place = place->get<std::size_t>();
  }
  return std::optional<sync::Parent>(std::move(parent));
}

Result<sync::NewNote> read_new_note(const HttpRequest& request) {
  DX_TRY(const Json body, read_object(request, {"title", "path", "parent", "place", "body"}));
  sync::NewNote note;
  DX_TRY(note.title, read_text(body, "title", false));
  DX_TRY(note.path, read_text(body, "path", false));
  DX_TRY(note.parent, read_parent(body));
  DX_TRY(auto text, read_text(body, "body", false));
  note.body = std::move(text).value_or(std::string());
  return note;
}

Result<sync::NoteChange> read_change(const HttpRequest& request) {
  DX_TRY(const Json body, read_object(request, {"title", "path", "parent", "place"}));
  if (body.empty()) return wrong("the body says nothing to change");
  sync::NoteChange change;
  DX_TRY(change.title, read_text(body, "title", true));
  DX_TRY(change.path, read_text(body, "path", false));
  DX_TRY(change.parent, read_parent(body));
  return change;
}

// --- Handlers ---

Reply create(const RouteParts& parts, const Call& call) {
  auto note = read_new_note(call.request);
  if (!note) return Reply::error(note.error());
  const auto made =
      parts.core.call([note = std::move(*note)](Workspace& workspace) -> Result<OrderedJson> {
        DX_TRY(const std::string id, workspace.notes().create(note));
        return note_json(workspace, id);
      });
  if (!made) return Reply::error(made.error());
  Reply reply = Reply::json(201, dump_json(*made));
  reply.fields.emplace_back("Location", "/api/files/" + made->at("id").get<std::string>());
  return reply;
}

Reply change(const RouteParts& parts, const Call& call) {
  const auto wanted = read_change(call.request);
  if (!wanted) return Reply::error(wanted.error());
  const std::string id = call.parts.at(0);
  return to_reply<OrderedJson>(parts.core.call([&](Workspace& workspace) -> Answer<OrderedJson> {
    DX_TRY(const int status, check_version(call, workspace, id));
    if (status != 0) return std::variant<OrderedJson, Refused>(Refused{status});
    DX_TRY_OK(workspace.notes().change(id, *wanted));
    DX_TRY(OrderedJson note, note_json(workspace, id));
    return std::variant<OrderedJson, Refused>(std::move(note));
  }),
                               200);
}

Reply remove(const RouteParts& parts, const Call& call) {
  const std::string id = call.parts.at(0);
  return to_reply<OrderedJson>(parts.core.call([&](Workspace& workspace) -> Answer<OrderedJson> {
    DX_TRY(const int status, check_version(call, workspace, id));
    if (status != 0) return std::variant<OrderedJson, Refused>(Refused{status});
    DX_TRY_OK(workspace.notes().remove(id));
    DX_TRY(OrderedJson note, note_json(workspace, id));
    return std::variant<OrderedJson, Refused>(std::move(note));
  }),
                               200);
}

Reply restore(const RouteParts& parts, const Call& call) {
  const std::string id = call.parts.at(0);
  const auto done = parts.core.call([&](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY_OK(workspace.notes().restore(id));
    return note_json(workspace, id);
  });
  return done ? Reply::json(200, dump_json(*done)) : Reply::error(done.error());
}

Reply show(const RouteParts& parts, const std::string& key, bool is_path) {
  const auto found = parts.core.call([&](Workspace& workspace) -> Result<OrderedJson> {
    const auto id = is_path ? workspace.id_at(key) : std::optional<std::string>(key);
    if (!id) return Error{ErrorCode::NotFound, "there is no such note"};
    return note_json(workspace, *id);
  });
  return found ? Reply::json(200, dump_json(*found)) : Reply::error(found.error());
}

}  // namespace

Result<OrderedJson> note_json(Workspace& workspace, const std::string& id) {
  auto file = workspace.file(id);
  if (!file) return Error{ErrorCode::NotFound, "there is no such note"};
  std::optional<Sha256> hash;
  if (!file->deleted) {
    DX_TRY(hash, workspace.hash_of(id));
  }
  return to_json(std::move(*file), hash);
}

void add_file_routes(HttpRouter& router, const RouteParts& parts) {
  router.add("GET", "/api/files", Door::Reader, [parts](const Call& call) {
    const bool include_deleted = call.request.query("include_deleted").value_or("0") == "1";
    const auto files = parts.core.call(
        [&](Workspace& workspace) { return all_files(parts.facts, workspace, include_deleted); });
    return files ? Reply::json(200, dump_json(*files)) : Reply::error(files.error());
  });
  router.add("POST", "/api/files", Door::Owner,
             [parts](const Call& call) { return create(parts, call); });
  router.add("GET", "/api/files/by-path/(.+)", Door::Reader,
             [parts](const Call& call) { return show(parts, call.parts.at(0), true); });
  router.add("GET", "/api/files/([^/]+)", Door::Reader,
             [parts](const Call& call) { return show(parts, call.parts.at(0), false); });
  router.add("PATCH", "/api/files/([^/]+)", Door::Owner,
             [parts](const Call& call) { return change(parts, call); });
  router.add("DELETE", "/api/files/([^/]+)", Door::Owner,
             [parts](const Call& call) { return remove(parts, call); });
  router.add("POST", "/api/files/([^/]+)/restore", Door::Owner,
             [parts](const Call& call) { return restore(parts, call); });
}

}  // namespace diaryx::web
