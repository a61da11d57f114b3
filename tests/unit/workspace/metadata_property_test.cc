// What must hold for the workspace document whatever is done to it: by us, by peers, by malice.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/codec/json_text.h"
#include "engine/workspace/metadata_doc.h"
#include "engine/workspace/render.h"
#include "tests/unit/workspace/header_zoo.h"

using namespace diaryx;
using namespace diaryx::workspace;
using codec::Any;
using codec::AnyArray;
using codec::AnyObject;
using Texts = std::vector<std::string>;

namespace {

// A replica with its index kept up to date, as the hub does it.
struct Replica {
  explicit Replica(std::uint64_t client)
      : doc(crdt::DocOptions{.client_id = client}), metadata(doc), unread(doc) {
    doc.observe([this](const crdt::TransactionSummary& summary) {
      changed = metadata.refresh(summary);
      const Texts maybe = unread.refresh(summary);
      REQUIRE(std::includes(maybe.begin(), maybe.end(), changed.begin(), changed.end()));
    });
  }
  void put(const std::string& id, const FileRecord& record) { metadata.put(id, record, 7); }
  void pull(const Replica& other) {
    changed.clear();
    REQUIRE(doc.apply_update(other.doc.encode_state_as_update()));
  }
  crdt::Map files() { return doc.map("files"); }
  // The index says the same as one made afresh.
  void check() {
    const MetadataDoc fresh(doc);
    // Most records of this one were never asked for.
    std::size_t number = 0;
    for (const auto& [id, record] : fresh.records()) {
      REQUIRE(unread.path_of(id) == metadata.path_of(id));
      REQUIRE(unread.with_attachments().contains(id) == !record.attachments.empty());
      if (++number % 3 == checks % 3) REQUIRE(*unread.find(id) == record);
    }
    ++checks;
    REQUIRE(unread.size() == number);
    REQUIRE(unread.count().live == metadata.count().live);
    REQUIRE(unread.count().with_path == metadata.count().with_path);
    REQUIRE(unread.unreadable() == metadata.unreadable());
    REQUIRE(unread.root_index() == metadata.root_index());
    REQUIRE(fresh.records() == metadata.records());
    REQUIRE(fresh.unreadable() == metadata.unreadable());
    REQUIRE(fresh.root_index() == metadata.root_index());
    REQUIRE(fresh.link_format() == metadata.link_format());
    for (const auto& [id, record] : fresh.records()) {
      const auto path = fresh.path_of(id);
      REQUIRE(path == metadata.path_of(id));
      if (path) REQUIRE(metadata.id_at(*path) == id);
      const auto tombstone = fresh.tombstone_at(record.path);
      REQUIRE(tombstone == metadata.tombstone_at(record.path));
    }
  }

  crdt::Doc doc;
  MetadataDoc metadata;
  MetadataDoc unread;
  std::size_t checks = 0;
  Texts changed;
};

FileRecord at(const std::string& path) {
  FileRecord record;
  record.path = path;
  return record;
}

FileRecord random_record(SeededRandom& random) {
  FileRecord record = at("p" + std::to_string(random.below(3)) + ".md");
  const auto maybe = [&](auto& field, auto value) {
    if (random.below(2) == 0) field = value;
  };
  const auto list = [&] {
    Texts out;
    for (std::uint64_t n = random.below(6); n > 0; --n)
      out.push_back(std::to_string(random.below(5)));
    return out;
  };
  maybe(record.title, std::to_string(random.below(3)));
  maybe(record.part_of, std::to_string(random.below(3)));
  maybe(record.contents, list());
  maybe(record.audience, list());
  for (std::uint64_t n = random.below(4); n > 0; --n) {
    Attachment& attachment = record.attachments.emplace_back();
    attachment.path = std::to_string(n + random.below(3));
    attachment.size = random.below(3);
    if (random.below(2) == 0) attachment.uploaded_at = static_cast<std::int64_t>(random.below(3));
  }
  for (const char* key : {"k", "l", "m"}) {
    if (random.below(2) == 0)
      record.extra.emplace_back(key, Any(static_cast<double>(random.below(3))));
  }
  record.deleted = random.below(4) == 0;
  record.bom = random.below(2) == 0;
  record.eol = random.below(2) == 0 ? Eol::Crlf : Eol::Lf;
  record.modified_at = static_cast<std::int64_t>(random.below(3));
  maybe(record.header, std::string("---\nx: 1\n---\n"));
  return record;
}

}  // namespace

TEST_SUITE("workspace/metadata_property") {
  TEST_CASE("any record can become any other, here and at a peer") {
    SeededRandom random(5);
    Replica a(1);
    Replica b(2);
    for (int round = 0; round < 400; ++round) {
      const FileRecord record = random_record(random);
      a.put("id", record);
      REQUIRE(*a.metadata.find("id") == record);
      b.pull(a);
      REQUIRE(*b.metadata.find("id") == record);
      b.check();
    }
    REQUIRE(a.doc.check_invariants());
  }

  TEST_CASE("the second of two puts in one transaction counts") {
    Replica a(1);
    FileRecord first = at("a.md");
    first.title = "first";
    a.put("id", first);
    FileRecord second = first;
    second.title = "second";
    a.doc.transact([&] {
      a.put("id", second);
      a.put("id", first);
    });
    CHECK(a.metadata.find("id")->title == "first");
    a.doc.transact([&] {
      a.put("new", second);
      a.put("new", first);
    });
    CHECK(*a.metadata.find("new") == first);
  }

  TEST_CASE("the index follows any history as if it were made afresh") {
    SeededRandom random(77);
    for (int world = 0; world < 12; ++world) {
      Replica a(1);
      Replica b(2);
      for (int step = 0; step < 120; ++step) {
        Replica& peer = random.below(2) == 0 ? a : b;
        const std::string id(1, static_cast<char>('a' + random.below(8)));
        static const Texts kPaths = {"x.md",   "x (2).md", "x (3).md", "x (2) (2).md",
                                     "d/y.md", "bad",      "z.md"};
        switch (random.below(8)) {
          case 0:
            peer.files().erase(id);
            break;
          case 1:
            peer.files().set(id, Any(random.below(2) == 0 ? "{" : R"({"filename":"x.md"})"));
            break;
          case 2:
            a.pull(b);
            break;
          case 3:
            b.pull(a);
            break;
          default: {
            FileRecord record = at(kPaths[static_cast<std::size_t>(random.below(kPaths.size()))]);
            record.deleted = random.below(5) == 0;
            record.modified_at = static_cast<std::int64_t>(random.below(5));
            if (random.below(3) == 0) record.contents = Texts{};
            if (random.below(5) == 0) record.extra = {{"link_format", Any("plain_relative")}};
            peer.put(id, record);
          }
        }
        peer.check();
      }
      a.pull(b);
      b.pull(a);
      a.check();
      b.check();
      CHECK(a.metadata.records() == b.metadata.records());
    }
  }

  TEST_CASE("files go through a document to a peer and come out octet for octet") {
    SeededRandom random(41);
    Replica a(1);
    a.put("a", at("a.md"));
    a.put("b", at("b/b.md"));
    std::map<std::string, std::string> headers;
    for (int i = 0; i < 800; ++i) {
      const std::string id = "zoo" + std::to_string(i);
      const std::string header =
          i % 10 == 0 ? test::make_broken_header(random) : test::make_header(random).text();
      FileRecord record = read_fields(header, id + ".md", a.metadata).record;
      record.path = id + ".md";
      headers[id] = header;
      a.put(id, record);
    }
    Replica b(2);
    b.pull(a);
    for (const auto& [id, text] : headers) {
      const std::string& header = text;
      CAPTURE(header);
      REQUIRE(render_file(*a.metadata.find(id), "", a.metadata) == header);
      REQUIRE(render_file(*b.metadata.find(id), "", b.metadata) == header);
    }
  }

  TEST_CASE("only a header that stands in front of a body counts as one") {
    const auto read_header_of = [](const char* header) {
      crdt::Doc doc(crdt::DocOptions{.client_id = 1});
      crdt::Map(doc.map("files").set_type("id", crdt::TypeKind::Map)).set("header", Any(header));
      return MetadataDoc(doc).find("id")->header;
    };
    for (const char* header : {"x", "", "---\na: 1\n---\nmore", "---\na: 1\n",
                               "\xEF\xBB\xBF---\n---\n", "---\n---\n---\n", "\n---\n---\n"}) {
      CAPTURE(header);
      CHECK_FALSE(read_header_of(header).has_value());
    }
    for (const char* header :
         {"---\n---", "---\na: 1\n---\n", "---\r\na: 1\r\n---\r\n", "--- \na\n--- \n"}) {
      CAPTURE(header);
      CHECK(read_header_of(header) == header);
    }
  }

  TEST_CASE("shared types nested without end do no harm") {
    crdt::Doc doc(crdt::DocOptions{.client_id = 1});
    doc.transact([&] {
      crdt::Map map(doc.map("files").set_type("id", crdt::TypeKind::Map));
      map.set("path", Any("a.md"));
      crdt::Map inner(map.set_type("extra", crdt::TypeKind::Map));
      for (int i = 0; i < 20'000; ++i) inner = crdt::Map(inner.set_type("k", crdt::TypeKind::Map));
    });
    const MetadataDoc metadata(doc);
    REQUIRE(metadata.find("id") != nullptr);
    // Deeper than a header may be: left out.
    CHECK(render_file(*metadata.find("id"), "body", metadata) == "body");
    const auto none = [](const std::string&) { return std::optional<std::string>(); };
    CHECK(dump_json(to_file_metadata(*metadata.find("id"), none)).size() < 10'000);
  }

  TEST_CASE("a name that its number makes too long is no place, and stands in nobody's way") {
    Replica a(1);
    const std::string path = std::string(197, 'x') + ".md";
    for (const char* id : {"a", "b", "c"}) a.put(id, at(path));
    CHECK(a.metadata.path_of("a") == path);
    CHECK_FALSE(a.metadata.path_of("b").has_value());
    CHECK_FALSE(a.metadata.path_of("c").has_value());
    CHECK_FALSE(a.metadata.id_at("").has_value());
    a.check();
    a.files().erase("a");
    CHECK(a.metadata.path_of("b") == path);
    CHECK(a.changed == Texts{"a", "b"});
    a.check();
  }

  TEST_CASE(
      "the original's JSON names its file by its key or by its filename, and is lenient about "
      "titles") {
    Replica a(1);
    a.files().set("journal/2024.md",
                  Any(R"({"filename":"2024.md","title":2024,"description":true})"));
    a.files().set("0f0e0d0c-0000-4000-8000-000000000000", Any(R"({"filename":"by-id.md"})"));
    CHECK(a.metadata.path_of("journal/2024.md") == "journal/2024.md");
    CHECK(a.metadata.find("journal/2024.md")->title == "2024");
    CHECK(a.metadata.find("journal/2024.md")->description == "true");
    CHECK(a.metadata.path_of("0f0e0d0c-0000-4000-8000-000000000000") == "by-id.md");
  }

  TEST_CASE("attachments that a peer wrote as texts are read, too") {
    Replica a(1);
    a.put("id", at("a.md"));
    crdt::Map map(std::get<crdt::TypeRef>(*a.files().get("id")));
    map.set("attachments",
            Any(AnyArray{Any("x.png"), Any(AnyObject{{"path", Any("y.png")}, {"size", Any(-5)}}),
                         Any(1)}));
    const auto& attachments = a.metadata.find("id")->attachments;
    REQUIRE(attachments.size() == 2);
    CHECK(attachments[0].path == "x.png");
    CHECK(attachments[1].size == 0);
  }

  TEST_CASE("the root index is in the fewest folders, then shortest, then smallest") {
    Replica a(1);
    FileRecord index = at("a/b.md");
    index.contents = Texts{};
    a.put("1", index);
    CHECK(a.metadata.root_index() == "1");
    index.path = "a long name.md";
    a.put("2", index);
    CHECK(a.metadata.root_index() == "2");
    index.path = "index.md";
    a.put("3", index);
    CHECK(a.metadata.root_index() == "3");
    index.part_of = "2";
    a.put("3", index);
    CHECK(a.metadata.root_index() == "2");
  }

  TEST_CASE(
      "links are found as written, decoded, and read the other way where they are ambiguous") {
    Replica a(1);
    FileRecord root = at("README.md");
    root.contents = Texts{};
    a.put("root", root);
    a.put("child", at("100%20 dir/with space.md"));
    a.put("near", at("100%20 dir/a.md"));
    a.put("top", at("a.md"));
    const std::string from = "100%20 dir/x.md";
    for (const char* text :
         {"[X](with%20space.md)", "with space.md", "./with%20space.md",
          "[X](</100%20 dir/with space.md>)", "/100%2520%20dir/with%20space.md"}) {
      CAPTURE(text);
      CHECK(a.metadata.id_of(text, from) == "child");
    }
    CHECK(a.metadata.id_of("a.md", from) == "near");
    CHECK(a.metadata.id_of("README.md", from) == "root");
    root.extra = {{"link_format", Any("plain_canonical")}};
    a.put("root", root);
    CHECK(a.metadata.id_of("a.md", from) == "top");
    CHECK(a.metadata.id_of("with space.md", from) == "child");
    CHECK_FALSE(a.metadata.id_of("../../a.md", from).has_value());
    CHECK_FALSE(a.metadata.id_of("%2e%2e/%2e%2e/a.md", from).has_value());
  }

  TEST_CASE("ids are told from texts, also those of records that have not arrived") {
    Replica a(1);
    a.put("short", at("a.md"));
    CHECK(a.metadata.is_file_id("short"));
    CHECK(a.metadata.is_file_id(a.metadata.id_for_path("never seen")));
    CHECK(a.metadata.is_file_id("0f0e0d0c-0000-4000-8000-000000000000"));
    CHECK_FALSE(a.metadata.is_file_id("Some index"));
    CHECK_FALSE(a.metadata.is_file_id("a/b.md"));
    FileRecord record = at("b.md");
    record.part_of = a.metadata.id_for_path("never seen");
    record.contents = Texts{*record.part_of};
    a.put("b", record);
    CHECK(render_file(*a.metadata.find("b"), "", a.metadata) == "---\ncontents: []\n---\n");
  }

  TEST_CASE("renaming a file changes the links to it in other files, and nothing else") {
    Replica a(1);
    a.put("child", at("a/child.md"));
    const std::string header =
        "---\n# top\ncontents:\n  - \"[My child](/a/child.md)\"\n  - '[Other](/o.md)'\n---\n";
    FileRecord root = read_fields(header, "README.md", a.metadata).record;
    root.path = "README.md";
    a.put("root", root);
    CHECK(a.metadata.find("root")->contents == Texts{"child", "[Other](/o.md)"});
    a.put("child", at("b/kid.md"));
    CHECK(a.changed == Texts{"child", "root"});
    CHECK(render_file(*a.metadata.find("root"), "", a.metadata) ==
          "---\n# top\ncontents:\n  - \"[My child](/b/kid.md)\"\n  - '[Other](/o.md)'\n---\n");
  }
}
