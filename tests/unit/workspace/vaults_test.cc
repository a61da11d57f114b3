// Real files: every Markdown file below the folders named by DIARYX_VAULTS (separated by ":") is
// imported and rendered.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "engine/workspace/header.h"
#include "engine/workspace/header_layout.h"
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

// A change of one key. False: nothing to change.
struct Change {
  std::string key;
  std::function<bool(FileRecord&)> make;
};

void forget(FileRecord& record, const std::string& key) {
  std::erase_if(record.extra, [&](const auto& entry) { return entry.first == key; });
}

std::vector<Change> changes_of(const FileRecord& imported) {
  std::vector<Change> changes;
  const auto field = [&](const std::string& key, std::function<void(FileRecord&)> make) {
    changes.push_back({key, [key, make = std::move(make)](FileRecord& record) {
                         forget(record, key);
                         make(record);
                         return true;
                       }});
  };
  field("title", [](FileRecord& record) { record.title = "Another: title"; });
  field("part_of", [](FileRecord& record) { record.part_of = "idZ"; });
  field("description", [](FileRecord& record) { record.description = "two\nlines"; });
  field("audience", [](FileRecord& record) { record.audience = {{"only the vaults' test"}}; });
  field("contents", [](FileRecord& record) {
    if (!record.contents) record.contents.emplace();
    record.contents->push_back("idZ");
  });
  field("attachments", [](FileRecord& record) {
    record.attachments.push_back({"_attachments/new.png", "local", "", "image/png", 1, 2, false});
  });
  changes.push_back({"a key of ours", [](FileRecord& record) {
                       record.extra.emplace_back("a key of ours", codec::Any("its value"));
                       return true;
                     }});
  for (const auto& [key, value] : imported.extra) {
    changes.push_back({key, [key](FileRecord& record) {
                         for (auto& entry : record.extra)
                           if (entry.first == key) entry.second = codec::Any("changed");
                         return true;
                       }});
    changes.push_back({key, [key](FileRecord& record) {
                         forget(record, key);
                         return true;
                       }});
  }
  return changes;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

// The lines before and behind the entry `key` of the header are the same in both; a key that was
// not there has nothing but the closing fence behind it. Comments directly behind an entry that is
// removed may go with it where they would become part of a text.
bool only_its_lines(const std::string& before, const std::string& after, const std::string& key) {
  const auto fenced = take_apart_header(before);
  if (!fenced) return false;
  const auto layout = lay_out_header(fenced->inner);
  if (!layout) return false;
  const std::vector<std::string> old_lines = lines_of(before);
  const std::vector<std::string> new_lines = lines_of(after);
  std::size_t head = old_lines.size() - 1;  // The closing fence's line; 1 for the opening one.
  std::size_t tail = 1;
  for (const YamlEntry& entry : layout->entries) {
    if (entry.key != key) continue;
    head = 1 + entry.first_line;
    tail = old_lines.size() - (1 + entry.value.last_line + 1);
  }
  if (new_lines.size() < head || new_lines.size() < tail) return false;
  return std::equal(old_lines.begin(), old_lines.begin() + static_cast<std::ptrdiff_t>(head),
                    new_lines.begin()) &&
         std::equal(old_lines.end() - static_cast<std::ptrdiff_t>(tail), old_lines.end(),
                    new_lines.end() - static_cast<std::ptrdiff_t>(tail));
}

}  // namespace

TEST_SUITE("workspace/vaults") {
  TEST_CASE(
      "every file of a real vault is rendered octet for octet, and a change of one entry touches "
      "its lines only") {
    const std::vector<fs::path> files = markdown_files();
    if (files.empty()) {
      MESSAGE("DIARYX_VAULTS names no folder with Markdown in it: skipped");
      return;
    }
    test::FakeLinks links;
    links.ids = {{"z/z.md", "idZ"}};
    int texts = 0;
    int headers = 0;
    int unreadable = 0;
    int changed = 0;
    int refused = 0;
    for (const fs::path& path : files) {
      CAPTURE(path.string());
      std::ifstream in(path, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)),
                              std::istreambuf_iterator<char>());
      const auto split = split_markdown(bytes);
      if (!split) continue;
      ++texts;
      const HeaderFields fields = read_fields(split->header, "a.md", links);
      FileRecord imported = fields.record;
      imported.path = "a.md";
      imported.bom = split->bom;
      imported.eol = split->eol;
      REQUIRE(render_file(imported, split->body, links) == bytes);
      headers += split->header ? 1 : 0;
      unreadable += fields.unreadable ? 1 : 0;
      for (const Change& change : changes_of(imported)) {
        FileRecord record = imported;
        if (!change.make(record)) continue;
        CAPTURE(change.key);
        const std::string text = render_file(record, split->body, links);
        if (text == bytes) {  // A header that cannot be read, or an anchor that would be lost.
          CHECK((fields.unreadable || bytes.find('&') != std::string::npos));
          ++refused;
          continue;
        }
        const auto again = split_markdown(text);
        REQUIRE(again);
        CHECK(again->bom == split->bom);
        CHECK(again->eol == split->eol);
        CHECK(again->body == split->body);
        REQUIRE(again->header);
        if (split->header) CHECK(only_its_lines(*split->header, *again->header, change.key));
        ++changed;
      }
    }
    MESSAGE(texts, " files, ", headers, " with a header, ", unreadable, " of them unreadable; ",
            changed, " changes, ", refused, " refused");
  }
}
