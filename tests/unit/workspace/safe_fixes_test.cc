#include "engine/workspace/safe_fixes.h"

#include <memory>

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

FileRecord note(std::string path, std::optional<std::string> parent = {}) {
  FileRecord record;
  record.path = std::move(path);
  record.part_of = std::move(parent);
  return record;
}

FileRecord index(std::string path, std::vector<std::string> contents,
                 std::optional<std::string> parent = {}) {
  FileRecord record = note(std::move(path), std::move(parent));
  record.contents = std::move(contents);
  return record;
}

// Records by id; fixes are put in one kind after the other, as they are meant to be.
struct Setup {
  crdt::Doc doc{crdt::DocOptions{.client_id = 7}};
  std::unique_ptr<MetadataDoc> metadata;
  std::map<std::string, FileRecord> records;
  std::set<std::string> bodies, waiting, empty;
  std::map<std::string, bool> on_disk;
  std::map<std::string, AttachedFile> attached;
  std::vector<Fix> done;

  Setup() {
    (void)doc.map("files");
    metadata = std::make_unique<MetadataDoc>(doc);
    doc.observe(
        [this](const crdt::TransactionSummary& summary) { (void)metadata->refresh(summary); });
  }

  ValidateInput input() const {
    std::map<std::string, bool> files = on_disk;
    for (const auto& [id, record] : metadata->records()) {
      if (const auto path = metadata->path_of(id)) files.emplace(*path, false);
    }
    return {.metadata = *metadata,
            .body_docs = bodies,
            .orphan_paths = waiting,
            .empty_bodies = empty,
            .on_disk = files,
            .unreadable_files = {},
            .attachments = attached};
  }

  // What is left afterwards.
  ValidateReport mend() {
    for (const auto& [id, record] : records) metadata->put(id, record, 0);
    for (const IssueKind kind : fixable_kinds()) {
      const ValidateInput now = input();
      const SafeFixes fixes(now);
      for (const Issue& issue : validate(now).issues) {
        if (issue.kind != kind) continue;
        auto fix = fixes.fix(issue);
        if (!fix) continue;
        for (const auto& [id, record] : fix->records) metadata->put(id, record, 0);
        if (kind == IssueKind::OrphanBodyDoc) waiting.erase(issue.key);
        done.push_back(*std::move(fix));
      }
    }
    return validate(input());
  }
  const FileRecord& record(const std::string& id) { return *metadata->find(id); }
};

}  // namespace

TEST_SUITE("workspace/safe_fixes") {
  TEST_CASE("what is sound stays as it is") {
    Setup s;
    s.records = {{"root", index("README.md", {"a"})}, {"a", note("a.md", "root")}};
    CHECK(s.mend().ok());
    CHECK(s.done.empty());
  }

  TEST_CASE("a note whose parent is gone goes to the one that lists it") {
    Setup s;
    s.records = {{"root", index("README.md", {"a"})}, {"a", note("a.md", "[Gone](/gone.md)")}};
    CHECK(s.mend().ok());
    CHECK(s.record("a").part_of == "root");
    REQUIRE(s.done.size() == 1);
    CHECK(s.done[0].message == "\"a.md\" is part of \"README.md\" now, which lists it");
  }

  TEST_CASE("… but not if nobody lists it, or two do: that is a person's to say") {
    Setup s;
    s.records = {{"root", index("README.md", {"b"})},
                 {"other", index("other.md", {"b"})},
                 {"a", note("a.md", "[Gone](/gone.md)")},
                 {"b", note("b.md", "[Gone](/gone.md)")}};
    CHECK_FALSE(s.mend().ok());
    CHECK(s.done.empty());
    CHECK(s.record("a").part_of == "[Gone](/gone.md)");
  }

  TEST_CASE("of several parents the one that it names keeps it") {
    Setup s;
    s.records = {{"root", index("README.md", {"b", "a"})},
                 {"b", index("b.md", {"a"}, "root")},
                 {"c", index("c.md", {"x y", "a"})},
                 {"a", note("a.md", "b")}};
    (void)s.mend();
    REQUIRE(s.done.size() == 1);
    CHECK(s.record("root").contents == std::vector<std::string>{"b"});
    CHECK(s.record("b").contents == std::vector<std::string>{"a"});
    CHECK(s.record("c").contents == std::vector<std::string>{"x y"});
  }

  TEST_CASE("a parent that does not list it gives way to the one that does, but not in a circle") {
    Setup s;
    s.records = {{"root", index("README.md", {"a"})},
                 {"b", index("b.md", std::vector<std::string>())},
                 {"a", note("a.md", "b")},
                 // x says it is part of root, and y, which is below x, lists it.
                 {"x", index("x.md", {"y"}, "root")},
                 {"y", index("y.md", {"x"}, "x")}};
    (void)s.mend();
    CHECK(s.record("a").part_of == "root");
    CHECK(s.record("x").part_of == "root");
    CHECK(s.done.size() == 1);
  }

  TEST_CASE("deleted notes leave the lists; files that never were are left for a person") {
    Setup s;
    s.records = {{"root", index("README.md", {"gone", "[Later](/later.md)", "a"})},
                 {"a", note("a.md", "root")},
                 {"gone", note("gone.md", "root")}};
    s.records["gone"].deleted = true;
    const ValidateReport left = s.mend();
    CHECK(s.record("root").contents == std::vector<std::string>{"[Later](/later.md)", "a"});
    REQUIRE(left.issues.size() == 1);
    CHECK(left.issues[0].kind == IssueKind::MissingChild);
  }

  TEST_CASE("two records for one path: the second keeps the path that it has got") {
    Setup s;
    s.records = {{"a", note("same.md")}, {"b", note("same.md")}};
    CHECK(s.mend().ok());
    CHECK(s.record("a").path == "same.md");
    CHECK(s.record("b").path == "same (2).md");
  }

  TEST_CASE("a path that cannot be written becomes one that can, and is nobody else's") {
    Setup s;
    s.records = {{"a", note("../../etc/passwd")},
                 {"b", note("etc/passwd.md")},
                 {"c", note(".git/hooks/\x01.md")},
                 {"d", note("///")},
                 {"e", note(std::string(300, 'x') + ".md")},
                 {"f", note("../" + std::string(149, 'x') + "ü/ü.md")}};
    s.on_disk["recovered/d.md"] = true;
    CHECK(s.mend().ok());
    CHECK(s.record("a").path == "etc/passwd-2.md");
    CHECK(s.record("c").path == "git/hooks/md.md");
    CHECK(s.record("d").path == "recovered/d-2.md");
    CHECK(s.record("e").path == std::string(150, 'x') + ".md");
    CHECK(s.record("f").path == std::string(149, 'x') + "/ü.md");  // Never half a letter.
  }

  TEST_CASE("a text that waits for its note gets one, if it says anything") {
    Setup s;
    s.waiting = {"some/where.md", "nothing.md", "../out.md"};
    s.bodies = {"lostid", "emptyid"};
    s.empty = {"nothing.md", "emptyid"};
    const ValidateReport left = s.mend();
    CHECK(s.done.size() == 2);
    CHECK(s.metadata->id_at("some/where.md"));
    CHECK(s.record("lostid").path == "recovered/lostid.md");
    CHECK(left.issues.size() == 3);  // Empty ones, and one that could be no note.
  }

  TEST_CASE("an attachment that was replaced is told of as it is") {
    Setup s;
    s.records["a"] = note("a.md");
    s.records["a"].attachments = {{.path = "p.png", .hash = "01", .size = 1},
                                  {.path = "q.png", .hash = "02", .size = 2}};
    s.on_disk = {{"p.png", true}, {"q.png", true}};
    s.attached = {{"p.png", {"ff", 9}}, {"q.png", {"02", 2}}};
    CHECK(s.mend().ok());
    CHECK(s.record("a").attachments[0].hash == "ff");
    CHECK(s.record("a").attachments[0].size == 9);
    CHECK(s.record("a").attachments[1].size == 2);
  }

  TEST_CASE("a circle is left for a person") {
    Setup s;
    s.records = {{"a", index("a.md", {"b"}, "b")}, {"b", index("b.md", {"a"}, "a")}};
    CHECK_FALSE(s.mend().ok());
    CHECK(s.done.empty());
  }
}
