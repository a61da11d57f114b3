#include "engine/workspace/markdown_file.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

MarkdownFile split(std::string_view bytes) {
  auto file = split_markdown(bytes);
  REQUIRE(file);
  return std::move(*file);
}

}  // namespace

TEST_SUITE("workspace/markdown_file") {
  TEST_CASE("a header is what stands between two fences, both included") {
    const MarkdownFile file = split("---\ntitle: A\n---\n\n# A\n");
    CHECK(file.header == "---\ntitle: A\n---\n");
    CHECK(file.body == "\n# A\n");
    CHECK_FALSE(file.bom);
    CHECK(file.eol == Eol::Lf);
  }

  TEST_CASE("the odd headers count as headers") {
    CHECK(split("---\n---\nbody").header == "---\n---\n");
    CHECK(split("---\na: 1\n---").header == "---\na: 1\n---");
    CHECK(split("---\na: 1\n---").body.empty());
    CHECK(split("--- \t\na: 1\n---  \nbody").header == "--- \t\na: 1\n---  \n");
    CHECK(split("---\n\n---\nb\n---\nc").body == "b\n---\nc");
    CHECK(split("---\na: 1\r\n---\r\nbody\n").header == "---\na: 1\r\n---\r\n");
  }

  TEST_CASE("what only looks like a header belongs to the body") {
    for (const char* text : {"", "---", "---\n", "---\na: 1\n", "---\na: 1\n----\n",
                             "--- x\na: 1\n---\n", "\n---\na: 1\n---\n", " ---\na: 1\n---\n",
                             "----\na: 1\n---\n", "---\n ---\n", "---\n--- #\n"}) {
      CAPTURE(text);
      CHECK_FALSE(split(text).header.has_value());
      CHECK(split(text).body == text);
    }
  }

  TEST_CASE("CRLF throughout becomes LF and a flag; mixed line ends stay in the text") {
    const MarkdownFile crlf = split("---\r\na: 1\r\n---\r\nbody\r\n");
    CHECK(crlf.eol == Eol::Crlf);
    CHECK(crlf.header == "---\na: 1\n---\n");
    CHECK(crlf.body == "body\n");
    for (const char* text :
         {"a\r\nb\n", "a\nb\r\n", "a\rb\r\n", "a\r\r\n", "a\r\n\r", "a\r", "no break"}) {
      CAPTURE(text);
      CHECK(split(text).eol == Eol::Lf);
      CHECK(split(text).body == text);
    }
  }

  TEST_CASE("a byte order mark is a flag, and only the first one") {
    const MarkdownFile file = split("\xEF\xBB\xBF---\na: 1\n---\nb");
    CHECK(file.bom);
    CHECK(file.header == "---\na: 1\n---\n");
    CHECK(split("\xEF\xBB\xBF\xEF\xBB\xBFx").body == "\xEF\xBB\xBFx");
  }

  TEST_CASE("bytes that are no text are refused with the offset") {
    struct Case {
      std::string bytes;
      std::string offset;
    };
    for (const Case& c :
         {Case{"ab\xFFz", "octet 2"}, Case{std::string(5000, 'x') + "\xC3", "octet 5000"},
          Case{"\xE9t\xE9", "octet 0"}, Case{"é\xED\xA0\x80", "octet 2"},
          Case{std::string("a\0b", 3), "octet 1"}}) {
      const auto file = split_markdown(c.bytes);
      REQUIRE_FALSE(file);
      CHECK(file.error().code == ErrorCode::Malformed);
      CHECK_MESSAGE(file.error().message.find(c.offset) != std::string::npos, file.error().message);
    }
  }

  TEST_CASE("joining what was split gives the same octets") {
    const std::vector<std::string> parts = {
        "---", "\n",  "\r\n", "\r", "a: 1",         " ",     "\t",     "é", "😀",
        "-",   "...", "x",    "#",  "\xEF\xBB\xBF", "---\n", "---\r\n"};
    SeededRandom random(1);
    for (int round = 0; round < 20'000; ++round) {
      std::string text = random.below(3) == 0 ? "---\n" : "";
      for (std::uint64_t n = random.below(12); n > 0; --n)
        text += parts[random.below(parts.size())];
      if (random.below(3) == 0) {
        std::string crlf;
        for (const char c : text) {
          if (c == '\n') crlf += '\r';
          if (c != '\r') crlf += c;
        }
        text = crlf;
      }
      CAPTURE(text);
      REQUIRE(join_markdown(split(text)) == text);
    }
  }

  TEST_CASE("a text is a header if splitting finds all of it in front of a body") {
    const std::vector<std::string> parts = {"---",  "\n",    "\r\n",         "\r",
                                            "a: 1", " ",     "\xEF\xBB\xBF", std::string(1, '\0'),
                                            "\xFF", "---\n", "---\r\n",      "\n---"};
    SeededRandom random(2);
    int headers = 0;
    for (int round = 0; round < 100'000; ++round) {
      std::string text = random.below(4) > 0 ? "---\n" : "";
      for (std::uint64_t n = random.below(7); n > 0; --n)
        text += parts[random.below(random.below(3) == 0 ? parts.size() : 5)];
      if (random.below(2) == 0) text += "---";
      const auto whole = split_markdown(text + "\n");
      const bool expected = !text.empty() && whole && !whole->bom &&
                            whole->header == (text.back() == '\n' ? text : text + "\n");
      CAPTURE(text);
      REQUIRE(is_header(text) == expected);
      headers += expected ? 1 : 0;
    }
    CHECK(headers > 1'000);
  }

  TEST_CASE("a body that comes to a file which ended at its fence starts on a line of its own") {
    MarkdownFile file = split("---\na: 1\n---");
    file.body = "text";
    CHECK(join_markdown(file) == "---\na: 1\n---\ntext");
  }

  TEST_CASE("CRLF typed into a CRLF file does not double its CR") {
    MarkdownFile file = split("a\r\n");
    file.body += "b\r\nc\n";
    CHECK(join_markdown(file) == "a\r\nb\r\nc\r\n");
  }
}
