#include "web/editor_routes.h"

#include <doctest/doctest.h>

#include "web/attachments.h"

using namespace diaryx;
using namespace diaryx::web;

namespace {

constexpr Asset kAssets[] = {
    {"/editor.js", "0123456789abcdef", "let plain;", "BROTLI", "GZIP"},
    {"/icon.svg", "fedcba9876543210", "<svg/>", {}, {}},
    {"/index.html", "aaaabbbbccccdddd", "<!doctype html>", "brotli page", "gzip page"},
};

struct Answer {
  int status = 0;
  std::string text;
  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
};

// The router's answer to a GET, as octets.
Answer get(std::span<const Asset> assets, std::string_view target,
           std::vector<HttpField> fields = {}) {
  HttpRouter router;
  add_editor_routes(router, assets);
  HttpRequest request;
  request.method = "GET";
  request.target = target;
  request.fields = std::move(fields);
  Exchange exchange(1, std::move(request), {"127.0.0.1", 1}, false, [] {});
  router.handle(exchange);
  Answer out;
  out.text = exchange.take().octets;
  out.status = std::stoi(out.text.substr(9, 3));
  return out;
}

}  // namespace

TEST_SUITE("web/editor") {
  TEST_CASE(
      "each file comes in the form that the browser likes best, as it is, with a name of its own") {
    const Answer plain = get(kAssets, "/editor.js");
    CHECK(plain.status == 200);
    CHECK(plain.has("\r\n\r\nlet plain;"));
    CHECK(plain.has("ETag: \"0123456789abcdef\"\r\n"));
    CHECK(plain.has("Content-Type: text/javascript; charset=utf-8"));
    CHECK_FALSE(plain.has("Content-Encoding"));
    const Answer brotli = get(kAssets, "/editor.js", {{"accept-encoding", "gzip, deflate, br"}});
    CHECK(brotli.has("\r\n\r\nBROTLI"));
    CHECK(brotli.has("Content-Encoding: br\r\n"));
    CHECK(brotli.has("ETag: \"0123456789abcdef-br\"\r\n"));
    CHECK(brotli.has("Vary: Accept-Encoding"));
    CHECK(get(kAssets, "/editor.js", {{"accept-encoding", "gzip;q=0.5, br;q=0"}})
              .has("\r\n\r\nGZIP"));
    CHECK(get(kAssets, "/icon.svg", {{"accept-encoding", "br"}}).has("\r\n\r\n<svg/>"));
    CHECK(get(kAssets, "/", {{"accept-encoding", "br"}}).has("brotli page"));
    CHECK(get(kAssets, "/index.html").has("<!doctype html>"));
    CHECK(get(kAssets, "/editorxjs").status == 404);
    CHECK(get(kAssets, "/EDITOR.JS").status == 404);
  }

  TEST_CASE("what the browser has already is not sent again") {
    const Answer same =
        get(kAssets, "/editor.js", {{"if-none-match", "\"x\", W/\"0123456789abcdef\""}});
    CHECK(same.status == 304);
    CHECK_FALSE(same.has("let plain;"));
    CHECK(get(kAssets, "/editor.js", {{"if-none-match", "\"0123456789abcdef-br\""}}).status == 200);
    CHECK(get(kAssets, "/editor.js", {{"if-none-match", "*"}}).status == 304);
  }

  TEST_CASE("the page lets no stranger's script in and stands in nobody's frame") {
    const Answer page = get(kAssets, "/");
    for (const char* part :
         {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
          "base-uri 'none'", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
          "X-Frame-Options: DENY"}) {
      CAPTURE(part);
      CHECK(page.has(part));
    }
    CHECK_FALSE(page.has("unsafe"));
  }

  TEST_CASE("without an editor a page says so") {
    const Answer page = get({}, "/");
    CHECK(page.status == 200);
    CHECK(page.has("DIARYX_EDITOR"));
  }

  TEST_CASE("codings are compared as wholes and by weight") {
    CHECK(accepts_coding("gzip, br", "br"));
    CHECK(accepts_coding("br;q=0.1", "br"));
    CHECK_FALSE(accepts_coding("br;q=0", "br"));
    CHECK_FALSE(accepts_coding("br;q=0.000", "br"));
    CHECK_FALSE(accepts_coding("brotli", "br"));
    CHECK_FALSE(accepts_coding("", "br"));
  }
}

TEST_SUITE("web/attachments") {
  TEST_CASE("only what cannot run a script is shown in place") {
    CHECK(content_type_of("a.PNG").name == "image/png");
    CHECK(content_type_of("a.PNG").show);
    for (const char* name : {"a.html", "a.htm", "a.svg", "a.xml", "a.xhtml", "a.js", "a.pdf", "a",
                             "a.", ".png.exe", "png"}) {
      CAPTURE(name);
      CHECK_FALSE(content_type_of(name).show);
    }
    CHECK(content_disposition(false, "a\"b\r\n;.txt") ==
          "attachment; filename*=UTF-8''a%22b%0D%0A%3B.txt");
  }
}
