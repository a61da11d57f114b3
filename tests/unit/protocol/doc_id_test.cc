#include "engine/protocol/doc_id.h"

#include <doctest/doctest.h>

using namespace diaryx;
using protocol::DocId;
using protocol::DocKind;

TEST_SUITE("protocol/doc_id") {
  TEST_CASE("an id is read and written the same way") {
    const std::pair<const char*, DocId> known[] = {
        {"workspace:abc123", {DocKind::Workspace, "abc123", ""}},
        {"workspace:A_b-9", {DocKind::Workspace, "A_b-9", ""}},
        {"body:abc123/notes/a.md", {DocKind::Body, "abc123", "notes/a.md"}},
        {"body:w/x", {DocKind::Body, "w", "x"}},
        {"body:w//", {DocKind::Body, "w", "/"}},
        {"body:w/ünï/😀.md", {DocKind::Body, "w", "ünï/😀.md"}}};
    for (const auto& [text, id] : known) {
      const auto read = protocol::parse_doc_id(text);
      REQUIRE(read);
      CHECK(*read == id);
      const auto written = protocol::format_doc_id(id);
      REQUIRE(written);
      CHECK(*written == text);
    }
  }
  TEST_CASE("anything else is refused") {
    for (const std::string& bad :
         {std::string(), std::string("abc123"), std::string("workspace:"),
          std::string("workspace:a/b"), std::string("workspace:a b"), std::string("workspace:../x"),
          std::string("body:"), std::string("body:w"), std::string("body:/a.md"),
          std::string("body:w/"), std::string("Body:w/a"), std::string("body:w.x/a"),
          std::string("body:w/\xFF"), std::string("workspace:\0a", 12),
          "workspace:" + std::string(65, 'a')}) {
      const auto read = protocol::parse_doc_id(bad);
      REQUIRE_FALSE(read);
      CHECK(read.error().code == ErrorCode::Malformed);
    }
  }
  TEST_CASE("255 octets are the most") {
    const std::string longest = "body:w/" + std::string(248, 'k');
    CHECK(protocol::parse_doc_id(longest));
    const auto read = protocol::parse_doc_id(longest + "k");
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::LimitExceeded);
    const auto written = protocol::format_doc_id({DocKind::Body, "w", std::string(249, 'k')});
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::LimitExceeded);
  }
  TEST_CASE("what could not be read back is not written") {
    CHECK_FALSE(protocol::format_doc_id({DocKind::Workspace, "a/b", ""}));
    CHECK_FALSE(protocol::format_doc_id({DocKind::Workspace, "", ""}));
    CHECK_FALSE(protocol::format_doc_id({DocKind::Body, "w", ""}));
    CHECK_FALSE(protocol::format_doc_id({DocKind::Workspace, "w", "key"}));
  }
}
