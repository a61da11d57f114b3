// Three-way merge of texts as edits on one of them. Both sides' edits are laid over the base; where
// they touch, deletions are united and insertions kept, each beside the other, with whole lines
// kept whole.
#include <algorithm>
#include <unordered_map>

#include "engine/base/keyed_hash.h"
#include "engine/workspace/sequence_diff.h"
#include "engine/workspace/text_diff.h"

namespace diaryx::workspace {
namespace {

using Edits = std::vector<TextEdit>;

bool ends_line(std::string_view text) {
  return !text.empty() && text.back() == '\n';
}
std::size_t count_lf(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}
// Octets of `text` up to and including its `count`-th LF. It has that many.
std::size_t after_lf(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0; --count) at = text.find('\n', at) + 1;
  return at;
}

// A line and the blank lines under it. The blank ones do not take part in comparisons: else two
// paragraphs that were added at one place would share the blank line that keeps them apart.
struct Chunk {
  std::string_view line;
  std::size_t begin, end;  // octets within the text
};
std::vector<Chunk> chunks_of(std::string_view text) {
  std::vector<Chunk> chunks;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = text.substr(at, end - at);
    const bool blank = line.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (blank && !chunks.empty()) {
      chunks.back().end = end;
    } else {
      chunks.push_back({line, at, end});
    }
    at = end;
  }
  return chunks;
}

// What `added` has more than `present`, both whole lines inserted at one place: edits on `present`.
Edits lines_missing(std::string_view present, std::string_view added) {
  const std::vector<Chunk> have = chunks_of(present);
  const std::vector<Chunk> want = chunks_of(added);
  std::unordered_map<std::string_view, std::uint32_t, KeyedHash> numbers;
  const auto number = [&](const std::vector<Chunk>& chunks) {
    std::vector<std::uint32_t> out;
    out.reserve(chunks.size());
    for (const Chunk& chunk : chunks) {
      out.push_back(
          numbers.emplace(chunk.line, static_cast<std::uint32_t>(numbers.size())).first->second);
    }
    return out;
  };
  const std::vector<std::uint32_t> a = number(have);
  const std::vector<std::uint32_t> b = number(want);
  Edits edits;
  DiffBudget budget;
  for (const Hunk& hunk : diff_sequence(a, b, budget)) {
    if (hunk.b_begin == hunk.b_end) continue;
    const std::size_t at = hunk.a_end == 0 ? 0 : have[hunk.a_end - 1].end;
    const std::size_t from = want[hunk.b_begin].begin;
    edits.push_back({at, 0, std::string(added.substr(from, want[hunk.b_end - 1].end - from))});
  }
  return edits;
}

class Rebase {
 public:
  Rebase(std::string_view base, const Edits& ours, const Edits& theirs)
      : base_(base), ours_(ours), theirs_(theirs) {}

  Edits run() {
    // Walks both lists in step, by clusters of edits that touch in the base.
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < ours_.size() || j < theirs_.size()) {
      const std::size_t first_ours = i;
      const std::size_t first_theirs = j;
      const bool start_ours =
          j == theirs_.size() || (i < ours_.size() && ours_[i].at < theirs_[j].at);
      const TextEdit& start = start_ours ? ours_[i] : theirs_[j];
      const std::size_t begin = start.at;
      std::size_t end = begin;
      for (bool grew = true; grew;) {
        grew = take(ours_, i, end);
        grew = take(theirs_, j, end) || grew;
      }
      if (j == first_theirs) {
        for (std::size_t k = first_ours; k < i; ++k) shift(ours_[k]);
      } else {
        merge_cluster({first_ours, i, first_theirs, j, begin, end});
      }
    }
    return normal_form(std::move(output_));
  }

 private:
  struct Cluster {
    std::size_t ours_begin, ours_end, theirs_begin, theirs_end;  // edits
    std::size_t begin, end;                                      // octets of the base
  };

  static bool take(const Edits& edits, std::size_t& next, std::size_t& end) {
    if (next == edits.size() || edits[next].at > end) return false;
    end = std::max(end, edits[next].at + edits[next].erase);
    ++next;
    return true;
  }

  void shift(const TextEdit& ours) {
    moved_ +=
        static_cast<std::ptrdiff_t>(ours.insert.size()) - static_cast<std::ptrdiff_t>(ours.erase);
  }

  std::string replay(const Edits& edits, std::size_t from, std::size_t to,
                     const Cluster& cluster) const {
    Edits local;
    for (std::size_t k = from; k < to; ++k) {
      local.push_back({edits[k].at - cluster.begin, edits[k].erase, edits[k].insert});
    }
    return apply_edits(base_.substr(cluster.begin, cluster.end - cluster.begin), local);
  }

  void merge_cluster(const Cluster& cluster) {
    cluster_ = cluster;
    const std::string ours = replay(ours_, cluster.ours_begin, cluster.ours_end, cluster);
    const std::string theirs = replay(theirs_, cluster.theirs_begin, cluster.theirs_end, cluster);
    if (ours != theirs) {
      for (std::size_t k = cluster.theirs_begin; k < cluster.theirs_end; ++k)
        merge_edit(theirs_[k]);
      mark_our_lines();
      put_lines_apart(ours, lines(ours) && lines(theirs));
    }
    for (std::size_t k = cluster.ours_begin; k < cluster.ours_end; ++k) shift(ours_[k]);
  }

  // What follows `text`, put for the cluster, starts a line.
  bool lines(std::string_view text) const {
    return text.empty() ? at_line_start(cluster_.begin) : text.back() == '\n';
  }

  void mark_our_lines() {
    std::ptrdiff_t moved = moved_;
    for (std::size_t k = cluster_.ours_begin; k < cluster_.ours_end; ++k) {
      const TextEdit& ours = ours_[k];
      if (at_line_start(ours.at) && ends_line(ours.insert))
        steps_.push_back({offset(ours.at, moved), 0, {}, true});
      moved +=
          static_cast<std::ptrdiff_t>(ours.insert.size()) - static_cast<std::ptrdiff_t>(ours.erase);
    }
  }

  // Hands out the cluster's steps. Whole lines of either side, and what follows the cluster if both
  // sides end with a line there, get a break in front of them where the other side deleted the one
  // that was there.
  void put_lines_apart(std::string_view ours, bool both_end_with_a_line) {
    std::stable_sort(steps_.begin(), steps_.end(), [](const Step& x, const Step& y) {
      return x.at != y.at ? x.at < y.at : (x.erase == 0) > (y.erase == 0);
    });
    const std::size_t start = offset(cluster_.begin, moved_);
    std::size_t at = 0;
    bool line_start = at_line_start(cluster_.begin);
    const auto pass = [&](std::string_view text) {
      if (!text.empty()) line_start = text.back() == '\n';
    };
    for (Step& step : steps_) {
      pass(ours.substr(at, step.at - start - at));
      at = step.at - start + step.erase;
      if (step.line && !line_start) step.insert.insert(0, "\n");
      pass(step.insert);
      if (step.erase > 0 || !step.insert.empty())
        output_.push_back({step.at, step.erase, std::move(step.insert)});
    }
    pass(ours.substr(at));
    if (both_end_with_a_line && !line_start) output_.push_back({start + ours.size(), 0, "\n"});
    steps_.clear();
  }

  bool at_line_start(std::size_t gap) const { return gap == 0 || base_[gap - 1] == '\n'; }

  // One edit of theirs. Where ours inserted whole lines inside what theirs replaced, the
  // replacement is split around them.
  void merge_edit(const TextEdit& theirs) {
    const std::size_t end = theirs.at + theirs.erase;
    std::string_view rest = theirs.insert;
    std::size_t gap = theirs.at;
    for (std::size_t k = cluster_.ours_begin; k < cluster_.ours_end; ++k) {
      const TextEdit& ours = ours_[k];
      if (ours.at <= theirs.at || ours.at > end) continue;
      if (!at_line_start(ours.at) || !ends_line(ours.insert)) continue;
      const std::size_t breaks = count_lf(base_.substr(gap, ours.at - gap));
      if (breaks > 0 && count_lf(rest) >= breaks) {
        const std::size_t length = after_lf(rest, breaks);
        insert(gap, rest.substr(0, length));
        rest.remove_prefix(length);
      } else if (!at_line_start(gap)) {
        insert(gap, rest);
        rest = {};
      }
      gap = ours.at;
    }
    insert(gap, rest);
    erase(theirs.at, end);
  }

  // Octets [from, to) of the base, but for what ours erased already.
  void erase(std::size_t from, std::size_t to) {
    std::ptrdiff_t moved = moved_;
    std::size_t at = from;
    for (std::size_t k = cluster_.ours_begin; k < cluster_.ours_end && ours_[k].at < to; ++k) {
      const TextEdit& ours = ours_[k];
      if (ours.at > at) steps_.push_back({offset(at, moved), ours.at - at, {}, false});
      moved +=
          static_cast<std::ptrdiff_t>(ours.insert.size()) - static_cast<std::ptrdiff_t>(ours.erase);
      at = std::max(at, ours.at + ours.erase);
    }
    if (to > at) steps_.push_back({offset(at, moved), to - at, {}, false});
  }

  static std::size_t offset(std::size_t base, std::ptrdiff_t moved) {
    return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(base) + moved);
  }

  // Puts `text`, which theirs inserted at `gap` of the base, where it belongs in ours.
  void insert(std::size_t gap, std::string_view text) {
    if (text.empty()) return;
    std::ptrdiff_t moved = moved_;
    for (std::size_t k = cluster_.ours_begin; k < cluster_.ours_end; ++k) {
      const TextEdit& ours = ours_[k];
      if (gap < ours.at) break;
      const std::size_t start = offset(ours.at, moved);
      if (gap == ours.at) return insert_beside(ours, start, text);
      if (gap < ours.at + ours.erase ||
          (gap == ours.at + ours.erase && ends_line(text) && at_line_start(gap))) {
        return insert_within(ours, start, gap, text);
      }
      moved +=
          static_cast<std::ptrdiff_t>(ours.insert.size()) - static_cast<std::ptrdiff_t>(ours.erase);
    }
    steps_.push_back(
        {offset(gap, moved), 0, std::string(text), at_line_start(gap) && ends_line(text)});
  }

  // Both inserted at one place; ours stands at `start` of ours.
  void insert_beside(const TextEdit& ours, std::size_t start, std::string_view text) {
    if (ours.insert == text) return;
    if (at_line_start(ours.at) && ends_line(ours.insert) && ends_line(text)) {
      for (TextEdit& edit : lines_missing(ours.insert, text)) {
        steps_.push_back({start + edit.at, 0, std::move(edit.insert), true});
      }
      return;
    }
    // Whole lines go where they stay whole: "…\n" before what has no break at its end, "\n…" behind
    // what has none in front.
    const bool ours_leads = !ours.insert.empty() && ours.insert.front() == '\n';
    const bool theirs_lead = text.front() == '\n';
    const bool theirs_first = (ends_line(text) && !ends_line(ours.insert) && !theirs_lead) ||
                              (ours_leads && !theirs_lead && !ends_line(ours.insert));
    steps_.push_back({theirs_first ? start : start + ours.insert.size(), 0, std::string(text),
                      at_line_start(ours.at) && ends_line(text)});
  }

  // Theirs inserted inside what ours replaced by ours.insert, which stands at `start` of ours.
  void insert_within(const TextEdit& ours, std::size_t start, std::size_t gap,
                     std::string_view text) {
    std::size_t at = start + ours.insert.size();
    const bool line = ends_line(text) && at_line_start(gap);
    if (line) {
      const std::size_t breaks = count_lf(base_.substr(ours.at, gap - ours.at));
      if (count_lf(ours.insert) >= breaks) {
        at = start + after_lf(ours.insert, breaks);
      } else if (at_line_start(ours.at)) {
        at = start;
      }
    }
    steps_.push_back({at, 0, std::string(text), line});
  }

  // Touching ones joined.
  static Edits normal_form(Edits edits) {
    Edits out;
    for (TextEdit& edit : edits) {
      if (!out.empty() && out.back().at + out.back().erase == edit.at) {
        out.back().erase += edit.erase;
        out.back().insert += edit.insert;
      } else {
        out.push_back(std::move(edit));
      }
    }
    return out;
  }

  // An edit of ours in the making. `line`: `insert` is whole lines; erasing and inserting nothing,
  // whole lines of ours start here.
  struct Step {
    std::size_t at, erase;
    std::string insert;
    bool line;
  };

  std::string_view base_;
  const Edits& ours_;
  const Edits& theirs_;
  Cluster cluster_{};
  std::ptrdiff_t moved_ =
      0;  // From an octet of the base to the same one in ours, before the current cluster.
  std::vector<Step> steps_;  // Of the current cluster.
  Edits output_;
};

}  // namespace

std::vector<TextEdit> rebase_edits(std::string_view base, std::string_view ours,
                                   std::string_view theirs) {
  if (base == theirs || ours == theirs) return {};
  if (ours == base) return diff_text(base, theirs);
  const Edits our_edits = diff_text(base, ours);
  const Edits their_edits = diff_text(base, theirs);
  return Rebase(base, our_edits, their_edits).run();
}

}  // namespace diaryx::workspace
