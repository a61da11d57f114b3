// Makes workspaces on disk, the same ones for the same seed: plain ones of thousands of notes to
// measure with, and odd ones that hold everything that a folder of notes can hold.
//
// The plain part is a sound workspace: README.md is the root index, folders of years and months
// have indexes of their own, every note is in the `contents` of its index and names it in
// `part_of`. Bodies are Markdown with headings, lists, code, links, accents and emoji. The oddities
// lie below odd/ and are linked from nowhere, except where the link is the oddity.
//
// From the command line: `make_vault <folder> [--files N] [--seed N] [--min-bytes N] [--max-bytes
// N] [--odd]
// [--link-format F]`; the folder must not exist or be empty.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace diaryx::test {

struct VaultOptions {
  std::size_t files = 300;  // Notes of the plain part, indexes included; at least 1.
  std::uint64_t seed = 1;
  bool oddities = false;
  std::size_t min_bytes = 1'000;  // Of a plain note, header included; about.
  std::size_t max_bytes = 20'000;
  // "markdown_root", "markdown_relative", "plain_relative" or "plain_canonical": says the root
  // index, and so are all links.
  std::string link_format = "markdown_root";
};

struct Oddity {
  std::string kind;  // "crlf", "symlink-loop", …: tests look their cases up by it.
  std::string path;  // From the root; need not be UTF-8, nor a file.
};

struct Vault {
  // Regular files with a name that ends in ".md", that is a WorkspacePath and not hidden; sorted.
  // What is in them may be odd.
  std::vector<std::string> notes;
  std::vector<Oddity> oddities;

  // The paths of the oddities of a kind, in order.
  std::vector<std::string> of_kind(const std::string& kind) const;
};

// `dir` is made if it does not exist. Aborts if it cannot be written: a test machine without disk
// has nothing to test.
Vault generate_vault(const std::filesystem::path& dir, const VaultOptions& options);

}  // namespace diaryx::test
