// Old text, new text → the smallest edits: lines first (Myers), then characters within changed
// lines. Offsets are octets of UTF-8 and fall on character boundaries; a surrogate pair is never
// split. All texts must be UTF-8.
//
// Within a changed line one to three letters that happen to agree between two larger changes are
// not kept: many tiny edits interleave badly with what somebody else types there. An edit that
// could stand in several places stands where a line begins, else at the latest place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace diaryx::workspace {

// Replace `erase` octets at `at` of the OLD text by `insert`.
struct TextEdit {
  std::size_t at;
  std::size_t erase;
  std::string insert;
  bool operator==(const TextEdit&) const = default;
};

// Ascending, not overlapping, none empty. Bounded time: falls back to coarser edits on huge
// unrelated texts, never to a wrong result.
std::vector<TextEdit> diff_text(std::string_view before, std::string_view after);
// Whether one may be a later version of the other: at least half of the shorter one is kept.
bool are_alike(std::string_view before, std::string_view after);
// Octets that are taken out and put in on the way from one to the other.
std::size_t change_between(std::string_view before, std::string_view after);
std::string apply_edits(std::string_view before, const std::vector<TextEdit>& edits);

// The edits that bring base → theirs, moved to where they belong in `ours` (which came from the
// same base): applied to `ours` they keep both sides' changes. What both sides did alike is done
// once; text deleted by one side and untouched by the other is deleted; text inserted by either
// side stays. A whole line inserted by one side where the other side rewrote or joined lines stays
// a line of its own.
std::vector<TextEdit> rebase_edits(std::string_view base, std::string_view ours,
                                   std::string_view theirs);

}  // namespace diaryx::workspace
