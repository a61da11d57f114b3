#include "engine/workspace/file_record.h"

#include <string>

#include <doctest/doctest.h>

#include "engine/codec/json_text.h"
#include "engine/workspace/list_diff.h"
#include "engine/workspace/timestamp.h"
#include "tests/unit/workspace/fake_links.h"

using namespace diaryx;
using namespace diaryx::workspace;
using codec::Any;
using Texts = std::vector<std::string>;

namespace {

FileRecord read(const std::string& inner, const LinkResolver& links = test::FakeLinks()) {
  HeaderFields fields = read_fields("---\n" + inner + "---\n", "dir/file.md", links);
  REQUIRE_FALSE(fields.unreadable.has_value());
  CHECK(fields.record.header == "---\n" + inner + "---\n");
  return fields.record;
}

Attachment named(const char* path) {
  Attachment attachment;
  attachment.path = path;
  return attachment;
}

std::string extra_of(const std::string& inner) {
  return codec::to_js_json(Any(read(inner).extra));
}

}  // namespace

TEST_SUITE("workspace/file_record") {
  TEST_CASE("a header's known keys become fields, all others stay in extra in file order") {
    const FileRecord record = read(
        "z: 1\ntitle: A\npart_of: \"[B](/b.md)\"\ncontents:\n- c.md\naudience: [x, "
        "y]\ndescription: D\n"
        "attachments: [a.png]\nupdated: 2024-05-06T07:08:09Z\n_private: yes\na: {b: 2}\n");
    CHECK(record.title == "A");
    CHECK(record.part_of == "[B](/b.md)");
    CHECK(record.contents == Texts{"c.md"});
    CHECK(record.audience == Texts{"x", "y"});
    CHECK(record.description == "D");
    REQUIRE(record.attachments.size() == 1);
    CHECK(record.attachments[0].path == "a.png");
    CHECK(record.attachments[0].source == "local");
    CHECK(record.modified_at == 1714979289000);
    CHECK(codec::to_js_json(Any(record.extra)) ==
          R"({"z":1,"updated":"2024-05-06T07:08:09Z","_private":"yes","a":{"b":2}})");
  }

  TEST_CASE("numbers and flags in texts become their text as written; null is nothing") {
    CHECK(read("title: 1.10\n").title == "1.10");
    CHECK(read("title: 007\n").title == "007");
    CHECK(read("title: true\n").title == "true");
    CHECK_FALSE(read("title: ~\n").title.has_value());
    CHECK_FALSE(read("title:\npart_of:\ncontents:\naudience:\n").contents.has_value());
    CHECK(read("part_of: 2024\n").part_of == "2024");
    CHECK(read("contents: []\n").contents == Texts{});
    CHECK(read("audience: family\n").audience == Texts{"family"});
  }

  TEST_CASE("a field of a shape that a record cannot hold stays in extra") {
    CHECK(extra_of("title: [a]\n") == R"({"title":["a"]})");
    CHECK(extra_of("contents: {a: b}\n") == R"({"contents":{"a":"b"}})");
    CHECK(extra_of("contents: [a.md, {b: c}]\n") == R"({"contents":["a.md",{"b":"c"}]})");
    CHECK(extra_of("contents: [1]\n") == R"({"contents":[1]})");
    CHECK(extra_of("contents: a.md\n") == R"({"contents":"a.md"})");
    CHECK(extra_of("part_of: [a.md]\n") == R"({"part_of":["a.md"]})");
    CHECK(extra_of("audience: 5\n") == R"({"audience":5})");
    CHECK(extra_of("attachments: [{source: x}]\n") == R"({"attachments":[{"source":"x"}]})");
    CHECK(extra_of("attachments: [{path: x, width: 3}]\n") ==
          R"({"attachments":[{"path":"x","width":3}]})");
    CHECK(extra_of("attachments: [{path: x, size: -1}]\n") ==
          R"({"attachments":[{"path":"x","size":-1}]})");
  }

  TEST_CASE("attachments are texts or maps") {
    const FileRecord record = read(
        "attachments:\n- \"[A](/a.png)\"\n- path: b.png\n  source: pending\n  hash: ff\n  "
        "mime_type: image/png\n"
        "  size: 12\n  uploaded_at: 5\n  deleted: true\n");
    REQUIRE(record.attachments.size() == 2);
    CHECK(record.attachments[0] ==
          Attachment{"[A](/a.png)", "local", "", "", 0, std::nullopt, false});
    CHECK(record.attachments[1] == Attachment{"b.png", "pending", "ff", "image/png", 12, 5, true});
  }

  TEST_CASE("links become ids where they mean a file") {
    test::FakeLinks links;
    links.ids = {{"b.md", "idB"}, {"dir/c.md", "idC"}};
    const FileRecord record =
        read("part_of: \"[B](/b.md)\"\ncontents: [c.md, nowhere.md, ../b.md]\n", links);
    CHECK(record.part_of == "idB");
    CHECK(record.contents == Texts{"idC", "nowhere.md", "idB"});
  }

  TEST_CASE("modified_at comes from updated in all its forms") {
    CHECK(read("updated: 1700000000000\n").modified_at == 1700000000000);
    CHECK(read("updated: 1700000000000.7\n").modified_at == 1700000000000);
    CHECK(read("updated: \"1700000000000\"\n").modified_at == 1700000000000);
    CHECK(read("updated: \"2026-03-16T14:55:36.123-06:00\"\n").modified_at == 1773694536123);
    CHECK(read("updated: 2024-05-06\n").modified_at == 0);
    CHECK(read("updated: .nan\n").modified_at == 0);
    CHECK(read("updated: [1]\n").modified_at == 0);
  }

  TEST_CASE("a header that cannot be read gives an empty record that keeps it, and says where") {
    const HeaderFields fields =
        read_fields("---\ntitle: \"A\nx: 1\n---\n", "a.md", test::FakeLinks());
    REQUIRE(fields.unreadable.has_value());
    CHECK(fields.unreadable->message.substr(0, 2) == "4:");
    CHECK_FALSE(fields.record.title.has_value());
    CHECK(fields.record.header == "---\ntitle: \"A\nx: 1\n---\n");
    CHECK_FALSE(read_fields(std::nullopt, "a.md", test::FakeLinks()).unreadable.has_value());
  }

  TEST_CASE("FileMetadata has its ten fields in order, always") {
    FileRecord record;
    record.path = "dir/file.md";
    const auto none = [](const std::string&) { return std::optional<std::string>(); };
    CHECK(
        dump_json(to_file_metadata(record, none)) ==
        R"({"filename":"file.md","title":null,"part_of":null,"contents":null,"attachments":[],"deleted":false,)"
        R"("audience":null,"description":null,"extra":{},"modified_at":0})");
    record.title = "T";
    record.part_of = "idB";
    record.contents = Texts{"idC", "[X](/x.md)"};
    record.audience = Texts{};
    record.attachments = {{"a.png", "local", "ff", "image/png", 3, 7, false}};
    record.extra = {{"z", Any(1)},
                    {"a", Any(codec::AnyObject{{"y", Any(0.5)}, {"x", Any(codec::Null{})}})}};
    record.modified_at = 9;
    const auto paths = [](const std::string& id) {
      return id == "idB" ? std::optional<std::string>("b.md") : std::nullopt;
    };
    CHECK(
        dump_json(to_file_metadata(record, paths)) ==
        R"~({"filename":"file.md","title":"T","part_of":"b.md","contents":["idC","[X](/x.md)"],"attachments":)~"
        R"([{"path":"a.png","source":"local","hash":"ff","mime_type":"image/png","size":3,"uploaded_at":7,"deleted":false}],)"
        R"("deleted":false,"audience":[],"description":null,"extra":{"a":{"x":null,"y":0.5},"z":1},"modified_at":9})");
  }

  TEST_CASE("only what theirs changed is taken over") {
    const FileRecord base = read("title: A\ndescription: D\nx: 1\ny: 2\nupdated: 5\n");
    FileRecord record = base;
    record.path = "elsewhere.md";
    record.description = "ours";
    record.extra[0].second = Any("ours");
    record.extra.emplace_back("new", Any("ours"));
    const FileRecord theirs = read("title: B\nx: 1\nz: 3\nupdated: 6\n");
    merge_fields(record, base, theirs);
    CHECK(record.title == "B");
    CHECK_FALSE(record.description.has_value());
    CHECK(record.path == "elsewhere.md");
    CHECK(record.modified_at == 6);
    CHECK(record.header == theirs.header);
    CHECK(codec::to_js_json(Any(record.extra)) == R"({"x":"ours","updated":6,"new":"ours","z":3})");
  }

  TEST_CASE("lists are merged item by item") {
    FileRecord base;
    base.contents = Texts{"a", "b", "c"};
    FileRecord record = base;
    record.contents = Texts{"a", "renamed", "c", "ours", "both"};
    FileRecord theirs = base;
    theirs.contents = Texts{"b", "c", "theirs", "both"};
    merge_fields(record, base, theirs);
    CHECK(record.contents == Texts{"renamed", "c", "ours", "both", "theirs"});
    // The whole list goes, but not what the other side put into it meanwhile.
    record = base;
    record.contents->push_back("ours");
    theirs.contents.reset();
    merge_fields(record, base, theirs);
    CHECK(record.contents == Texts{"ours"});
    record = base;
    merge_fields(record, base, theirs);
    CHECK_FALSE(record.contents.has_value());
  }

  TEST_CASE("attachments are merged by path, and what is known of one stays") {
    FileRecord base;
    base.attachments = {named("a.png"), named("b.png")};
    FileRecord record = base;
    record.attachments[0].hash = "ff";
    FileRecord theirs = base;
    theirs.attachments = {named("a.png"), named("c.png")};
    merge_fields(record, base, theirs);
    REQUIRE(record.attachments.size() == 2);
    CHECK(record.attachments[0].hash == "ff");
    CHECK(record.attachments[1].path == "c.png");
  }

  TEST_CASE("merging lists keeps ours' order and adds what both added once") {
    CHECK(merge_lists({}, {"x"}, {"x"}) == Texts{"x"});
    CHECK(merge_lists({}, {"x"}, {"y", "x"}) == Texts{"x", "y"});
    CHECK(merge_lists({"a"}, {}, {"a", "b"}) == Texts{"b"});
    CHECK(merge_lists({"a", "b"}, {"b", "a"}, {"a", "b", "c"}) == Texts{"b", "a", "c"});
    CHECK(merge_lists({"a", "b"}, {"b", "a"}, {"b", "a"}) == Texts{"b", "a"});
    CHECK(merge_lists({"a", "a"}, {"a", "a"}, {"a"}) == Texts{"a"});
  }
}

TEST_SUITE("workspace/timestamp") {
  TEST_CASE("what is read is written the same way") {
    for (const char* text :
         {"1970-01-01T00:00:00Z", "2026-03-16T14:55:36.123-06:00", "2000-02-29T23:59:59+05:30",
          "1999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
          "1969-12-31T23:59:59.001Z"}) {
      CAPTURE(text);
      const auto stamp = parse_rfc3339(text);
      REQUIRE(stamp.has_value());
      CHECK(format_rfc3339(stamp->ms, *stamp) == text);
    }
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z")->ms == 0);
    CHECK(parse_rfc3339("2024-05-06 07:08:09.5+00:00")->ms == 1714979289500);
  }
  TEST_CASE("what is no moment is refused") {
    for (const char* text :
         {"", "2024", "2024-01-01", "2024-01-01T00:00:00", "2024-13-01T00:00:00Z",
          "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00.Z",
          "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+1:00"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_rfc3339(text).has_value());
    }
  }
}
