#include "tests/support/vault_prose.h"

#include <array>
#include <string_view>

namespace diaryx::test {
namespace {

constexpr std::array<std::string_view, 96> kWords = {
    "morning", "walk",    "river",   "letter",  "bread",   "window",
    "quiet",   "train",   "garden",  "rain",    "notes",   "coffee",
    "kitchen", "sleep",   "call",    "mother",  "plan",    "budget",
    "draft",   "chapter", "bridge",  "market",  "apples",  "winter",
    "light",   "door",    "friend",  "music",   "late",    "early",
    "again",   "slowly",  "never",   "almost",  "today",   "between",
    "because", "under",   "and",     "the",     "a",       "of",
    "to",      "with",    "for",     "but",     "not",     "it",
    "was",     "is",      "went",    "came",    "wrote",   "read",
    "found",   "lost",    "mended",  "bought",  "cooked",  "forgot",
    "café",    "naïve",   "Zoë",     "Grüße",   "mañana",  "crème",
    "œuvre",   "Łódź",    "smörgås", "façade",  "日記",    "散歩",
    "привет",  "дождь",   "γράμμα",  "🌱",       "🎻",       "👩‍👩‍👧",
    "🇫🇮",      "☕",       "hill",    "paper",   "stone",   "candle",
    "summer",  "evening", "clock",   "bicycle", "station", "library",
    "wool",    "blue",    "small",   "old",     "warm",    "honest"};

std::string_view word(Random& random) {
  return kWords[random.below(kWords.size())];
}

void append_sentence(Random& random, std::string& out, const std::vector<std::string>& links) {
  const std::uint64_t count = 4 + random.below(14);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) out += random.below(12) == 0 ? ", " : " ";
    switch (random.below(40)) {
      case 0:
        out.append("*").append(word(random)).append("*");
        break;
      case 1:
        out.append("**").append(word(random)).append("**");
        break;
      case 2:
        out.append("`").append(word(random)).append("`");
        break;
      case 3:
        out += links.empty() ? "[[nowhere]]" : links[random.below(links.size())];
        break;
      default:
        out.append(word(random));
    }
  }
  out += random.below(9) == 0 ? "? " : ". ";
}

void append_paragraph(Random& random, std::string& out, const std::vector<std::string>& links) {
  const std::uint64_t sentences = 1 + random.below(6);
  for (std::uint64_t i = 0; i < sentences; ++i) append_sentence(random, out, links);
  out.pop_back();
  out += "\n";
}

void append_list(Random& random, std::string& out) {
  const std::uint64_t kind = random.below(3);
  const std::uint64_t items = 2 + random.below(7);
  for (std::uint64_t i = 0; i < items; ++i) {
    if (kind == 0) out += "- ";
    if (kind == 1) out += std::to_string(i + 1) + ". ";
    if (kind == 2) out += random.below(2) == 0 ? "- [ ] " : "- [x] ";
    out.append(word(random)).append(" ").append(word(random)).append("\n");
  }
}

}  // namespace

std::string make_title(Random& random) {
  std::string title;
  const std::uint64_t count = 3 + random.below(2);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) title += " ";
    // Only the ASCII words: the first 60 are.
    title += kWords[random.below(60)];
  }
  title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

std::string make_body(Random& random, std::size_t bytes, const std::vector<std::string>& links) {
  std::string out;
  while (out.size() < bytes) {
    if (!out.empty()) out += "\n";
    switch (random.below(10)) {
      case 0:
        out += "## " + make_title(random) + "\n";
        break;
      case 1:
        append_list(random, out);
        break;
      case 2:
        out += "> ";
        append_paragraph(random, out, links);
        break;
      case 3:
        out += "```sh\necho '" + make_title(random) + "'\n\t# tab\n```\n";
        break;
      default:
        append_paragraph(random, out, links);
    }
  }
  return out;
}

}  // namespace diaryx::test
