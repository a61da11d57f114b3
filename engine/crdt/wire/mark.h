// How much there was of what decoding adds to, to take it back from there.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/crdt/state.h"

namespace diaryx::crdt {

class Mark {
 public:
  // `made`: the branches that were made for types until now.
  Mark(const State& state, const std::vector<BranchIx>& made)
      : arena_(state.arena.size()),
        values_(state.values.size()),
        keys_(state.keys.size()),
        clients_(state.store.size()),
        roots_(state.roots.size()),
        made_(made.size()) {}

  std::size_t clients() const noexcept { return clients_; }

  // What came since leaves nothing. No item may refer to it.
  void go_back(State& state, std::vector<BranchIx>& made) const {
    state.arena.truncate(arena_);
    state.values.resize(values_);
    for (std::size_t i = made_; i < made.size(); ++i) state.branches.unmake(made[i]);
    made.resize(made_);
    for (std::size_t i = roots_; i < state.roots.size(); ++i) {
      state.root_by_key[state.branches[state.roots[i]].name] = kNone;
      state.branches.unmake(state.roots[i]);
    }
    state.roots.resize(roots_);
    state.keys.truncate(keys_);
    if (state.root_by_key.size() > keys_) state.root_by_key.resize(keys_);
    state.store.truncate(clients_);
  }

 private:
  std::size_t arena_;
  std::size_t values_;
  std::size_t keys_;
  std::size_t clients_;
  std::size_t roots_;
  std::size_t made_;
};

}  // namespace diaryx::crdt
