// The input is a program: two or three replicas edit, undo and exchange updates in any order and
// both formats. However it goes, in the end all of them hold the same.
#include <memory>
#include <vector>

#include "engine/crdt/undo.h"
#include "engine/crdt/update.h"
#include "tests/fuzz/document.h"
#include "tests/fuzz/target.h"
#include "tests/support/sorted_any.h"

namespace diaryx::fuzz {
namespace {

using namespace crdt;

constexpr std::pair<const char*, TypeKind> kRoots[] = {{"t", TypeKind::Text},
                                                       {"a", TypeKind::Array},
                                                       {"m", TypeKind::Map},
                                                       {"x", TypeKind::XmlFragment}};

struct Told {
  Buffer v1, v2;
};

struct Peer {
  std::unique_ptr<Doc> doc;
  std::unique_ptr<UndoManager> undo;
  std::vector<Told> told;  // By its own transactions.
  bool redid = false;      // Brought something back, which keeps items apart that a copy joins.
};

class Program {
 public:
  explicit Program(Bytes input) : choices_(input) {
    const std::uint8_t setup = choices_.octet();
    peers_.resize(2 + setup % 2U);
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      Peer& peer = peers_[i];
      peer.doc = std::make_unique<Doc>(
          DocOptions{.client_id = 10 - i, .gc = (setup >> (1 + i) & 1U) == 0});
      same_gc_ = same_gc_ && (setup >> (1 + i) & 1U) == (setup >> 1U & 1U);
      declare_roots(*peer.doc);
      peer.undo = std::make_unique<UndoManager>(*peer.doc);
      // The second one has nobody who watches it: other ways are taken there. It syncs by state.
      if (i == 1) continue;
      peer.doc->observe([&peer](const TransactionSummary& summary) {
        if (summary.local) peer.told.push_back({to_buffer(summary.update), summary.update_v2()});
      });
    }
  }

  void run() {
    while (!choices_.empty()) {
      Peer& peer = peers_[choices_.below(peers_.size())];
      step(peer);
      must(peer.doc->check_invariants(), "invariants");
    }
    settle();
  }

 private:
  void step(Peer& peer) {
    const std::size_t choice = choices_.below(16);
    if (choice < 9) return edit(*peer.doc);
    if (choice < 11)
      return peer.doc->transact([&] {
        for (std::size_t n = choices_.below(4); n > 0; --n) edit(*peer.doc);
      });
    Peer& other = peers_[choices_.below(peers_.size())];
    if (choice == 11 || choice == 12) {
      peer.redid = true;
      return (void)(choice == 11 ? peer.undo->undo() : peer.undo->redo());
    }
    if (choice == 13) return peer.undo->stop_capturing();
    if (choice == 14) return sync(peer, other);
    if (other.told.empty()) return;
    const Told& told = other.told[choices_.below(other.told.size())];
    if (choices_.below(4) == 0) return merge(told, other.told.back(), peer);
    DX_CHECK(told.v1.size() % 2 == 0 ? peer.doc->apply_update(told.v1)
                                     : peer.doc->apply_update_v2(told.v2));
  }

  static void merge(const Told& first, const Told& second, Peer& to) {
    const Bytes v1[] = {first.v1, second.v1};
    const Bytes v2[] = {second.v2, first.v2};
    const auto merged = merge_updates_v1(std::span<const Bytes>(v1));
    const auto merged_v2 = merge_updates_v2(std::span<const Bytes>(v2));
    DX_CHECK(merged);
    DX_CHECK(merged_v2);
    DX_CHECK(convert_v2_to_v1(*merged_v2).value() == *merged);
    DX_CHECK(to.doc->apply_update(diff_update_v1(*merged, to.doc->encode_state_vector()).value()));
    DX_CHECK(to.doc->apply_update_v2(*merged_v2));
  }

  static void sync(Peer& from, Peer& to) {
    const Buffer known = to.doc->encode_state_vector();
    if (known.size() % 2 == 0) {
      DX_CHECK(to.doc->apply_update(from.doc->encode_state_as_update(known).value()));
    } else {
      DX_CHECK(to.doc->apply_update_v2(from.doc->encode_state_as_update_v2(known).value()));
    }
  }

  // A root, or a type some way below it.
  TypeRef place(Doc& doc) {
    const auto& [name, kind] = kRoots[choices_.below(4)];
    TypeRef type = doc.root(name, kind).value();
    for (std::size_t depth = choices_.below(4); depth > 0; --depth) {
      const std::optional<Value> value =
          choices_.below(2) == 0 ? Map(type).get(key()) : Array(type).get(choices_.below(8));
      const auto* inner = value ? std::get_if<TypeRef>(&*value) : nullptr;
      if (inner == nullptr) break;
      type = *inner;
    }
    return type;
  }

  std::string key() { return std::string(1, static_cast<char>('a' + choices_.below(3))); }
  NewType new_type() {
    const auto kind = static_cast<TypeKind>(choices_.below(7));
    const bool named = kind == TypeKind::XmlElement || kind == TypeKind::XmlHook;
    return NewType{kind, named ? "n" : ""};
  }
  codec::Any value() {
    switch (choices_.below(5)) {
      case 0:
        return codec::Any(1);
      case 1:
        return codec::Any("v");
      case 2:
        return codec::Any(Buffer{1, 2});
      case 3:
        return codec::Any(codec::AnyObject{{"k", codec::Null{}}});
      default:
        return codec::Any(codec::Null{});
    }
  }
  // No characters of two units: a cut through one leaves U+FFFD, which others may not hear of. So
  // it is in Yjs.
  std::string_view word() {
    static constexpr std::string_view kWords[] = {"a", "bc", "hello", "é", "\n", "漢字"};
    return kWords[choices_.below(6)];
  }
  Attributes attributes() {
    const std::string name(1, static_cast<char>('b' + choices_.below(2)));
    return {{name, choices_.below(3) == 0 ? codec::Any(codec::Null{}) : codec::Any(true)}};
  }

  void edit(Doc& doc) {
    const TypeRef type = place(doc);
    switch (*doc.kind_of(type)) {
      case TypeKind::Text:
      case TypeKind::XmlText:
        return edit_text(Text(type));
      case TypeKind::Map:
      case TypeKind::XmlHook:
        return edit_map(Map(type));
      case TypeKind::Array:
        return edit_list(Array(type), true);
      case TypeKind::XmlElement:
        if (choices_.below(3) == 0) return edit_map(Map(type));
        [[fallthrough]];
      case TypeKind::XmlFragment:
        return edit_list(Array(type), false);
    }
  }

  void edit_text(Text text) {
    const std::uint64_t length = text.length();
    const std::uint64_t at = choices_.below(static_cast<std::size_t>(length) + 1);
    const std::uint64_t count = std::min<std::uint64_t>(choices_.below(6), length - at);
    switch (choices_.below(7)) {
      case 0:
      case 1:
        return text.insert(at, word());
      case 2:
        return text.insert(at, word(), attributes());
      case 3:
        return text.erase(at, count);
      case 4:
        return text.format(at, count, attributes());
      case 5:
        return text.insert_embed(at, codec::AnyObject{{"e", value()}}, attributes());
      default:
        return (void)text.insert_type(at, new_type());
    }
  }

  void edit_map(Map map) {
    const std::string name = key();
    switch (choices_.below(6)) {
      case 0:
      case 1:
        return map.set(name, value());
      case 2:
        return (void)map.set_type(name, new_type());
      case 3:
        return map.erase(name);
      case 4:
        return map.set_document(name, {"guid"});
      default:
        return map.clear();
    }
  }

  void edit_list(Array list, bool values) {
    const std::uint64_t length = list.length();
    const std::uint64_t at = choices_.below(static_cast<std::size_t>(length) + 1);
    switch (choices_.below(5)) {
      case 0:
        if (values) return list.insert(at, {value(), value()});
        [[fallthrough]];
      case 1:
        return (void)list.insert_type(at, new_type());
      case 2:
        if (values) return list.push({value()});
        return (void)list.push_type(new_type());
      default:
        return list.erase(at, std::min<std::uint64_t>(choices_.below(3), length - at));
    }
  }

  void settle() {
    for (int round = 0; round < 2; ++round) {
      for (Peer& from : peers_) {
        for (Peer& to : peers_) {
          if (&from != &to) sync(from, to);
        }
      }
    }
    const Doc& first = *peers_.front().doc;
    for (Peer& peer : peers_) {
      DX_CHECK(!peer.doc->has_pending());
      DX_CHECK(peer.doc->encode_state_vector() == first.encode_state_vector());
      look_at(*peer.doc);
      check_promises(*peer.doc, !peer.redid);
    }
    // What is kept of deleted things depends on each one's GC. What all see does not.
    for (Peer& peer : peers_) {
      DX_CHECK(peer.doc->text("t").to_delta().size() ==
               peers_.front().doc->text("t").to_delta().size());
      for (const auto& [name, kind] : kRoots) {
        const auto seen = [name = name, kind = kind](const Peer& who) {
          return test::sorted(to_any(who.doc->root(name, kind).value()));
        };
        if (kind != TypeKind::XmlFragment) DX_CHECK(seen(peer) == seen(peers_.front()));
      }
      if (same_gc_ && !peer.redid && !peers_.front().redid)
        DX_CHECK(peer.doc->encode_state_as_update() == first.encode_state_as_update());
    }
  }

  Choices choices_;
  std::vector<Peer> peers_;
  bool same_gc_ = true;
};

}  // namespace

void fuzz_edits(Bytes input) {
  Program(input).run();
}

}  // namespace diaryx::fuzz
