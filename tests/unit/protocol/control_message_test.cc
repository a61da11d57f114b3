#include "engine/protocol/control_message.h"

#include <doctest/doctest.h>

#include "engine/base/json.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using namespace diaryx::protocol;

TEST_SUITE("protocol/control_message") {
  TEST_CASE("every message of a client is understood") {
    const std::pair<const char*, ClientMessage> known[] = {
        {R"({"action":"leave","doc":"body:w/a.md"})", LeaveDoc{"body:w/a.md"}},
        {R"({"action":"save","doc":"workspace:w"})", SaveDoc{"workspace:w"}},
        {R"({"type":"files_ready"})", FilesReady{}},
        {R"({"type":"FilesReady"})", FilesReady{}},
        {R"({"type":"focus","files":["a.md","ü/b.md"]})", Focus{{"a.md", "ü/b.md"}}},
        {R"({"type":"unfocus","files":[]})", Unfocus{{}}},
        {R"( {"more":[1],"files":["x"],"type":"unfocus"} )", Unfocus{{"x"}}}};
    for (const auto& [text, message] : known) {
      const auto read = parse_client_message(text);
      REQUIRE(read);
      CHECK(*read == message);
    }
  }

  TEST_CASE("what is broken, unknown or too large says so") {
    const std::pair<std::string, ErrorCode> known[] = {
        {"", ErrorCode::Malformed},
        {"hello", ErrorCode::Malformed},
        {"[]", ErrorCode::Malformed},
        {"{}", ErrorCode::Malformed},
        {R"({"type":7})", ErrorCode::Malformed},
        {R"({"action":"leave"})", ErrorCode::Malformed},
        {R"({"action":"save","doc":7})", ErrorCode::Malformed},
        {R"({"type":"focus"})", ErrorCode::Malformed},
        {R"({"type":"focus","files":"a.md"})", ErrorCode::Malformed},
        {R"({"type":"unfocus","files":["a",1]})", ErrorCode::Malformed},
        {R"({"action":"dance","doc":"x"})", ErrorCode::Unsupported},
        {R"({"type":"sync_complete","files_synced":1})", ErrorCode::Unsupported},
        {R"({"type":"focus","files":[")" + std::string(1025, 'x') + "\"]}",
         ErrorCode::LimitExceeded},
        {R"({"type":"focus","files":[""])" + std::string(kMaxControlBytes, ' ') + "}",
         ErrorCode::LimitExceeded},
        {std::string(1000, '['), ErrorCode::LimitExceeded}};
    for (const auto& entry : known) {
      const auto read = parse_client_message(entry.first);
      REQUIRE_FALSE(read);
      CHECK_MESSAGE(read.error().code == entry.second, entry.first.substr(0, 60));
      CHECK(read.error().message.size() < 200);
    }
    std::string many = R"({"type":"focus","files":[)";
    for (std::size_t i = 0; i <= kMaxFocusFiles; ++i) many += i == 0 ? "\"a\"" : ",\"a\"";
    const auto read = parse_client_message(many + "]}");
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::LimitExceeded);
  }

  TEST_CASE("an unknown name is told, but not at any length") {
    const auto read = parse_client_message(R"({"type":")" + std::string(5000, 'y') + "\"}");
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("yyyy") != std::string::npos);
    CHECK(read.error().message.size() < 200);
  }

  TEST_CASE("the server's messages have the fields that clients look for") {
    CHECK(session_joined_message("AAAA-BBBB", "ws", true) ==
          R"({"type":"session_joined","joinCode":"AAAA-BBBB","workspaceId":"ws","readOnly":true})");
    const ManifestFile files[] = {{"body:w/a.md", "a.md", "A \"title\"", std::nullopt, false},
                                  {"body:w/b", "b/c.md", std::nullopt, "a.md", true}};
    CHECK(
        file_manifest_message(files, true, "e1") ==
        R"({"type":"file_manifest","files":[)"
        R"({"doc_id":"body:w/a.md","filename":"a.md","title":"A \"title\"","part_of":null,"deleted":false},)"
        R"({"doc_id":"body:w/b","filename":"b/c.md","title":null,"part_of":"a.md","deleted":true}],)"
        R"("client_is_new":true,"epoch":"e1"})");
    CHECK(file_manifest_message({}, false, "e") ==
          R"({"type":"file_manifest","files":[],"client_is_new":false,"epoch":"e"})");
    CHECK(crdt_state_message(Buffer{0, 0}) == R"({"type":"crdt_state","state":"AAA="})");
    CHECK(sync_complete_message(3) == R"({"type":"sync_complete","files_synced":3})");
    CHECK(sync_progress_message(1, 9) == R"({"type":"sync_progress","completed":1,"total":9})");
    CHECK(peer_joined_message("g", 2) ==
          R"({"type":"peer_joined","guestId":"g","guest_id":"g","peer_count":2})");
    CHECK(peer_left_message("g", 1) ==
          R"({"type":"peer_left","guestId":"g","guest_id":"g","peer_count":1})");
    const std::string focused[] = {"a.md", "ü.md"};
    CHECK(focus_list_changed_message(focused) ==
          R"({"type":"focus_list_changed","files":["a.md","ü.md"]})");
    CHECK(focus_list_changed_message({}) == R"({"type":"focus_list_changed","files":[]})");
    CHECK(session_ended_message() == R"({"type":"session_ended"})");
    CHECK(read_only_changed_message(false) == R"({"type":"read_only_changed","read_only":false})");
    CHECK(error_message("not_allowed", "body:w/a", "read-only") ==
          R"({"type":"error","code":"not_allowed","doc":"body:w/a","message":"read-only"})");
    CHECK(error_message(Error{ErrorCode::TooNew, "x"}, "") ==
          R"({"type":"error","code":"too_new","doc":null,"message":"x"})");
  }

  TEST_CASE("names cannot break out of a message") {
    const std::string message = peer_joined_message("\",\"x\":1 \xFF\n", 1);
    const auto read = parse_json(message);
    REQUIRE(read);
    CHECK((*read)["guestId"] == "\",\"x\":1 \xEF\xBF\xBD\n");
    CHECK(read->size() == 4);
  }

  TEST_CASE("damaged messages are refused or understood, never more") {
    const std::string fixture = R"({"type":"focus","files":["a.md","ü"],"n":[1,{"x":null}]})";
    test::for_each_truncation(as_bytes(fixture),
                              [](Bytes cut) { CHECK_FALSE(parse_client_message(as_text(cut))); });
    test::for_each_octet_change(as_bytes(fixture), [](Bytes changed) {
      const auto read = parse_client_message(as_text(changed));
      if (read)
        CHECK((std::holds_alternative<Focus>(*read) || std::holds_alternative<Unfocus>(*read)));
    });
  }
}
