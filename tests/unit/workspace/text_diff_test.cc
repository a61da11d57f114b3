#include "engine/workspace/text_diff.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/base/utf.h"
#include "engine/workspace/sequence_diff.h"

using namespace diaryx;
using namespace diaryx::workspace;

namespace {

std::size_t pick(SeededRandom& random, std::size_t bound) {
  return static_cast<std::size_t>(random.below(bound));
}

std::string random_text(SeededRandom& random, std::size_t pieces) {
  static const std::vector<std::string> kPieces = {"a",    "b",     "c",     " ", "\n", "\n\n",
                                                   "the ", "é",     "è",     "😀", "😁",  "世",
                                                   "\r\n", "- x\n", "word ", "0"};
  std::string out;
  for (std::size_t i = 0; i < pieces; ++i) out += kPieces[pick(random, kPieces.size())];
  return out;
}

// `text` with a few pieces inserted, removed or replaced at character boundaries.
std::string changed(SeededRandom& random, const std::string& text) {
  std::string out = text;
  for (std::size_t n = pick(random, 4); n > 0; --n) {
    std::u16string units = utf8_to_utf16(out);
    const std::size_t at = pick(random, units.size() + 1);
    const std::size_t length = std::min(pick(random, 6), units.size() - at);
    units.replace(at, random.below(2) == 0 ? 0 : length,
                  utf8_to_utf16(random_text(random, pick(random, 4))));
    out = utf16_to_utf8(units);  // Half a pair becomes U+FFFD: the result is UTF-8.
  }
  return out;
}

void check_form(std::string_view before, const std::vector<TextEdit>& edits) {
  std::size_t at = 0;
  for (const TextEdit& edit : edits) {
    CHECK(edit.at >= at);
    CHECK((edit.erase > 0 || !edit.insert.empty()));
    CHECK(is_utf8(before.substr(0, edit.at)));
    CHECK(is_utf8(before.substr(edit.at, edit.erase)));
    CHECK(is_utf8(edit.insert));
    at = edit.at + edit.erase;
  }
  CHECK(at <= before.size());
}

std::size_t changed_octets(const std::vector<TextEdit>& edits) {
  std::size_t sum = 0;
  for (const TextEdit& edit : edits) sum += edit.erase + edit.insert.size();
  return sum;
}

std::string merged(std::string_view base, std::string_view ours, std::string_view theirs) {
  return apply_edits(ours, rebase_edits(base, ours, theirs));
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

TEST_SUITE("workspace/sequence_diff") {
  TEST_CASE("the fewest elements differ") {
    // Against the quadratic textbook answer.
    SeededRandom random(3);
    for (int round = 0; round < 3'000; ++round) {
      std::vector<std::uint32_t> a(pick(random, 14));
      std::vector<std::uint32_t> b(pick(random, 14));
      for (auto& x : a) x = static_cast<std::uint32_t>(random.below(4));
      for (auto& x : b) x = static_cast<std::uint32_t>(random.below(4));
      std::vector<std::vector<std::size_t>> common(a.size() + 1,
                                                   std::vector<std::size_t>(b.size() + 1, 0));
      for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
          common[i][j] = a[i - 1] == b[j - 1] ? common[i - 1][j - 1] + 1
                                              : std::max(common[i - 1][j], common[i][j - 1]);
        }
      }
      DiffBudget budget;
      std::size_t differing = 0;
      std::size_t a_at = 0;
      std::size_t b_at = 0;
      for (const Hunk& hunk : diff_sequence(a, b, budget)) {
        REQUIRE(hunk.a_begin - a_at == hunk.b_begin - b_at);
        for (; a_at < hunk.a_begin; ++a_at, ++b_at) REQUIRE(a[a_at] == b[b_at]);
        differing += hunk.a_end - hunk.a_begin + hunk.b_end - hunk.b_begin;
        a_at = hunk.a_end;
        b_at = hunk.b_end;
      }
      REQUIRE(a.size() - a_at == b.size() - b_at);
      for (; a_at < a.size(); ++a_at, ++b_at) REQUIRE(a[a_at] == b[b_at]);
      REQUIRE(differing == a.size() + b.size() - 2 * common[a.size()][b.size()]);
    }
  }

  TEST_CASE("a spent budget makes the answer coarser, not wrong") {
    SeededRandom random(4);
    for (std::int64_t steps : {0, 1, 10, 100, 1000}) {
      std::vector<std::uint32_t> a(300);
      std::vector<std::uint32_t> b(280);
      for (auto& x : a) x = static_cast<std::uint32_t>(random.below(5));
      for (auto& x : b) x = static_cast<std::uint32_t>(random.below(5));
      DiffBudget budget{steps};
      std::size_t a_at = 0;
      std::size_t b_at = 0;
      for (const Hunk& hunk : diff_sequence(a, b, budget)) {
        REQUIRE(hunk.a_begin - a_at == hunk.b_begin - b_at);
        for (; a_at < hunk.a_begin; ++a_at, ++b_at) REQUIRE(a[a_at] == b[b_at]);
        a_at = hunk.a_end;
        b_at = hunk.b_end;
      }
      REQUIRE(a.size() - a_at == b.size() - b_at);
      for (; a_at < a.size(); ++a_at, ++b_at) REQUIRE(a[a_at] == b[b_at]);
    }
  }
}

TEST_SUITE("workspace/text_diff") {
  TEST_CASE("applying the difference of two texts to the first gives the second") {
    SeededRandom random(11);
    for (int round = 0; round < 20'000; ++round) {
      const std::string before = random_text(random, pick(random, 30));
      const std::string after =
          random.below(4) == 0 ? random_text(random, pick(random, 30)) : changed(random, before);
      CAPTURE(round);
      const std::vector<TextEdit> edits = diff_text(before, after);
      check_form(before, edits);
      REQUIRE(apply_edits(before, edits) == after);
      if (before == after) CHECK(edits.empty());
    }
  }

  TEST_CASE("distant changes are separate edits, and a changed letter changes one letter") {
    CHECK(diff_text("one\ntwo\nthree\n", "One\ntwo\nthreE\n") ==
          std::vector<TextEdit>{{0, 1, "O"}, {12, 1, "E"}});
    CHECK(diff_text("caf\xC3\xA9\n", "caf\xC3\xA8\n") == std::vector<TextEdit>{{3, 2, "\xC3\xA8"}});
    CHECK(diff_text("a😀b", "a😁b") == std::vector<TextEdit>{{1, 4, "😁"}});
    CHECK(diff_text("", "x") == std::vector<TextEdit>{{0, 0, "x"}});
    CHECK(diff_text("x", "") == std::vector<TextEdit>{{0, 1, ""}});
    CHECK(diff_text("abc", "abcd") == std::vector<TextEdit>{{3, 0, "d"}});
  }

  TEST_CASE("whole lines are inserted and deleted as whole lines") {
    CHECK(diff_text("foo\nfob\n", "fob\n") == std::vector<TextEdit>{{0, 4, ""}});
    CHECK(diff_text("- a\n- c\n", "- a\n- b\n- c\n") == std::vector<TextEdit>{{4, 0, "- b\n"}});
    CHECK(diff_text("x\n\ny\n\n", "x\n\nz\n\ny\n\n") == std::vector<TextEdit>{{3, 0, "z\n\n"}});
  }

  TEST_CASE("a paragraph wrapped anew keeps its words") {
    const auto edits =
        diff_text("one two three four\nfive six seven\n", "one two three\nfour five six\nseven\n");
    CHECK(changed_octets(edits) <= 6);
  }

  TEST_CASE("unrelated words are replaced in few pieces") {
    CHECK(diff_text("The quick brown fox\n", "A lazy dog sleeps\n").size() <= 2);
  }

  TEST_CASE("huge unrelated texts take a bounded time") {
    SeededRandom random(5);
    std::string before;
    std::string after;
    while (before.size() < 2'000'000)
      before += random.text(60, "abcdefgh ") + (random.below(3) == 0 ? "\n" : " ");
    while (after.size() < 2'000'000)
      after += random.text(60, "abcdefgh ") + (random.below(3) == 0 ? "\n" : " ");
    const auto start = std::chrono::steady_clock::now();
    const auto edits = diff_text(before, after);
    const auto seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    CHECK(apply_edits(before, edits) == after);
    CHECK(seconds < 20);  // Under sanitizers on a busy machine; a second is usual.
  }
}

TEST_SUITE("workspace/rebase") {
  TEST_CASE("when only one side changed, the result is that side") {
    SeededRandom random(21);
    for (int round = 0; round < 5'000; ++round) {
      const std::string base = random_text(random, pick(random, 30));
      const std::string side = changed(random, base);
      REQUIRE(merged(base, base, side) == side);
      REQUIRE(rebase_edits(base, side, base).empty());
      REQUIRE(rebase_edits(base, side, side).empty());
    }
  }

  TEST_CASE("edits are well-formed for any three texts") {
    SeededRandom random(22);
    for (int round = 0; round < 20'000; ++round) {
      const std::string base = random_text(random, pick(random, 20));
      const std::string ours = changed(random, base);
      const std::string theirs = changed(random, base);
      CAPTURE(base);
      CAPTURE(ours);
      CAPTURE(theirs);
      const auto edits = rebase_edits(base, ours, theirs);
      check_form(ours, edits);
      REQUIRE(is_utf8(apply_edits(ours, edits)));
    }
  }

  TEST_CASE("lines inserted by either side are there once, lines deleted by either are gone") {
    SeededRandom random(23);
    for (int round = 0; round < 20'000; ++round) {
      std::vector<std::string> base(2 + pick(random, 10));
      for (std::size_t i = 0; i < base.size(); ++i)
        base[i] = "line " + std::to_string(i) + (random.below(3) == 0 ? "" : " of the base");
      int next = 0;
      std::set<std::string> inserted;
      std::set<std::string> touched;
      const auto side = [&](const char* name) {
        std::vector<std::string> lines = base;
        for (std::size_t n = 1 + pick(random, 4); n > 0; --n) {
          const std::size_t at = pick(random, lines.size() + 1);
          switch (random.below(4)) {
            case 0:
              if (at < lines.size() && inserted.count(lines[at]) == 0) {
                touched.insert(lines[at]);
                lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
              }
              break;
            case 1:
              if (at < lines.size() && inserted.count(lines[at]) == 0) {
                touched.insert(lines[at]);
                lines[at].replace(pick(random, lines[at].size()), 2,
                                  std::string(name) + std::to_string(next++));
              }
              break;
            default: {
              const std::string line =
                  std::string("new from ") + name + " " + std::to_string(next++) + ".";
              inserted.insert(line);
              lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), line);
            }
          }
        }
        return lines;
      };
      const std::vector<std::string> ours = side("ours");
      const std::vector<std::string> theirs = side("theirs");
      const std::string result = merged(join_lines(base), join_lines(ours), join_lines(theirs));
      CAPTURE(join_lines(base));
      CAPTURE(join_lines(ours));
      CAPTURE(join_lines(theirs));
      CAPTURE(result);
      std::map<std::string, int> count;
      for (const std::string& line : split_lines(result)) ++count[line];
      for (const std::string& line : inserted) REQUIRE(count[line] == 1);
      for (const std::string& line : base) {
        if (touched.count(line) == 0) REQUIRE(count[line] == 1);
      }
    }
  }

  TEST_CASE("what both sides did alike is done once, beside what one did alone") {
    SeededRandom random(24);
    for (int round = 0; round < 5'000; ++round) {
      std::vector<std::string> base(4 + pick(random, 8));
      for (std::size_t i = 0; i < base.size(); ++i) base[i] = "line " + std::to_string(i);
      std::vector<std::string> both = base;
      const std::size_t at = pick(random, both.size() + 1);
      both.insert(both.begin() + static_cast<std::ptrdiff_t>(at), "by both");
      std::vector<std::string> ours = both;
      std::vector<std::string> theirs = both;
      ours.insert(ours.begin() + static_cast<std::ptrdiff_t>(pick(random, ours.size() + 1)),
                  "by us");
      theirs.insert(theirs.begin() + static_cast<std::ptrdiff_t>(pick(random, theirs.size() + 1)),
                    "by them");
      std::map<std::string, int> count;
      for (const std::string& line :
           split_lines(merged(join_lines(base), join_lines(ours), join_lines(theirs))))
        ++count[line];
      CHECK(count["by both"] == 1);
      CHECK(count["by us"] == 1);
      CHECK(count["by them"] == 1);
    }
  }

  TEST_CASE("words changed by both sides are both there") {
    CHECK(merged("one two three\n", "ONE two three\n", "one two THREE\n") == "ONE two THREE\n");
    CHECK(merged("a b c\n", "a X c\n", "a X c Y\n") == "a X c Y\n");
    CHECK(merged("cat\n", "dog\n", "cow\n").find("dog") != std::string::npos);
    CHECK(merged("cat\n", "dog\n", "cow\n").find("ow") != std::string::npos);
  }

  TEST_CASE("text deleted by one side and untouched by the other is deleted") {
    CHECK(merged("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n") == "a\nc\nd\n");
    CHECK(merged("a\nb\nc\n", "a\nb\nc\nd\n", "a\nc\n") == "a\nc\nd\n");
    CHECK(merged("a b c d e\n", "a c d e\n", "a b c d\n") == "a c d\n");
  }

  TEST_CASE("a line put between lines that the other side joined stays a line") {
    CHECK(merged("aaa\nbbb\n", "aaa\nnew\nbbb\n", "aaabbb\n") == "aaa\nnew\nbbb\n");
    CHECK(merged("aaa\nbbb\n", "aaabbb\n", "aaa\nnew\nbbb\n") == "aaa\nnew\nbbb\n");
    CHECK(merged("aaa\nbbb\n", "aaa\nnew\nbbb\n", "xyz\n") == "xyz\nnew\n");
    CHECK(merged("aaa\nbbb\n", "xyz\n", "aaa\nnew\nbbb\n") == "xyz\nnew\n");
  }

  TEST_CASE("lines added at the end of a file without a last line break stay apart") {
    CHECK(merged("abc", "abc\nL1", "abc\nL2") == "abc\nL1\nL2");
    CHECK(merged("abc", "abcdef", "abc\nL") == "abcdef\nL");
    CHECK(merged("abc", "abc\nL", "abcdef") == "abcdef\nL");
    CHECK(merged("abc\n", "abc\nL1", "abc\nL2\n") == "abc\nL2\nL1");
    CHECK(merged("abc\n", "abc\nL2\n", "abc\nL1") == "abc\nL2\nL1");
  }

  TEST_CASE("two paragraphs added at one place keep the blank line between them") {
    CHECK(merged("top\n\n", "top\n\nours\n\n", "top\n\ntheirs\n\n") == "top\n\nours\n\ntheirs\n\n");
  }
}
