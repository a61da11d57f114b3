#include "engine/sync/complaints.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/live_folder.h"

using namespace diaryx;
using sync::Complaints;

namespace {

struct Lines {
  Lines() {
    set_log_sink(
        [this](LogLevel, std::string_view, std::string_view text) { lines.emplace_back(text); },
        LogLevel::Debug);
  }
  ~Lines() { set_log_sink({}, LogLevel::Debug); }
  std::vector<std::string> lines;
};

}  // namespace

TEST_SUITE("sync/complaints") {
  TEST_CASE("what lasts is said once, what is new or comes back is said again") {
    const Lines log;
    Complaints complaints;
    for (int i = 0; i < 5; ++i) complaints.about("a.md", "a.md: permission denied", i);
    CHECK(log.lines == std::vector<std::string>{"a.md: permission denied"});
    complaints.about("a.md", "a.md: no space left", 6);
    complaints.about("b.md", "b.md: no space left", 7);
    CHECK(log.lines.size() == 3);
    CHECK(complaints.over("a.md"));
    CHECK_FALSE(complaints.over("a.md"));
    complaints.about("a.md", "a.md: no space left", 8);
    CHECK(log.lines.size() == 4);
  }

  TEST_CASE("of very many at once a few are said, and how many there were") {
    const Lines log;
    Complaints complaints;
    for (int i = 0; i < 1'000; ++i) {
      const std::string name = std::to_string(i) + ".md";
      complaints.about(name, name + ": no space left", 5);
    }
    CHECK(log.lines.size() == Complaints::kLines + 1);
    CHECK(log.lines.back().find("diaryx-sync status") != std::string::npos);
    complaints.about("new.md", "new.md: no space left", 5 + Complaints::kWindowMs);
    REQUIRE(log.lines.size() == Complaints::kLines + 3);
    CHECK(log.lines[Complaints::kLines + 1].starts_with("990 more"));
  }

  TEST_CASE("a store that fails is asked again after a pause, each time a longer one") {
    test::LiveFolder s;
    test::Peer& peer = s.world.connect();
    const std::string id = s.world.wire("a.md");
    peer.open(id);
    s.world.run();
    sync::Live& live = *s.world.live;
    std::int64_t before = 0;
    for (int round = 0; round < 4; ++round) {
      live.documents().queue([](storage::Store&) -> Status {
        return Error{ErrorCode::NoSpace, "no space left on device"};
      });
      REQUIRE(live.end_turn().lost);
      REQUIRE(live.store_trouble());
      CHECK(live.store_trouble()->code == ErrorCode::NoSpace);
      // Nothing is planned until then, however often somebody looks.
      const auto due = live.disk().next_due_ms();
      REQUIRE(due);
      const std::int64_t pause = *due - s.world.clock.steady_ms();
      CHECK(pause >= (round == 0 ? 1'000 : 2 * before));
      (void)live.end_turn();
      CHECK(live.disk().take_tasks().empty());
      CHECK(live.disk().idle());
      before = pause;
      s.world.clock.advance(pause);
    }
    s.world.run();
    test::Peer& late = s.world.connect();
    late.open(id);
    late.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "room again "); });
    s.world.run();
    CHECK_FALSE(live.store_trouble());
  }
}
