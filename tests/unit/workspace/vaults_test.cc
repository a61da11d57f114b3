// Real files: every Markdown file below the folders named by DIARYX_VAULTS (separated by ":") is
// imported and rendered.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/workspace/header.h"
#include "engine/workspace/render.h"
#include "tests/unit/workspace/fake_links.h"

using namespace diaryx;
using namespace diaryx::workspace;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> markdown_files() {
  std::vector<fs::path> files;
  const char* folders = std::getenv("DIARYX_VAULTS");
  std::string rest = folders == nullptr ? "" : folders;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    std::error_code error;
    fs::recursive_directory_iterator walk(rest.substr(0, colon),
                                          fs::directory_options::skip_permission_denied, error);
    for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
      if (walk->path().extension() == ".md" && walk->is_regular_file(error))
        files.push_back(walk->path());
    }
    rest.erase(0, colon + 1);
  }
  return files;
}

}  // namespace

TEST_SUITE("workspace/vaults") {
  TEST_CASE(
      "every file of a real vault is rendered octet for octet, and a new title touches nothing but "
      "the title") {
    const test::FakeLinks links;
    int texts = 0;
    int headers = 0;
    int unreadable = 0;
    for (const fs::path& path : markdown_files()) {
      CAPTURE(path.string());
      std::ifstream in(path, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)),
                              std::istreambuf_iterator<char>());
      const auto split = split_markdown(bytes);
      if (!split) continue;
      ++texts;
      const HeaderFields fields = read_fields(split->header, "a.md", links);
      FileRecord record = fields.record;
      record.bom = split->bom;
      record.eol = split->eol;
      REQUIRE(render_file(record, split->body, links) == bytes);
      headers += split->header ? 1 : 0;
      unreadable += fields.unreadable ? 1 : 0;
      if (!split->header || fields.unreadable) continue;
      const auto entries = read_header(*split->header);
      REQUIRE(entries);
      record.title = "Another: title";
      const auto again = split_markdown(render_file(record, split->body, links));
      REQUIRE(again);
      CHECK(again->body == split->body);
      const auto changed = read_header(again->header.value_or(""));
      REQUIRE(changed);
      std::size_t at = 0;
      for (const auto& [key, value] : *changed) {
        if (key == "title") {
          CHECK(value == codec::Any("Another: title"));
          at += at < entries->size() && (*entries)[at].first == key ? 1 : 0;
          continue;
        }
        REQUIRE(at < entries->size());
        CHECK((*entries)[at].first == key);
        CHECK((*entries)[at].second == value);
        ++at;
      }
      CHECK(at == entries->size());
    }
    MESSAGE(texts, " files, ", headers, " with a header, ", unreadable, " of them unreadable");
  }
}
