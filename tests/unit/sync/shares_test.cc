#include "engine/sync/shares.h"

#include <doctest/doctest.h>

#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;
using test::told;

namespace {

struct Setup : test::LiveFolder {
  Setup() : LiveFolder(StoreIn::File) {}

  sync::Hub& hub() { return world.live->hub(); }
  Peer& guest(const std::string& code) {
    return world.connect({.user_id = "guest:1", .is_guest = true, .join_code = code});
  }
};

}  // namespace

TEST_SUITE("sync/shares") {
  TEST_CASE("codes have their form, do not repeat, and are found in any case of letters") {
    Setup s;
    const auto one = s.hub().create_share(false, 0);
    const auto two = s.hub().create_share(true, 0);
    REQUIRE(one);
    REQUIRE(two);
    CHECK(one->code.size() == 17);
    CHECK(one->code[8] == '-');
    CHECK(one->code.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
          std::string::npos);
    CHECK(one->code != two->code);
    std::string lower = two->code;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    REQUIRE(s.hub().shares().find(lower) != nullptr);
    CHECK(s.hub().shares().find(lower)->read_only);
  }

  TEST_CASE("shares outlive the server, and ended ones do not come back") {
    Setup s;
    const std::string kept = s.hub().create_share(true, 60'000)->code;
    const std::string ended = s.hub().create_share(false, 0)->code;
    s.world.run();
    CHECK(s.hub().end_share(ended));
    CHECK_FALSE(s.hub().end_share(ended));
    s.world.run();
    s.world.restart();
    REQUIRE(s.hub().shares().all().size() == 1);
    CHECK(s.hub().shares().all()[0].code == kept);
    CHECK(s.hub().shares().all()[0].read_only);
    CHECK(s.hub().shares().all()[0].expires_ms == s.world.clock.wall_ms() + 60'000);
  }

  TEST_CASE("a guest of a share that is no more is closed with 4401") {
    Setup s;
    Peer& nobody = s.guest("AAAAAAAA-AAAAAAAA");
    s.world.run();
    CHECK(nobody.closed == sync::CloseCode::NotAuthenticated);
  }

  TEST_CASE("ending a share tells its guests and sends them away; others stay") {
    Setup s;
    const std::string code = s.hub().create_share(false, 0)->code;
    const std::string other = s.hub().create_share(false, 0)->code;
    Peer& owner = s.world.connect();
    Peer& guest = s.guest(code);
    Peer& stays = s.guest(other);
    const std::string id = s.world.wire("a.md");
    for (Peer* peer : {&owner, &guest, &stays}) peer->open(id);
    s.world.run();
    CHECK(s.hub().guests(code) == 1);
    CHECK(s.hub().end_share(code));
    s.world.run();
    CHECK(told(guest, "session_ended"));
    CHECK(guest.closed == sync::CloseCode::NotAllowed);
    CHECK_FALSE(owner.closed);
    CHECK_FALSE(stays.closed);
    CHECK(s.hub().guests(code) == 0);
  }

  TEST_CASE("a share ends by itself when its time is over") {
    Setup s;
    const std::string code = s.hub().create_share(false, 5'000)->code;
    Peer& guest = s.guest(code);
    guest.open(s.world.wire("a.md"));
    s.world.pass(4'000);
    CHECK_FALSE(guest.closed);
    s.world.pass(2'500);
    CHECK(guest.closed == sync::CloseCode::NotAllowed);
    CHECK(s.hub().shares().find(code) == nullptr);
    Peer& late = s.guest(code);
    s.world.run();
    CHECK(late.closed == sync::CloseCode::NotAuthenticated);
  }

  TEST_CASE("read-only follows a change at once, for documents that are open") {
    Setup s;
    const std::string code = s.hub().create_share(false, 0)->code;
    Peer& owner = s.world.connect();
    Peer& guest = s.guest(code);
    const std::string id = s.world.wire("a.md");
    owner.open(id);
    guest.open(id);
    s.world.run();
    guest.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "one "); });
    s.world.run();
    CHECK(owner.body(id) == "one ");
    REQUIRE(s.hub().set_share_read_only(code, true));
    guest.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "two "); });
    s.world.run();
    CHECK(told(guest, "read_only_changed", "read_only", true));
    CHECK(told(guest, "error", "code", "read_only"));
    CHECK(owner.body(id) == "one ");
    REQUIRE(s.hub().set_share_read_only(code, false));
    guest.disconnect();
    s.world.run();
    CHECK_FALSE(s.hub().set_share_read_only("AAAAAAAA-AAAAAAAA", true));
  }

  TEST_CASE("too many guests, and too many shares, are refused") {
    Setup s;
    const sync::Limits limits;
    const std::string code = s.hub().create_share(false, 0)->code;
    for (std::size_t i = 0; i < limits.guests_per_share; ++i) (void)s.guest(code);
    s.world.run();
    Peer& late = s.guest(code);
    s.world.run();
    CHECK(late.closed == sync::CloseCode::TooMany);
    s.world.peers.front()->disconnect();
    Peer& next = s.guest(code);
    s.world.run();
    CHECK_FALSE(next.closed);
    for (std::size_t i = 1; i < limits.shares; ++i) REQUIRE(s.hub().create_share(false, 0));
    const auto refused = s.hub().create_share(false, 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::LimitExceeded);
  }
}
