#include "web/auth.h"

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::web;

namespace {

constexpr const char* kToken = "a-token-that-nobody-can-guess-0123456789";
constexpr const char* kCode = "ABCD1234-WXYZ5678";

struct Fixture {
  ManualClock clock;
  Auth auth{kToken, "diaryx_8080", clock};
  sync::Share found;

  Fixture() {
    auth.set_shares({{.code = "OTHER234-WXYZ5678"}, {.code = kCode, .read_only = true}});
  }
  Auth::Answer share(std::string_view code, std::string_view peer) {
    return auth.find_share(code, peer, found);
  }
};

}  // namespace

TEST_SUITE("web/auth") {
  TEST_CASE_FIXTURE(
      Fixture, "the token buys a cookie that makes its bearer the owner until it is handed back") {
    std::string session;
    CHECK(auth.log_in("wrong", "peer", session) == Auth::Answer::No);
    CHECK(session.empty());
    REQUIRE(auth.log_in(kToken, "peer", session) == Auth::Answer::Yes);
    CHECK(session.size() == 43);
    CHECK(auth.is_owner_cookie("diaryx_8080=" + session));
    CHECK(auth.is_owner_cookie("other=1; diaryx_8080=" + session + "; more=2"));
    CHECK_FALSE(auth.is_owner_cookie("diaryx_8081=" + session));
    CHECK_FALSE(auth.is_owner_cookie("xdiaryx_8080=" + session));
    CHECK_FALSE(auth.is_owner_cookie("diaryx_8080=" + session + "x"));
    CHECK_FALSE(auth.is_owner_cookie("diaryx_8080="));
    CHECK_FALSE(auth.is_owner_cookie(session));
    CHECK_FALSE(auth.is_owner_cookie(""));
    CHECK_FALSE(auth.is_owner_cookie(";;;=;"));
    auth.log_out("diaryx_8080=" + session);
    CHECK_FALSE(auth.is_owner_cookie("diaryx_8080=" + session));
  }

  TEST_CASE_FIXTURE(Fixture, "a session that is not used for a month ends") {
    std::string session;
    REQUIRE(auth.log_in(kToken, "peer", session) == Auth::Answer::Yes);
    clock.advance(29LL * 24 * 3600 * 1000);
    CHECK(auth.is_owner_cookie("diaryx_8080=" + session));
    clock.advance(31LL * 24 * 3600 * 1000);
    CHECK_FALSE(auth.is_owner_cookie("diaryx_8080=" + session));
  }

  TEST_CASE_FIXTURE(
      Fixture, "the cookie is out of reach of scripts and other sites, and an empty one ends it") {
    CHECK(auth.set_cookie("abc") == "diaryx_8080=abc; Path=/; HttpOnly; SameSite=Strict");
    CHECK(auth.set_cookie("") == "diaryx_8080=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
  }

  TEST_CASE_FIXTURE(
      Fixture,
      "join codes are heard in any case, and after twenty failures not at all, until time passes") {
    CHECK(share("abcd1234-wxyz5678", "peer") == Auth::Answer::Yes);
    CHECK(found.code == kCode);
    CHECK(found.read_only);
    CHECK(share(kToken, "peer") == Auth::Answer::No);
    for (int i = 1; i < 20; ++i) CHECK(share("ABCD1234-WXYZ5679", "peer") == Auth::Answer::No);
    CHECK(share("ABCD1234-WXYZ5679", "peer") == Auth::Answer::TooMany);
    CHECK(share(kCode, "peer") == Auth::Answer::TooMany);
    CHECK(share(kCode, "another peer") == Auth::Answer::Yes);
    clock.advance(4'000);
    CHECK(share(kCode, "peer") == Auth::Answer::Yes);
  }

  TEST_CASE_FIXTURE(Fixture, "many peers together cannot try without end") {
    int heard = 0;
    for (int i = 0; i < 1000; ++i) {
      heard += share("AAAAAAAA-AAAAAAAA", "peer " + std::to_string(i)) == Auth::Answer::No ? 1 : 0;
    }
    CHECK(heard == 200);
    CHECK(share(kCode, "new peer") == Auth::Answer::TooMany);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a long token is heard even when attempts are used up, a short one is not") {
    for (int i = 0; i < 30; ++i) (void)auth.is_owner_token("wrong", "peer");
    CHECK(auth.is_owner_token("wrong", "peer") == Auth::Answer::TooMany);
    CHECK(auth.is_owner_token(kToken, "peer") == Auth::Answer::Yes);
    Auth weak("1234", "c", clock);
    CHECK(weak.is_owner_token("1234", "peer") == Auth::Answer::Yes);
    for (int i = 0; i < 30; ++i) (void)weak.is_owner_token("wrong", "peer");
    CHECK(weak.is_owner_token("1234", "peer") == Auth::Answer::TooMany);
  }

  TEST_CASE_FIXTURE(Fixture, "a share lets nobody in when its time is over, or when it has ended") {
    auth.set_shares({{.code = kCode, .expires_ms = clock.wall_ms() + 1'000}});
    CHECK(share(kCode, "peer") == Auth::Answer::Yes);
    clock.advance(1'000);
    CHECK(share(kCode, "peer") == Auth::Answer::No);
    auth.set_shares({{.code = kCode}});
    CHECK(share(kCode, "peer") == Auth::Answer::Yes);
    auth.set_shares({});
    CHECK(share(kCode, "peer") == Auth::Answer::No);
  }

  TEST_CASE("made secrets have their form and do not repeat") {
    SystemRandom random;
    CHECK(Auth::make_token(random).size() == 43);
    CHECK(Auth::make_token(random) != Auth::make_token(random));
  }

  TEST_CASE("guests may call themselves only what is harmless") {
    CHECK(clean_guest_id("guest-1_A") == "guest-1_A");
    for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"),
                                   std::string("é"), std::string(65, 'x')}) {
      CHECK_FALSE(clean_guest_id(bad));
    }
  }
}
