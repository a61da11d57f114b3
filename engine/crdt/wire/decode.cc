#include "engine/crdt/wire/decode.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/crdt/wire/content_reader.h"
#include "engine/crdt/wire/mark.h"
#include "engine/crdt/wire/source.h"

namespace diaryx::crdt {
namespace {

constexpr std::uint8_t kHasOrigin = 0x80;
constexpr std::uint8_t kHasRightOrigin = 0x40;
constexpr std::uint8_t kHasParentSub = 0x20;
// Offsets into the arena are 32 bits; JSON may grow a few times when it is written JavaScript's
// way.
constexpr std::size_t kMaxArena = 0xF0000000U;
constexpr std::size_t kMaxGrowth = 8;

template <class Source>
class Decoder {
 public:
  // `superseded`: by number, the sections that do not count.
  Decoder(State& state, Bytes update, Staged& staged, const std::vector<bool>& superseded)
      : state_(state),
        superseded_(superseded),
        source_(update),
        in_(source_.rest()),
        content_(state, source_),
        structs_left_(source_.max_structs()),
        staged_(staged),
        pool_(state.items.size()),
        before_(state, content_.made()) {}

  Status run() {
    const std::uint64_t sections = in_.var_uint();
    if (sections > in_.remaining()) in_.fail("more clients than octets");
    for (std::uint64_t i = 0; i < sections && !in_.failed(); ++i) section(i);
    deletes();
    if (!in_.failed() && in_.remaining() != 0) in_.fail("goes on after its end");
    if (in_.failed()) {
      roll_back();
      return Error{ErrorCode::Malformed,
                   fmt::format("update: {} (octet {})", in_.why(), in_.failed_at())};
    }
    return {};
  }

  // As Yjs reads it, the last section of a client is the only one that counts. Empty if each is
  // the only one. To be asked before they are put in order.
  std::vector<bool> find_superseded() const {
    const std::vector<Section>& sections = staged_.sections;
    const auto out_of_order = [this](const Section& a, const Section& b) {
      return state_.store[a.client].id <= state_.store[b.client].id;
    };
    if (std::adjacent_find(sections.begin(), sections.end(), out_of_order) == sections.end())
      return {};
    std::vector<std::pair<ClientIx, std::size_t>> numbered;
    for (std::size_t i = 0; i < sections.size(); ++i) numbered.emplace_back(sections[i].client, i);
    std::sort(numbered.begin(), numbered.end());
    std::vector<bool> superseded;
    for (std::size_t i = 0; i + 1 < numbered.size(); ++i) {
      if (numbered[i].first != numbered[i + 1].first) continue;
      superseded.resize(sections.size());
      superseded[numbered[i].second] = true;
    }
    return superseded;
  }

  // Highest client first, one for each.
  void order_sections() {
    std::vector<Section>& sections = staged_.sections;
    if (!superseded_.empty()) {
      std::size_t number = 0;
      std::erase_if(sections, [&](const Section& section) {
        if (!superseded_[number++]) return false;
        for (ItemIx ix = section.next; ix < section.end; ++ix) discard_staged(state_, ix);
        return true;
      });
    }
    const auto descending = [this](const Section& a, const Section& b) {
      return state_.store[a.client].id > state_.store[b.client].id;
    };
    if (!std::is_sorted(sections.begin(), sections.end(), descending))
      std::sort(sections.begin(), sections.end(), descending);
  }

  void roll_back() {
    state_.items.truncate(pool_);
    go_back(before_);
    staged_.sections.clear();
    staged_.deletes.clear();
  }

 private:
  ClientIx intern(std::uint64_t id) {
    if (id != last_id_ || last_ix_ == kNone) {
      if (state_.store.size() >= kMaxClients) {
        in_.fail("more clients than a document holds");
        return 0;
      }
      last_ix_ = state_.store.intern(id);
      last_id_ = id;
    }
    return last_ix_;
  }

  // A neighbour or parent of `item`. Of the same client, it must be older.
  Id reference(const Item& item, WireId id) {
    const Id result{intern(id.client), id.clock};
    if (result.client == item.client && result.clock >= item.clock)
      in_.fail("a struct refers to a later one");
    return result;
  }

  void go_back(const Mark& mark) {
    root_name_ = {};
    if (state_.store.size() > mark.clients()) last_ix_ = kNone;
    mark.go_back(state_, content_.made());
  }

  // A struct that the document has, or that does not count. It leaves nothing, or who sends the
  // same again and again with ever new names would fill the memory.
  [[gnu::noinline]] void read_known(Item& item, Clock known) {
    const Mark mark(state_, content_.made());
    read_struct(item);
    if (in_.failed() || item.clock + item.length > known) return;
    go_back(mark);
    const std::uint64_t length = item.length;
    const ClientIx client = item.client;
    const Clock clock = item.clock;
    item = Item{};
    item.kind = Kind::Skip;
    item.client = client;
    item.set_clock(clock);
    item.set_length(length);
  }

  void section(std::uint64_t number) {
    const std::uint64_t structs = in_.var_uint();
    if (structs > structs_left_) return in_.fail("more structs than octets");
    if (Source::kIsV2) structs_left_ -= structs;
    const ClientIx ix = intern(source_.client());
    Clock clock = in_.var_uint();
    Section section{ix, static_cast<ItemIx>(state_.items.size()), 0};
    if (in_.failed()) return;
    const bool counts = superseded_.empty() || !superseded_[static_cast<std::size_t>(number)];
    const Clock known = counts ? state_.store[ix].state : kMaxClock + 1;
    for (std::uint64_t i = 0; i < structs && !in_.failed(); ++i) {
      if (clock >= known) {
        if constexpr (Source::kIsV2) {
          if (source_.plain_text() && is_run(source_.look_at_info()))
            i += read_column_runs(ix, clock, structs - i);
        } else {
          if (in_.remaining() >= kRunHeader) {
            const unsigned info = *in_.cursor();
            if (is_entry(info)) {
              i += read_entries(ix, clock, structs - i);
            } else if (is_run(info)) {
              i += read_runs(ix, clock, structs - i);
            }
          }
        }
        if (i == structs || in_.failed()) break;
      }
      Item& item = state_.items[state_.items.make_last()];  // Nothing below makes another one.
      item.client = ix;
      item.set_clock(clock);
      if (clock < known) {
        read_known(item, known);
      } else {
        read_struct(item);
      }
      const std::uint64_t length = item.length;
      if (length == 0) in_.fail("a struct without length");
      if (length > kMaxClock - clock) in_.fail("a clock above 2^53 - 1");
      clock += length;
    }
    section.end = static_cast<ItemIx>(state_.items.size());
    staged_.sections.push_back(section);
  }

  // The client whose number begins at `at`, mostly the same as the last one.
  ClientIx read_client(const std::uint8_t*& at) {
    if (last_ix_ != kNone) {
      const Client& last = state_.store[last_ix_];
      if (is_client_at(at, last.wire_word(), last.wire_size)) {
        at += last.wire_size;
        return last_ix_;
      }
    }
    const std::uint64_t id = get_var_uint(at);
    return id <= kMaxClock ? intern(id) : kNone;
  }

  // A neighbour; none if that must be looked at again, with care.
  Id read_neighbour(ClientIx own, Clock own_clock, const std::uint8_t*& at) {
    const ClientIx client = read_client(at);
    const Clock clock = get_var_uint(at);
    if (clock > kMaxClock || (client == own && clock >= own_clock)) return {};
    return {client, clock};
  }

  // Text, or what is left of one, between neighbours?
  static bool is_run(unsigned info) noexcept {
    const auto kind = static_cast<Kind>(info & 0x1FU);
    return (kind == Kind::String || kind == Kind::Deleted) &&
           (info & (kHasOrigin | kHasRightOrigin)) != 0;
  }

  // In v1, what nearly all structs of a text are: runs of ASCII characters between neighbours, or
  // what is left of them. Reads as many as come next, `most` at most, and returns how many these
  // were. What is anything else, or not as it must be, is left to read_struct().
  std::uint64_t read_runs(ClientIx client, Clock& next_clock, std::uint64_t most) {
    state_.arena.reserve(in_.remaining() + 16);
    // In places of their own: octets are written below, which might be any member.
    const Client& own = state_.store[client];
    const Clock state = own.state;
    const std::uint64_t own_wire = own.wire_word();
    const unsigned own_size = own.wire_size;
    const std::uint8_t* const arena = state_.arena.data();
    const std::uint8_t* const end = in_.cursor() + in_.remaining() - kRunHeader;
    const std::uint8_t* next = in_.cursor();
    std::uint8_t* to = state_.arena.end();
    Clock clock = next_clock;
    const auto neighbour = [&](const std::uint8_t*& at) {
      if (!is_client_at(at, own_wire, own_size)) return read_neighbour(client, clock, at);
      at += own_size;
      const Clock its_clock = get_var_uint(at);
      return its_clock < clock ? Id{client, its_clock} : Id{};
    };
    // Reads the next one; false if there is none.
    const auto read_run = [&](Item* slot) {
      if (next >= end) return false;
      const std::uint8_t* at = next;
      const unsigned info = *at++;
      if (!is_run(info)) return false;
      const auto kind = static_cast<Kind>(info & 0x1FU);
      const bool is_text = kind == Kind::String;
      Id origin;
      Id right;
      if ((info & kHasOrigin) != 0 && (origin = neighbour(at)).none()) return false;
      if ((info & kHasRightOrigin) != 0 && (right = neighbour(at)).none()) return false;
      const std::uint64_t length = get_var_uint(at);
      if (length == 0 || length > kMaxClock - clock) return false;
      // What is left of a run has no text: less to guess for the processor than another branch.
      const auto size = static_cast<std::size_t>(is_text ? length : 0);
      if (size <= 16) {
        if (!copy_short_ascii(to, at, size)) return false;
      } else {
        if (at >= end || size > static_cast<std::size_t>(end - at)) return false;
        if (!is_ascii(as_text(Bytes(at, size)))) return false;
        std::memcpy(to, at, size);
      }
      std::construct_at(slot, Item::Run{client, clock, length, kind,
                                        static_cast<std::uint8_t>(is_text ? Item::kAscii : 0),
                                        origin, right, static_cast<std::uint32_t>(to - arena),
                                        static_cast<std::uint32_t>(size)});
      // check_order() has nothing to say of neighbours that are as new as this.
      const bool may_cross = origin.client != client || origin.clock < state;
      if (may_cross && origin.client == right.client && origin.clock > right.clock) {
        in_.advance_to(at);
        check_order(*slot);
        if (in_.failed()) return false;
      }
      to += size;
      next = at + size;
      clock += length;
      return true;
    };
    const std::uint64_t count = make_runs(most, read_run);
    state_.arena.advance_to(to);
    if (!in_.failed()) in_.advance_to(next);
    next_clock = clock;
    return count;
  }

  // What was set in a map, or what is left of it: the first under its key, or in place of another.
  static bool is_entry(unsigned info) noexcept {
    const auto kind = static_cast<Kind>(info & 0x1FU);
    return (kind == Kind::Any || kind == Kind::Deleted || kind == Kind::Type) &&
           (info & (kHasRightOrigin | kHasParentSub)) == kHasParentSub;
  }

  // In v1, what nearly all structs of a map are: one value each, or a list, map or text, in
  // the root type that the struct before it was in, or in a type that is named by its id. As
  // read_runs().
  [[gnu::noinline]] std::uint64_t read_entries(ClientIx client, Clock& next_clock,
                                               std::uint64_t most) {
    state_.arena.reserve(in_.remaining());
    const std::uint8_t* const arena = state_.arena.data();
    const std::uint8_t* const end = in_.cursor() + in_.remaining();
    const std::uint8_t* next = in_.cursor();
    std::uint8_t* to = state_.arena.end();
    Clock clock = next_clock;
    const auto read_entry = [&](Item* slot) {
      const auto left = [&](const std::uint8_t* at) { return static_cast<std::size_t>(end - at); };
      if (left(next) < kRunHeader + root_name_.size()) return false;
      const std::uint8_t* at = next;
      const unsigned info = *at++;
      if (!is_entry(info)) return false;
      Id origin;
      Bytes key;
      const bool follows = (info & kHasOrigin) != 0;
      const bool parent_is_id = !follows && *at == 0;
      if (parent_is_id) ++at;
      if (follows || parent_is_id) {
        const std::uint64_t id = get_var_uint(at);
        if (id > kMaxClock) return false;
        origin = {intern(id), get_var_uint(at)};
        if (origin.clock > kMaxClock || (origin.client == client && origin.clock >= clock))
          return false;
      } else {
        if (root_name_.empty() || std::memcmp(at, root_name_.data(), root_name_.size()) != 0)
          return false;
        at += root_name_.size();
      }
      if (!follows) {
        const std::size_t size = *at++;
        if (size >= 0x80 || size + kRunHeader > left(at)) return false;
        key = Bytes(at, size);
        if (!is_utf8(as_text(key))) return false;
        at += size;
      }
      const auto kind = static_cast<Kind>(info & 0x1FU);
      if (kind == Kind::Type) {
        if (*at > static_cast<std::uint8_t>(TypeKind::Text)) return false;
        const auto type = static_cast<TypeKind>(*at++);
        std::construct_at(slot, Item::Run{client, clock, 1, kind, flags_of(parent_is_id), origin,
                                          Id{}, kNone, 0});
        if (!follows) put_under(*slot, parent_is_id, key);
        slot->content = content_.make_type(slot->id(), type);
        next = at;
        ++clock;
        return true;
      }
      const std::uint64_t length = get_var_uint(at);
      const std::uint8_t* const value = at;
      if (kind == Kind::Deleted) {
        if (length == 0 || length > kMaxClock - clock) return false;
      } else if (length != 1) {
        return false;
      } else if (*at != 119) {
        WireReader rest(Bytes(at, end));
        bool canonical = true;
        scan_any(rest, canonical);
        if (rest.failed() || !canonical) return false;
        at = rest.cursor();
      } else {
        const std::uint8_t* const head = ++at;
        const std::uint64_t octets = get_var_uint(at);
        // A length that is longer than it need be is not what Yjs would write.
        if (octets > left(at) || (at[-1] == 0 && at - head > 1)) return false;
        if (!is_utf8(as_text(Bytes(at, static_cast<std::size_t>(octets))))) return false;
        at += octets;
      }
      const auto size = static_cast<std::size_t>(at - value);
      std::memcpy(to, value, size);
      std::construct_at(slot, Item::Run{client, clock, length, kind, flags_of(parent_is_id), origin,
                                        Id{}, static_cast<std::uint32_t>(to - arena),
                                        static_cast<std::uint32_t>(size)});
      if (!follows) put_under(*slot, parent_is_id, key);
      to += size;
      next = at;
      clock += length;
      return true;
    };
    const std::uint64_t count = make_runs(most, read_entry);
    state_.arena.advance_to(to);
    if (!in_.failed()) in_.advance_to(next);
    next_clock = clock;
    return count;
  }

  static std::uint8_t flags_of(bool parent_is_id) noexcept {
    return static_cast<std::uint8_t>(parent_is_id ? Item::kParentIsId : 0);
  }
  // `key` is UTF-8.
  void put_under(Item& item, bool parent_is_id, Bytes key) {
    if (!parent_is_id) item.parent = root_;
    item.parent_sub = state_.keys.intern(as_text(key));
  }

  // The same as read_runs() for v2, if all of its text is ASCII.
  std::uint64_t read_column_runs(ClientIx client, Clock& next_clock, std::uint64_t most) {
    state_.arena.reserve(source_.text_left() + 16);
    const std::uint8_t* const arena = state_.arena.data();
    std::uint8_t* to = state_.arena.end();
    const std::uint64_t own_id = state_.store[client].id;
    const Clock state = state_.store[client].state;
    Clock clock = next_clock;
    const auto neighbour = [&](std::uint64_t id, Clock its_clock) {
      if (id != own_id) return Id{intern(id), its_clock};
      if (its_clock >= clock) in_.fail("a struct refers to a later one");
      return Id{client, its_clock};
    };
    const auto read_run = [&](Item* slot) {
      const unsigned info = source_.next_info();
      if (!is_run(info)) {
        source_.put_back_info();
        return false;
      }
      const auto kind = static_cast<Kind>(info & 0x1FU);
      const bool is_text = kind == Kind::String;
      Id origin;
      Id right;
      if ((info & kHasOrigin) != 0) {
        const std::uint64_t id = source_.next_client();
        origin = neighbour(id, source_.next_left_clock());
      }
      if ((info & kHasRightOrigin) != 0) {
        const std::uint64_t id = source_.next_client();
        right = neighbour(id, source_.next_right_clock());
      }
      const std::uint64_t length = source_.next_length(is_text);
      const std::string_view text = source_.take_text(is_text ? length : 0);
      const std::size_t size = text.size();
      if (size <= 16 && source_.end() - as_bytes(text).data() >= 16) {
        std::memcpy(to, text.data(), 16);
      } else {
        std::memcpy(to, text.data(), size);
      }
      if (length == 0) in_.fail("a struct without length");
      if (length > kMaxClock - clock) in_.fail("a clock above 2^53 - 1");
      std::construct_at(slot, Item::Run{client, clock, length, kind,
                                        static_cast<std::uint8_t>(is_text ? Item::kAscii : 0),
                                        origin, right, static_cast<std::uint32_t>(to - arena),
                                        static_cast<std::uint32_t>(size)});
      to += size;
      const bool may_cross = origin.client != client || origin.clock < state;
      if (may_cross && origin.client == right.client && origin.clock > right.clock)
        check_order(*slot);
      clock += length;
      return !in_.failed();
    };
    const std::uint64_t count = make_runs(most, read_run);
    state_.arena.advance_to(to);
    next_clock = clock;
    return count;
  }
  // Has `read_run` fill slots of the pool, `most` at most, until it has no more. Returns how many
  // it filled.
  template <class ReadRun>
  std::uint64_t make_runs(std::uint64_t most, const ReadRun& read_run) {
    std::uint64_t count = 0;
    for (bool more = true; more && count < most;) {
      std::size_t room = 0;
      Item* const slots = state_.items.next_slots(room);
      room = static_cast<std::size_t>(std::min<std::uint64_t>(room, most - count));
      std::size_t made = 0;
      while (made < room && read_run(slots + made)) ++made;
      state_.items.took(made);
      if constexpr (Source::kIsV2) source_.check();
      count += made;
      more = made == room && !in_.failed();
    }
    return count;
  }
  // The octets of a run without its text, or with a short one.
  static constexpr std::size_t kRunHeader = 1 + 5 * WireWriter::kMaxVar + 16;

  void read_struct(Item& item) {
    const std::uint8_t info = source_.info();
    const unsigned kind = info & 0x1FU;
    if (kind == 0 || kind == 10) {
      item.kind = static_cast<Kind>(kind);
      item.set_length(kind == 0 ? source_.length() : in_.var_uint());
      item.set(Item::kDeleted);
      return;
    }
    if (kind > 10) return in_.fail("a struct of unknown kind");
    item.kind = static_cast<Kind>(kind);
    if ((info & kHasOrigin) != 0) item.set_origin(reference(item, source_.left_id()));
    if ((info & kHasRightOrigin) != 0) item.set_right_origin(reference(item, source_.right_id()));
    if (!item.origin().none() && item.origin_client() == item.right_origin_client())
      check_order(item);
    if ((info & (kHasOrigin | kHasRightOrigin)) == 0) {
      const std::uint8_t* const parent = in_.cursor();
      if (source_.parent_is_root()) {
        const KeyIx name = content_.intern_text(source_.text());
        if (in_.failed()) return;
        item.parent = state_.root_of(name);
        if constexpr (!Source::kIsV2) {
          root_name_ = Bytes(parent, in_.cursor());
          root_ = item.parent;
        }
      } else {
        item.set_origin(reference(item, source_.left_id()));
        item.set(Item::kParentIsId);
      }
      if ((info & kHasParentSub) != 0) item.parent_sub = content_.intern_text(source_.text());
    }
    if (!in_.failed()) content_.read(item, structs_left_);
  }

  // Neighbours in one run of a client lie in the order of their clocks. (In different runs they may
  // lie in any order.) Asked of what is new and comes from outside: what we have once taken must
  // not be refused when it comes again.
  void check_order(const Item& item) {
    if (item.origin_clock() <= item.right_origin_clock() || !staged_.from_outside) return;
    const Client& client = state_.store[item.origin_client()];
    const bool known = item.clock < state_.store[item.client].state;
    if (known || item.origin_clock() >= client.state) return;
    const ItemIx back = client.structs.back();
    const bool in_last = item.origin_clock() >= state_.items[back].clock;
    const Item& left = state_.items[in_last ? back : state_.store.item_at(item.origin())];
    // What was collected lost its order.
    if (left.clock <= item.right_origin_clock() && !left.is_gc()) {
      in_.fail("a struct lies right of its right neighbour");
    }
  }

  void deletes() {
    const std::uint64_t clients = in_.var_uint();
    if (clients > in_.remaining()) in_.fail("more clients in the delete set than octets");
    for (std::uint64_t i = 0; i < clients && !in_.failed(); ++i) {
      source_.begin_deletes();
      const ClientIx ix = intern(in_.var_uint());
      const std::uint64_t ranges = in_.var_uint();
      if (ranges > in_.remaining()) return in_.fail("more deletes than octets");
      for (std::uint64_t k = 0; k < ranges && !in_.failed(); ++k) {
        const Clock clock = source_.delete_clock();
        const std::uint64_t length = source_.delete_length();
        if (length > kMaxClock - clock) return in_.fail("a deleted clock above 2^53 - 1");
        if (length > 0) staged_.deletes.push_back({ix, clock, length});
      }
    }
  }

  State& state_;
  const std::vector<bool>& superseded_;
  Source source_;
  WireReader& in_;
  ContentReader<Source> content_;
  std::uint64_t structs_left_;
  Staged& staged_;
  std::size_t pool_;  // What there was before.
  Mark before_;
  std::uint64_t last_id_ = 0;
  ClientIx last_ix_ = kNone;
  // The root that a struct was last in, and how v1 says so.
  BranchIx root_ = kNone;
  Bytes root_name_;
};

template <class Source>
Status decode(State& state, Bytes update, Staged& staged) {
  std::vector<bool> superseded;
  Decoder<Source> decoder(state, update, staged, superseded);
  DX_TRY_OK(decoder.run());
  std::vector<bool> found = decoder.find_superseded();
  if (found.empty()) {
    decoder.order_sections();
    return {};
  }
  // Once more, now that it is known what leaves no trace.
  decoder.roll_back();
  superseded = std::move(found);
  Decoder<Source> again(state, update, staged, superseded);
  DX_TRY_OK(again.run());
  again.order_sections();
  return {};
}

}  // namespace

Status decode_update(State& state, Format format, Bytes update, Staged& staged) {
  staged.sections.clear();
  staged.deletes.clear();
  staged.arena_start = state.arena.size();
  staged.values_start = state.values.size();
  if (state.arena.size() + std::uint64_t{update.size()} * kMaxGrowth > kMaxArena) {
    return Error{ErrorCode::LimitExceeded,
                 fmt::format("update: {} octets on top of {} are more than a document holds",
                             update.size(), state.arena.size())};
  }
  state.arena.reserve(update.size() + 16);
  return format == Format::V2 ? decode<V2Source>(state, update, staged)
                              : decode<V1Source>(state, update, staged);
}

void discard_staged(State& state, ItemIx ix) {
  if (state.items[ix].kind == Kind::Type) state.branches.unmake(state.items[ix].content);
  state.items.free(ix);
}

}  // namespace diaryx::crdt
