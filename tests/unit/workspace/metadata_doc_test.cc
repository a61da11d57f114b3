#include "engine/workspace/metadata_doc.h"

#include <doctest/doctest.h>

#include "engine/workspace/seed.h"

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

struct Setup {
  crdt::Doc doc{crdt::DocOptions{.client_id = 7}};
  std::unique_ptr<MetadataDoc> metadata;
  std::vector<std::string> changed;

  Setup() {
    (void)doc.map("files");  // Declares the root.
    metadata = std::make_unique<MetadataDoc>(doc);
    doc.observe(
        [this](const crdt::TransactionSummary& summary) { changed = metadata->refresh(summary); });
  }
  crdt::Map record(const std::string& id) {
    return crdt::Map(std::get<crdt::TypeRef>(*doc.map("files").get(id)));
  }
};

FileRecord full_record() {
  FileRecord record;
  record.path = "a/b.md";
  record.title = "Title";
  record.description = "";
  record.part_of = "parent";
  record.contents = std::vector<std::string>{"x", "y", "z"};
  record.audience = std::vector<std::string>{};
  record.attachments = {{.path = "_attachments/p.png",
                         .hash = "ff",
                         .mime_type = "image/png",
                         .size = 12,
                         .uploaded_at = 5}};
  record.extra = {
      {"mood", codec::Any("good")}, {"n", codec::Any(1.5)}, {"nothing", codec::Any(codec::Null{})}};
  record.modified_at = 1'700'000'000'000;
  record.eol = Eol::Crlf;
  record.bom = true;
  record.header = "---\ntitle: Title\n---\n";
  return record;
}

FileRecord at(std::string path) {
  FileRecord record;
  record.path = std::move(path);
  return record;
}

}  // namespace

TEST_SUITE("workspace/metadata_doc") {
  TEST_CASE("a record comes back as it was put") {
    Setup s;
    s.metadata->put("id", full_record(), 0);
    REQUIRE(s.metadata->find("id") != nullptr);
    CHECK(*s.metadata->find("id") == full_record());
    CHECK(s.changed == std::vector<std::string>{"id"});
    // And in another replica, from the bytes.
    crdt::Doc other(crdt::DocOptions{.client_id = 8});
    REQUIRE(other.apply_update(s.doc.encode_state_as_update()));
    CHECK(*MetadataDoc(other).find("id") == full_record());
  }

  TEST_CASE(
      "putting what is there already writes nothing; putting a changed field writes that field") {
    Setup s;
    s.metadata->put("id", full_record(), 0);
    const Buffer before = s.doc.encode_state_vector();
    FileRecord record = full_record();
    std::reverse(record.extra.begin(), record.extra.end());
    s.metadata->put("id", record, 0);
    CHECK(s.doc.encode_state_vector() == before);
    const std::uint64_t clock = s.doc.clock_of(7);
    record.title = "Other";
    s.metadata->put("id", record, 0);
    CHECK(s.doc.clock_of(7) == clock + 1);
    record.contents = std::vector<std::string>{"x", "new", "y", "z"};
    s.metadata->put("id", record, 0);
    CHECK(s.doc.clock_of(7) == clock + 2);
    CHECK(s.metadata->find("id")->contents == record.contents);
    record.extra.erase(record.extra.begin());
    record.title.reset();
    s.metadata->put("id", record, 0);
    CHECK(s.metadata->find("id")->extra.size() == 2);
    CHECK_FALSE(s.metadata->find("id")->title);
  }

  TEST_CASE("edits of different fields by different peers merge") {
    Setup s;
    s.metadata->put("id", full_record(), 0);
    crdt::Doc peer(crdt::DocOptions{.client_id = 9});
    REQUIRE(peer.apply_update(s.doc.encode_state_as_update()));
    crdt::Map theirs(std::get<crdt::TypeRef>(*peer.map("files").get("id")));
    theirs.set("title", "Theirs");
    crdt::Array(std::get<crdt::TypeRef>(*theirs.get("contents"))).push({codec::Any("child")});
    FileRecord ours = full_record();
    ours.description = "Ours";
    ours.contents->insert(ours.contents->begin(), "first");
    s.metadata->put("id", ours, 0);
    REQUIRE(s.doc.apply_update(peer.encode_state_as_update()));
    CHECK(s.changed == std::vector<std::string>{"id"});
    CHECK(s.metadata->find("id")->title == "Theirs");
    CHECK(s.metadata->find("id")->description == "Ours");
    CHECK(s.metadata->find("id")->contents ==
          std::vector<std::string>{"first", "x", "y", "z", "child"});
  }

  TEST_CASE("a nested edit is seen as a change of its record") {
    Setup s;
    s.metadata->put("id", full_record(), 0);
    s.metadata->put("other", at("o.md"), 0);
    s.changed.clear();
    crdt::Map(std::get<crdt::TypeRef>(*s.record("id").get("extra"))).set("mood", "bad");
    CHECK(s.changed == std::vector<std::string>{"id"});
    s.record("id").erase("path");
    CHECK_FALSE(s.metadata->path_of("id"));
    s.doc.map("files").erase("id");
    CHECK(s.metadata->find("id") == nullptr);
  }

  TEST_CASE("whatever a peer writes is read field by field and never stops us") {
    Setup s;
    s.metadata->put("id", full_record(), 0);
    crdt::Map record = s.record("id");
    record.set("title", 5.0);
    record.set("contents", "no list");
    record.set("attachments",
               codec::AnyArray{codec::Any(1.0), codec::Any(codec::AnyObject{{"hash", "x"}})});
    record.set("modified_at", "soon");
    record.set("deleted", "yes");
    record.set("extra", codec::Any(codec::Null{}));
    const FileRecord* read = s.metadata->find("id");
    REQUIRE(read != nullptr);
    CHECK_FALSE(read->title);
    CHECK_FALSE(read->contents);
    CHECK(read->attachments.empty());
    CHECK(read->modified_at == 0);
    CHECK_FALSE(read->deleted);
    CHECK(read->extra.empty());
    s.doc.map("files").set("bad", 1.0);
    s.doc.map("files").set("worse", "no json");
    CHECK(s.metadata->unreadable() == std::set<std::string>{"bad", "worse"});
    // And it can be put right again.
    s.metadata->put("id", full_record(), 0);
    CHECK(*s.metadata->find("id") == full_record());
  }

  TEST_CASE("a record in the original's form is read, and becomes a map at the next write") {
    Setup s;
    s.doc.map("files").set(
        "journal/2024.md",
        R"({"filename":"2024.md","title":"T","part_of":"README.md","contents":null,)"
        R"("attachments":[],"deleted":false,"audience":null,"description":null,)"
        R"("extra":{"k":[1,"two"]},"modified_at":12})");
    const FileRecord* read = s.metadata->find("journal/2024.md");
    REQUIRE(read != nullptr);
    CHECK(read->path == "journal/2024.md");
    CHECK(read->title == "T");
    CHECK(read->modified_at == 12);
    CHECK(s.metadata->id_at("journal/2024.md") == "journal/2024.md");
    const codec::AnyObject extra = read->extra;
    FileRecord changed = *read;
    changed.title = "New";
    s.metadata->put("journal/2024.md", changed, 0);
    CHECK(s.metadata->find("journal/2024.md")->title == "New");
    CHECK(s.metadata->find("journal/2024.md")->extra == extra);
    CHECK(std::holds_alternative<crdt::TypeRef>(*s.doc.map("files").get("journal/2024.md")));
  }

  TEST_CASE("of two records with one path the smaller id keeps it, on every replica") {
    Setup s;
    s.metadata->put("b", at("n.md"), 0);
    s.metadata->put("c", at("n.md"), 0);
    CHECK(s.metadata->path_of("b") == "n.md");
    CHECK(s.metadata->path_of("c") == "n (2).md");
    s.metadata->put("a", at("n.md"), 0);
    CHECK(s.changed == std::vector<std::string>{"a", "b", "c"});
    CHECK(s.metadata->path_of("a") == "n.md");
    CHECK(s.metadata->path_of("b") == "n (2).md");
    CHECK(s.metadata->path_of("c") == "n (3).md");
    CHECK(s.metadata->id_at("n (3).md") == "c");
    s.metadata->put("d", at("n (2).md"), 0);
    CHECK(s.metadata->path_of("d") == "n (2).md");
    CHECK(s.metadata->path_of("b") == "n (3).md");
    FileRecord gone = at("n.md");
    gone.deleted = true;
    s.metadata->put("a", gone, 0);
    CHECK(s.metadata->path_of("b") == "n.md");
    CHECK(s.metadata->tombstone_at("n.md") == "a");
  }

  TEST_CASE("paths that we would never write have no file") {
    Setup s;
    int n = 0;
    for (const char* path :
         {"../x.md", "/x.md", "a/../b.md", ".git/x.md", "x.txt", "", ".hidden/x.md", "a\\b.md"}) {
      const std::string id = "id" + std::to_string(n++);
      s.metadata->put(id, at(path), 0);
      CHECK_FALSE(s.metadata->path_of(id));
      CHECK_FALSE(s.metadata->id_at(path));
    }
  }

  TEST_CASE(
      "links resolve in every format, percent-encoded ones too, and never out of the workspace") {
    Setup s;
    FileRecord root = at("README.md");
    root.contents = std::vector<std::string>{};
    root.title = "Home";
    s.metadata->put("root", root, 0);
    s.metadata->put("note", at("a/my note.md"), 0);
    for (const char* link :
         {"[x](</a/my note.md>)", "[x](/a/my%20note.md)", "a/my note.md", "./a/my note.md"}) {
      CAPTURE(link);
      CHECK(s.metadata->id_of(link, "README.md") == "note");
    }
    CHECK(s.metadata->id_of("../README.md", "a/my note.md") == "root");
    CHECK_FALSE(s.metadata->id_of("../../README.md", "a/my note.md"));
    CHECK_FALSE(s.metadata->id_of("https://example.org/README.md", "README.md"));
    CHECK(s.metadata->link_to("root", "a/my note.md") == "[Home](/README.md)");
    CHECK(s.metadata->link_to("note", "README.md") == "[My Note](</a/my note.md>)");
    root.extra = {{"link_format", codec::Any("markdown_relative")}};
    s.metadata->put("root", root, 0);
    CHECK(s.metadata->link_to("root", "a/my note.md") == "[Home](../README.md)");
  }

  TEST_CASE(
      "ids of found files are short, safe in a URL, and the next one is taken if the first is in "
      "use") {
    Setup s;
    const std::string first = s.metadata->id_for_path("a.md");
    CHECK(first.size() == 16);
    CHECK(first.find_first_not_of(
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
          std::string::npos);
    s.metadata->put(first, at("moved.md"), 0);
    CHECK(s.metadata->id_for_path("a.md") != first);
    CHECK(Setup().metadata->id_for_path("a.md") == first);
  }
}

TEST_SUITE("workspace/seed") {
  TEST_CASE("the same batch gives the same bytes, another batch another client") {
    std::map<std::string, FileRecord, std::less<>> records{{"a", full_record()}, {"b", at("b.md")}};
    const Seed one = seed_records(records);
    CHECK(one.update == seed_records(records).update);
    records["b"].title = "x";
    CHECK(one.client_id != seed_records(records).client_id);
    CHECK(one.client_id <= 0xffff'ffffU);
    crdt::Doc doc(crdt::DocOptions{.client_id = 7});
    REQUIRE(doc.apply_update(one.update));
    (void)doc.map("files");  // Declares the root.
    CHECK(*MetadataDoc(doc).find("a") == full_record());
  }

  TEST_CASE("a body seeded twice is there once") {
    crdt::Doc doc(crdt::DocOptions{.client_id = 7});
    const Seed seed = seed_body("id", "Hello é😀\n");
    REQUIRE(doc.apply_update(seed.update));
    REQUIRE(doc.apply_update(seed_body("id", "Hello é😀\n").update));
    CHECK(doc.text("body").to_string() == "Hello é😀\n");
    CHECK(seed_body("other", "Hello é😀\n").client_id != seed.client_id);
    CHECK(seed_body("id", "").update == Buffer{0, 0});
  }
}
