#include "engine/workspace/sequence_diff.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

namespace diaryx::workspace {
namespace {

using Sequence = std::span<const std::uint32_t>;
using Index = std::ptrdiff_t;

struct Box {
  Index a_begin, a_end, b_begin, b_end;
};

// Finds which elements have no partner on the other side. A diagonal k holds the points with x - y
// == k.
class Comparison {
 public:
  Comparison(Sequence a, Sequence b, DiffBudget& budget)
      : a_(a), b_(b), budget_(budget), a_changed_(a.size(), false), b_changed_(b.size(), false) {
    const std::size_t diagonals = a.size() + b.size() + 3;
    forward_.resize(diagonals);
    backward_.resize(diagonals);
    zero_ = static_cast<Index>(b.size()) + 1;
  }

  void run() {
    // An explicit stack: cut-off splits may be lopsided, and recursion as deep as the text is long.
    std::vector<Box> todo{{0, static_cast<Index>(a_.size()), 0, static_cast<Index>(b_.size())}};
    while (!todo.empty()) {
      Box box = todo.back();
      todo.pop_back();
      trim(box);
      if (box.a_begin == box.a_end || box.b_begin == box.b_end || budget_.steps <= 0) {
        mark(box);
        continue;
      }
      const Point middle = split(box);
      todo.push_back({box.a_begin, middle.x, box.b_begin, middle.y});
      todo.push_back({middle.x, box.a_end, middle.y, box.b_end});
    }
  }

  const std::vector<bool>& a_changed() const { return a_changed_; }
  const std::vector<bool>& b_changed() const { return b_changed_; }

 private:
  struct Point {
    Index x, y;
  };

  bool same(Index x, Index y) const {
    return a_[static_cast<std::size_t>(x)] == b_[static_cast<std::size_t>(y)];
  }
  Index& at(std::vector<Index>& furthest, Index k) {
    return furthest[static_cast<std::size_t>(k + zero_)];
  }

  void trim(Box& box) const {
    while (box.a_begin < box.a_end && box.b_begin < box.b_end && same(box.a_begin, box.b_begin)) {
      ++box.a_begin;
      ++box.b_begin;
    }
    while (box.a_begin < box.a_end && box.b_begin < box.b_end &&
           same(box.a_end - 1, box.b_end - 1)) {
      --box.a_end;
      --box.b_end;
    }
  }

  void mark(const Box& box) {
    std::fill(a_changed_.begin() + box.a_begin, a_changed_.begin() + box.a_end, true);
    std::fill(b_changed_.begin() + box.b_begin, b_changed_.begin() + box.b_end, true);
  }

  // The middle of a shortest path through the box: searches from both corners at once until the two
  // meet.
  Point split(const Box& box) {
    const Index lowest = box.a_begin - box.b_end;
    const Index highest = box.a_end - box.b_begin;
    const Index start = box.a_begin - box.b_begin;
    const Index goal = box.a_end - box.b_end;
    const bool odd = ((start - goal) & 1) != 0;
    Range ahead{start, start};
    Range behind{goal, goal};
    at(forward_, start) = box.a_begin;
    at(backward_, goal) = box.a_end;
    const Index limit = cost_limit(box);
    for (Index cost = 1;; ++cost) {
      widen(ahead, lowest, highest, forward_, kNowhereYet);
      for (Index k = ahead.high; k >= ahead.low; k -= 2) {
        const Index x = advance(box, k);
        if (odd && behind.low <= k && k <= behind.high && at(backward_, k) <= x) return {x, x - k};
      }
      widen(behind, lowest, highest, backward_, kPastAll);
      for (Index k = behind.high; k >= behind.low; k -= 2) {
        const Index x = retreat(box, k);
        if (!odd && ahead.low <= k && k <= ahead.high && x <= at(forward_, k)) return {x, x - k};
      }
      budget_.steps -= ahead.high - ahead.low + behind.high - behind.low + 2;
      if (cost >= limit || budget_.steps <= 0) return furthest(box, ahead);
    }
  }

  struct Range {
    Index low, high;
  };
  static constexpr Index kNowhereYet = -1;
  static constexpr Index kPastAll = std::numeric_limits<Index>::max();

  // One more diagonal on each side, or one less where the box ends, so that the parity alternates.
  void widen(Range& range, Index lowest, Index highest, std::vector<Index>& reached, Index unset) {
    if (range.low > lowest) {
      --range.low;
      at(reached, range.low - 1) = unset;
    } else {
      ++range.low;
    }
    if (range.high < highest) {
      ++range.high;
      at(reached, range.high + 1) = unset;
    } else {
      --range.high;
    }
  }

  Index advance(const Box& box, Index k) {
    const Index below = at(forward_, k - 1);
    const Index above = at(forward_, k + 1);
    Index x = below < above ? above : below + 1;
    const Index from = x;
    while (x < box.a_end && x - k < box.b_end && same(x, x - k)) ++x;
    budget_.steps -= x - from;
    return at(forward_, k) = x;
  }

  Index retreat(const Box& box, Index k) {
    const Index below = at(backward_, k - 1);
    const Index above = at(backward_, k + 1);
    Index x = below < above ? below : above - 1;
    const Index from = x;
    while (x > box.a_begin && x - k > box.b_begin && same(x - 1, x - k - 1)) --x;
    budget_.steps -= from - x;
    return at(backward_, k) = x;
  }

  static Index cost_limit(const Box& box) {
    const Index size = box.a_end - box.a_begin + box.b_end - box.b_begin;
    Index root = 1;
    while (root * root < size) root *= 2;
    return std::max<Index>(root, 512);
  }

  // Too dear to finish: split where the search from the start has come furthest. Always past the
  // start.
  Point furthest(const Box& box, const Range& range) {
    Point best{box.a_begin, box.b_begin};
    for (Index k = range.high; k >= range.low; k -= 2) {
      Index x = std::min(at(forward_, k), box.a_end);
      Index y = x - k;
      if (y > box.b_end) {
        y = box.b_end;
        x = y + k;
      }
      if (x >= box.a_begin && y >= box.b_begin && x + y > best.x + best.y) best = {x, y};
    }
    return best;
  }

  Sequence a_, b_;
  DiffBudget& budget_;
  std::vector<bool> a_changed_, b_changed_;
  std::vector<Index> forward_, backward_;
  Index zero_ = 0;
};

// The elements of `from` that `other` has too, and where they were. The rest differs without a
// search.
struct Shared {
  std::vector<std::uint32_t> values;
  std::vector<std::size_t> places;
};
Shared shared_elements(Sequence from, Sequence other) {
  const std::unordered_set<std::uint32_t> known(other.begin(), other.end());
  Shared out;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (known.count(from[i]) == 0) continue;
    out.values.push_back(from[i]);
    out.places.push_back(i);
  }
  return out;
}

std::vector<Hunk> hunks_of(const std::vector<bool>& a_changed, const std::vector<bool>& b_changed) {
  std::vector<Hunk> hunks;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a_changed.size() || j < b_changed.size()) {
    Hunk hunk{i, i, j, j};
    while (hunk.a_end < a_changed.size() && a_changed[hunk.a_end]) ++hunk.a_end;
    while (hunk.b_end < b_changed.size() && b_changed[hunk.b_end]) ++hunk.b_end;
    if (hunk.a_end > i || hunk.b_end > j) hunks.push_back(hunk);
    i = hunk.a_end + 1;
    j = hunk.b_end + 1;
  }
  return hunks;
}

}  // namespace

std::vector<Hunk> diff_sequence(Sequence a, Sequence b, DiffBudget& budget) {
  std::size_t prefix = 0;
  while (prefix < a.size() && prefix < b.size() && a[prefix] == b[prefix]) ++prefix;
  std::size_t suffix = 0;
  while (suffix < a.size() - prefix && suffix < b.size() - prefix &&
         a[a.size() - 1 - suffix] == b[b.size() - 1 - suffix]) {
    ++suffix;
  }
  const Sequence a_middle = a.subspan(prefix, a.size() - prefix - suffix);
  const Sequence b_middle = b.subspan(prefix, b.size() - prefix - suffix);
  std::vector<bool> a_changed(a.size(), false);
  std::vector<bool> b_changed(b.size(), false);
  if (a_middle.empty() || b_middle.empty()) {
    std::fill_n(a_changed.begin() + static_cast<Index>(prefix), a_middle.size(), true);
    std::fill_n(b_changed.begin() + static_cast<Index>(prefix), b_middle.size(), true);
    return hunks_of(a_changed, b_changed);
  }
  const Shared a_shared = shared_elements(a_middle, b_middle);
  const Shared b_shared = shared_elements(b_middle, a_middle);
  Comparison comparison(a_shared.values, b_shared.values, budget);
  comparison.run();
  const auto spread = [prefix](std::vector<bool>& changed, std::size_t size, const Shared& shared,
                               const std::vector<bool>& found) {
    std::fill_n(changed.begin() + static_cast<Index>(prefix), size, true);
    for (std::size_t i = 0; i < shared.places.size(); ++i)
      changed[prefix + shared.places[i]] = found[i];
  };
  spread(a_changed, a_middle.size(), a_shared, comparison.a_changed());
  spread(b_changed, b_middle.size(), b_shared, comparison.b_changed());
  return hunks_of(a_changed, b_changed);
}

}  // namespace diaryx::workspace
