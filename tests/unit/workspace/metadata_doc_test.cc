#include "engine/workspace/metadata_doc.h"

#include <algorithm>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/base/utf.h"
#include "engine/codec/json_text.h"
#include "engine/crdt/update.h"
#include "engine/workspace/record_map.h"
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
  explicit Replica(std::uint64_t client) : doc(crdt::DocOptions{client}), metadata(doc) {
    doc.observe([this](const crdt::TransactionSummary& summary) {
      update = to_buffer(summary.update);
      changed = metadata.refresh(summary);
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
    CHECK(fresh.records() == metadata.records());
    CHECK(fresh.unreadable() == metadata.unreadable());
    CHECK(fresh.root_index() == metadata.root_index());
    CHECK(fresh.link_format() == metadata.link_format());
    for (const auto& [id, record] : fresh.records()) {
      CHECK(fresh.path_of(id) == metadata.path_of(id));
      const auto path = fresh.path_of(id);
      if (path) CHECK(metadata.id_at(*path) == id);
      CHECK(fresh.tombstone_at(record.path) == metadata.tombstone_at(record.path));
    }
  }

  crdt::Doc doc;
  MetadataDoc metadata;
  Buffer update;
  Texts changed;
};

FileRecord file(const std::string& path) {
  FileRecord record;
  record.path = path;
  return record;
}

FileRecord full_record() {
  FileRecord record = file("dir/full.md");
  record.title = "T";
  record.description = "D";
  record.part_of = "parent";
  record.contents = Texts{"a", "b", "c"};
  record.audience = Texts{"family"};
  Attachment attachment;
  attachment.path = "x.png";
  attachment.hash = "ff";
  attachment.size = 12;
  attachment.uploaded_at = 99;
  record.attachments = {attachment};
  record.extra = {{"z", Any(1)},
                  {"a", Any(AnyObject{{"k", Any(AnyArray{Any("v"), Any(codec::Null{})})}})}};
  record.modified_at = 1700000000000;
  record.eol = Eol::Crlf;
  record.bom = true;
  record.header = "---\ntitle: T\n---\n";
  return record;
}

}  // namespace

TEST_SUITE("workspace/record_map") {
  TEST_CASE("a record written is the record read, here and at a peer") {
    Replica a(1);
    Replica b(2);
    a.put("id", full_record());
    REQUIRE(a.metadata.find("id") != nullptr);
    CHECK(*a.metadata.find("id") == full_record());
    b.pull(a);
    REQUIRE(b.metadata.find("id") != nullptr);
    CHECK(*b.metadata.find("id") == full_record());
    CHECK(b.changed == Texts{"id"});
    a.put("empty", file("e.md"));
    CHECK(*a.metadata.find("empty") == file("e.md"));
  }

  TEST_CASE("the map's keys are the documented ones, in their order") {
    Replica a(1);
    a.put("id", full_record());
    const auto value = a.files().get("id");
    CHECK(
        codec::to_js_json(crdt::to_any(std::get<crdt::TypeRef>(*value))) ==
        R"({"path":"dir/full.md","title":"T","description":"D","part_of":"parent","contents":["a","b","c"],)"
        R"("audience":["family"],"attachments":[{"path":"x.png","source":"local","hash":"ff","mime_type":"","size":12,)"
        R"("uploaded_at":99,"deleted":false}],"extra":{"z":1,"a":{"k":["v",null]}},"modified_at":1700000000000,)"
        R"("eol":"crlf","bom":true,"header":"---\ntitle: T\n---\n"})");
  }

  TEST_CASE("writing what is there already writes nothing") {
    Replica a(1);
    a.put("id", full_record());
    a.update.clear();
    const auto clock = a.doc.clock_of(1);
    a.put("id", full_record());
    CHECK(a.doc.clock_of(1) == clock);
    CHECK(a.update.empty());
  }

  TEST_CASE("one field changed is one field written") {
    Replica a(1);
    a.put("id", full_record());
    const auto clock = a.doc.clock_of(1);
    FileRecord record = full_record();
    record.title = "Other";
    a.put("id", record);
    CHECK(a.doc.clock_of(1) == clock + 1);
    record.contents = Texts{"a", "new", "b", "c"};
    a.put("id", record);
    CHECK(a.doc.clock_of(1) == clock + 2);
    record.extra[0].second = Any(2);
    a.put("id", record);
    CHECK(a.doc.clock_of(1) == clock + 3);
    record.attachments[0].hash = "00";
    a.put("id", record);
    CHECK(a.doc.clock_of(1) == clock + 4);
    CHECK(*a.metadata.find("id") == record);
  }

  TEST_CASE("any record can become any other") {
    SeededRandom random(5);
    const auto random_record = [&] {
      FileRecord record = file("p" + std::to_string(random.below(3)) + ".md");
      const auto maybe = [&](auto& field, auto value) {
        if (random.below(2) == 0) field = value;
      };
      maybe(record.title, std::to_string(random.below(3)));
      maybe(record.part_of, std::to_string(random.below(3)));
      const auto list = [&] {
        Texts out;
        for (std::uint64_t n = random.below(6); n > 0; --n)
          out.push_back(std::to_string(random.below(5)));
        return out;
      };
      maybe(record.contents, list());
      maybe(record.audience, list());
      for (std::uint64_t n = random.below(4); n > 0; --n) {
        Attachment attachment;
        attachment.path = std::to_string(n + random.below(3));
        attachment.size = random.below(3);
        if (random.below(2) == 0)
          attachment.uploaded_at = static_cast<std::int64_t>(random.below(3));
        record.attachments.push_back(attachment);
      }
      for (const char* key : {"k", "l", "m"}) {
        if (random.below(2) == 0)
          record.extra.emplace_back(key, Any(static_cast<double>(random.below(3))));
      }
      record.deleted = random.below(4) == 0;
      record.bom = random.below(2) == 0;
      maybe(record.header, std::string("---\nx: 1\n---\n"));
      return record;
    };
    Replica a(1);
    Replica b(2);
    for (int round = 0; round < 400; ++round) {
      FileRecord record = random_record();
      a.put("id", record);
      FileRecord stored = *a.metadata.find("id");
      std::sort(stored.extra.begin(), stored.extra.end(),
                [](const auto& x, const auto& y) { return x.first < y.first; });
      REQUIRE(stored == record);
      b.pull(a);
      REQUIRE(b.metadata.find("id")->contents == record.contents);
    }
    REQUIRE(a.doc.check_invariants());
    b.check();
  }

  TEST_CASE("edits of different fields by two peers are both kept, and of different list items") {
    Replica a(1);
    Replica b(2);
    a.put("id", full_record());
    b.pull(a);
    FileRecord record = full_record();
    record.title = "by a";
    record.contents = Texts{"a", "b", "c", "by a"};
    a.put("id", record);
    record = full_record();
    record.description = "by b";
    record.contents = Texts{"by b", "a", "c"};
    record.extra[1].second = Any("by b");
    b.put("id", record);
    a.pull(b);
    b.pull(a);
    const FileRecord& merged = *a.metadata.find("id");
    CHECK(merged.title == "by a");
    CHECK(merged.description == "by b");
    CHECK(merged.contents == Texts{"by b", "a", "c", "by a"});
    CHECK(codec::to_js_json(Any(merged.extra)) == R"({"z":1,"a":"by b"})");
    CHECK(*b.metadata.find("id") == merged);
  }

  TEST_CASE("whatever a peer wrote is read field by field") {
    crdt::Doc doc(crdt::DocOptions{1});
    crdt::Map files = doc.map("files");
    crdt::Map map(files.set_type("id", crdt::TypeKind::Map));
    map.set("path", Any("a.md"));
    map.set("title", Any(5));
    map.set("description", Any(AnyArray{}));
    map.set("part_of", Any(codec::Null{}));
    crdt::Array contents(map.set_type("contents", crdt::TypeKind::Array));
    contents.push({Any("x"), Any(1), Any(), Any(AnyObject{})});
    contents.insert_type(1, crdt::TypeKind::Map);
    contents.push({Any("y"), Any("bad \xED\xA0\x80")});
    map.set("audience", Any(AnyArray{Any("plain"), Any(true)}));
    crdt::Array attachments(map.set_type("attachments", crdt::TypeKind::Array));
    attachments.push({Any("text.png"), Any(7),
                      Any(AnyObject{{"path", Any("plain.png")}, {"size", Any(-5)}}),
                      Any(AnyObject{})});
    crdt::Map(attachments.insert_type(0, crdt::TypeKind::Map)).set("path", Any("map.png"));
    attachments.insert_type(0, crdt::TypeKind::Text);
    map.set("extra", Any(AnyObject{{"k", Any(1)}, {"u", Any()}}));
    map.set("deleted", Any("yes"));
    map.set("modified_at", Any(1e300));
    map.set("eol", Any("cr"));
    map.set("bom", Any(1));
    map.set("header", Any("no header"));
    map.set_type("unknown", crdt::TypeKind::Array);
    MetadataDoc metadata(doc);
    const FileRecord* record = metadata.find("id");
    REQUIRE(record != nullptr);
    CHECK(record->path == "a.md");
    CHECK_FALSE(record->title.has_value());
    CHECK_FALSE(record->description.has_value());
    CHECK_FALSE(record->part_of.has_value());
    REQUIRE(record->contents.has_value());
    CHECK(record->contents->size() == 3);
    CHECK(record->contents->at(0) == "x");
    CHECK(record->contents->at(1) == "y");
    CHECK(record->audience == Texts{"plain"});
    REQUIRE(record->attachments.size() == 3);
    CHECK(record->attachments[0].path == "map.png");
    CHECK(record->attachments[2].path == "plain.png");
    CHECK(record->attachments[2].size == 0);
    CHECK(codec::to_js_json(Any(record->extra)) == R"({"k":1})");
    CHECK_FALSE(record->deleted);
    CHECK(record->modified_at == 0);
    CHECK(record->eol == Eol::Lf);
    CHECK_FALSE(record->bom);
    CHECK_FALSE(record->header.has_value());
    // And it can be written over.
    FileRecord wanted = full_record();
    metadata.put("id", wanted, 0);
    const auto back = read_record("id", *files.get("id"));
    REQUIRE(back.has_value());
    CHECK(back->contents == wanted.contents);
    CHECK(back->audience == wanted.audience);
    CHECK(back->attachments == wanted.attachments);
    CHECK(back->header == wanted.header);
  }

  TEST_CASE("shared types nested without end do no harm") {
    crdt::Doc doc(crdt::DocOptions{1});
    crdt::Map files = doc.map("files");
    doc.transact([&] {
      crdt::Map map(files.set_type("id", crdt::TypeKind::Map));
      map.set("path", Any("a.md"));
      crdt::Map inner(map.set_type("extra", crdt::TypeKind::Map));
      for (int i = 0; i < 20'000; ++i) inner = crdt::Map(inner.set_type("k", crdt::TypeKind::Map));
    });
    const MetadataDoc metadata(doc);
    REQUIRE(metadata.find("id") != nullptr);
    CHECK(render_file(*metadata.find("id"), "body", metadata) ==
          "body");  // Deeper than a header may be.
  }

  TEST_CASE("only a header that stands in front of a body counts as one") {
    for (const char* header : {"x", "---\na: 1\n---\nmore", "---\na: 1\n", "\xEF\xBB\xBF---\n---\n",
                               "---\n---\n---\n"}) {
      crdt::Doc doc(crdt::DocOptions{1});
      crdt::Map map(doc.map("files").set_type("id", crdt::TypeKind::Map));
      map.set("header", Any(header));
      CHECK_FALSE(MetadataDoc(doc).find("id")->header.has_value());
    }
    for (const char* header :
         {"---\n---", "---\na: 1\n---\n", "---\r\na: 1\r\n---\r\n", "--- \na\n--- \n"}) {
      crdt::Doc doc(crdt::DocOptions{1});
      crdt::Map map(doc.map("files").set_type("id", crdt::TypeKind::Map));
      map.set("header", Any(header));
      CHECK(MetadataDoc(doc).find("id")->header == header);
    }
  }

  TEST_CASE("the original's JSON strings are read, and become maps when written") {
    Replica a(1);
    a.files().set(
        "journal/2024.md",
        Any(R"({"filename":"2024.md","title":2024,"part_of":"README.md","contents":["journal/01.md"],"attachments":)"
            R"([{"path":"a.png","source":"local"}],"deleted":false,"audience":["x"],"description":null,)"
            R"("extra":{"tags":["a"],"n":1.5},"modified_at":1700000000000,"unknown":1})"));
    a.files().set(
        "README.md",
        Any(R"({"filename":"README.md","contents":["journal/2024.md"],"modified_at":"x"})"));
    a.files().set("0f0e0d0c-0000-4000-8000-000000000000", Any(R"({"filename":"by-id.md"})"));
    a.files().set("broken", Any("{"));
    a.files().set("number", Any(7));
    const FileRecord* record = a.metadata.find("journal/2024.md");
    REQUIRE(record != nullptr);
    CHECK(record->path == "journal/2024.md");
    CHECK(record->title == "2024");
    CHECK(record->part_of == "README.md");
    CHECK(record->attachments.at(0).path == "a.png");
    CHECK(record->modified_at == 1700000000000);
    CHECK(codec::to_js_json(Any(record->extra)) == R"({"tags":["a"],"n":1.5})");
    CHECK(a.metadata.path_of("0f0e0d0c-0000-4000-8000-000000000000") == "by-id.md");
    CHECK(a.metadata.unreadable() == Texts{"broken", "number"});
    CHECK(a.metadata.link_to("README.md", "journal/2024.md") == "[README](/README.md)");
    const FileRecord copy = *record;
    a.put("journal/2024.md", copy);
    CHECK(std::holds_alternative<crdt::TypeRef>(*a.files().get("journal/2024.md")));
    CHECK(*a.metadata.find("journal/2024.md") == copy);
    a.files().erase("broken");
    CHECK(a.metadata.unreadable() == Texts{"number"});
    a.check();
  }
}

TEST_SUITE("workspace/metadata_doc") {
  TEST_CASE("peers' edits of nested lists and maps are seen") {
    Replica a(1);
    Replica b(2);
    a.put("id", full_record());
    a.put("other", file("o.md"));
    b.pull(a);
    const auto map = [&] { return crdt::Map(std::get<crdt::TypeRef>(*b.files().get("id"))); };
    crdt::Array(std::get<crdt::TypeRef>(*map().get("contents"))).push({Any("d")});
    CHECK(b.changed == Texts{"id"});
    a.pull(b);
    CHECK(a.changed == Texts{"id"});
    CHECK(a.metadata.find("id")->contents == Texts{"a", "b", "c", "d"});
    crdt::Map(std::get<crdt::TypeRef>(*map().get("extra"))).set("new", Any(true));
    a.pull(b);
    CHECK(a.changed == Texts{"id"});
    CHECK(a.metadata.find("id")->extra.back().first == "new");
    const auto attachments = crdt::Array(std::get<crdt::TypeRef>(*map().get("attachments")));
    crdt::Map(std::get<crdt::TypeRef>(*attachments.get(0))).set("hash", Any("abc"));
    a.pull(b);
    CHECK(a.changed == Texts{"id"});
    CHECK(a.metadata.find("id")->attachments[0].hash == "abc");
    b.files().erase("id");
    a.pull(b);
    CHECK(a.changed == Texts{"id"});
    CHECK(a.metadata.find("id") == nullptr);
    CHECK_FALSE(a.metadata.id_at("dir/full.md").has_value());
  }

  TEST_CASE("changes outside of the records are nobody's business") {
    Replica a(1);
    a.changed = {"untouched"};
    a.doc.text("notes").insert(0, "x");
    CHECK(a.changed.empty());
    a.doc.map("other").set("id", Any(1));
    CHECK(a.changed.empty());
  }

  TEST_CASE(
      "of records with one path the smallest id keeps it, the others are numbered past names that "
      "are taken") {
    Replica a(1);
    a.put("b", file("x.md"));
    CHECK(a.metadata.path_of("b") == "x.md");
    a.put("a", file("x.md"));
    CHECK(a.changed == Texts{"a", "b"});
    CHECK(a.metadata.path_of("a") == "x.md");
    CHECK(a.metadata.path_of("b") == "x (2).md");
    CHECK(a.metadata.id_at("x.md") == "a");
    CHECK(a.metadata.id_at("x (2).md") == "b");
    a.put("z", file("x (2).md"));
    CHECK(a.changed == Texts{"b", "z"});
    CHECK(a.metadata.path_of("b") == "x (3).md");
    CHECK(a.metadata.path_of("z") == "x (2).md");
    a.put("c", file("x.md"));
    CHECK(a.metadata.path_of("c") == "x (4).md");
    FileRecord gone = file("x.md");
    gone.deleted = true;
    a.put("a", gone);
    CHECK(a.changed == Texts{"a", "b", "c"});
    CHECK(a.metadata.path_of("b") == "x.md");
    CHECK(a.metadata.path_of("c") == "x (3).md");
    CHECK_FALSE(a.metadata.path_of("a").has_value());
    CHECK(a.metadata.tombstone_at("x.md") == "a");
    a.check();
  }

  TEST_CASE("two records that change places in one transaction both arrive") {
    Replica a(1);
    a.put("a", file("x.md"));
    a.put("b", file("y.md"));
    a.doc.transact([&] {
      a.put("a", file("y.md"));
      a.put("b", file("x.md"));
    });
    CHECK(a.changed == Texts{"a", "b"});
    CHECK(a.metadata.id_at("x.md") == "b");
    CHECK(a.metadata.id_at("y.md") == "a");
    a.check();
  }

  TEST_CASE("paths that are never written have no place") {
    Replica a(1);
    for (const char* path : {"", "/x.md", "../x.md", "a/../x.md", ".git/x.md", "x.txt", "x",
                             "a\nb.md", ".diaryx/x.md"}) {
      a.put("id", file(path));
      CAPTURE(path);
      CHECK_FALSE(a.metadata.path_of("id").has_value());
      CHECK_FALSE(a.metadata.id_at(path).has_value());
    }
    a.put("id", file("dir/X.MD"));
    CHECK(a.metadata.path_of("id") == "dir/X.MD");
    a.put("ja", file("dir/X.MD"));
    CHECK(a.metadata.path_of("ja") == "dir/X (2).MD");
  }

  TEST_CASE("of several tombstones the latest one counts") {
    Replica a(1);
    FileRecord record = file("x.md");
    record.deleted = true;
    record.modified_at = 5;
    a.put("b", record);
    record.modified_at = 9;
    a.put("a", record);
    record.modified_at = 2;
    a.put("c", record);
    CHECK(a.metadata.tombstone_at("x.md") == "a");
    CHECK_FALSE(a.metadata.tombstone_at("y.md").has_value());
  }

  TEST_CASE("the index follows any history as if it were made afresh") {
    SeededRandom random(77);
    for (int world = 0; world < 10; ++world) {
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
            FileRecord record = file(kPaths[static_cast<std::size_t>(random.below(kPaths.size()))]);
            record.deleted = random.below(5) == 0;
            record.modified_at = static_cast<std::int64_t>(random.below(5));
            if (random.below(3) == 0) record.contents = Texts{};
            if (random.below(5) == 0) record.extra = {{"link_format", Any("plain_relative")}};
            peer.put(id, record);
          }
        }
      }
      a.check();
      b.check();
      a.pull(b);
      b.pull(a);
      a.check();
      b.check();
      CHECK(a.metadata.records() == b.metadata.records());
    }
  }

  TEST_CASE("ids from paths are short, safe, stable, and never given twice") {
    Replica a(1);
    const std::string id = a.metadata.id_for_path("journal/2024.md");
    CHECK(id.size() == 16);
    CHECK(id.find_first_not_of(kUrlSafeAlphabet) == std::string::npos);
    CHECK(Replica(2).metadata.id_for_path("journal/2024.md") == id);
    CHECK(a.metadata.id_for_path("journal/2025.md") != id);
    a.put(id, file("moved.md"));
    const std::string next = a.metadata.id_for_path("journal/2024.md");
    CHECK(next != id);
    CHECK(next.size() == 16);
    a.files().set(next, Any("{"));  // No record, but not free either.
    CHECK(a.metadata.id_for_path("journal/2024.md") != next);
  }

  TEST_CASE("links mean files by path in all their forms, and come out in the workspace's format") {
    Replica a(1);
    FileRecord root = file("README.md");
    root.contents = Texts{};
    a.put("root", root);
    FileRecord child = file("dir/with space.md");
    child.title = "The Child";
    a.put("child", child);
    const MetadataDoc& metadata = a.metadata;
    for (const char* text : {"[X](</dir/with space.md>)", "/dir/with%20space.md", "with space.md",
                             "./with%20space.md", "../dir/with space.md", "dir/with space.md"}) {
      CAPTURE(text);
      CHECK(metadata.id_of(text, "dir/other.md") == "child");
    }
    CHECK(metadata.id_of("README.md", "dir/other.md") == "root");
    CHECK_FALSE(metadata.id_of("../../README.md", "dir/other.md").has_value());
    CHECK_FALSE(metadata.id_of("https://example.org/README.md", "dir/other.md").has_value());
    CHECK(metadata.link_to("child", "x.md") == "[The Child](</dir/with space.md>)");
    CHECK(metadata.link_to("root", "dir/x.md") == "[README](/README.md)");
    CHECK_FALSE(metadata.link_to("nobody", "x.md").has_value());
    root.extra = {{"link_format", Any("plain_relative")}};
    a.put("root", root);
    CHECK(metadata.link_to("child", "dir/x.md") == "with space.md");
    root.extra = {{"link_format", Any("plain_relative")},
                  {"workspace_config", Any(AnyObject{{"link_format", Any("plain_canonical")}})}};
    a.put("root", root);
    CHECK(metadata.link_to("child", "dir/x.md") == "dir/with space.md");
    FileRecord config = file("config.md");
    config.extra = {{"link_format", Any("markdown_relative")}};
    a.put("config", config);
    root.extra[1].second = Any("[Settings](/config.md)");
    a.put("root", root);
    CHECK(metadata.link_format() == LinkFormat::MarkdownRelative);
    root.deleted = true;
    a.put("root", root);
    CHECK(metadata.link_format() == LinkFormat::MarkdownRoot);
  }

  TEST_CASE("an ambiguous link is read as the workspace's format says") {
    Replica a(1);
    FileRecord root = file("README.md");
    root.contents = Texts{};
    a.put("root", root);
    a.put("top", file("a.md"));
    a.put("near", file("dir/a.md"));
    CHECK(a.metadata.id_of("a.md", "dir/x.md") == "near");
    root.extra = {{"link_format", Any("plain_canonical")}};
    a.put("root", root);
    CHECK(a.metadata.id_of("a.md", "dir/x.md") == "top");
  }

  TEST_CASE("the root index is the one nearest to the top") {
    Replica a(1);
    FileRecord index = file("a/b.md");
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

  TEST_CASE("ids are told from texts") {
    Replica a(1);
    a.put("short", file("a.md"));
    CHECK(a.metadata.is_file_id("short"));
    CHECK(a.metadata.is_file_id(a.metadata.id_for_path("never seen")));
    CHECK(a.metadata.is_file_id("0f0e0d0c-0000-4000-8000-000000000000"));
    CHECK_FALSE(a.metadata.is_file_id("Some index"));
    CHECK_FALSE(a.metadata.is_file_id("a/b.md"));
  }

  TEST_CASE("a planned import resolves links among its own files, and past those that leave") {
    Replica a(1);
    a.put("old", file("old.md"));
    a.put("stays", file("stays.md"));
    const PlannedLinks links(a.metadata, {{"new.md", "n"}, {"moved.md", "old"}});
    CHECK(links.id_of("new.md", "x.md") == "n");
    CHECK(links.id_of("moved.md", "x.md") == "old");
    CHECK_FALSE(links.id_of("old.md", "x.md").has_value());
    CHECK(links.id_of("stays.md", "x.md") == "stays");
    CHECK(links.link_to("n", "x.md") == "[New](/new.md)");
    CHECK(links.link_to("old", "x.md") == "[Moved](/moved.md)");
    CHECK(links.link_to("stays", "x.md") == "[Stays](/stays.md)");
    CHECK(links.is_file_id("n"));
  }

  TEST_CASE("files go through a document to a peer and come out octet for octet") {
    SeededRandom random(41);
    Replica a(1);
    a.put("a", file("a.md"));
    a.put("b", file("b/b.md"));
    std::map<std::string, std::string> headers;
    for (int i = 0; i < 600; ++i) {
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
    for (const auto& [id, header] : headers) {
      CAPTURE(header);
      REQUIRE(render_file(*a.metadata.find(id), "", a.metadata) == header);
      REQUIRE(render_file(*b.metadata.find(id), "", b.metadata) == header);
    }
  }

  TEST_CASE("a record made by a browser becomes a file with a header") {
    Replica a(1);
    FileRecord root = file("README.md");
    root.contents = Texts{};
    a.put("root", root);
    crdt::Map map(a.files().set_type("browser-made", crdt::TypeKind::Map));
    map.set("path", Any("dir/new.md"));
    map.set("title", Any("New"));
    map.set("part_of", Any("root"));
    map.set("contents", Any(AnyArray{}));
    CHECK(render_file(*a.metadata.find("browser-made"), "Hello\n", a.metadata) ==
          "---\ntitle: New\npart_of: \"[README](/README.md)\"\ncontents: []\n---\nHello\n");
  }

  TEST_CASE("renaming a file changes the links to it in other files, and nothing else") {
    Replica a(1);
    a.put("child", file("a/child.md"));
    const std::string header =
        "---\n# top\ncontents:\n  - \"[My child](/a/child.md)\"\n  - '[Other](/o.md)'\n---\n";
    FileRecord root = read_fields(header, "README.md", a.metadata).record;
    root.path = "README.md";
    a.put("root", root);
    CHECK(a.metadata.find("root")->contents == Texts{"child", "[Other](/o.md)"});
    CHECK(render_file(*a.metadata.find("root"), "", a.metadata) == header);
    a.put("child", file("b/kid.md"));
    CHECK(render_file(*a.metadata.find("root"), "", a.metadata) ==
          "---\n# top\ncontents:\n  - \"[My child](/b/kid.md)\"\n  - '[Other](/o.md)'\n---\n");
  }
}

TEST_SUITE("workspace/seed") {
  TEST_CASE("the same content gives the same bytes, and merging them doubles nothing") {
    const Seed one = seed_body("id", "Hello, Wörld 😀\n");
    const Seed two = seed_body("id", "Hello, Wörld 😀\n");
    CHECK(one.client_id == two.client_id);
    CHECK(one.update == two.update);
    CHECK(one.client_id >= 1);
    CHECK(one.client_id < (1ULL << 32U));
    CHECK(seed_body("other", "Hello, Wörld 😀\n").client_id != one.client_id);
    crdt::Doc doc(crdt::DocOptions{1});
    REQUIRE(doc.apply_update(one.update));
    REQUIRE(doc.apply_update(two.update));
    CHECK(doc.text("body").to_string() == "Hello, Wörld 😀\n");
    CHECK(doc.clock_of(one.client_id) == utf16_length("Hello, Wörld 😀\n"));
  }

  TEST_CASE("an empty body and an empty batch are empty updates") {
    CHECK(crdt::is_empty_update_v1(seed_body("id", "").update));
    CHECK(crdt::is_empty_update_v1(seed_records({}).update));
  }

  TEST_CASE("seeded records are the records, by one client") {
    std::map<std::string, FileRecord, std::less<>> records;
    records.emplace("full", full_record());
    records.emplace("plain", file("plain.md"));
    const Seed seed = seed_records(records);
    CHECK(seed_records(records).update == seed.update);
    crdt::Doc doc(crdt::DocOptions{1});
    const MetadataDoc before(doc);
    REQUIRE(doc.apply_update(seed.update));
    const MetadataDoc metadata(doc);
    CHECK(metadata.records() == records);
    const auto state = crdt::decode_state_vector(doc.encode_state_vector());
    REQUIRE(state);
    CHECK(state->size() == 1);
    CHECK(state->count(seed.client_id) == 1);
    records.at("plain").title = "Other";
    CHECK(seed_records(records).client_id != seed.client_id);
  }
}
