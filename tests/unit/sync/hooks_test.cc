#include "engine/sync/hooks.h"

#include <doctest/doctest.h>

#include "engine/protocol/frame.h"
#include "engine/protocol/hocuspocus_message.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;

namespace {

// Writes down everything that it is called with, and refuses what it is told to.
class Recorder final : public sync::Hooks {
 public:
  std::vector<std::string> seen;
  std::string refused_user = "nobody";
  std::string refused_document;

  Status on_connect(sync::ConnectionId, const sync::Visitor& visitor) override {
    seen.push_back("connect " + visitor.principal.user_id);
    if (visitor.principal.user_id == refused_user)
      return Error{ErrorCode::NotAllowed, "not at this hour"};
    return {};
  }
  Result<sync::Principal> on_authenticate(const sync::AuthRequest& request) override {
    seen.push_back("authenticate " + std::string(request.token));
    if (request.token != "open sesame") return Error{ErrorCode::NotAllowed, "wrong word"};
    return sync::Principal{.user_id = "ali"};
  }
  Result<std::vector<std::string>> on_before_sync(const sync::DocumentUse& use) override {
    seen.push_back("before_sync " + std::string(use.document));
    if (use.document == refused_document) return Error{ErrorCode::NotAllowed, "not this one"};
    return std::vector<std::string>{R"({"type":"welcome"})"};
  }
  void on_load(std::string_view document) override { note("load", document); }
  void on_change(std::string_view document, Bytes update, sync::ConnectionId from) override {
    seen.push_back("change " + std::string(document) + (update.empty() ? " empty" : "") + " by " +
                   std::to_string(from));
  }
  void on_save(const sync::DocumentUse& use) override { note("save", use.document); }
  void before_close(std::string_view document) override { note("before_close", document); }
  void after_unload(std::string_view document) override { note("after_unload", document); }
  bool on_control_message(sync::ConnectionId, const sync::Principal&,
                          std::string_view text) override {
    note("control", text);
    return text.find("mine") != std::string_view::npos;
  }
  void on_stateless(const sync::DocumentUse&, std::string_view payload) override {
    note("stateless", payload);
  }
  void on_peer_joined(const sync::Principal&, std::size_t peers) override {
    seen.push_back("joined " + std::to_string(peers));
  }
  void on_peer_left(const sync::Principal&, std::size_t peers) override {
    seen.push_back("left " + std::to_string(peers));
  }

  bool saw(std::string_view what) const {
    return std::find(seen.begin(), seen.end(), what) != seen.end();
  }

 private:
  void note(std::string_view what, std::string_view of) {
    seen.push_back(std::string(what) + " " + std::string(of));
  }
};

struct Setup : test::LiveFolder {
  Recorder hooks;

  Setup() { world.live->hub().use_hooks(hooks); }
};

}  // namespace

TEST_SUITE("sync/hooks") {
  TEST_CASE("a document's life is told in order") {
    Setup s;
    Peer& peer = s.world.connect({.user_id = "owner"});
    const std::string id = s.world.wire("b1");
    peer.open(id);
    s.world.run();
    CHECK(peer.texts == std::vector<std::string>{R"({"type":"welcome"})"});
    peer.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "x"); });
    s.world.run();
    s.world.live->hub().receive_text(peer.id(), R"({"action":"save","doc":")" + id + "\"}");
    peer.disconnect();
    s.world.pass(15'000);
    const std::vector<std::string> expected{
        "connect owner", "before_sync body/b1",  "load body/b1",        "change body/b1 by 1",
        "save body/b1",  "before_close body/b1", "after_unload body/b1"};
    CHECK(s.hooks.seen == expected);
  }

  TEST_CASE("a connection, and a document, can be refused") {
    Setup s;
    s.hooks.refused_user = "mallory";
    s.hooks.refused_document = "body/secret";
    Peer& mallory = s.world.connect({.user_id = "mallory"});
    Peer& peer = s.world.connect({.user_id = "owner"});
    peer.open(s.world.wire("secret"));
    peer.open(s.world.wire("open"));
    s.world.run();
    CHECK(mallory.closed == sync::CloseCode::NotAllowed);
    CHECK_FALSE(peer.closed);
    REQUIRE(peer.texts.size() == 2);
    CHECK(peer.texts[0].find("not this one") != std::string::npos);
    CHECK_FALSE(s.hooks.saw("load body/secret"));
    CHECK(s.hooks.saw("load body/open"));
  }

  TEST_CASE("edits from the disk are told without a connection") {
    Setup s;
    s.dir.write("a.md", "text\n");
    s.world.reconcile();
    const std::string id = s.world.id_at("a.md");
    s.world.connect().open(s.world.wire(id));
    s.world.run();
    s.dir.write("a.md", "text, and more\n");
    s.world.reconcile();
    CHECK(s.hooks.saw("change body/" + id + " by 0"));
  }

  TEST_CASE("the hook may take control messages that nobody else knows") {
    Setup s;
    Peer& peer = s.world.connect();
    s.world.live->hub().receive_text(peer.id(), R"({"type":"mine"})");
    s.world.live->hub().receive_text(peer.id(), R"({"type":"nobody's"})");
    s.world.run();
    REQUIRE(peer.texts.size() == 1);
    CHECK(peer.texts[0].find("nobody's") != std::string::npos);
    CHECK(s.hooks.saw(R"(control {"type":"mine"})"));
  }

  TEST_CASE("peers of the workspace document are told of") {
    Setup s;
    s.world.connect().open("workspace:test");
    Peer& second = s.world.connect();
    second.open("workspace:test");
    s.world.run();
    CHECK(s.hooks.saw("joined 1"));
    CHECK(s.hooks.saw("joined 2"));
    second.disconnect();
    CHECK(s.hooks.saw("left 1"));
  }
}
