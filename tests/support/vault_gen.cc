#include "tests/support/vault_gen.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/random.h"
#include "tests/support/vault_prose.h"
#include "tests/support/vault_writer.h"

namespace diaryx::test {
namespace {

constexpr std::size_t kMonthsPerYear = 12;
constexpr std::size_t kNotesPerMonth = 24;

struct Note {
  std::string path;
  std::string title;
  std::size_t parent = 0;             // Index into the plan; the root is its own.
  std::vector<std::size_t> children;  // Empty: not an index.
};

std::string two_digits(std::size_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string relative_path(const std::string& from, const std::string& to) {
  return std::filesystem::path(to)
      .lexically_relative(std::filesystem::path(from).parent_path())
      .string();
}

std::string make_link(const std::string& format, const Note& from, const Note& to) {
  const std::string relative = relative_path(from.path, to.path);
  if (format == "markdown_root") return "[" + to.title + "](/" + to.path + ")";
  if (format == "markdown_relative") return "[" + to.title + "](" + relative + ")";
  if (format == "plain_relative") return relative;
  DX_CHECK(format == "plain_canonical");
  return to.path;
}

// Years of twelve months of two dozen notes, each with its index, cut off at `count`.
std::vector<Note> plan_notes(std::size_t count, Random& random) {
  std::vector<Note> notes;
  notes.push_back({"README.md", "Notebook", 0, {}});
  const auto add = [&](std::string path, std::string title, std::size_t parent) {
    notes.push_back({std::move(path), std::move(title), parent, {}});
    notes[parent].children.push_back(notes.size() - 1);
    return notes.size() - 1;
  };
  for (std::size_t year = 2000; notes.size() < count; ++year) {
    const std::string folder = std::to_string(year);
    const std::size_t year_index = add(folder + "/" + folder + "_index.md", "Year " + folder, 0);
    for (std::size_t month = 1; month <= kMonthsPerYear && notes.size() < count; ++month) {
      const std::string name = folder + "-" + two_digits(month);
      const std::string below = folder + "/" + two_digits(month) + "/";
      const std::size_t month_index = add(below + name + ".md", name, year_index);
      for (std::size_t day = 1; day <= kNotesPerMonth && notes.size() < count; ++day) {
        add(below + name + "-" + two_digits(day) + ".md", make_title(random), month_index);
      }
    }
  }
  return notes;
}

std::string make_header(const VaultOptions& options, const std::vector<Note>& notes, std::size_t at,
                        Random& random) {
  const Note& note = notes[at];
  std::string text = "---\ntitle: " + note.title + "\n";
  if (at == 0) {
    text += "description: A generated workspace\nlink_format: " + options.link_format + "\n";
  } else {
    text += "part_of: \"" + make_link(options.link_format, note, notes[note.parent]) + "\"\n";
  }
  if (at == 0 || !note.children.empty()) {
    text += note.children.empty() ? "contents: []\n" : "contents:\n";
    for (const std::size_t child : note.children) {
      text += "  - \"" + make_link(options.link_format, note, notes[child]) + "\"\n";
    }
  }
  text += "created: 20" + two_digits(random.below(30)) + "-0" +
          std::to_string(1 + random.below(9)) + "-1" + std::to_string(random.below(10)) +
          "T08:15:00+02:00\n";
  if (random.below(2) == 0) text += "tags: [daily, \"two words\", café]  # by hand\n";
  if (random.below(3) == 0) text += "mood: " + std::to_string(random.below(10)) + "\n";
  if (random.below(4) == 0) text += "audience:\n  - family\n  - friends\n";
  if (random.below(5) == 0) text += "summary: >-\n  Folded over\n  two lines.\n";
  return text + "---\n";
}

}  // namespace

std::vector<std::string> Vault::of_kind(const std::string& kind) const {
  std::vector<std::string> paths;
  for (const Oddity& oddity : oddities) {
    if (oddity.kind == kind) paths.push_back(oddity.path);
  }
  return paths;
}

Vault generate_vault(const std::filesystem::path& dir, const VaultOptions& options) {
  DX_CHECK(options.files >= 1);
  DX_CHECK(options.min_bytes <= options.max_bytes);
  VaultWriter writer(dir);
  SeededRandom random(options.seed);
  const std::vector<Note> notes = plan_notes(options.files, random);
  for (std::size_t i = 0; i < notes.size(); ++i) {
    std::string text = make_header(options, notes, i, random);
    const std::size_t size =
        options.min_bytes + random.below(options.max_bytes - options.min_bytes + 1);
    std::vector<std::string> links;
    for (int n = 0; n < 3; ++n) {
      const Note& target = notes[random.below(notes.size())];
      links.push_back("[" + target.title + "](/" + target.path + ")");
    }
    text += "\n# " + notes[i].title + "\n\n";
    if (text.size() < size) text += make_body(random, size - text.size(), links);
    writer.file(notes[i].path, text);
  }
  if (options.oddities) add_oddities(writer, options.seed);
  return std::move(writer).finish();
}

}  // namespace diaryx::test
