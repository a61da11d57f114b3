#include "web/http_request.h"

#include <doctest/doctest.h>

#include "engine/base/random.h"

using namespace diaryx;
using namespace diaryx::web;

namespace {

struct Parsed {
  HttpParser::State state;
  int status = 0;
  HttpRequest request;
  std::size_t consumed = 0;
};

Parsed parse(std::string_view octets, std::size_t piece = SIZE_MAX, std::size_t max_body = 1000) {
  HttpParser parser({});
  std::size_t at = 0;
  while (at < octets.size() && parser.state() != HttpParser::State::Done &&
         parser.state() != HttpParser::State::Failed) {
    at += parser.feed(octets.substr(at, piece));
    if (parser.state() == HttpParser::State::HeadDone) parser.accept_body(max_body);
  }
  Parsed out{parser.state(), parser.status(), std::move(parser.request()), at};
  return out;
}

int refused(std::string_view octets) {
  const Parsed whole = parse(octets);
  const Parsed split = parse(octets, 1);
  CHECK(whole.state == split.state);
  CHECK((whole.state != HttpParser::State::Failed || whole.status == split.status));
  return whole.state == HttpParser::State::Failed ? whole.status : 0;
}

}  // namespace

TEST_SUITE("web/http_request") {
  TEST_CASE(
      "a request is read the same in one piece and octet by octet, and what follows it is left") {
    const std::string first =
        "POST /a%20b?x=1&name=a+%C3%A9&x=2&flag HTTP/1.1\r\nHost: localhost:1\r\nX-Odd:  two words "
        "\r\n"
        "Content-Length: 5\r\nCookie: a=1\r\n\r\nhello";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
      CAPTURE(piece);
      const Parsed got = parse(first + "GET / HTTP/1.1\r\n", piece);
      REQUIRE(got.state == HttpParser::State::Done);
      CHECK(got.consumed == first.size());
      CHECK(got.request.method == "POST");
      CHECK(got.request.path() == "/a%20b");
      CHECK(got.request.query("x") == "1");
      CHECK(got.request.query("name") == "a é");
      CHECK(got.request.query("flag") == "");
      CHECK_FALSE(got.request.query("nam"));
      CHECK(got.request.field("x-odd") == "two words");
      CHECK(got.request.body == "hello");
      CHECK(got.request.keep_alive);
      CHECK_FALSE(got.request.websocket_upgrade);
    }
  }

  TEST_CASE("a chunked body is put together and its trailer thrown away") {
    const Parsed got = parse(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nCookie: sneaky=1\r\n\r\n",
        2);
    REQUIRE(got.state == HttpParser::State::Done);
    CHECK(got.request.body == "abcdefg");
    CHECK_FALSE(got.request.field("cookie"));
  }

  TEST_CASE("what could be read in two ways is refused") {
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(refused(
              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") ==
          400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n") ==
          400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nOrigin: http://b\r\n\r\n") ==
          400);
    CHECK(refused("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(refused("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused(std::string_view("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 40)) == 400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n") == 400);
    CHECK(refused("\x16\x03\x01 this is a TLS hello") == 400);
    CHECK(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 400);
    CHECK(refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
    CHECK(refused("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: "
                  "3\r\n\r\nabc") == 415);
    CHECK(refused(
              "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n") ==
          400);
  }

  TEST_CASE("heads, targets, fields and bodies have limits, and just below them pass") {
    const auto head = [](std::size_t target, std::size_t fields, std::size_t value) {
      std::string out = "GET /" + std::string(target - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n";
      for (std::size_t i = 1; i < fields; ++i) out += "X: " + std::string(value, 'y') + "\r\n";
      return out + "\r\n";
    };
    CHECK(refused(head(4096, 1, 0)) == 0);
    CHECK(refused(head(4097, 1, 0)) == 414);
    CHECK(refused(head(1, 100, 1)) == 0);
    CHECK(refused(head(1, 101, 1)) == 431);
    CHECK(refused(head(1, 2, 16'000)) == 0);
    CHECK(refused(head(1, 2, 17'000)) == 431);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'z')) ==
          431);  // Never ends.
    CHECK(refused("GET /" + std::string(20'000, 'z')) == 414);
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ";
    CHECK(refused(post + "1000\r\n\r\n" + std::string(1000, 'b')) == 0);
    CHECK(refused(post + "1001\r\n\r\n") == 413);  // Before a single octet of it.
    CHECK(refused(post + "99999999999999999999999\r\n\r\n") == 400);
    CHECK(refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                  std::string(1001, 'b')) == 413);
    std::string trailers = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for (int i = 0; i < 2000; ++i) trailers += "X: yyyyyyyyyyyyyyyy\r\n";
    CHECK(refused(trailers) == 431);
  }

  TEST_CASE(
      "an upgrade leaves the octets of the WebSocket alone, and offers of other protocols are not "
      "taken") {
    const std::string upgrade =
        "GET /sync2 HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, "
        "Upgrade\r\n\r\n";
    const Parsed got = parse(upgrade + "\x81\x80");
    REQUIRE(got.state == HttpParser::State::Done);
    CHECK(got.request.websocket_upgrade);
    CHECK(got.consumed == upgrade.size());
    const Parsed h2 =
        parse("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n");
    CHECK(h2.state == HttpParser::State::Done);
    CHECK_FALSE(h2.request.websocket_upgrade);
  }

  TEST_CASE("HTTP/1.0 and Connection: close end the connection") {
    CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
    CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").request.keep_alive);
  }

  TEST_CASE("escapes that are none stay as they are") {
    CHECK(decode_query_component("a%2Fb%zz%4") == "a/b%zz%4");
    CHECK(decode_query_component("%") == "%");
    CHECK(decode_query_component("%41") == "A");
  }

  TEST_CASE("random octets never do worse than fail") {
    SeededRandom random(5);
    const std::string good =
        "POST /x?a=b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: "
        "upgrade\r\nUpgrade: websocket\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\n";
    for (int round = 0; round < 20'000; ++round) {
      std::string octets = good;
      for (std::uint64_t i = 0; i <= random.below(4); ++i) {
        octets[random.below(octets.size())] = static_cast<char>(random.next());
      }
      const Parsed whole = parse(octets);
      const Parsed split = parse(octets, 1 + random.below(9));
      REQUIRE(whole.state == split.state);
      REQUIRE(whole.request.body == split.request.body);
    }
  }
}
