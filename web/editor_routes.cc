#include "web/editor_routes.h"

#include <algorithm>
#include <string>

#include "web/preconditions.h"

namespace diaryx::web {
namespace {

// No inline script or style, nothing from elsewhere, in nobody's frame. Pictures may be attachments
// or made by the page.
constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action "
    "'none'; frame-ancestors 'none'";

constexpr std::string_view kNoEditor =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>diaryx-sync</title>\n"
    "<h1>diaryx-sync is running</h1>\n"
    "<p>This binary was built without the browser editor (DIARYX_EDITOR=OFF). Programs can use "
    "/sync2 and /api as usual; "
    "for the editor, build with DIARYX_EDITOR=ON.</p>\n</html>\n";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `visit` with each part of a comma-separated list until it returns true.
template <class Visit>
bool any_part(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
    if (visit(trimmed(part))) return true;
  }
  return false;
}

std::string_view type_of(std::string_view path) {
  const auto ends = [&](std::string_view ending) {
    return path.size() >= ending.size() && path.substr(path.size() - ending.size()) == ending;
  };
  if (ends(".html")) return "text/html; charset=utf-8";
  if (ends(".js")) return "text/javascript; charset=utf-8";
  if (ends(".css")) return "text/css; charset=utf-8";
  if (ends(".svg")) return "image/svg+xml";
  if (ends(".json") || ends(".map")) return "application/json";
  if (ends(".webmanifest")) return "application/manifest+json";
  if (ends(".woff2")) return "font/woff2";
  if (ends(".png")) return "image/png";
  return "application/octet-stream";
}

Reply serve(const Asset& asset, const HttpRequest& request) {
  const std::string_view accepted = request.field("accept-encoding").value_or("");
  std::string_view coding;
  std::string_view body = asset.plain;
  if (!asset.brotli.empty() && accepts_coding(accepted, "br")) {
    coding = "br";
    body = asset.brotli;
  } else if (!asset.gzip.empty() && accepts_coding(accepted, "gzip")) {
    coding = "gzip";
    body = asset.gzip;
  }
  std::string etag = "\"" + std::string(asset.hash);
  if (!coding.empty()) etag.append("-").append(coding);
  etag += '"';
  Reply reply;
  reply.fields = {{"ETag", etag},
                  {"Vary", "Accept-Encoding"},
                  {"Cache-Control",
                   "no-cache"},  // Kept, but asked for again each time: a new binary has new files.
                  {"Content-Security-Policy", kPagePolicy}};
  if (has_it_already(request, etag)) {
    reply.status = 304;
    return reply;
  }
  if (!coding.empty()) reply.fields.emplace_back("Content-Encoding", coding);
  reply.content_type = type_of(asset.path);
  reply.lasting_body = body;
  return reply;
}

// A path as a pattern that matches only it.
std::string escaped(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace

bool accepts_coding(std::string_view header, std::string_view coding) {
  return any_part(header, [&](std::string_view part) {
    const std::size_t semicolon = part.find(';');
    if (trimmed(part.substr(0, semicolon)) != coding) return false;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view weight = trimmed(part.substr(semicolon + 1));
    // "q=0", "q=0.000": never. Anything else says how much it is liked, which is nothing to us.
    return weight.substr(0, 2) != "q=" ||
           weight.substr(2).find_first_not_of("0.") != std::string_view::npos;
  });
}

void add_document_routes(HttpRouter& router, std::span<const Asset> documents) {
  for (const Asset& document : documents) {
    router.add("GET", "/api" + escaped(document.path), Door::Open, [document](const Call& call) {
      const std::string etag = "\"" + std::string(document.hash) + "\"";
      Reply reply{.fields = {{"ETag", etag}, {"Cache-Control", "no-cache"}}};
      if (has_it_already(call.request, etag)) {
        reply.status = 304;
        return reply;
      }
      reply.content_type = "application/json";
      reply.lasting_body = document.plain;
      return reply;
    });
  }
}

void add_editor_routes(HttpRouter& router, std::span<const Asset> assets) {
  for (const Asset& asset : assets) {
    const std::string pattern =
        asset.path == "/index.html" ? "/(?:index\\.html)?" : escaped(asset.path);
    router.add("GET", pattern, Door::Open,
               [asset](const Call& call) { return serve(asset, call.request); });
  }
  if (!assets.empty()) return;
  router.add("GET", "/", Door::Open, [](const Call&) {
    return Reply{.content_type = "text/html; charset=utf-8", .lasting_body = kNoEditor};
  });
}

}  // namespace diaryx::web
