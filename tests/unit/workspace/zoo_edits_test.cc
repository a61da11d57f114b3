// The zoo of headers, all of it, against every kind of change that a record can bring: only the
// lines of the entry that changed are different, and it says afterwards what the record says.
#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/workspace/header.h"
#include "engine/workspace/header_fields.h"
#include "engine/workspace/markdown_file.h"
#include "engine/workspace/render.h"
#include "tests/unit/workspace/fake_links.h"
#include "tests/unit/workspace/header_zoo.h"

using namespace diaryx;
using namespace diaryx::workspace;
using codec::Any;

namespace {

constexpr std::size_t kHeaders = 2'500;  // Different ones.

struct Edit {
  std::string key;                          // Whose lines may change.
  std::function<bool(FileRecord&)> change;  // False: nothing to change here.
  bool of_extra = false;                    // Of a value that `extra` holds.
  bool adds_item = false;                   // To a list: no line may go.
};

void forget_extra(FileRecord& record, const std::string& key) {
  std::erase_if(record.extra, [&](const auto& entry) { return entry.first == key; });
}

std::vector<Edit> edits_of(const FileRecord& imported) {
  std::vector<Edit> edits;
  const auto field = [&](const std::string& key, std::function<bool(FileRecord&)> change) {
    edits.push_back({key, [key, change = std::move(change)](FileRecord& record) {
                       forget_extra(record, key);
                       return change(record);
                     }});
  };
  field("title", [](FileRecord& record) {
    record.title = "Another: title # really";
    return true;
  });
  field("part_of", [](FileRecord& record) {
    record.part_of = "idZ";
    return true;
  });
  field("part_of", [](FileRecord& record) {
    const bool had = record.part_of.has_value();
    record.part_of.reset();
    return had;
  });
  field("contents", [](FileRecord& record) {
    if (!record.contents) record.contents.emplace();
    record.contents->push_back("idZ");
    return true;
  });
  edits.back().adds_item = imported.contents && !imported.contents->empty();
  field("contents", [](FileRecord& record) {
    if (!record.contents) return false;
    record.contents->insert(record.contents->begin(), "idZ");
    return true;
  });
  edits.back().adds_item = imported.contents && !imported.contents->empty();
  field("contents", [](FileRecord& record) {
    if (!record.contents || record.contents->empty()) return false;
    record.contents->erase(record.contents->begin());
    return true;
  });
  field("contents", [](FileRecord& record) {
    if (!record.contents || record.contents->empty()) return false;
    record.contents->back() = "idZ";
    return true;
  });
  field("audience", [](FileRecord& record) {
    record.audience = {{"family", "yes"}};
    return true;
  });
  field("description", [](FileRecord& record) {
    record.description = "two\nlines: # of it";
    return true;
  });
  field("attachments", [](FileRecord& record) {
    record.attachments.push_back({"_attachments/new.png", "local", "", "image/png", 1, 2, false});
    return true;
  });
  field("attachments", [](FileRecord& record) {
    if (record.attachments.empty()) return false;
    record.attachments.erase(record.attachments.begin());
    return true;
  });
  edits.push_back({"a new key", [](FileRecord& record) {
                     record.extra.emplace_back("a new key", Any("its value"));
                     return true;
                   }});
  for (const auto& [key, value] : imported.extra) {
    edits.push_back({key,
                     [key](FileRecord& record) {
                       for (auto& entry : record.extra)
                         if (entry.first == key) entry.second = Any("changed");
                       return true;
                     },
                     true});
    edits.push_back({key,
                     [key](FileRecord& record) {
                       forget_extra(record, key);
                       return true;
                     },
                     true});
  }
  return edits;
}

// What stands before and behind the entry.
struct Around {
  std::string head, tail;
};
Around around(const test::ZooHeader& zoo, const std::string& key) {
  Around out{zoo.open + zoo.top, ""};
  bool behind = false;
  for (const test::ZooEntry& entry : zoo.entries) {
    const bool is_it = entry.key == key;
    if (!is_it) (behind ? out.tail : out.head) += entry.lines;
    behind = behind || is_it;
    (behind ? out.tail : out.head) += entry.after;
  }
  out.tail += zoo.close;
  return out;
}

// Lines of `before` that are not in `after` any more, as often as they were.
std::size_t lines_lost(const std::string& before, const std::string& after) {
  std::multiset<std::string> left;
  const auto each = [](const std::string& text, const auto& visit) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
      visit(text.substr(at, end - at));
      at = end;
    }
  };
  each(after, [&](const std::string& line) { left.insert(line); });
  std::size_t lost = 0;
  each(before, [&](const std::string& line) {
    const auto it = left.find(line);
    if (it == left.end()) {
      ++lost;
    } else {
      left.erase(it);
    }
  });
  return lost;
}

bool ends_with(const std::string& text, const std::string& tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

// Whether the comments and blank lines behind the entry may go with it: they would become part of a
// text in a block above them, or the last entry goes and "..." with it.
bool may_lose_comments(const test::ZooHeader& zoo, const std::string& key, bool removed) {
  for (std::size_t i = 0; i < zoo.entries.size(); ++i) {
    if (zoo.entries[i].key != key) continue;
    const std::string& own = zoo.entries[i].lines;
    if (own.find("|+") != std::string::npos) return true;
    if (!removed) return false;
    if (zoo.entries.size() == 1) return true;
    const std::string above = i == 0 ? std::string() : zoo.entries[i - 1].lines;
    return above.find(": |") != std::string::npos || above.find(": >") != std::string::npos ||
           above.find("- |") != std::string::npos;
  }
  return false;
}

bool is_block_list(const test::ZooHeader& zoo, const std::string& key) {
  for (const test::ZooEntry& entry : zoo.entries) {
    if (entry.key != key) continue;
    const std::size_t line = entry.lines.find_first_not_of(" \r\n", entry.lines.find('\n'));
    return line != std::string::npos && entry.lines[line] == '-';
  }
  return false;
}

}  // namespace

TEST_SUITE("workspace/zoo_edits") {
  TEST_CASE(
      "every header of the zoo: rendered as it was, and each change touches its own lines only") {
    SeededRandom random(20'25);
    test::FakeLinks links;
    links.ids = {{"a.md", "idA"}, {"b/b.md", "idB"}, {"z/z.md", "idZ"}};
    std::set<std::string> seen;
    std::size_t made = 0;
    std::size_t left_out = 0;
    while (seen.size() < kHeaders) {
      const test::ZooHeader zoo = test::make_header(random);
      if (!seen.insert(zoo.text()).second) continue;
      const bool ends = zoo.close.back() == '\n';
      // With and without line ends of one kind in all of the file.
      const bool crlf = zoo.open.find('\r') != std::string::npos && random.below(4) != 0;
      const std::string body = !ends ? "" : crlf ? "text\r\n---\r\nmore\r\n" : "text\n---\nmore\n";
      for (const bool bom : {false, true}) {
        const std::string file = (bom ? "\xEF\xBB\xBF" : "") + zoo.text() + body;
        CAPTURE(file);
        const auto split = split_markdown(file);
        REQUIRE(split);
        REQUIRE(split->header);
        const HeaderFields fields = read_fields(split->header, "x.md", links);
        REQUIRE_FALSE(fields.unreadable);
        FileRecord imported = fields.record;
        imported.path = "x.md";
        imported.bom = split->bom;
        imported.eol = split->eol;
        REQUIRE(render_file(imported, split->body, links) == file);
        if (bom) continue;
        for (const Edit& edit : edits_of(imported)) {
          FileRecord record = imported;
          if (!edit.change(record)) continue;
          CAPTURE(edit.key);
          const std::string text = render_file(record, split->body, links);
          CAPTURE(text);
          if (text == file) {  // Only where YAML cannot say it: an anchor would be lost.
            CHECK(file.find('&') != std::string::npos);
            ++left_out;
            continue;
          }
          ++made;
          REQUIRE(ends_with(text, body));
          const std::string header = text.substr(0, text.size() - body.size());
          const Around rest = around(zoo, edit.key);
          CHECK(header.substr(0, rest.head.size()) == rest.head);
          const auto entries_now = read_header(header);
          REQUIRE(entries_now);
          const bool removed = std::none_of(entries_now->begin(), entries_now->end(),
                                            [&](const auto& e) { return e.first == edit.key; });
          if (!may_lose_comments(zoo, edit.key, removed)) CHECK(ends_with(header, rest.tail));
          if (edit.adds_item && is_block_list(zoo, edit.key)) CHECK(lines_lost(file, text) == 0);
          // It says what the record says, and everything else says what it did.
          const auto again = split_markdown(text);
          REQUIRE(again);
          const HeaderFields now = read_fields(again->header, "x.md", links);
          REQUIRE_FALSE(now.unreadable);
          // A field's odd value that becomes a text is a field from then on.
          const auto& fields_of_records = kFieldKeys;
          if (std::find(std::begin(fields_of_records), std::end(fields_of_records), edit.key) !=
                  std::end(fields_of_records) &&
              edit.of_extra)
            continue;
          CHECK(now.record.title == record.title);
          CHECK(now.record.part_of == record.part_of);
          CHECK(now.record.contents == record.contents);
          CHECK(now.record.audience == record.audience);
          CHECK(now.record.description == record.description);
          CHECK(now.record.extra.size() == record.extra.size());
          CHECK(now.record.attachments.size() == record.attachments.size());
        }
      }
    }
    CHECK(seen.size() >= kHeaders);
    MESSAGE(seen.size(), " headers, ", made, " changes, ", left_out, " left out");
  }
}
