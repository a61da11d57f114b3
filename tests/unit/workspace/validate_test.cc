#include "engine/workspace/validate.h"

#include <string>

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::workspace;
using Texts = std::vector<std::string>;

namespace {

struct World {
  World() { sound(); }
  // A small workspace without any fault.
  void sound() {
    put("root", "README.md", [](FileRecord& r) {
      r.contents = Texts{"a", "b"};
      r.header = "---\ncontents:\n---\n";
    });
    put("a", "a.md", [](FileRecord& r) {
      r.part_of = "root";
      r.attachments.emplace_back().path = "[Picture](/_attachments/p.png)";
    });
    put("b", "b.md", [](FileRecord& r) { r.part_of = "root"; });
    bodies = {"root", "a", "b"};
    disk = {{"README.md", true}, {"a.md", true}, {"b.md", false}, {"_attachments/p.png", true}};
  }
  template <class Edit>
  void put(const std::string& id, const std::string& path, const Edit& edit) {
    FileRecord record;
    record.path = path;
    edit(record);
    MetadataDoc(doc).put(id, record, 0);
  }
  ValidateReport run() {
    const MetadataDoc metadata(doc);
    return validate({metadata, bodies, orphans, disk, unreadable});
  }
  // The one finding there must be.
  Issue only(IssueKind kind) {
    const ValidateReport report = run();
    REQUIRE(report.issues.size() == 1);
    CHECK(report.issues[0].kind == kind);
    CHECK(report.issues[0].message.back() == '.');
    CHECK_FALSE(report.ok());
    return report.issues[0];
  }

  crdt::Doc doc{crdt::DocOptions{1}};
  std::set<std::string> bodies, orphans;
  std::map<std::string, bool> disk;
  std::vector<std::pair<std::string, std::string>> unreadable;
};

bool says(const Issue& issue, std::string_view text) {
  return issue.message.find(text) != std::string::npos;
}

}  // namespace

TEST_SUITE("workspace/validate") {
  TEST_CASE("a sound workspace has no findings") {
    World world;
    const ValidateReport report = world.run();
    for (const Issue& issue : report.issues) MESSAGE(issue.message);
    CHECK(report.ok());
    CHECK(report.files == 3);
    CHECK(report.bodies == 3);
  }

  TEST_CASE("a parent that is deleted, or never was, is told with both names") {
    World world;
    world.put("gone", "gone.md", [](FileRecord& r) { r.deleted = true; });
    world.put("b", "b.md", [](FileRecord& r) { r.part_of = "gone"; });
    Issue issue = world.only(IssueKind::BrokenParentChain);
    CHECK(issue.severity == Severity::Error);
    CHECK(issue.path == "b.md");
    CHECK(issue.key == "b");
    CHECK(says(issue, "\"b.md\""));
    CHECK(says(issue, "\"gone.md\", which is deleted"));
    world.put("b", "b.md", [](FileRecord& r) { r.part_of = "AAAAAAAAAAAAAAAA"; });
    CHECK(
        says(world.only(IssueKind::BrokenParentChain), "\"AAAAAAAAAAAAAAAA\", which is not there"));
    world.put("b", "b.md", [](FileRecord& r) { r.part_of = "[Up](/up.md)"; });
    CHECK(says(world.only(IssueKind::BrokenParentChain), "[Up](/up.md)"));
  }

  TEST_CASE("a child that is not there is told; one that is on disk but not synced is not") {
    World world;
    world.put("b", "b.md", [](FileRecord& r) { r.contents = Texts{"a", "nope.md"}; });
    world.put("b", "b.md", [](FileRecord& r) {
      r.part_of = "root";
      r.contents = Texts{"nope.md"};
    });
    CHECK(says(world.only(IssueKind::MissingChild), "\"nope.md\""));
    world.disk["nope.md"] = true;
    CHECK(world.run().ok());
  }

  TEST_CASE("links and attachments that lead nowhere or out of the workspace are told") {
    World world;
    const auto with_parent = [&](const std::string& link) {
      world.put("b", "b.md", [&](FileRecord& r) { r.part_of = link; });
    };
    with_parent("../up.md");
    CHECK(says(world.only(IssueKind::BrokenLink), "out of the workspace"));
    with_parent("[X](https://example.org/x.md)");
    CHECK(says(world.only(IssueKind::BrokenLink), "out of the workspace"));
    world.sound();
    world.disk.erase("_attachments/p.png");
    const Issue issue = world.only(IssueKind::BrokenLink);
    CHECK(issue.path == "a.md");
    CHECK(issue.severity == Severity::Warning);
    CHECK(says(issue, "p.png"));
    world.put("a", "a.md", [](FileRecord& r) {
      r.part_of = "root";
      r.attachments.emplace_back().path = "../../etc/passwd";
    });
    CHECK(says(world.only(IssueKind::BrokenLink), "out of the workspace"));
    world.put("a", "a.md", [](FileRecord& r) {
      r.part_of = "root";
      r.attachments.emplace_back().path = "https://example.org/p.png";
      r.attachments.emplace_back().path = "later.png";
      r.attachments.back().source = "pending";
    });
    CHECK(world.run().ok());
  }

  TEST_CASE("a body document without a record is told, and one that waits for its record") {
    World world;
    world.bodies.insert("nobody");
    CHECK(world.only(IssueKind::OrphanBodyDoc).key == "nobody");
    world.put("nobody", "n.md", [](FileRecord& r) { r.deleted = true; });
    CHECK(world.run().ok());  // A tombstone keeps its body.
    world.orphans.insert("coming.md");
    CHECK(world.only(IssueKind::OrphanBodyDoc).path == "coming.md");
  }

  TEST_CASE("a file with a body that no document holds is told; an empty one needs none") {
    World world;
    world.bodies = {"root"};
    const Issue issue = world.only(IssueKind::MissingBodyDoc);
    CHECK(issue.path == "a.md");
    CHECK(issue.key == "a");
  }

  TEST_CASE("a circle of parents is told once") {
    World world;
    world.put("x", "x.md", [](FileRecord& r) { r.part_of = "z"; });
    world.put("y", "y.md", [](FileRecord& r) { r.part_of = "x"; });
    world.put("z", "z.md", [](FileRecord& r) { r.part_of = "y"; });
    world.put("w", "w.md", [](FileRecord& r) { r.part_of = "x"; });  // Leads into it.
    const Issue issue = world.only(IssueKind::LinkCycle);
    CHECK(issue.path == "x.md");
    CHECK(says(issue, "\"x.md\" → \"z.md\" → \"y.md\" → \"x.md\""));
    World self;
    self.put("s", "s.md", [](FileRecord& r) { r.part_of = "s"; });
    CHECK(says(self.only(IssueKind::LinkCycle), "\"s.md\" → \"s.md\""));
  }

  TEST_CASE("long circles and long chains are walked, and told in short") {
    World world;
    const int count = 3'000;
    const auto name = [](int i) { return "n" + std::to_string(i); };
    MetadataDoc metadata(world.doc);
    world.doc.transact([&] {
      for (int i = 0; i < count; ++i) {
        FileRecord record;
        record.path = name(i) + ".md";
        record.part_of = name((i + 1) % count);
        metadata.put(name(i), record, 0);
      }
    });
    const Issue issue = world.only(IssueKind::LinkCycle);
    CHECK(issue.message.size() < 200);
    CHECK(says(issue, "…"));
  }

  TEST_CASE("two records for one path are told, with where the second one went") {
    World world;
    world.put("c", "b.md", [](FileRecord&) {});
    const Issue issue = world.only(IssueKind::DuplicatePath);
    CHECK(issue.path == "b (2).md");
    CHECK(issue.key == "c");
    CHECK(says(issue, "\"b\" and \"c\""));
  }

  TEST_CASE("a path that is never written is told with the reason") {
    World world;
    world.put("evil", "../evil.md", [](FileRecord&) {});
    CHECK(says(world.only(IssueKind::InvalidPath), "\"..\" is not allowed"));
    world.put("evil", "evil.txt", [](FileRecord&) {});
    CHECK(says(world.only(IssueKind::InvalidPath), "does not end in .md"));
  }

  TEST_CASE("what cannot be read is told: files, headers, records") {
    World world;
    world.unreadable = {{"bin.md", "not UTF-8 at octet 3"}};
    CHECK(says(world.only(IssueKind::UnreadableFile), "not UTF-8 at octet 3"));
    world.unreadable.clear();
    world.put("b", "b.md", [](FileRecord& r) { r.header = "---\na: 'x\n---\n"; });
    CHECK(says(world.only(IssueKind::UnreadableHeader), "cannot be read: "));
    world.sound();
    world.doc.map("files").set("bad", codec::Any("{"));
    CHECK(world.only(IssueKind::UnreadableRecord).key == "bad");
  }

  TEST_CASE("findings are sorted by path, then kind, and have their names") {
    World world;
    world.put("z", "z.md", [](FileRecord& r) { r.part_of = "AAAAAAAAAAAAAAAA"; });
    world.put("b", "b.md", [](FileRecord& r) {
      r.contents = Texts{"nope.md"};
      r.part_of = "AAAAAAAAAAAAAAAA";
    });
    const ValidateReport report = world.run();
    REQUIRE(report.issues.size() == 3);
    CHECK(report.issues[0].kind == IssueKind::BrokenParentChain);
    CHECK(report.issues[1].kind == IssueKind::MissingChild);
    CHECK(report.issues[2].path == "z.md");
    CHECK(to_string(IssueKind::BrokenParentChain) == "BrokenParentChain");
    CHECK(to_string(IssueKind::MissingBodyDoc) == "MissingBodyDoc");
    CHECK(to_string(IssueKind::BrokenLink) == "BrokenLink");
    CHECK(to_string(IssueKind::UnreadableRecord) == "UnreadableRecord");
    CHECK(to_string(Severity::Warning) == "warning");
    CHECK(to_string(Severity::Error) == "error");
  }
}
