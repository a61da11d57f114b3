// What the documents and the headers say about files and bytes must be there: links resolve, paths
// exist, and every longer example of bytes is also a test.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/hex.h"
#include "tests/tidy/source_tree.h"

namespace diaryx::test {
namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> documents() {
  auto out = source_files({"docs", "engine", "web", "tests", "examples"}, {".md"});
  // The example is a diary with broken links on purpose.
  out.erase(std::remove_if(out.begin(), out.end(),
                           [](const auto& f) { return f.path.rfind("examples/", 0) == 0; }),
            out.end());
  const auto top = source_files({"."}, {".md"});
  for (const SourceFile& file : top) {
    if (file.path.find('/') == std::string::npos) out.push_back(file);
  }
  return out;
}

// Text outside of fenced blocks: what stands inside is an example of something.
std::string prose(const std::string& text) {
  std::string out;
  bool fenced = false;
  for (const std::string& line : lines_of(text)) {
    if (line.rfind("```", 0) == 0) fenced = !fenced;
    out += (fenced ? "" : line) + "\n";
  }
  return out;
}

// Heading → the anchor that readers of Markdown make of it.
std::string anchor_of(const std::string& heading) {
  std::string out;
  for (const char c : heading) {
    if (c == ' ')
      out += '-';
    else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
             (c & 0x80) != 0)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

bool has_anchor(const std::string& text, const std::string& anchor) {
  for (const std::string& line : lines_of(prose(text))) {
    const std::size_t hashes = line.find_first_not_of('#');
    if (hashes == 0 || hashes == std::string::npos || line[hashes] != ' ') continue;
    if (anchor_of(line.substr(hashes + 1)) == anchor) return true;
  }
  return false;
}

std::vector<std::string> broken_links(const SourceFile& file, const std::vector<SourceFile>& all) {
  static const std::regex link(R"(\]\(([^)\s]+)\))");
  std::vector<std::string> out;
  const std::string text = prose(file.text);
  for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it) {
    const std::string target = (*it)[1];
    if (target.find("://") != std::string::npos || target.rfind("mailto:", 0) == 0) continue;
    const std::size_t hash = target.find('#');
    const std::string path = target.substr(0, hash);
    const std::string where =
        path.empty()
            ? file.path
            : (fs::path(file.path).parent_path() / path).lexically_normal().generic_string();
    if (!fs::exists(repository_root() / where) && where != file.path) {
      out.push_back(file.path + ": no such file: " + target);
      continue;
    }
    if (hash == std::string::npos) continue;
    for (const SourceFile& other : all) {
      if (other.path == where && !has_anchor(other.text, target.substr(hash + 1))) {
        out.push_back(file.path + ": no such heading: " + target);
      }
    }
  }
  return out;
}

// `engine/sync/hub.h` in a document: a path of ours in backquotes, from the root or from where the
// document is. Placeholders and patterns are not meant.
std::vector<std::string> missing_paths(const SourceFile& file) {
  static const std::regex path(R"(`((?:engine|web|cli|tests|docs|examples)/[A-Za-z0-9_./-]*)`)");
  std::vector<std::string> out;
  const std::string text = prose(file.text);
  for (std::sregex_iterator it(text.begin(), text.end(), path), end; it != end; ++it) {
    const std::string named = (*it)[1];
    const fs::path beside = repository_root() / fs::path(file.path).parent_path() / named;
    if (!fs::exists(repository_root() / named) && !fs::exists(beside))
      out.push_back(file.path + ": no such file: " + named);
  }
  return out;
}

// `tests/unit/x_test.cc` "a title": that file must have a test of that title. C++ may break it over
// several lines.
std::vector<std::string> missing_tests(const SourceFile& file) {
  static const std::regex named(R"re(`(tests/[A-Za-z0-9_./-]+)` "([^"]+)")re");
  static const std::regex break_in_text(R"re("\s*\n\s*")re");
  std::vector<std::string> out;
  for (std::sregex_iterator it(file.text.begin(), file.text.end(), named), end; it != end; ++it) {
    const std::string path = (*it)[1];
    const std::string title = (*it)[2];
    std::ifstream in(repository_root() / path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string joined = std::regex_replace(text, break_in_text, "");
    if (joined.find(title) == std::string::npos)
      out.push_back(file.path + ": no such test in " + path + ": " + title);
  }
  return out;
}

// Runs of five or more octets and quoted texts: 16 "body:w/a.md" 00 00 01 00.
std::vector<std::string> hex_examples(const std::string& text) {
  static const std::regex run(
      R"re((?:[0-9a-f]{2}|"[^"\n]*")(?: (?:[0-9a-f]{2}|"[^"\n]*")){4,}(?![0-9a-zA-Z]))re");
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), run), end; it != end; ++it) {
    const std::string found = it->str();
    // Five words in quotes are prose.
    if (std::regex_search(found, std::regex("(^| )[0-9a-f]{2}( |$)"))) out.push_back(found);
  }
  return out;
}

std::string octets(const std::string& example) {
  const Buffer bytes = hex(example);
  return std::string(bytes.begin(), bytes.end());
}

// The octets of every string in the tests that is written like an example.
std::set<std::string> tested_octets() {
  std::set<std::string> out;
  for (const SourceFile& file : source_files({"tests/unit", "tests/compat"}, {".cc", ".h"})) {
    const std::string plain = std::regex_replace(file.text, std::regex(R"(\\")"), "\"");
    for (const std::string& example : hex_examples(plain)) out.insert(octets(example));
    // hex("16 … 00"): the outer quotes hide the first and last octet from the search above.
    static const std::regex call(R"re(hex\((?:R"\()?"?([^;]*?)\)?"?\))re");
    for (std::sregex_iterator it(plain.begin(), plain.end(), call), end; it != end; ++it) {
      for (const std::string& example : hex_examples((*it)[1])) out.insert(octets(example));
    }
  }
  return out;
}

bool is_tested(const std::string& example, const std::set<std::string>& tested) {
  const std::string wanted = octets(example);
  return std::any_of(tested.begin(), tested.end(),
                     [&](const std::string& t) { return t.find(wanted) != std::string::npos; });
}

}  // namespace

TEST_SUITE("tidy/docs") {
  TEST_CASE("links in the documents resolve, and the files that they name are there") {
    const auto all = documents();
    REQUIRE(all.size() > 5);
    for (const SourceFile& file : all) {
      for (const std::string& what : broken_links(file, all)) FAIL_CHECK(what);
      for (const std::string& what : missing_paths(file)) FAIL_CHECK(what);
      for (const std::string& what : missing_tests(file)) FAIL_CHECK(what);
    }
  }

  TEST_CASE("every example of bytes in a header or a document is also a test") {
    const auto tested = tested_octets();
    std::size_t examples = 0;
    auto files = source_files({"engine", "web", "docs"}, {".h", ".md"});
    for (const SourceFile& file : files) {
      for (const std::string& example : hex_examples(file.text)) {
        ++examples;
        if (!is_tested(example, tested)) FAIL_CHECK((file.path + ": in no test: " + example));
      }
    }
    CHECK(examples > 0);
  }

  TEST_CASE("a link to nothing, a wrong heading and a path that is gone are found") {
    const SourceFile page{
        "docs/page.md",
        "# One two\n[a](nothing.md) [b](#one-two) [c](#three)\n`engine/nothing.h`\n"};
    const auto broken = broken_links(page, {page});
    REQUIRE(broken.size() == 2);
    CHECK(broken[0] == "docs/page.md: no such file: nothing.md");
    CHECK(broken[1] == "docs/page.md: no such heading: #three");
    CHECK(missing_paths(page) ==
          std::vector<std::string>{"docs/page.md: no such file: engine/nothing.h"});
    const SourceFile claims{"docs/page.md",
                            "`tests/tidy/docs_test.cc` \"an example of bytes is told from prose, "
                            "and missed if no test has "
                            "it\"\n`tests/tidy/sizes_test.cc` \"no such title\"\n"};
    const auto unproved = missing_tests(claims);
    REQUIRE(unproved.size() == 1);
    CHECK(unproved[0] == "docs/page.md: no such test in tests/tidy/sizes_test.cc: no such title");
  }

  TEST_CASE("an example of bytes is told from prose, and missed if no test has it") {
    const auto found = hex_examples(
        "// 16 \"body:w/a.md\" 00 00 01 00 and \"a\" \"b\" \"c\" \"d\" \"e\", ac 02 = 300\n");
    REQUIRE(found.size() == 1);
    CHECK(octets(found[0]) == std::string("\x16"
                                          "body:w/a.md\0\0\x01\0",
                                          16));
    CHECK(is_tested(found[0], {std::string("..\x16"
                                           "body:w/a.md\0\0\x01\0",
                                           18)}));
    CHECK_FALSE(is_tested(found[0], {"something else"}));
  }
}

}  // namespace diaryx::test
