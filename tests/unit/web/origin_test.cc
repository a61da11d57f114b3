#include "web/origin.h"

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::web;

namespace {

HostRules rules(std::string_view bound = "127.0.0.1", const std::vector<std::string>& hosts = {},
                const std::vector<std::string>& origins = {}) {
  auto made = HostRules::make(bound, hosts, origins);
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_SUITE("web/origin") {
  TEST_CASE("only loopback names and literals are ours, compared as wholes") {
    const HostRules ours = rules();
    for (const char* good : {"localhost", "localhost:8080", "LocalHost:1", "127.0.0.1:8080",
                             "127.8.9.10", "[::1]:8080", "[::1]", "[0:0:0:0:0:0:0:1]:5"}) {
      CAPTURE(good);
      CHECK(ours.host_allowed(good));
    }
    for (const char* bad : {"",
                            "evil.example",
                            "evil.example:8080",
                            "localhost.evil.example",
                            "localhost.evil.example:8080",
                            "127.0.0.1.evil.example",
                            "127.0.0.1.nip.io:80",
                            "localhost:8080.evil.example",
                            "localhost:",
                            "localhost:0",
                            "localhost:65536",
                            "localhost:+80",
                            "localhost:8080:8080",
                            "localhost@evil.example",
                            "user@localhost",
                            "evil.example#localhost",
                            "localhost/",
                            "localhost ",
                            " localhost",
                            "local\thost",
                            "[::1",
                            "[::1]8080",
                            "[::2]:80",
                            "[evil]:80",
                            "[]:80",
                            "::1",
                            "0.0.0.0",
                            "0.0.0.0:80",
                            "128.0.0.1",
                            "127.1",
                            "127.0.0.1.",
                            "127.0.0",
                            "2130706433",
                            "0x7f.0.0.1",
                            "192.168.0.5",
                            "localhost,evil.example"}) {
      CAPTURE(bad);
      CHECK_FALSE(ours.host_allowed(bad));
    }
    // A NUL does not end an address.
    CHECK_FALSE(ours.host_allowed(std::string_view("[::1\0evil]:80", 14)));
    CHECK_FALSE(ours.host_allowed(std::string_view("127.0.0.1\0.evil", 15)));
  }

  TEST_CASE("names that the person allows are ours too, with a port only on that port") {
    const HostRules ours = rules("127.0.0.1", {"Notes.Example", "box.lan:8080"});
    CHECK(ours.host_allowed("notes.example"));
    CHECK(ours.host_allowed("NOTES.example:443"));
    CHECK(ours.host_allowed("box.lan:8080"));
    CHECK_FALSE(ours.host_allowed("box.lan:8081"));
    CHECK_FALSE(ours.host_allowed("box.lan"));
    CHECK_FALSE(ours.host_allowed("a.notes.example"));
    CHECK_FALSE(HostRules::make("127.0.0.1", {"https://notes.example"}, {}));
    CHECK_FALSE(HostRules::make("127.0.0.1", {}, {"notes.example"}));
    CHECK_FALSE(HostRules::make("127.0.0.1", {}, {"https://notes.example/page"}));
  }

  TEST_CASE("the address listened on is ours as a literal, the wildcard is not") {
    CHECK(rules("192.168.0.5").host_allowed("192.168.0.5:8080"));
    CHECK_FALSE(rules("192.168.0.5").host_allowed("192.168.0.6:8080"));
    CHECK(rules("fd00::5").host_allowed("[fd00::5]:8080"));
    CHECK_FALSE(rules("0.0.0.0").host_allowed("0.0.0.0:8080"));
    CHECK_FALSE(rules("0.0.0.0").host_allowed("192.168.0.5:8080"));
  }

  TEST_CASE("our own pages may talk to us, other pages may not") {
    const HostRules ours =
        rules("127.0.0.1", {"notes.example"}, {"https://friend.example", "http://localhost:5173"});
    struct Case {
      const char* origin;
      const char* host;
      bool allowed;
    };
    const Case cases[] = {
        {"http://localhost:8080", "localhost:8080", true},
        {"http://127.0.0.1:8080", "localhost:8080", true},
        {"http://[::1]:8080", "127.0.0.1:8080", true},
        {"HTTP://LOCALHOST:8080", "localhost:8080", true},
        {"http://localhost:9000", "localhost:9000",
         true},  // Forwarded from another port: the authority that was asked.
        {"http://localhost:9000", "localhost:8080", false},  // Another server on this machine.
        {"http://localhost:5173", "localhost:8080", true},   // Allowed by name.
        {"http://127.0.0.1:5173", "localhost:8080", false},
        {"http://localhost", "localhost:8080", false},
        {"https://localhost:8080", "127.0.0.1:8080", false},
        {"https://notes.example", "notes.example", true},  // Behind a proxy that speaks TLS.
        {"https://notes.example:443", "notes.example", true},
        {"https://notes.example", "notes.example:443", true},
        {"http://notes.example", "notes.example", true},
        {"https://notes.example:444", "notes.example", false},
        {"https://notes.example.evil.example", "notes.example", false},
        {"https://friend.example", "localhost:8080", true},
        {"http://friend.example", "localhost:8080", false},
        {"https://friend.example:8443", "localhost:8080", false},
        {"https://evil.example", "localhost:8080", false},
        {"http://evil.example:8080", "localhost:8080", false},
        {"http://localhost:8080.evil.example", "localhost:8080", false},
        {"http://localhost:8080@evil.example", "localhost:8080", false},
        {"http://localhost:8080/", "localhost:8080", false},
        {"null", "localhost:8080", false},
        {"", "localhost:8080", false},
        {"file://", "localhost:8080", false},
        {"chrome-extension://abcdef", "localhost:8080", false},
        {"ftp://localhost:8080", "localhost:8080", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.origin);
      CAPTURE(c.host);
      CHECK(ours.origin_allowed(c.origin, c.host, 8080) == c.allowed);
    }
  }
}
