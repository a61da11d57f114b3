#include "engine/protocol/awareness.h"

#include <doctest/doctest.h>

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using protocol::Awareness;
using test::hex;
using Ids = std::vector<std::uint64_t>;

namespace {

Buffer state_of(std::uint64_t client, std::uint64_t clock, std::string_view json) {
  Buffer update;
  codec::Writer out(update);
  out.var_uint(1);
  out.var_uint(client);
  out.var_uint(clock);
  out.var_string(json);
  return update;
}

std::string encoded_state(const Awareness& awareness, std::uint64_t client) {
  const Buffer update = awareness.encode({client});
  codec::Reader in(update);
  REQUIRE(in.var_uint());
  REQUIRE(in.var_uint());
  REQUIRE(in.var_uint());
  const auto state = in.var_string();
  REQUIRE(state);
  return std::string(*state);
}

}  // namespace

TEST_SUITE("protocol/awareness") {
  TEST_CASE("the example of the header holds") {
    Awareness relay;
    const auto came = relay.apply(hex("01 02 01 07 \"{\" 22 \"v\" 22 \":1}\""), 0);
    REQUIRE(came);
    CHECK(came->change.added == Ids{2});
    CHECK(relay.clients() == Ids{2});
    const auto went = relay.apply(hex("01 02 01 04 \"null\""), 0);
    REQUIRE(went);
    CHECK(went->update.removed == Ids{2});
    CHECK(relay.clients().empty());
    CHECK(relay.encode({2}) == hex("01 02 01 04 \"null\""));
  }

  TEST_CASE("a client starts with the empty state at clock 0") {
    const Awareness awareness(1);
    CHECK(awareness.encode({1}) == hex("01 01 00 02 \"{}\""));
    CHECK(awareness.clients() == Ids{1});
    CHECK(Awareness().encode({1, 2}) == hex("00"));
  }

  TEST_CASE("lower and equal clocks are ignored, a first clock of 0 too") {
    Awareness relay;
    CHECK(relay.apply(state_of(2, 0, "{}"), 0)->update.empty());
    CHECK(relay.entries().empty());
    REQUIRE(relay.apply(state_of(2, 5, "5"), 0));
    CHECK(relay.apply(state_of(2, 4, "4"), 0)->update.empty());
    CHECK(relay.apply(state_of(2, 5, "55"), 0)->update.empty());
    CHECK(relay.apply(state_of(2, 4, "null"), 0)->update.empty());
    CHECK(encoded_state(relay, 2) == "5");
  }

  TEST_CASE("a renewed equal state is an update and no change, whatever its key order") {
    Awareness relay;
    REQUIRE(relay.apply(state_of(2, 1, R"({"a":1,"b":[{"c":2,"d":3}]})"), 0));
    const auto renewed = relay.apply(state_of(2, 2, R"({"b":[{"d":3,"c":2}],"a":1.0})"), 0);
    REQUIRE(renewed);
    CHECK(renewed->update.updated == Ids{2});
    CHECK(renewed->change.empty());
    for (const char* other :
         {R"({"a":1})", R"({"a":1,"b":[]})", R"({"a":1,"b":[{"c":2,"e":3}]})", "[]", "7"}) {
      const auto changed = relay.apply(state_of(2, relay.entries().at(2).clock + 1, other), 0);
      REQUIRE(changed);
      CHECK(changed->change.updated == Ids{2});
    }
  }

  TEST_CASE("states are rewritten as JavaScript would") {
    Awareness relay;
    REQUIRE(relay.apply(state_of(2, 1, R"({ "b" : 1.0, "2":"\u00e9", "1":"\ud800" })"), 0));
    CHECK(encoded_state(relay, 2) == R"({"1":"\ud800","2":"é","b":1})");
    for (const char* falsy : {"0", "-0", "false", "\"\""}) {
      REQUIRE(relay.apply(
          state_of(3, relay.entries().contains(3) ? relay.entries().at(3).clock + 1 : 1, falsy),
          0));
      CHECK(encoded_state(relay, 3) == "null");
      CHECK(relay.clients() == Ids{2, 3});
    }
  }

  TEST_CASE("nobody else says that a client is gone") {
    Awareness awareness(1);
    REQUIRE(awareness.set_local(R"({"n":1})", 0));
    const auto told = awareness.apply(state_of(1, 5, "null"), 0);
    REQUIRE(told);
    CHECK(told->change.removed == Ids{1});
    CHECK(awareness.encode({1}) == state_of(1, 6, R"({"n":1})"));
    REQUIRE(awareness.set_local("null", 0));
    CHECK(awareness.encode({1}) == state_of(1, 7, "null"));
    REQUIRE(awareness.apply(state_of(1, 9, "null"), 0));
    CHECK(awareness.encode({1}) == state_of(1, 9, "null"));
  }

  TEST_CASE("the local state can be set, renewed and taken away") {
    Awareness awareness(1);
    CHECK(awareness.set_local("{}", 0)->change.empty());
    CHECK(awareness.set_local("{\"a\":1}", 0)->change.updated == Ids{1});
    CHECK(awareness.set_local("null", 0)->update.removed == Ids{1});
    CHECK(awareness.set_local("{\"a\":1}", 0)->change.added == Ids{1});
    CHECK(awareness.entries().at(1).clock == 4);
    CHECK_FALSE(awareness.set_local("{", 0));
    CHECK(awareness.entries().at(1).clock == 4);
    Awareness relay;
    const auto refused = relay.set_local("{}", 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::InvalidArgument);
  }

  TEST_CASE("removing keeps a remote clock and raises the local one") {
    Awareness awareness(1);
    REQUIRE(awareness.apply(state_of(2, 4, "{}"), 0));
    const auto gone = awareness.remove({2, 1, 3, 2}, 0);
    CHECK(gone.update.removed == Ids{2, 1});
    CHECK(gone.change.removed == Ids{2, 1});
    CHECK(awareness.encode({2}) == state_of(2, 4, "null"));
    CHECK(awareness.encode({1}) == state_of(1, 1, "null"));
    CHECK(awareness.remove({2}, 0).update.empty());
  }

  TEST_CASE("clients that are silent for the time-out are outdated, the local one never is") {
    Awareness awareness(1);
    REQUIRE(awareness.apply(state_of(2, 1, "{}"), 1'000));
    REQUIRE(awareness.apply(state_of(3, 1, "{}"), 5'000));
    CHECK(awareness.outdated(30'999, 30'000).empty());
    CHECK(awareness.outdated(31'000, 30'000) == Ids{2});
    REQUIRE(awareness.apply(state_of(2, 2, "{}"), 31'000));
    CHECK(awareness.outdated(35'000, 30'000) == Ids{3});
    awareness.remove({3}, 35'000);
    CHECK(awareness.outdated(99'000'000, 30'000) == Ids{2});
  }

  TEST_CASE("a tick renews the local state after half the time-out, and removes who was silent") {
    Awareness awareness(1, 1'000);
    REQUIRE(awareness.apply(state_of(2, 1, "{}"), 2'000));
    REQUIRE(awareness.set_local(R"({"n":1})", 2'000));
    CHECK(awareness.tick(16'999).renewed.update.empty());
    const Awareness::Tick renewed = awareness.tick(17'000);
    CHECK(renewed.renewed.update.updated == Ids{1});
    CHECK(renewed.renewed.change.empty());
    CHECK(renewed.removed.update.empty());
    CHECK(awareness.encode({1}) == state_of(1, 2, R"({"n":1})"));
    CHECK(awareness.tick(17'001).renewed.update.empty());
    const Awareness::Tick removed = awareness.tick(32'000);
    CHECK(removed.renewed.update.updated == Ids{1});
    CHECK(removed.removed.change.removed == Ids{2});
    CHECK(awareness.encode({2}) == state_of(2, 1, "null"));
    // A state that JavaScript takes for none is not renewed, and a relay has none.
    REQUIRE(awareness.set_local("0", 40'000));
    CHECK(awareness.tick(90'000).renewed.update.empty());
    Awareness relay;
    REQUIRE(relay.apply(state_of(2, 1, "{}"), 0));
    CHECK(relay.tick(protocol::kAwarenessTimeoutMs).removed.update.removed == Ids{2});
    CHECK(relay.tick(protocol::kAwarenessTimeoutMs).removed.update.empty());
  }

  TEST_CASE("a bad update changes nothing") {
    Awareness relay;
    REQUIRE(relay.apply(state_of(2, 1, "{}"), 0));
    for (const char* bad : {"", "01", "01 03", "01 03 01", "01 03 01 00", "01 03 01 01 \"{\"",
                            "02 03 01 02 \"{}\"", "01 03 01 02 \"{}\" 00", "ff ff ff ff 07",
                            "02 03 01 02 \"{}\" 04 01 09 \"undefined\"", "01 03 01 01 ff"}) {
      const auto events = relay.apply(hex(bad), 0);
      REQUIRE_FALSE(events);
      CHECK(events.error().code == ErrorCode::Malformed);
      CHECK(relay.entries().size() == 1);
    }
  }

  TEST_CASE("clients are limited, and those that are gone make room first") {
    Awareness relay;
    const auto crowd = [](std::uint64_t first, std::size_t count, std::string_view state) {
      Buffer update;
      codec::Writer out(update);
      out.var_uint(count);
      for (std::size_t i = 0; i < count; ++i) {
        out.var_uint(first + i);
        out.var_uint(1);
        out.var_string(state);
      }
      return update;
    };
    REQUIRE(relay.apply(crowd(1, 4'000, "{}"), 0));
    REQUIRE(relay.apply(crowd(10'000, 6'000, "{}"), 0));
    CHECK_FALSE(relay.apply(state_of(1'000'000, 1, "{}"), 0));
    CHECK(relay.entries().size() == protocol::kMaxAwarenessClients);
    CHECK(relay.apply(state_of(1, 2, "{}"), 0));
    REQUIRE(relay.apply(crowd(10'000, 6'000, "null"), 0));
    CHECK(relay.entries().size() == protocol::kMaxAwarenessClients);
    REQUIRE(relay.apply(state_of(1'000'000, 1, "{}"), 0));
    CHECK(relay.entries().size() == 4'001);
    const auto too_many = relay.apply(crowd(20'000, 6'000, "{}"), 0);
    REQUIRE_FALSE(too_many);
    CHECK(too_many.error().code == ErrorCode::LimitExceeded);
    CHECK(relay.entries().size() == 4'001);
  }

  TEST_CASE("damaged updates are refused or applied whole") {
    const Buffer fixture =
        hex("03 02 01 07 \"{\" 22 \"v\" 22 \":1}\" 81 02 05 04 \"null\" 03 01 04 \"[12]\"");
    REQUIRE(Awareness().apply(fixture, 0));
    test::for_each_truncation(fixture, [](Bytes cut) {
      Awareness relay;
      CHECK_FALSE(relay.apply(cut, 0));
      CHECK(relay.entries().empty());
    });
    test::for_each_octet_change(fixture, [](Bytes changed) {
      Awareness relay;
      if (!relay.apply(changed, 0)) {
        CHECK(relay.entries().empty());
        return;
      }
      Awareness second;
      REQUIRE(second.apply(relay.encode(relay.clients()), 0));
    });
  }
}
