// Two sequences of numbers → the parts in which they differ (Myers, 1986: An O(ND) difference
// algorithm, in linear space). Lines, characters and list items are all compared through it, each
// mapped to a number first.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace diaryx::workspace {

// a[a_begin, a_end) was replaced by b[b_begin, b_end). One of the two may be empty, not both.
struct Hunk {
  std::size_t a_begin, a_end, b_begin, b_end;
  bool operator==(const Hunk&) const = default;
};

// How much work a comparison may do, in steps of its inner loop; shared by several calls. What is
// still undecided when it runs out counts as different.
struct DiffBudget {
  std::int64_t steps = 30'000'000;
};

// Ascending; two hunks have at least one common element between them. Without the budget's help the
// fewest elements differ.
std::vector<Hunk> diff_sequence(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b,
                                DiffBudget& budget);

}  // namespace diaryx::workspace
