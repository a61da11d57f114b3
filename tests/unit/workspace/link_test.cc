#include "engine/workspace/link.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/path.h"
#include "engine/base/random.h"

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

std::optional<std::string> target(std::string_view text, std::string_view from,
                                  LinkFormat hint = LinkFormat::MarkdownRoot) {
  return canonical_target(parse_link(text), from, hint);
}

}  // namespace

TEST_SUITE("workspace/link") {
  TEST_CASE("all four formats are read") {
    CHECK(target("[B](/a/b.md)", "x/y.md") == "a/b.md");
    CHECK(target("[B](../b.md)", "x/y.md") == "b.md");
    CHECK(target("../b.md", "x/y.md") == "b.md");
    CHECK(target("./b.md", "x/y.md") == "x/b.md");
    CHECK(target("b.md", "x/y.md") == "x/b.md");
    CHECK(target("a/b.md", "x/y.md", LinkFormat::PlainCanonical) == "a/b.md");
    CHECK(target("/a//./b.md", "x/y.md") == "a/b.md");
  }

  TEST_CASE("titles, pointed brackets, round brackets and white space are taken apart") {
    CHECK(parse_link("[My Title](/a.md)").title == "My Title");
    CHECK(parse_link("[](/a.md)").title == "");
    CHECK_FALSE(parse_link("/a.md").title.has_value());
    CHECK(parse_link("  [T](</with space (1).md>)  ").target == "with space (1).md");
    CHECK(parse_link("[T](a(b(c))d.md)").target == "a(b(c))d.md");
    CHECK(parse_link("[T](/a%20b.md)").target == "a%20b.md");
    CHECK(parse_link("[T](/a.md)").base == LinkBase::Root);
    CHECK(parse_link("..").base == LinkBase::Relative);
    CHECK(parse_link("..a.md").base == LinkBase::Ambiguous);
  }

  TEST_CASE("what is no link is a plain path as it stands") {
    for (const char* text :
         {"[[Wiki]]", "[T] (/a.md)", "[T](/a.md", "[T](<a.md)", "[T](<a.md> x)", "[", "[]", "[T"}) {
      CAPTURE(text);
      CHECK(parse_link(text).target == text);
      CHECK_FALSE(parse_link(text).title.has_value());
    }
  }

  TEST_CASE("a link out of the workspace means nothing") {
    for (const char* text : {"../../b.md", "[B](/../b.md)", "https://example.org/a.md",
                             "[B](https://example.org/a.md)", "//host/a.md", "[B](//host/a.md)", "",
                             "..", "/", "a/../.."}) {
      CAPTURE(text);
      CHECK_FALSE(target(text, "x/y.md").has_value());
    }
  }

  TEST_CASE("percent escapes are decoded where they are well-formed") {
    CHECK(decode_percent("a%20b%C3%A9.md") == "a b\xC3\xA9.md");
    CHECK_FALSE(decode_percent("a b.md").has_value());
    CHECK_FALSE(decode_percent("a%2").has_value());
    CHECK_FALSE(decode_percent("a%zz").has_value());
    CHECK_FALSE(decode_percent("a%FF").has_value());
  }

  TEST_CASE("links are written in each format") {
    CHECK(format_link(LinkFormat::MarkdownRoot, "x/y.md", "a/b.md", "B") == "[B](/a/b.md)");
    CHECK(format_link(LinkFormat::MarkdownRelative, "x/y.md", "a/b.md", "B") == "[B](../a/b.md)");
    CHECK(format_link(LinkFormat::PlainRelative, "x/y.md", "x/z.md", "B") == "z.md");
    CHECK(format_link(LinkFormat::PlainCanonical, "x/y.md", "a/b.md", "B") == "a/b.md");
    CHECK(format_link(LinkFormat::MarkdownRoot, "", "a b(1).md", "B") == "[B](</a b(1).md>)");
    CHECK(format_link(LinkFormat::MarkdownRoot, "", "a.md", "[2024]\nnotes") ==
          "[(2024) notes](/a.md)");
    CHECK(format_link(LinkFormat::PlainRelative, "a/b/c.md", "a.md", "") == "../../a.md");
    CHECK(format_link(LinkFormat::PlainRelative, "a/b.md", "a", "") == "../a");
  }

  TEST_CASE("what is written is read back as the same path") {
    const std::vector<std::string> names = {"a",    "b", "c d", "e(1)", "f)",  "(g",
                                            "h<i>", "ä", "j#k", "l&m",  "n'o", "p%20q"};
    SeededRandom random(7);
    const auto path = [&] {
      std::string out;
      for (std::uint64_t n = random.below(4); n > 0; --n)
        out += names[random.below(names.size())] + "/";
      return out + names[random.below(names.size())] + ".md";
    };
    for (int round = 0; round < 5'000; ++round) {
      const std::string from = path();
      const std::string to = path();
      REQUIRE(WorkspacePath::parse(to));
      for (const LinkFormat format : {LinkFormat::MarkdownRoot, LinkFormat::MarkdownRelative,
                                      LinkFormat::PlainRelative, LinkFormat::PlainCanonical}) {
        const std::string text = format_link(format, from, to, "A title");
        CAPTURE(text);
        Link link = parse_link(text);
        const auto raw = canonical_target(link, from, format);
        link.target = decode_percent(link.target).value_or(link.target);
        CHECK((raw == to || canonical_target(link, from, format) == to));
      }
    }
  }

  TEST_CASE("format names are the setting's words") {
    for (const char* name :
         {"markdown_root", "markdown_relative", "plain_relative", "plain_canonical"}) {
      const auto format = parse_link_format(name);
      REQUIRE(format.has_value());
      CHECK(to_string(*format) == name);
    }
    CHECK_FALSE(parse_link_format("wiki").has_value());
  }

  TEST_CASE("titles come from paths and file names from titles") {
    CHECK(path_to_title("utility_index.md") == "Utility Index");
    CHECK(path_to_title("a/README.md") == "README");
    CHECK(path_to_title("2024-03--travel_notes.md") == "2024 03 Travel Notes");
    CHECK(path_to_title("_.md") == "_");
    CHECK(title_to_file_name("Hello World!") == "hello-world.md");
    CHECK(title_to_file_name("Test_File Name") == "test-file-name.md");
    CHECK(title_to_file_name("  Über — Öl 2024 ") == "über-öl-2024.md");
    CHECK(title_to_file_name("Дневник 日記") == "дневник-日記.md");
    CHECK(title_to_file_name("../../etc") == "etc.md");
    CHECK(title_to_file_name("!?") == "untitled.md");
    CHECK(title_to_file_name("") == "untitled.md");
    CHECK(WorkspacePath::parse(title_to_file_name(std::string(1000, 'x'))));
  }
}
