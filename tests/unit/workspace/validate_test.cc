#include "engine/workspace/validate.h"

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

struct Setup {
  crdt::Doc doc{crdt::DocOptions{.client_id = 7}};
  std::unique_ptr<MetadataDoc> metadata;
  std::set<std::string> bodies, waiting, absent, not_taken_in, not_written;
  std::map<std::string, std::string> damaged;
  std::map<std::string, AttachedFile> attached;
  std::map<std::string, bool> on_disk;  // Beside the files of the live records.
  std::vector<std::pair<std::string, std::string>> unreadable;

  Setup() {
    (void)doc.map("files");  // Declares the root.
    metadata = std::make_unique<MetadataDoc>(doc);
    doc.observe(
        [this](const crdt::TransactionSummary& summary) { (void)metadata->refresh(summary); });
  }
  FileRecord& record(const std::string& id) { return records[id]; }
  ValidateReport run() {
    for (auto& [id, one] : records) metadata->put(id, one, 0);
    std::map<std::string, bool> files = on_disk;
    for (const auto& [id, one] : metadata->records()) {
      const auto path = metadata->path_of(id);
      if (path && !absent.contains(*path)) files.emplace(*path, false);
    }
    return validate({.metadata = *metadata,
                     .body_docs = bodies,
                     .orphan_paths = waiting,
                     .on_disk = files,
                     .unreadable_files = unreadable,
                     .damaged_documents = damaged,
                     .not_taken_in = not_taken_in,
                     .not_written = not_written,
                     .attachments = attached});
  }
  // The only issue; fails the test if there are more or none.
  Issue only() {
    const ValidateReport report = run();
    REQUIRE(report.issues.size() == 1);
    return report.issues.front();
  }
  std::map<std::string, FileRecord> records;
};

FileRecord note(std::string path, std::optional<std::string> parent = {}) {
  FileRecord record;
  record.path = std::move(path);
  record.part_of = std::move(parent);
  return record;
}

FileRecord index(std::string path, std::vector<std::string> contents) {
  FileRecord record = note(std::move(path));
  record.contents = std::move(contents);
  return record;
}

}  // namespace

TEST_SUITE("workspace/validate") {
  TEST_CASE("a sound workspace has no issues") {
    Setup s;
    s.record("root") = index("README.md", {"a", "[web](https://example.org/x.md)"});
    s.record("a") = note("a.md", "root");
    s.record("a").attachments = {{.path = "[p](/_attachments/p.png)"}};
    s.record("a").header = "---\ntitle: A\n---\n";
    s.bodies = {"root", "a"};
    s.on_disk = {{"README.md", true}, {"a.md", true}, {"_attachments/p.png", true}};
    const ValidateReport report = s.run();
    CHECK(report.ok());
    CHECK(report.files == 2);
    CHECK(report.bodies == 2);
  }
  TEST_CASE("a parent that never was or is deleted breaks the chain") {
    Setup s;
    s.record("a") = note("a.md", "[Gone](/gone.md)");
    CHECK(s.only().kind == IssueKind::BrokenParentChain);
    s.record("b") = note("gone.md");
    s.record("b").deleted = true;
    s.record("a").part_of = "b";
    CHECK(s.only().message == "\"a.md\" is part of \"gone.md\", which is deleted");
  }
  TEST_CASE("a listed file that is not there is a missing child; one outside is a broken link") {
    Setup s;
    s.record("root") = index("README.md", {"nowhere.md"});
    CHECK(s.only().kind == IssueKind::MissingChild);
    s.record("root").contents = std::vector<std::string>{"[x](../../outside.md)"};
    const Issue issue = s.only();
    CHECK(issue.kind == IssueKind::BrokenLink);
    CHECK(issue.severity == Severity::Warning);
  }
  TEST_CASE("a text without a file is an orphan, by id or by path") {
    Setup s;
    s.bodies = {"ghost"};
    CHECK(s.only().kind == IssueKind::OrphanBodyDoc);
    s.bodies.clear();
    s.waiting = {"new.md"};
    CHECK(s.only().kind == IssueKind::OrphanBodyDoc);
    CHECK(s.only().path == "new.md");
  }
  TEST_CASE("a file with text and no document for it") {
    Setup s;
    s.record("a") = note("a.md");
    s.on_disk = {{"a.md", true}};
    CHECK(s.only().kind == IssueKind::MissingBodyDoc);
    s.on_disk = {{"a.md", false}};
    CHECK(s.run().ok());
  }
  TEST_CASE("a circle of parents is told once, with its way") {
    Setup s;
    s.record("a") = note("a.md", "b");
    s.record("b") = note("b.md", "c");
    s.record("c") = note("c.md", "b");
    const Issue issue = s.only();
    CHECK(issue.kind == IssueKind::LinkCycle);
    CHECK(issue.message == "\"b.md\" is part of \"c.md\" is part of \"b.md\"");
    s.record("a").part_of = "a";
    CHECK(s.run().issues.size() == 2);
  }
  TEST_CASE("two files on one path, and paths that are none") {
    Setup s;
    s.record("a") = note("a.md");
    s.record("b") = note("a.md");
    CHECK(s.only().kind == IssueKind::DuplicatePath);
    CHECK(s.only().path == "a (2).md");
    s.record("b").path = "../a.md";
    CHECK(s.only().kind == IssueKind::InvalidPath);
  }
  TEST_CASE(
      "an attachment that is not there, a header and a file that cannot be read, a record that is "
      "none") {
    Setup s;
    s.record("a") = note("d/a.md");
    s.record("a").attachments = {{.path = "x.png"}};
    CHECK(s.only().kind == IssueKind::BrokenLink);
    s.on_disk = {{"d/x.png", true}};
    CHECK(s.run().ok());
    s.record("a").header = "---\ntitle: \"open\n---\n";
    CHECK(s.only().kind == IssueKind::UnreadableHeader);
    s.record("a").header.reset();
    s.unreadable = {{"bin.md", "not UTF-8"}};
    CHECK(s.only().kind == IssueKind::UnreadableFile);
    s.unreadable.clear();
    s.doc.map("files").set("junk", 1.0);
    CHECK(s.only().kind == IssueKind::UnreadableRecord);
  }

  TEST_CASE("a file that two others list, or another than its parent") {
    Setup s;
    s.record("root") = index("README.md", {"a", "b"});
    s.record("b") = index("b.md", {"a"});
    s.record("b").part_of = "root";
    s.record("a") = note("a.md", "root");
    const Issue two = s.only();
    CHECK(two.kind == IssueKind::TwoParents);
    CHECK(two.severity == Severity::Warning);
    CHECK(two.message == "\"a.md\" is listed by 2 files: \"b.md\", \"README.md\"");
    s.record("root").contents = std::vector<std::string>{"b"};
    CHECK(s.only().message ==
          "\"a.md\" is part of \"README.md\", but it is \"b.md\" that lists it");
    s.record("a").part_of = "b";
    CHECK(s.run().issues.empty());
  }

  TEST_CASE("names that are one on another disk: case, and how an accent is written") {
    Setup s;
    s.record("a") = note("Notes/Plan.md");
    s.record("b") = note("notes/plan.md");
    const Issue issue = s.only();
    CHECK(issue.kind == IssueKind::CaseCollision);
    CHECK(issue.path == "notes/plan.md");
    s.record("b") = note("e\u0301t\u00e9.md");
    s.record("a") = note("\u00c9T\u00c9.md");
    CHECK(s.only().kind == IssueKind::CaseCollision);
    s.record("a") = note("ete.md");
    CHECK(s.run().issues.empty());
  }

  TEST_CASE("a file that was never written, one that waits, one that was edited meanwhile") {
    Setup s;
    s.record("a") = note("a.md");
    s.absent.insert("a.md");
    const Issue never = s.only();
    CHECK(never.kind == IssueKind::NotMaterialised);
    CHECK(never.severity == Severity::Warning);
    CHECK_FALSE(s.run().ok());
    s.not_written.insert("a.md");
    const Issue waits = s.only();
    CHECK(waits.kind == IssueKind::NotWritten);
    CHECK(waits.severity == Severity::Note);
    CHECK(s.run().ok());
    s.not_written.clear();
    s.absent.clear();
    s.not_taken_in.insert("a.md");
    CHECK(s.only().kind == IssueKind::NotTakenIn);
    CHECK(s.run().ok());
    // Whether it could be read is told already.
    s.not_taken_in.clear();
    s.absent.insert("a.md");
    s.unreadable.emplace_back("a.md", "permission denied");
    CHECK(s.only().kind == IssueKind::UnreadableFile);
  }

  TEST_CASE("an attachment that was changed, and a document that contradicts itself") {
    Setup s;
    s.record("a") = note("a.md");
    s.record("a").attachments = {{.path = "photo.jpg", .hash = "00ff"}};
    s.on_disk["photo.jpg"] = true;
    s.attached["photo.jpg"].hash = "00ff";
    CHECK(s.run().issues.empty());
    s.attached["photo.jpg"].hash = "00fe";
    CHECK(s.only().kind == IssueKind::AttachmentChanged);
    s.attached.clear();
    s.damaged["body/a"] = "an item lies nowhere";
    const Issue damaged = s.only();
    CHECK(damaged.kind == IssueKind::DamagedDocument);
    CHECK(damaged.severity == Severity::Error);
    CHECK(damaged.path == "a.md");
  }
}
