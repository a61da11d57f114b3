// What an item holds, read from an update: its text, values, or the type that it is. Both formats
// (source.h); failure is the reader's sticky flag, and then the item is of no use.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/codec/reader.h"
#include "engine/crdt/state.h"
#include "engine/crdt/wire/source.h"

namespace diaryx::crdt {

template <class Source>
class ContentReader {
 public:
  // Both must outlive it.
  ContentReader(State& state, Source& source)
      : state_(state), source_(source), in_(source.rest()) {}

  // The branches that were made for types, to be taken back if the update turns out malformed.
  std::vector<BranchIx>& made() noexcept { return made_; }
  const std::vector<BranchIx>& made() const noexcept { return made_; }

  KeyIx intern_text(const WireText& text) {
    return in_.failed() ? kNone : state_.keys.intern(text.text);
  }

  // A type without a name, which `owner` is.
  BranchIx make_type(Id owner, TypeKind kind) {
    const BranchIx ix = state_.branches.make();
    made_.push_back(ix);
    Branch& branch = state_.branches[ix];
    branch.kind = kind;
    branch.owner = owner;
    return ix;
  }

  // Reads what an item of item.kind holds. `structs_left`: no honest content has more values.
  void read(Item& item, std::uint64_t structs_left) {
    item.content = static_cast<std::uint32_t>(state_.arena.size());
    item.length = 1;
    switch (item.kind) {
      case Kind::Deleted:
        item.set_length(source_.length());
        return;
      case Kind::String:
        return read_text(item);
      case Kind::Any:
        item.set_length(source_.length());
        if (item.length > in_.remaining()) return in_.fail("more values than octets");
        read_anys(in_, item.length, state_.arena);
        break;
      case Kind::Json:
        read_json_values(item, structs_left);
        break;
      case Kind::Binary:
        append(in_.var_bytes());
        break;
      case Kind::Embed:
        item.content = read_json_value();
        return;
      case Kind::Doc: {
        append_text(source_.text().text);
        read_doc_options(in_, state_.arena);
        break;
      }
      case Kind::Format:
        item.content = intern_text(source_.key());
        item.content_size = read_json_value();
        return;
      case Kind::Type:
        return read_type(item);
      case Kind::Gc:
      case Kind::Skip:
        return;
    }
    item.content_size = static_cast<std::uint32_t>(state_.arena.size() - item.content);
  }

 private:
  void read_text(Item& item) {
    std::string_view text;
    if constexpr (Source::kIsV2) {
      text = source_.text().text;  // WTF-8 where a length cuts a pair.
      const TextShape shape = measure(text);
      item.set_length(shape.units);
      item.flags = static_cast<std::uint8_t>(item.flags | shape.flags);
    } else {
      text = as_text(source_.text_octets());
      if (is_ascii(text)) {
        item.set_length(text.size());
        item.set(Item::kAscii);
      } else if (is_utf8(text)) {
        item.set_length(utf16_length(text));
      } else {
        return in_.fail("a string is not UTF-8");
      }
    }
    append(as_bytes(text));
    item.content_size = static_cast<std::uint32_t>(text.size());
  }

  void read_json_values(Item& item, std::uint64_t structs_left) {
    item.set_length(source_.length());
    if (item.length > structs_left) return in_.fail("more values than octets");
    Arena one;
    for (std::uint64_t i = 0; i < item.length && !in_.failed(); ++i) {
      one.clear();
      if constexpr (Source::kIsV2) {
        canonical_json(source_.text().text, one, true);
      } else {
        read_json(in_, one, true);
      }
      append_text(as_text(one.octets()));
    }
  }

  void canonical_json(std::string_view text, Arena& arena, bool undefined_too) {
    if (in_.failed()) return;
    if (!append_canonical_json(text, arena, undefined_too)) in_.fail("a value is not JSON");
  }

  ValueIx read_json_value() {
    const auto ix = static_cast<ValueIx>(state_.values.size());
    if constexpr (Source::kIsV2) {
      const std::uint8_t* start = in_.cursor();
      bool canonical = true;
      scan_any(in_, canonical);
      if (in_.failed()) return kNone;
      const auto value = codec::Reader(Bytes(start, in_.cursor())).any();
      if (!value) {
        in_.fail("an any-value cannot be read");
        return kNone;
      }
      state_.values.push_back(store_json_value(state_.arena, *value));
    } else {
      const std::size_t start = state_.arena.size();
      read_json(in_, state_.arena);
      state_.values.push_back({static_cast<std::uint32_t>(start),
                               static_cast<std::uint32_t>(state_.arena.size() - start), 0, 0});
    }
    return ix;
  }

  void read_type(Item& item) {
    const std::uint64_t kind = source_.type_ref();
    if (kind > static_cast<std::uint64_t>(TypeKind::XmlText))
      return in_.fail("a type of unknown kind");
    const bool named = kind == static_cast<std::uint64_t>(TypeKind::XmlElement) ||
                       kind == static_cast<std::uint64_t>(TypeKind::XmlHook);
    const KeyIx name = named ? intern_text(source_.key()) : kNone;
    if (in_.failed()) return;
    item.content = make_type(item.id(), static_cast<TypeKind>(kind));
    state_.branches[item.content].name = name;
  }

  void append(Bytes octets) { state_.arena.append(octets); }
  void append_text(std::string_view text) {
    WireWriter length;
    length.reserve(WireWriter::kMaxVar);
    length.var_uint(text.size());
    append(length.written());
    append(as_bytes(text));
  }

  State& state_;
  Source& source_;
  WireReader& in_;
  std::vector<BranchIx> made_;
};

}  // namespace diaryx::crdt
