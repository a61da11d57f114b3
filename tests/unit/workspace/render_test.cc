#include "engine/workspace/render.h"

#include <string>

#include <doctest/doctest.h>

#include "engine/workspace/header.h"
#include "tests/unit/workspace/fake_links.h"
#include "tests/unit/workspace/header_zoo.h"

using namespace diaryx;
using namespace diaryx::workspace;
using codec::Any;
using Texts = std::vector<std::string>;

namespace {

// What an importer makes of a file, and what it becomes again after `edit`.
template <class Edit>
std::string after(const std::string& file, const LinkResolver& links, const Edit& edit,
                  const std::string& path = "dir/file.md") {
  const auto split = split_markdown(file);
  REQUIRE(split);
  FileRecord record = read_fields(split->header, path, links).record;
  record.path = path;
  record.eol = split->eol;
  record.bom = split->bom;
  edit(record);
  return render_file(record, split->body, links);
}

std::string again(const std::string& file, const LinkResolver& links) {
  return after(file, links, [](FileRecord&) {});
}

}  // namespace

TEST_SUITE("workspace/render") {
  TEST_CASE("what was imported and not changed is rendered octet for octet") {
    test::FakeLinks links;
    links.ids = {{"b.md", "idB"}, {"dir/c.md", "idC"}};
    for (const char* file : {"", "no header\n", "---\n---\n", "---\ntitle: 1.10\n---",
                             "\xEF\xBB\xBF---\r\ntitle: A # c\r\n---\r\nx\r\n",
                             "---\ntitle: ~\ncontents:\naudience: family\n---\n",
                             "---\npart_of: ../b.md\ncontents: [c.md, 'c.md', /nowhere.md]\n---\n",
                             "---\nattachments:\n- a.png\n- {path: b.png, size: 0x10}\n---\n",
                             "---\ncontents: [c.md, {x: y}]\n---\n", "---\ntitle: 'x\n---\nbody",
                             "---\n- no map\n---\n", "---\nupdated: 2020-01-01T00:00:00Z\n---\n"}) {
      CAPTURE(file);
      CHECK(again(file, links) == file);
    }
  }

  TEST_CASE("in a zoo of headers, rendering what was imported gives the same octets") {
    SeededRandom random(31);
    test::FakeLinks links;
    links.ids = {{"a.md", "idA"}, {"b/b.md", "idB"}};
    for (int round = 0; round < 4'000; ++round) {
      const std::string header =
          round % 8 == 0 ? test::make_broken_header(random) : test::make_header(random).text();
      const bool ends = header.back() == '\n';
      for (const std::string& body : {std::string(), std::string(ends ? "text\r\nlines\n" : "")}) {
        const std::string file = header + body;
        CAPTURE(file);
        REQUIRE(again(file, links) == file);
      }
    }
  }

  TEST_CASE("in a zoo of headers, another title touches the title's lines only") {
    SeededRandom random(32);
    const test::FakeLinks links;
    for (int round = 0; round < 2'000; ++round) {
      const test::ZooHeader zoo = test::make_header(random);
      const std::string file = zoo.text();
      CAPTURE(file);
      const std::string result = after(file, links, [](FileRecord& record) {
        record.title = "Another: title";
        for (std::size_t i = 0; i < record.extra.size(); ++i) {
          if (record.extra[i].first == "title")
            record.extra.erase(record.extra.begin() + static_cast<std::ptrdiff_t>(i));
        }
      });
      CAPTURE(result);
      const auto split = split_markdown(result);
      REQUIRE(split);
      CHECK(read_fields(split->header, "x.md", links).record.title == "Another: title");
      std::string head = zoo.open + zoo.top;
      std::size_t index = 0;
      while (index < zoo.entries.size() && zoo.entries[index].key != "title") {
        head += zoo.entries[index].lines + zoo.entries[index].after;
        ++index;
      }
      if (index < zoo.entries.size()) {
        std::string tail = zoo.entries[index].lines.find("|+") == std::string::npos
                               ? zoo.entries[index].after
                               : "";
        for (std::size_t i = index + 1; i < zoo.entries.size(); ++i)
          tail += zoo.entries[i].lines + zoo.entries[i].after;
        tail += zoo.close;
        CHECK(result.substr(result.size() - std::min(tail.size(), result.size())) == tail);
      }
      // A moment in `updated` stays: the record's modified_at is what the header said.
      if (head.find("...") == std::string::npos) CHECK(result.substr(0, head.size()) == head);
    }
  }

  TEST_CASE("a record without a header gets one if it has something to say") {
    test::FakeLinks links;
    links.ids = {{"README.md", "idR"}, {"dir/c.md", "idC"}};
    FileRecord record;
    record.path = "dir/new.md";
    CHECK(render_file(record, "body", links) == "body");
    record.title = "New: one";
    record.part_of = "idR";
    record.contents = Texts{"idC"};
    record.audience = Texts{"family"};
    record.extra = {{"z", Any(1)}, {"a", Any(true)}};
    record.attachments = {{"_attachments/x.png", "local", "ff", "image/png", 5, 6, false}};
    record.modified_at = 77;
    CHECK(render_file(record, "body", links) ==
          "---\ntitle: \"New: one\"\npart_of: \"[README](/README.md)\"\ncontents:\n  - "
          "\"[C](/dir/c.md)\"\naudience:\n  - family\n"
          "attachments:\n  - _attachments/x.png\na: true\nz: 1\n---\nbody");
    links.format = LinkFormat::PlainRelative;
    record = FileRecord();
    record.path = "dir/new.md";
    record.part_of = "idR";
    CHECK(render_file(record, "", links) == "---\npart_of: ../README.md\n---\n");
  }

  TEST_CASE("moving a file rewrites the links to it, and keeps their titles and places") {
    test::FakeLinks links;
    links.ids = {{"a.md", "idA"}, {"b.md", "idB"}};
    const std::string file =
        "---\ncontents:\n  - '[First](/a.md)' # one\n  - '[My B](/b.md)' # two\n  - "
        "'[Gone](/gone.md)'\npart_of: \"[Up](/b.md)\"\n---\n";
    FileRecord record = read_fields(split_markdown(file)->header, "f.md", links).record;
    record.path = "f.md";
    links.ids = {{"a.md", "idA"}, {"sub/new b.md", "idB"}};
    CHECK(render_file(record, "", links) ==
          "---\ncontents:\n  - '[First](/a.md)' # one\n  - '[My B](</sub/new b.md>)' # two\n  - "
          "'[Gone](/gone.md)'\n"
          "part_of: \"[Up](</sub/new b.md>)\"\n---\n");
  }

  TEST_CASE("two files that change places change their links") {
    test::FakeLinks links;
    links.ids = {{"a.md", "idA"}, {"b.md", "idB"}};
    const std::string file = "---\ncontents:\n  - \"[A](/a.md)\"\n---\n";
    FileRecord record = read_fields(split_markdown(file)->header, "f.md", links).record;
    links.ids = {{"a.md", "idB"}, {"b.md", "idA"}};
    CHECK(render_file(record, "", links) == "---\ncontents:\n  - \"[B](/b.md)\"\n---\n");
  }

  TEST_CASE("a deleted child stays a broken link in its parent; its id is never shown") {
    test::FakeLinks links;
    links.ids = {{"a.md", "idA"}, {"b.md", "idB"}};
    const std::string file = "---\ncontents: [/a.md, /b.md]\npart_of: /b.md\n---\n";
    FileRecord record = read_fields(split_markdown(file)->header, "f.md", links).record;
    links.ids.erase("b.md");
    links.dead = {"idB", "never-seen"};
    CHECK(render_file(record, "", links) == file);
    record.contents->push_back("never-seen");
    CHECK(render_file(record, "", links) == file);
    record.contents->push_back("idA");  // Another peer added it at once.
    CHECK(render_file(record, "", links) == file);
  }

  TEST_CASE("children are added, removed and reordered by lines") {
    test::FakeLinks links;
    links.ids = {{"a.md", "idA"}, {"b.md", "idB"}, {"c.md", "idC"}};
    const std::string file =
        "---\ncontents:\n- \"[A a](/a.md)\"\n# keep\n- \"[B b](/b.md)\"\nx: 1\n---\n";
    CHECK(after(file, links,
                [](FileRecord& r) {
                  r.contents = Texts{"idA", "idB", "idC"};
                }) ==
          "---\ncontents:\n- \"[A a](/a.md)\"\n# keep\n- \"[B b](/b.md)\"\n- \"[C](/c.md)\"\nx: "
          "1\n---\n");
    CHECK(after(file, links, [](FileRecord& r) { r.contents = Texts{"idB"}; }) ==
          "---\ncontents:\n# keep\n- \"[B b](/b.md)\"\nx: 1\n---\n");
    const std::string turned = after(file, links, [](FileRecord& r) {
      r.contents = Texts{"idB", "idA"};
    });
    CHECK(turned.find("[A a](/a.md)") > turned.find("[B b](/b.md)"));
    CHECK(after(file, links, [](FileRecord& r) { r.contents = Texts{}; }) ==
          "---\ncontents: []\nx: 1\n---\n");
    CHECK(after(file, links, [](FileRecord& r) { r.contents.reset(); }).find("contents") ==
          std::string::npos);
    CHECK(after(file, links, [](FileRecord& r) {
            r.contents = Texts{"idA", "idB", "[Mine](/c.md)"};
          }).find("[Mine](/c.md)") != std::string::npos);
    CHECK(after(file, links, [](FileRecord& r) {
            r.contents = Texts{"idA", "idB", "/c.md"};
          }).find("[C](/c.md)") != std::string::npos);
  }

  TEST_CASE("updated follows other changes of the header, in its own form") {
    const test::FakeLinks links;
    const auto with_title = [](FileRecord& record) {
      record.title = "B";
      record.modified_at = 1773694536123;
    };
    CHECK(after("---\ntitle: A\nupdated: \"2020-01-01T00:00:00.000-06:00\"\n---\n", links,
                with_title) == "---\ntitle: B\nupdated: \"2026-03-16T14:55:36.123-06:00\"\n---\n");
    CHECK(after("---\ntitle: A\nupdated: 5\n---\n", links, with_title) ==
          "---\ntitle: B\nupdated: 1773694536123\n---\n");
    CHECK(after("---\ntitle: A\nupdated: someday\n---\n", links, with_title) ==
          "---\ntitle: B\nupdated: someday\n---\n");
    CHECK(after("---\ntitle: A\n---\n", links, with_title) == "---\ntitle: B\n---\n");
    CHECK(after("---\nupdated: 5\n---\n", links, [](FileRecord& r) { r.modified_at = 9; }) ==
          "---\nupdated: 5\n---\n");
    CHECK(after("---\nupdated: 5\n---\n", links,
                [](FileRecord& r) { r.extra[0].second = Any(7); }) == "---\nupdated: 7\n---\n");
  }

  TEST_CASE("attachments keep their form, and learn nothing that the file does not want to know") {
    const test::FakeLinks links;
    const std::string file = "---\nattachments:\n  - a.png # x\n  - b.png\n---\n";
    CHECK(after(file, links, [](FileRecord& r) { r.attachments[0].hash = "ff"; }) == file);
    CHECK(after(file, links, [](FileRecord& r) { r.attachments.emplace_back().path = "c.png"; }) ==
          "---\nattachments:\n  - a.png # x\n  - b.png\n  - c.png\n---\n");
    CHECK(after(file, links, [](FileRecord& r) { r.attachments[1].deleted = true; }) ==
          "---\nattachments:\n  - a.png # x\n---\n");
    CHECK(after(file, links, [](FileRecord& r) { r.attachments.clear(); }) == "---\n---\n");
    const std::string maps = "---\nattachments:\n  - path: a.png\n    hash: \"\"\n---\n";
    CHECK(after(maps, links, [](FileRecord& r) { r.attachments[0].hash = "ff"; }) ==
          "---\nattachments:\n  - path: a.png\n    hash: ff\n---\n");
  }

  TEST_CASE("fields in a shape of their own give way to a real value, and come back") {
    const test::FakeLinks links;
    const std::string file = "---\ntitle: [a]\nx: 1\n---\n";
    CHECK(after(file, links, [](FileRecord& r) { r.title = "T"; }) == "---\ntitle: T\nx: 1\n---\n");
    CHECK(after("---\ntitle: T\n---\n", links, [](FileRecord& r) {
            r.title.reset();
            r.extra = {{"title", Any(codec::AnyArray{Any("a")})}};
          }) == "---\ntitle:\n  - a\n---\n");
  }

  TEST_CASE("a header that cannot be read is left alone, whatever the record says") {
    const test::FakeLinks links;
    const std::string file = "---\ntitle: 'x\n---\nbody";
    CHECK(after(file, links, [](FileRecord& r) { r.title = "T"; }) == file);
  }

  TEST_CASE("what YAML cannot express does not hold back the rest") {
    const test::FakeLinks links;
    Any deep("x");
    for (int i = 0; i < 100; ++i) deep = Any(codec::AnyArray{deep});
    CHECK(after("---\na: 1\n---\n", links, [&](FileRecord& r) {
            r.title = "T";
            r.extra.emplace_back("deep", deep);
            r.extra.emplace_back("huge", Any(std::string(80'000, 'x')));
            r.extra.emplace_back("z", Any(2));
          }) == "---\na: 1\ntitle: T\nz: 2\n---\n");
  }

  TEST_CASE("what is rendered reads as the same header and body again") {
    const test::FakeLinks links;
    FileRecord record;
    for (const char* body :
         {"---\nx: 1\n---\ntext", "\xEF\xBB\xBFtext", "---\n---", "---\n", "text", ""}) {
      for (const bool titled : {false, true}) {
        record.title = titled ? std::optional<std::string>("T") : std::nullopt;
        const auto split = split_markdown(render_file(record, body, links));
        REQUIRE(split);
        CAPTURE(body);
        CHECK(split->body == body);
        CHECK_FALSE(split->bom);
      }
    }
    CHECK(render_file(FileRecord(), "---\nno header", links) == "---\nno header");
  }

  TEST_CASE("line ends and byte order mark are as the record says") {
    const test::FakeLinks links;
    CHECK(after("\xEF\xBB\xBF---\r\ntitle: A\r\n---\r\nx\r\n", links, [](FileRecord& r) {
            r.title = "B";
          }) == "\xEF\xBB\xBF---\r\ntitle: B\r\n---\r\nx\r\n");
    CHECK(after("---\r\ntitle: A\r\n---\r\nx\n", links, [](FileRecord& r) {
            r.extra.emplace_back("k", Any(1));
          }) == "---\r\ntitle: A\r\nk: 1\r\n---\r\nx\n");
  }
}
