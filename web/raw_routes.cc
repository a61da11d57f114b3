#include "web/raw_routes.h"

#include <optional>
#include <string>
#include <utility>

#include "web/file_routes.h"
#include "web/http_status.h"
#include "web/preconditions.h"

namespace diaryx::web {
namespace {

constexpr const char* kMarkdown = "text/markdown; charset=utf-8";

// How a request names its note.
struct Name {
  std::string text;
  bool is_path;
};

std::optional<std::string> find(const Workspace& workspace, const Name& name) {
  if (name.is_path) return workspace.id_at(name.text);
  const auto file = workspace.file(name.text);
  return file && !file->deleted ? std::optional<std::string>(name.text) : std::nullopt;
}

Error no_such_note() {
  return Error{ErrorCode::NotFound, "there is no such note"};
}

Reply get(const RouteParts& parts, const Call& call, const Name& name) {
  auto bytes = parts.core.call([&](Workspace& workspace) -> Result<std::string> {
    const auto id = find(workspace, name);
    if (!id) return no_such_note();
    return workspace.notes().bytes(*id);
  });
  if (!bytes) return Reply::error(bytes.error());
  const std::string etag = etag_of(sha256(as_bytes(*bytes)));
  Reply reply;
  // Kept by the client, but asked for again each time.
  reply.fields = {{"ETag", etag}, {"Cache-Control", "private, no-cache"}};
  if (has_it_already(call.request, etag)) {
    reply.status = 304;
    return reply;
  }
  reply.content_type = kMarkdown;
  reply.body = std::move(*bytes);
  return reply;
}

struct Written {
  int status;  // 200, 201, 412, 428.
  OrderedJson note = {};
};

Result<Written> write(Workspace& workspace, const Call& call, const Name& name) {
  auto id = find(workspace, name);
  if (!id && !name.is_path) return no_such_note();
  std::optional<std::string> current;
  if (id) {
    DX_TRY(const Sha256 hash, workspace.hash_of(*id));
    current = etag_of(hash);
  }
  if (const int refused = check_change(call.request, current, true); refused != 0)
    return Written{refused};
  const int status = id ? 200 : 201;
  if (id) {
    DX_TRY_OK(workspace.notes().write(*id, call.request.body));
  } else {
    DX_TRY(id, workspace.notes().create_from(name.text, call.request.body));
  }
  DX_TRY(OrderedJson note, note_json(workspace, *id));
  return Written{status, std::move(note)};
}

Reply put(const RouteParts& parts, const Call& call, const Name& name) {
  const auto written =
      parts.core.call([&](Workspace& workspace) { return write(workspace, call, name); });
  if (!written) return Reply::error(written.error());
  if (written->status >= 400) return Reply::error(written->status);
  Reply reply = Reply::json(written->status, dump_json(written->note));
  // Told only if it is stored as it was sent (RFC 9110 §9.3.4); the note has its hash in any case.
  const std::string hash = to_hex(sha256(as_bytes(call.request.body)));
  if (written->note.at("hash") == hash) reply.fields.emplace_back("ETag", "\"" + hash + "\"");
  if (written->status == 201) {
    reply.fields.emplace_back("Location",
                              "/api/files/" + written->note.at("id").get<std::string>());
  }
  return reply;
}

}  // namespace

void add_raw_routes(HttpRouter& router, const RouteParts& parts) {
  router.add("GET", "/api/raw/(.+)", Door::Reader, [parts](const Call& call) {
    return get(parts, call, {call.parts.at(0), true});
  });
  router.add("PUT", "/api/raw/(.+)", Door::Owner, [parts](const Call& call) {
    return put(parts, call, {call.parts.at(0), true});
  });
  router.add("GET", "/api/files/([^/]+)/raw", Door::Reader, [parts](const Call& call) {
    return get(parts, call, {call.parts.at(0), false});
  });
  router.add("PUT", "/api/files/([^/]+)/raw", Door::Owner, [parts](const Call& call) {
    return put(parts, call, {call.parts.at(0), false});
  });
}

}  // namespace diaryx::web
