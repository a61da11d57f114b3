#include "engine/workspace/old_records.h"

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

using Entries = std::map<std::string, std::string>;

OldRecords read(const Entries& entries, const std::set<std::string>& on_disk = {}) {
  crdt::Doc doc(crdt::DocOptions{.client_id = 1});
  for (const auto& [key, json] : entries) doc.map("files").set(key, json);
  return read_old_records(doc.map("files"), on_disk);
}

std::string path_of(const OldRecords& records, const std::string& key) {
  const auto it = records.by_key.find(key);
  return it == records.by_key.end() ? "(none)" : it->second.path;
}

}  // namespace

TEST_SUITE("workspace/old_records") {
  TEST_CASE("keys that mean one file are one; the later record counts, then the live one") {
    const OldRecords found =
        read({{"./a.md", R"({"title":"old","modified_at":1})"},
              {"/a.md", R"({"title":"new","modified_at":2})"},
              {"dir\\b.md", R"({"title":"gone","deleted":true,"modified_at":3})"},
              {"dir/b.md", R"({"title":"live","modified_at":3})"}});
    REQUIRE(found.by_key.size() == 2);
    CHECK(found.by_key.at("a.md").title == "new");
    CHECK(found.by_key.at("dir/b.md").title == "live");
    CHECK_FALSE(found.by_key.at("dir/b.md").deleted);
    CHECK(found.left_out.empty());
  }

  TEST_CASE("a chain of ids says where a file is, and the disk where it does not") {
    const Entries entries = {{"root", R"({"filename":"README.md"})"},
                             {"dir", R"({"filename":"work"})"},
                             {"index", R"({"filename":"index.md","part_of":"dir"})"},
                             {"leaf", R"({"filename":"leaf.md","part_of":"index"})"},
                             {"top", R"({"filename":"top.md","part_of":"root"})"},
                             {"ring", R"({"filename":"ring.md","part_of":"ring2"})"},
                             {"ring2", R"({"filename":"ring2.md","part_of":"ring"})"},
                             {"far", R"({"filename":"far.md","part_of":"old/way.md"})"},
                             {"old/way.md", R"({"filename":"way.md"})"},
                             {"lost", R"({"filename":"lost.md","part_of":"nobody"})"}};
    const OldRecords found = read(entries);
    CHECK(path_of(found, "root") == "README.md");
    CHECK(path_of(found, "index") == "work/index.md");
    CHECK(path_of(found, "leaf") == "work/leaf.md");
    CHECK(path_of(found, "top") == "top.md");
    CHECK(path_of(found, "ring") == "ring.md");
    CHECK(path_of(found, "far") == "old/far.md");
    CHECK(path_of(found, "lost") == "lost.md");
    CHECK(path_of(found, "dir") == "(none)");
    REQUIRE(found.left_out.size() == 1);
    CHECK(found.left_out[0].first == "dir");
    const OldRecords placed = read(entries, {"somewhere/top.md", "a/lost.md", "b/lost.md"});
    CHECK(path_of(placed, "top") == "somewhere/top.md");
    CHECK(path_of(placed, "lost") == "lost.md");  // Two have that name.
  }

  TEST_CASE("paths that lead out, or are no note's, are left out with the reason") {
    const OldRecords found = read({{"../up.md", "{}"},
                                   {"a/../../b.md", "{}"},
                                   {".hidden/c.md", "{}"},
                                   {".git/d.md", "{}"},
                                   {"picture/e.png", "{}"},
                                   {"gone/../f.md", R"({"deleted":true})"},
                                   {"g.md", "[1]"},
                                   {"id", R"({"filename":"../x.md"})"}});
    CHECK(found.by_key.empty());
    CHECK(found.left_out.size() == 7);  // One was deleted anyway.
    for (const auto& [key, why] : found.left_out) CHECK_FALSE(why.empty());
  }

  TEST_CASE("links become ids, or links from the root") {
    const std::map<std::string, std::string, std::less<>> ids = {
        {"a.md", "A"}, {"sub/b.md", "B"}, {"key", "K"}};
    const std::map<std::string, std::string, std::less<>> paths = {
        {"a.md", "a.md"}, {"sub/b.md", "sub/b.md"}, {"c.md", "key"}};
    FileRecord record;
    record.path = "sub/x.md";
    record.part_of = "/a.md";
    record.contents = {{"sub/b.md", "[B](b.md)", "./b.md", "key", "[C](/c.md)", "no/where.md",
                        "[N](../n.md)", "plain"}};
    link_old_record(record, ids, paths);
    CHECK(record.part_of == "A");
    CHECK(record.contents == std::vector<std::string>{"B", "B", "B", "K", "K",
                                                      "[Where](/no/where.md)", "[N](../n.md)",
                                                      "plain"});
  }
}
