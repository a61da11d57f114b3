#include "engine/crdt/check.h"

#include <string>

#include <fmt/format.h>

#include "engine/crdt/edit/position.h"

namespace diaryx::crdt {
namespace {

class Check {
 public:
  explicit Check(const State& state) : state_(state), seen_(state.items.size(), false) {}

  Status run() {
    clients();
    for (std::size_t i = 0; i < state_.branches.size() && wrong_.empty(); ++i)
      branch(static_cast<BranchIx>(i));
    if (wrong_.empty() && stored_ != linked_ + gaps_) {
      wrong("{} structs are stored, but {} hang in lists and maps and {} are gaps", stored_,
            linked_, gaps_);
    }
    if (!wrong_.empty()) return Error{ErrorCode::Corrupt, "document: " + wrong_};
    return {};
  }

 private:
  template <class... Args>
  void wrong(fmt::format_string<Args...> text, Args&&... args) {
    if (wrong_.empty()) wrong_ = fmt::format(text, std::forward<Args>(args)...);
  }

  std::string name(const Item& item) const {
    return fmt::format("({}, {}..{})", state_.store[item.client].id, item.clock, item.end());
  }

  // Per client: structs in order, without gaps, up to its state, and findable.
  void clients() {
    for (std::size_t i = 0; i < state_.store.size() && wrong_.empty(); ++i) {
      const auto ix = static_cast<ClientIx>(i);
      const Client& client = state_.store[ix];
      Clock clock = 0;
      std::size_t count = 0;
      for (std::size_t block = 0; block < client.structs.block_count(); ++block) {
        const auto number = static_cast<std::uint32_t>(block);
        const std::span<const ItemIx> items = client.structs.items_of(block);
        if (items.empty()) return wrong("client {} has an empty block", client.id);
        if (client.structs.first_of_block(block) != client.structs[{number, 0}].clock) {
          return wrong("client {}: block {} begins elsewhere", client.id, block);
        }
        for (std::uint32_t at = 0; at < items.size(); ++at) {
          const ClockList::Entry entry = client.structs[{number, at}];
          const Item& item = state_.items[entry.item];
          if (entry.clock != clock || item.clock != clock || item.client != ix ||
              item.length == 0) {
            return wrong("client {}: struct {} is not at clock {}", client.id, name(item), clock);
          }
          if (seen_[entry.item]) return wrong("{} is stored twice", name(item));
          seen_[entry.item] = true;
          content(item);
          clock = item.end();
          ++count;
          gaps_ += item.is_gc();
        }
      }
      if (clock != client.state)
        return wrong("client {} ends at {}, not {}", client.id, clock, client.state);
      if (count != client.structs.size())
        return wrong("client {} has {} structs", client.id, count);
      stored_ += count;
    }
  }

  void content(const Item& item) {
    if (item.kind == Kind::Skip) return wrong("{} is a skip", name(item));
    if ((item.is_gc() || item.kind == Kind::Deleted) && !item.deleted()) {
      return wrong("{} has no content but is not deleted", name(item));
    }
    if (item.kind == Kind::String) {
      const TextShape shape = measure(content_text(state_.arena, item));
      if (shape.units != item.length) return wrong("{} has {} units", name(item), shape.units);
      if (item.has(Item::kAscii) && shape.flags != Item::kAscii)
        return wrong("{} is not ASCII", name(item));
    }
    if (item.kind == Kind::Any) {
      const Bytes octets = content_bytes(state_.arena, item);
      if (any_prefix(octets, item.length) != octets.size())
        return wrong("{} has other values", name(item));
    }
    if (item.kind == Kind::Type) {
      const Branch& branch = state_.branches[item.content];
      if (branch.owner != item.id()) return wrong("{} does not own its type", name(item));
      if (branch.deleted != item.deleted())
        return wrong("{} and its type differ in being deleted", name(item));
    }
  }

  // Two neighbours in a list or chain.
  void links(ItemIx ix, ItemIx left, BranchIx parent, KeyIx sub) {
    const Item& item = state_.items[ix];
    if (!seen_[ix]) return wrong("{} is linked but not stored", name(item));
    if (item.left != left) return wrong("{} has another left neighbour", name(item));
    if (item.parent != parent || item.parent_sub != sub)
      return wrong("{} hangs in another place", name(item));
    if (item.is_gc()) return wrong("{} is a gap but linked", name(item));
    ++linked_;
  }

  void branch(BranchIx ix) {
    const Branch& branch = state_.branches[ix];
    std::uint64_t length = 0;
    ItemIx left = kNone;
    for (ItemIx at = branch.start; at != kNone && wrong_.empty(); at = state_.items[at].right) {
      links(at, left, ix, kNone);
      if (at == branch.cursor && branch.cursor_index != length) {
        wrong("the cursor of a list is at {}, not {}", length, branch.cursor_index);
      }
      length += state_.items[at].visible_length();
      left = at;
    }
    if (left != branch.end) wrong("a list ends elsewhere");
    if (branch.index.exists() && !state_.index.check(branch.index, state_.items, branch.start)) {
      wrong("the index of a list does not fit it");
    }
    if (length != branch.length) wrong("a list has {} units, not {}", length, branch.length);
    for (const MapEntries::Entry& entry : branch.map) {
      if (!wrong_.empty()) return;
      chain(ix, entry);
    }
  }

  // The front of a value that was cut may live on. (Yjs makes no values of such a length, but takes
  // them.)
  bool continues(const Item& item) const {
    const Id next{item.client, item.end()};
    if (next.clock >= state_.store[next.client].state) return false;
    const Item& rest = state_.items[state_.store.item_at(next)];
    return rest.parent == item.parent && rest.parent_sub == item.parent_sub &&
           rest.origin() == item.last_id();
  }

  void chain(BranchIx branch, const MapEntries::Entry& entry) {
    ItemIx left = kNone;
    for (ItemIx at = entry.first; at != kNone && wrong_.empty(); at = state_.items[at].right) {
      links(at, left, branch, entry.key);
      const Item& item = state_.items[at];
      if (item.right != kNone && !item.deleted() && !continues(item)) {
        wrong("{} was overwritten but is not deleted", name(item));
      }
      left = at;
    }
    if (left != entry.last) wrong("the chain of a key ends elsewhere");
  }

  const State& state_;
  std::vector<bool> seen_;
  std::size_t stored_ = 0;
  std::size_t linked_ = 0;
  std::size_t gaps_ = 0;
  std::string wrong_;
};

}  // namespace

Status check_document(const State& state) {
  return Check(state).run();
}

}  // namespace diaryx::crdt
