#include "engine/workspace/header.h"

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/codec/json_text.h"
#include "engine/workspace/header_layout.h"
#include "engine/workspace/yaml_scalar.h"
#include "tests/unit/workspace/header_zoo.h"

using namespace diaryx;
using namespace diaryx::workspace;
using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

namespace {

AnyObject read(const std::string& inner) {
  auto entries = read_header("---\n" + inner + "---\n");
  REQUIRE_MESSAGE(entries, (entries ? "" : entries.error().message));
  return std::move(*entries);
}

Any value_of(const std::string& text) {
  const AnyObject entries = read("k: " + text + "\n");
  REQUIRE(entries.size() == 1);
  return entries[0].second;
}

std::string json(const AnyObject& entries) {
  return codec::to_js_json(Any(entries));
}

std::string edited(const std::string& inner, const std::string& key, std::optional<Any> value) {
  const auto header = edit_header("---\n" + inner + "---\n", {{key, std::move(value)}});
  REQUIRE_MESSAGE(header, (header ? "" : header.error().message));
  REQUIRE(header->has_value());
  REQUIRE((*header)->size() >= 8);
  return (*header)->substr(4, (*header)->size() - 8);
}

Any list(std::vector<const char*> items) {
  AnyArray out;
  for (const char* item : items) out.emplace_back(item);
  return Any(std::move(out));
}

// Values that a peer may write, mild and wild.
Any random_value(SeededRandom& random, int depth = 0) {
  static const std::vector<std::string> kTexts = {"plain",
                                                  "",
                                                  " led by a space",
                                                  "trailing ",
                                                  "a: b",
                                                  "a #b",
                                                  "#x",
                                                  "- x",
                                                  "yes",
                                                  "No",
                                                  "null",
                                                  "~",
                                                  "1.10",
                                                  "2024-01-01",
                                                  "12:30",
                                                  "0x1F",
                                                  "[x](/y.md)",
                                                  "\"quoted\"",
                                                  "it's",
                                                  "back\\slash",
                                                  "tab\there",
                                                  "two\nlines",
                                                  "two\nlines\n",
                                                  "\n",
                                                  "a\n\nb\n\n\n",
                                                  " x\ny",
                                                  "---",
                                                  "---\n---\n",
                                                  "...",
                                                  "\xC3\xBC",
                                                  "\xF0\x9F\x98\x80",
                                                  "\xC2\x85nel",
                                                  "\xE2\x80\xA8ls",
                                                  "\x01",
                                                  "*alias",
                                                  "&anchor",
                                                  "!tag",
                                                  "%x",
                                                  "@x",
                                                  "`x`",
                                                  "{a}",
                                                  "key:",
                                                  "a\r\nb",
                                                  "   ",
                                                  "x\n   \ny",
                                                  "\xEF\xBB\xBF"
                                                  "bom",
                                                  "|",
                                                  ">",
                                                  "?",
                                                  "? x",
                                                  "=",
                                                  "<<",
                                                  ".5",
                                                  ".",
                                                  "a, b"};
  switch (random.below(depth > 2 ? 7 : 10)) {
    case 0:
      return Any(codec::Null{});
    case 1:
      return Any(random.below(2) == 0);
    case 2:
      return Any(static_cast<double>(random.below(1'000'000)) / 8 - 1000);
    case 7:
    case 8: {
      AnyArray items;
      for (std::uint64_t n = random.below(4); n > 0; --n)
        items.push_back(random_value(random, depth + 1));
      return Any(std::move(items));
    }
    case 9: {
      AnyObject members;
      for (std::uint64_t n = random.below(4); n > 0; --n) {
        const std::string key = kTexts[static_cast<std::size_t>(random.below(kTexts.size()))];
        const Any probe{AnyObject(members)};
        if (probe.find(key) == nullptr) members.emplace_back(key, random_value(random, depth + 1));
      }
      return Any(std::move(members));
    }
    default:
      return Any(kTexts[static_cast<std::size_t>(random.below(kTexts.size()))]);
  }
}

}  // namespace

TEST_SUITE("workspace/header") {
  TEST_CASE("scalars follow YAML 1.2's core schema") {
    CHECK(value_of("yes") == Any("yes"));
    CHECK(value_of("off") == Any("off"));
    CHECK(value_of("1.10") == Any(1.1));
    CHECK(value_of("\"1.10\"") == Any("1.10"));
    CHECK(value_of("~") == Any(codec::Null{}));
    CHECK(value_of("") == Any(codec::Null{}));
    CHECK(value_of("Null") == Any(codec::Null{}));
    CHECK(value_of("nULL") == Any("nULL"));
    CHECK(value_of("True") == Any(true));
    CHECK(value_of("tRue") == Any("tRue"));
    CHECK(value_of("0x1F") == Any(31));
    CHECK(value_of("0o17") == Any(15));
    CHECK(value_of("017") == Any(17));
    CHECK(value_of("+12") == Any(12));
    CHECK(value_of("1e3") == Any(1000));
    CHECK(value_of(".5") == Any(0.5));
    CHECK(value_of("-.inf") == Any(-INFINITY));
    CHECK(value_of("1_000") == Any("1_000"));
    CHECK(value_of("12:30:45") == Any("12:30:45"));
    CHECK(value_of("2024-01-01") == Any("2024-01-01"));
    CHECK(value_of("9007199254740991") == Any(9007199254740991.0));
    CHECK(value_of("12345678901234567890") == Any("12345678901234567890"));
    CHECK(value_of("1e999") == Any("1e999"));
    CHECK(value_of("!!str 5") == Any("5"));
    CHECK(value_of("!!int \"5\"") == Any(5));
    CHECK(value_of("*name") == Any("*name"));
  }

  TEST_CASE("entries come in file order, nested values as they are") {
    CHECK(json(read("b: 1\na: [x, {y: ~}]\nc:\n  - d\n  - e: |\n      f\n      g\n")) ==
          R"({"b":1,"a":["x",{"y":null}],"c":["d",{"e":"f\ng\n"}]})");
    CHECK(read("").empty());
    CHECK(read("\n# nothing\n").empty());
    CHECK(read("# nothing\n").empty());
    CHECK(json(read("1: a\nnull: b\n\xC3\xBC: c\n\"q k\": d\n")) ==
          "{\"1\":\"a\",\"null\":\"b\",\"\xC3\xBC\":\"c\",\"q k\":\"d\"}");
    CHECK(json(read("a: {[x]: 1, ? y : 2, x: 1, x: 2}\n")) == R"({"a":{"[\"x\"]":1,"y":2,"x":2}})");
  }

  TEST_CASE("what cannot be read says where and why") {
    struct Case {
      const char* inner;
      const char* place;
    };
    for (const Case& c :
         {Case{"a: 1\na: 2\n", "3:1: the key \"a\" is given twice"},
          Case{"a: \"x\nb: 1\n", "4:1: "}, Case{"ok: 1\nb: @x\n", "3:4: "},
          Case{"- a\n", "2:1: not a list of keys"}, Case{"{a: 1}\n", "2:1: written as {"},
          Case{"a: 1\n--- x\n", "3:1: more than one document"},
          Case{"ok: 1\n\xC3\xBC\x01: 1\n", "3:2: control"}, Case{"? a\n: b\n", "2:3: "},
          Case{"a: b\n  c: d\n", "3:4: "}}) {
      CAPTURE(c.inner);
      const auto entries = read_header(std::string("---\n") + c.inner + "---\n");
      REQUIRE_FALSE(entries);
      CHECK(entries.error().code == ErrorCode::Malformed);
      CHECK_MESSAGE(entries.error().message.substr(0, std::string(c.place).size()) == c.place,
                    entries.error().message);
      CHECK_FALSE(edit_header(std::string("---\n") + c.inner + "---\n", {{"z", Any(1)}}));
    }
  }

  TEST_CASE("size and depth have limits") {
    const auto big = read_header("---\na: " + std::string(70'000, 'x') + "\n---\n");
    REQUIRE_FALSE(big);
    CHECK(big.error().code == ErrorCode::LimitExceeded);
    const auto deep =
        read_header("---\na: " + std::string(65, '[') + std::string(65, ']') + "\n---\n");
    REQUIRE_FALSE(deep);
    CHECK(deep.error().code == ErrorCode::LimitExceeded);
    CHECK(read_header("---\na: " + std::string(60, '[') + std::string(60, ']') + "\n---\n"));
    CHECK_FALSE(read_header("---\na: " + std::string(60'000, '[') + "\n---\n"));
  }

  TEST_CASE("no bytes can do harm") {
    SeededRandom random(9);
    const std::string alphabet = "ab:- \n\"'[]{}#&*!|>%@`?,~0.\t\r\\<=\xC3\xBC\xC2\x85";
    for (int round = 0; round < 20'000; ++round) {
      const std::string inner = random.text(static_cast<std::size_t>(random.below(40)), alphabet);
      const auto header = "---\n" + inner + "\n---\n";
      (void)read_header(header);  // Only that it returns: the bytes need not even be UTF-8.
      const auto out = edit_header(header, {{"a", Any("new")}, {"b", std::nullopt}});
      if (out) CHECK(read_header(**out));
    }
  }

  TEST_CASE("one value changes in its place: blanks, quotes, comments and anchors stay") {
    CHECK(edited("a:   old   # why\nb: 1\n", "a", Any("new")) == "a:   new   # why\nb: 1\n");
    CHECK(edited("a: 'old'\n", "a", Any("it's")) == "a: 'it''s'\n");
    CHECK(edited("a: \"old\"\n", "a", Any("new")) == "a: \"new\"\n");
    CHECK(edited("a: old\n", "a", Any("yes")) == "a: \"yes\"\n");
    CHECK(edited("a:\nb: 1\n", "a", Any("x")) == "a: x\nb: 1\n");
    CHECK(edited("a: # why\n", "a", Any(true)) == "a: true # why\n");
    CHECK(edited("a: &x old\nb: *x\n", "a", Any("new")) == "a: &x new\nb: *x\n");
    CHECK(edited("\"a\" : [x, y] # f\n", "a", list({"x", "z"})) == "\"a\" : [x, z] # f\n");
    CHECK(edited("a: 1\n", "a", Any(codec::Null{})) == "a: null\n");
    CHECK(edited("\xC3\xBC: \xC3\xA4 # \xC3\xB6\n", "\xC3\xBC", Any("x")) ==
          "\xC3\xBC: x # \xC3\xB6\n");
    CHECK(edited("a: one\n  two\nb: 1\n", "a", Any("x")) == "a: x\nb: 1\n");
    CHECK(edited("a: |\n  text\n\n# c\nb: 1\n", "a", Any("x")) == "a: x\n\n# c\nb: 1\n");
    CHECK(edited("a: |\n  # text\nb: 1\n", "a", Any("x\ny")) == "a: |-\n  x\n  y\nb: 1\n");
    CHECK(edited("a: 1\n", "a", Any(1)) == "a: 1\n");
    CHECK(edited("a: 0x1\n", "a", Any(1)) == "a: 0x1\n");
  }

  TEST_CASE("lists in block style lose and gain item lines only") {
    const std::string inner =
        "contents:\n    - \"[A](/a.md)\" # first\n    # between\n    - '[B](/b.md)'\n\nz: 1\n";
    CHECK(edited(inner, "contents", list({"[A](/a.md)", "[B](/b.md)", "[C](/c.md)"})) ==
          "contents:\n    - \"[A](/a.md)\" # first\n    # between\n    - '[B](/b.md)'\n    - "
          "'[C](/c.md)'\n\nz: 1\n");
    CHECK(edited(inner, "contents", list({"[B](/b.md)"})) ==
          "contents:\n    # between\n    - '[B](/b.md)'\n\nz: 1\n");
    CHECK(edited(inner, "contents", list({"[X](/x.md)", "[B](/b.md)"})) ==
          "contents:\n    - \"[X](/x.md)\" # first\n    # between\n    - '[B](/b.md)'\n\nz: 1\n");
    CHECK(edited(inner, "contents", list({"new", "[A](/a.md)", "[B](/b.md)"})) ==
          "contents:\n    - \"new\"\n    - \"[A](/a.md)\" # first\n    # between\n    - "
          "'[B](/b.md)'\n\nz: 1\n");
    CHECK(edited("c:\n- a\n- b\n", "c", list({"b", "a"})) != "c:\n- a\n- b\n");
    CHECK(edited("c:\n- a\nd: 1\n", "c", list({"a", "b"})) == "c:\n- a\n- b\nd: 1\n");
    CHECK(edited("c:\n- a\n", "c", list({})) == "c: []\n");
    CHECK(edited("c: []\n", "c", list({"a"})) == "c: [a]\n");
    CHECK(edited("c:\n  -\n  - b\n", "c", list({"a", "b"})) == "c:\n  - a\n  - b\n");
  }

  TEST_CASE("new entries go to the end, in the file's own habit") {
    CHECK(edited("a: 1\n", "b", Any("x")) == "a: 1\nb: x\n");
    CHECK(edited("a: 1\n# end\n\n", "b", Any("x")) == "a: 1\n# end\n\nb: x\n");
    CHECK(edited("a: 1\n...\n", "b", Any("x")) == "a: 1\nb: x\n...\n");
    CHECK(edited("  a: 1\n", "b", Any("x")) == "  a: 1\n  b: x\n");
    CHECK(edited("a:\n- x\n", "b", list({"z"})) == "a:\n- x\nb:\n- z\n");
    CHECK(edited("", "b", list({"[B](/b.md)"})) == "b:\n  - \"[B](/b.md)\"\n");
    CHECK(edited("", "a b", Any("x")) == "a b: x\n");
    CHECK(edited("", "a: b\nc", Any("x")) == "\"a: b\\nc\": x\n");
    CHECK(edited("a: 1\r\n", "b", Any("x")) == "a: 1\r\nb: x\n");  // The fences end in LF.
    CHECK(edited("", "o",
                 Any(AnyObject{{"k", Any(1)}, {"l", list({"x"})}, {"e", Any(AnyObject{})}})) ==
          "o:\n  k: 1\n  l:\n    - x\n  e: {}\n");
    CHECK(edited("", "o",
                 Any(AnyArray{Any(AnyObject{{"k", Any(1)}, {"l", Any("m")}}), list({"x"})})) ==
          "o:\n  - k: 1\n    l: m\n  - [x]\n");
    CHECK(edited("", "t", Any("one\n\ntwo\n")) == "t: |\n  one\n\n  two\n");
  }

  TEST_CASE("a removed entry goes alone; the last one leaves an empty header") {
    CHECK(edited("# top\na: 1\n# above b\nb: 2\n# end\n", "b", std::nullopt) ==
          "# top\na: 1\n# above b\n# end\n");
    CHECK(edited("a: |\n  x\n", "a", std::nullopt).empty());
    CHECK(edited("a: 1\n", "b", std::nullopt) == "a: 1\n");
    // An absent value is behind its key, not where the next entry begins, or behind the end.
    CHECK(edited("a:\n ? x\nb: 2\n", "a", std::nullopt) == "b: 2\n");
    CHECK(edited("b: 2\na:\n ? x\n", "a", std::nullopt) == "b: 2\n");
    CHECK(edited("a:\n ? x\nb: 2\n", "a", Any(1)) == "a: 1\nb: 2\n");
    // What follows would become part of the text before: it goes, too.
    CHECK(edited("t: |\n  x\na:\n  - 1\n  # about 1\nb: 2\n", "a", std::nullopt) ==
          "t: |\n  x\nb: 2\n");
  }

  TEST_CASE("an anchor that is still referred to is not removed") {
    const auto out = edit_header("---\na: &x 1\nb: *x\n---\n", {{"a", std::nullopt}});
    REQUIRE_FALSE(out);
    CHECK(out.error().code == ErrorCode::Unsupported);
    CHECK(edited("a: &x 1\nb: 2\n", "a", std::nullopt) == "b: 2\n");
  }

  TEST_CASE("a header is made where there is none and something to say") {
    const auto made = edit_header(std::nullopt, {{"title", Any("A")}, {"gone", std::nullopt}});
    REQUIRE(made);
    CHECK(*made == "---\ntitle: A\n---\n");
    const auto nothing = edit_header(std::nullopt, {{"title", std::nullopt}});
    REQUIRE(nothing);
    CHECK_FALSE(nothing->has_value());
  }

  TEST_CASE("fences keep their spaces and their missing break") {
    const auto out = edit_header("--- \na: 1\n---", {{"b", Any(2)}});
    REQUIRE(out);
    CHECK(*out == "--- \na: 1\nb: 2\n---");
  }

  TEST_CASE("in a zoo of headers, changing one entry changes its lines and no others") {
    SeededRandom random(2024);
    int changed = 0;
    for (int round = 0; round < 3'000; ++round) {
      const test::ZooHeader zoo = test::make_header(random);
      const std::string text = zoo.text();
      CAPTURE(text);
      const auto before = read_header(text);
      REQUIRE_MESSAGE(before, (before ? "" : before.error().message));
      REQUIRE(before->size() == zoo.entries.size());
      if (zoo.entries.empty()) continue;
      const auto index = static_cast<std::size_t>(random.below(zoo.entries.size()));
      const test::ZooEntry& entry = zoo.entries[index];
      CHECK((*before)[index].first == entry.key);
      std::string head = zoo.open + zoo.top;
      std::string tail = entry.after;
      for (std::size_t i = 0; i < index; ++i) head += zoo.entries[i].lines + zoo.entries[i].after;
      for (std::size_t i = index + 1; i < zoo.entries.size(); ++i)
        tail += zoo.entries[i].lines + zoo.entries[i].after;
      tail += zoo.close;
      const bool removes = random.below(6) == 0;
      const Any value = random_value(random);
      CAPTURE(entry.key);
      CAPTURE(codec::to_js_json(value));
      const auto after =
          edit_header(text, {{entry.key, removes ? std::nullopt : std::optional<Any>(value)}});
      if (!after) {  // Only because an anchor would be lost.
        CHECK_MESSAGE(after.error().code == ErrorCode::Unsupported, after.error().message);
        CHECK_MESSAGE(entry.lines.find('&') != std::string::npos, after.error().message);
        continue;
      }
      const std::string& result = **after;
      CAPTURE(result);
      CHECK(result.substr(0, head.size()) == head);
      const bool tail_stays =
          result.size() >= tail.size() && result.substr(result.size() - tail.size()) == tail;
      // Comments may only go where they would have become part of a text.
      const bool keeps_blanks = entry.lines.find("|+") != std::string::npos;
      const bool only_one = zoo.entries.size() == 1;
      if (!tail_stays) CHECK(((removes && (index > 0 || only_one)) || keeps_blanks));
      const auto read_back = read_header(result);
      REQUIRE(read_back);
      if (!removes) CHECK(same_in_yaml((*read_back)[index].second, value));
      ++changed;
    }
    CHECK(changed > 2'000);
  }

  TEST_CASE("in a zoo of headers, a new entry is added behind the others") {
    SeededRandom random(2025);
    for (int round = 0; round < 2'000; ++round) {
      const std::string text = test::make_header(random).text();
      const Any value = random_value(random);
      CAPTURE(text);
      CAPTURE(codec::to_js_json(value));
      const auto after = edit_header(text, {{"brand new", value}});
      REQUIRE_MESSAGE(after, (after ? "" : after.error().message));
      const auto back = read_header(**after);
      REQUIRE(back);
      CHECK(back->back().first == "brand new");
      CHECK(same_in_yaml(back->back().second, value));
      const auto removed = edit_header(*after, {{"brand new", std::nullopt}});
      REQUIRE(removed);
      CHECK(*removed == text);
    }
  }

  TEST_CASE("a header that cannot be read is refused, never changed") {
    SeededRandom random(2026);
    for (int round = 0; round < 500; ++round) {
      const std::string text = test::make_broken_header(random);
      CAPTURE(text);
      const auto entries = read_header(text);
      REQUIRE_FALSE(entries);
      CHECK(entries.error().message.find(':') != std::string::npos);
      CHECK_FALSE(edit_header(text, {{"a", Any("x")}}));
    }
  }
}
