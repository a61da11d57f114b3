#include "engine/workspace/list_diff.h"

#include <map>
#include <string_view>
#include <unordered_map>

#include "engine/base/keyed_hash.h"

namespace diaryx::workspace {

std::vector<Hunk> diff_lists(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::unordered_map<std::string_view, std::uint32_t, KeyedHash> numbers;
  const auto number = [&](const std::vector<std::string>& list) {
    std::vector<std::uint32_t> out;
    out.reserve(list.size());
    for (const std::string& text : list) {
      out.push_back(
          numbers.emplace(text, static_cast<std::uint32_t>(numbers.size())).first->second);
    }
    return out;
  };
  const std::vector<std::uint32_t> from = number(a);
  const std::vector<std::uint32_t> to = number(b);
  DiffBudget budget;
  return diff_sequence(from, to, budget);
}

namespace {

// What one side did to the base: which entries it removed, what it put before each of them (and
// behind the last).
struct Side {
  std::vector<bool> removed;
  std::vector<std::vector<std::string>> put_before;
};
Side side_of(const std::vector<std::string>& base, const std::vector<std::string>& list) {
  Side side{std::vector<bool>(base.size(), false),
            std::vector<std::vector<std::string>>(base.size() + 1)};
  for (const Hunk& hunk : diff_lists(base, list)) {
    for (std::size_t i = hunk.a_begin; i < hunk.a_end; ++i) side.removed[i] = true;
    auto& put = side.put_before[hunk.a_begin];
    for (std::size_t j = hunk.b_begin; j < hunk.b_end; ++j) put.push_back(list[j]);
  }
  return side;
}

}  // namespace

std::vector<std::string> merge_lists(const std::vector<std::string>& base,
                                     const std::vector<std::string>& ours,
                                     const std::vector<std::string>& theirs) {
  const Side our_side = side_of(base, ours);
  const Side their_side = side_of(base, theirs);
  std::map<std::string, int> added;
  for (const auto& put : our_side.put_before) {
    for (const std::string& text : put) ++added[text];
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i <= base.size(); ++i) {
    for (const std::string& text : our_side.put_before[i]) out.push_back(text);
    for (const std::string& text : their_side.put_before[i]) {
      if (int& count = added[text]; count > 0) {
        --count;
      } else {
        out.push_back(text);
      }
    }
    if (i < base.size() && !our_side.removed[i] && !their_side.removed[i]) out.push_back(base[i]);
  }
  return out;
}

}  // namespace diaryx::workspace
