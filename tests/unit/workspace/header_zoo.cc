#include "tests/unit/workspace/header_zoo.h"

#include <algorithm>

namespace diaryx::test {
namespace {

using Texts = std::vector<std::string>;

const std::string& pick(SeededRandom& random, const Texts& texts) {
  return texts[static_cast<std::size_t>(random.below(texts.size()))];
}

// Scalars on one line, as they stand behind "key:".
const Texts& scalars() {
  static const Texts kScalars = {
      " plain text",
      " \"double \\\"quoted\\\" \\u00e9\"",
      " 'single ''quoted'''",
      " 42",
      " -17",
      " 1.10",
      " \"1.10\"",
      " 0x1F",
      " 0o17",
      " 1e3",
      " .inf",
      " -.INF",
      " .nan",
      " 12345678901234567890",
      " true",
      " False",
      " yes",
      " NO",
      " off",
      " null",
      " ~",
      "",
      " ",
      "   ",
      " 2024-01-01",
      " 2024-01-01T12:30:00+02:00",
      " 12:30:45",
      " 1_000",
      " http://example.org/a?b=c#d",
      " a:b",
      " [Title](/a.md)" /* replaced below: flow followed by text is broken */,
      " \"[Title](/a.md)\"",
      " '[Title](</a b.md>)'",
      " \xC3\xBCml\xC3\xA4ut",
      " \"\xF0\x9F\x98\x80\"",
      " \xE4\xB8\x96\xE7\x95\x8C",
      " *anchor",
      " &own value",
      " &own \"quoted value\"",
      " !!str 5",
      " !!int \"5\"",
      " !custom thing",
      " ! nonspecific",
      " \"\"",
      " ''",
      " []",
      " {}",
      " [a, b, c]",
      " [ a , \"b, c\" ,]",
      " {a: 1, b: [x, y], \"c d\": null}",
      " [[1, 2], {x: y}]",
      " \"tab\\there\"",
      "\tafter a tab",
      " a # b" /* comment */,
      " \"a # b\"",
      " a#b",
      " text with 'quotes' and \"more\"",
      " -not a list",
      " ?what",
      " (round)",
      " \"line\\nbreak\"",
      " 'it is: quoted'",
      " .",
      " ..",
      " =",
      " <<",
      " \"\\x00\\x07\"",
      " \"\xC2\x85\"",
      " 0b1010",
      " +5",
      " .5",
      " 5.",
      " -0",
      " 00012",
      " 0x",
      " 1e400",
      " -1E-3",
      " 9007199254740993",
      " 99999999999999999999999999",
      " !!binary aGVsbG8=",
      " !<tag:example.org,2000:x> y",
      " !!null ''",
      " !!bool \"true\"",
      " Null",
      " nUll",
      " TRUE",
      " \"\\U0001F600 \\x41 \\_ \\e \\/\"",
      " ...x",
      " a,b]c}",
      " [\"a]\", 'b}', {c: \"d: e\"}]",
      " [1e3, 0o7, ~, yes, .nan, \"~\"]",
  };
  static const Texts kGood = [] {
    Texts good = kScalars;
    good.erase(std::remove(good.begin(), good.end(), " [Title](/a.md)"), good.end());
    good.push_back(" " + std::string(3000, 'x'));
    good.push_back(" \"" + std::string(3000, 'y') + "\"");
    return good;
  }();
  return kGood;
}

// Values of several lines, as they stand behind "key:".
const Texts& blocks() {
  static const Texts kBlocks = {
      "\n  - one\n  - two\n  - three\n",
      "\n- one\n- two\n",
      "\n    - four spaces\n    - \"[A](/a.md)\"\n",
      "\n  - \"[A](/a.md)\"\n  - '[B](/b/b.md)'\n  # between\n  - plain # behind\n\n  - last\n",
      " # behind the key\n  - one\n",
      "\n  -\n  - ~\n  - \"\"\n",
      "\n  - path: a.png\n    source: local\n    hash: \"\"\n    mime_type: image/png\n    size: "
      "12\n    deleted: false\n  - b.png\n",
      "\n  - - nested\n    - list\n  - x\n",
      "\n  -\n    - under\n  -   wide\n",
      "\n  - [flow, in]\n  - {a: b}\n",
      "\n  - |\n    block in\n    a list\n  - after\n",
      "\n  a: 1\n  b:\n    c: 2\n    d: [3]\n",
      "\n  # a comment first\n  a: 1\n\n  b: 2\n",
      "\n  ? complex key\n  : its value\n",
      "\n  [a, b]: list as a key\n",
      "\n  <<: *base\n  own: 1\n",
      " |\n  literal\n    indented\n  # not a comment\n\n  text\n",
      " |-\n  no break at the end\n",
      " |+\n  keeps\n\n\n",
      " >\n  folded\n  text\n\n  paragraph\n",
      " >-\n    deep folded\n    text\n",
      " |2\n    leading spaces\n  text\n",
      " |\n\n  blank first\n",
      " |\n",
      " | # comment\n  text\n",
      " \"double quoted\n  over lines \\\n  with escapes\"\n",
      " 'single quoted\n\n  over lines'\n",
      " plain text\n  over two lines\n",
      "\n  plain below the key\n",
      "\n  \"quoted below the key\"\n",
      " [a,\n  b, # comment\n  c]\n",
      " {a: 1,\n  b: 2\n  }\n",
      " &list\n  - a\n  - *anchor\n",
      " !!seq\n  - a\n",
      " &map\n  a: 1\n",
      "\n  - &item one\n  - *item\n",
      "\n  - a\n    continued\n  - b\n",
      " ---not a fence\n",
      " |\n  ---\n  text between\n  ---\n",
      " |2-\n    x\n  y\n",
      " |-2\n    x\n  y\n",
      " |3\n     two more\n   three\n",
      " >-\n  a\n    b\n  c\n\n\n  d\n",
      " >\n\n  blank first\n  text\n",
      "\n  - [nested, [deep, {a: [b]}]]\n  - - - triple\n      - two\n    - one\n",
      "\n  ? [complex, key]\n  : value\n",
      "\n  \"quoted: key\": 1\n  'it''s': 2\n  1: one\n  ~: none\n",
      " \"\\u00e9\\U0001F600\\n\\\n  joined\"\n",
      "\n  - a: 1\n    b:\n      - c\n      -\n        d: e\n  -\n",
      "\n  - !tag\n    - x\n  - !!map {y: z}\n  - ! text\n",
      "\n\n\n  far below\n",
      "\n  # comment\n  # comment\n  - a\n\n  # comment\n\n  - b\n",
      "\n  - \"a # b\" # c\n  - 'd' #e\n  - f#g\n",
  };
  return kBlocks;
}

const Texts& keys() {
  static const Texts kKeys = {"title",
                              "part_of",
                              "contents",
                              "audience",
                              "description",
                              "attachments",
                              "updated",
                              "created",
                              "tags",
                              "\"quoted key\"",
                              "'single'",
                              "key with spaces",
                              "k1",
                              "1",
                              "2.5",
                              "true",
                              "null",
                              "~",
                              "über",
                              "\xE6\x97\xA5\xE8\xA8\x98",
                              "a.b",
                              "a/b",
                              "-dash",
                              "x-y_z",
                              "<<",
                              "&key anchored",
                              "link_format",
                              "_private",
                              "\"esc\\taped\"",
                              "UPPER",
                              "no",
                              "date"};
  return kKeys;
}

std::string key_text(const std::string& shown) {
  if (shown == "\"quoted key\"") return "quoted key";
  if (shown == "'single'") return "single";
  if (shown == "\"esc\\taped\"") return "esc\taped";
  if (shown == "&key anchored") return "anchored";
  return shown;
}

std::string comments(SeededRandom& random) {
  static const Texts kLines = {"# comment\n",    "\n",   "#\n",      " # indented: comment\n",
                               "# key: value\n", "\n\n", "#- item\n"};
  std::string out;
  while (random.below(3) == 0) out += pick(random, kLines);
  return out;
}

std::string make_crlf(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

ZooHeader make_header(SeededRandom& random) {
  ZooHeader header;
  header.open = random.below(12) == 0 ? "--- \t\n" : "---\n";
  header.top = comments(random);
  Texts names = keys();
  // The anchor that some values refer to comes first.
  header.entries.push_back({"base", "base: &anchor the anchor\n", comments(random)});
  if (random.below(2) == 0) header.entries.clear();
  const bool anchored = !header.entries.empty();
  for (std::uint64_t n = random.below(9); n > 0; --n) {
    const auto index = static_cast<std::size_t>(random.below(names.size()));
    const std::string shown = names[index];
    names.erase(names.begin() + static_cast<std::ptrdiff_t>(index));
    std::string lines = shown;
    if (random.below(8) == 0) lines += " ";
    lines += ":";
    if (random.below(3) == 0) {
      lines += pick(random, blocks());
    } else {
      lines += pick(random, scalars());
      if (random.below(6) == 0) lines += " # behind";
      lines += "\n";
    }
    if (!anchored && lines.find('*') != std::string::npos) lines = shown + ": no anchor\n";
    // An empty text in a block would take an indented comment for its own.
    const bool is_open = lines.ends_with(" |\n");
    header.entries.push_back({key_text(shown), lines, is_open ? "" : comments(random)});
  }
  header.close = !header.entries.empty() && random.below(15) == 0 ? "...\n---\n"
                 : random.below(8) == 0                           ? "---"
                 : random.below(8) == 0                           ? "---  \n"
                                                                  : "---\n";
  if (random.below(8) == 0) {
    for (std::string* part : {&header.open, &header.close, &header.top}) *part = make_crlf(*part);
    for (ZooEntry& entry : header.entries) {
      entry.lines = make_crlf(entry.lines);
      entry.after = make_crlf(entry.after);
    }
  }
  return header;
}

std::string make_broken_header(SeededRandom& random) {
  static const Texts kBroken = {"a: 1\na: 2\n",
                                "a: \"unclosed\nb: 1\n",
                                "a: [1, 2\n",
                                "- list\n",
                                "scalar\n",
                                "{flow: 1}\n",
                                "? [a]\n: b\n",
                                "? a\n: b\n",
                                "a: b: c\n",
                                "a: @b\n",
                                "a:\n\tb: 1\n",
                                "a: 1\n b: 2\n",
                                "a: 1\n--- x\nb: 2\n",
                                "%YAML 1.2\na: 1\n",
                                "a: 'it''s\n",
                                "a: |x\n  b\n",
                                "\x01: 1\n",
                                "a: \"\\q\"\n",
                                "*alias: 1\n",
                                "[a]: 1\n",
                                "a\n",
                                "a: *\n",
                                "a: !<\n",
                                "[ok]\n",
                                "\xEF\xBB\xBF"
                                "a: 1\n"};
  std::string inner;
  if (random.below(2) == 0) inner += "# comment\n";
  if (random.below(10) == 0) {
    inner += "deep: " + std::string(70, '[') + std::string(70, ']') + "\n";
  } else {
    inner += pick(random, kBroken);
  }
  return "---\n" + inner + "---\n";
}

}  // namespace diaryx::test
