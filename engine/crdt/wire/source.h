// Update v1 and v2 behind one set of calls, so that decoding is written once. In v1 everything
// comes from one stream; in v2 most things have a column of their own, and the stream holds the
// rest.
//
//   v2 := varuint 0, 9 × varbytes column, rest
//   columns: key clock (diff), client (uint), left clock (diff), right clock (diff), info (octets),
//   string, parent info (octets), type ref (uint), length (uint). A key is a number that counts the
//   keys read so far, and then its text in the string column; a smaller number is a key read
//   before.
#pragma once

#include <deque>
#include <string>

#include "engine/crdt/wire/columns.h"

namespace diaryx::crdt {

struct WireId {
  std::uint64_t client = 0;
  Clock clock = 0;
};

// A string of the wire. `lasting`: lives as long as the update, not only until the next one is
// read.
struct WireText {
  std::string_view text;
  bool lasting = true;
};

class V1Source {
 public:
  static constexpr bool kIsV2 = false;
  explicit V1Source(Bytes update) : in_(update) {}

  WireReader& rest() noexcept { return in_; }
  bool failed() const noexcept { return in_.failed(); }
  // As many structs, at most, as the update can hold.
  std::uint64_t max_structs() const noexcept { return in_.remaining(); }

  std::uint64_t client() noexcept { return in_.var_uint(); }
  WireId left_id() noexcept {
    const std::uint64_t client = in_.var_uint();
    return {client, in_.var_uint()};
  }
  WireId right_id() noexcept { return left_id(); }
  std::uint8_t info() noexcept { return in_.u8(); }
  bool parent_is_root() noexcept { return in_.var_uint() == 1; }
  // Not yet checked: UTF-8 if checked_text() or the caller says so.
  Bytes text_octets() noexcept { return in_.var_bytes(); }
  WireText text() noexcept { return {in_.var_string()}; }
  WireText key() noexcept { return {in_.var_string()}; }
  std::uint64_t type_ref() noexcept { return in_.var_uint(); }
  std::uint64_t length() noexcept { return in_.var_uint(); }

  void begin_deletes() noexcept {}
  Clock delete_clock() noexcept { return in_.var_uint(); }
  std::uint64_t delete_length() noexcept { return in_.var_uint(); }

 private:
  WireReader in_;
};

class V2Source {
  // Columns hold runs, so few octets can mean many structs: a text that was typed backwards and
  // deleted takes 42 octets, however long it was. So many are allowed in the smallest update; in a
  // larger one a real document has some octets for each.
  static constexpr std::uint64_t kAnyUpdate = 1U << 18U;

 public:
  static constexpr bool kIsV2 = true;
  explicit V2Source(Bytes update)
      : in_(update),
        end_(update.data() + update.size()),
        flag_(in_.var_uint()),
        key_clocks_(in_.var_bytes()),
        clients_(in_.var_bytes()),
        left_clocks_(in_.var_bytes()),
        right_clocks_(in_.var_bytes()),
        infos_(in_.var_bytes()),
        strings_(in_.var_bytes()),
        parent_infos_(in_.var_bytes()),
        type_refs_(in_.var_bytes()),
        lengths_(in_.var_bytes()),
        max_structs_(std::max<std::uint64_t>(kAnyUpdate, std::uint64_t{update.size()} * 64)) {
    if (strings_.failed()) in_.fail("the string column holds no text");
  }

  WireReader& rest() noexcept { return in_; }
  bool failed() const noexcept { return in_.failed(); }
  std::uint64_t max_structs() const noexcept { return max_structs_; }

  std::uint64_t client() noexcept { return checked(clients_, clients_.next()); }
  WireId left_id() noexcept {
    const std::uint64_t id = client();
    return {id, checked(left_clocks_, left_clocks_.next())};
  }
  WireId right_id() noexcept {
    const std::uint64_t id = client();
    return {id, checked(right_clocks_, right_clocks_.next())};
  }
  std::uint8_t info() noexcept { return checked(infos_, infos_.next()); }

  // For many runs of text in a row: the same values, unchecked until check() tells of all that was
  // read whether it was there. What is read beyond the end of a column is 0 or nothing.
  bool plain_text() const noexcept { return strings_.plain(); }
  std::uint8_t next_info() noexcept { return infos_.next(); }
  void put_back_info() noexcept { infos_.put_back(); }
  std::uint8_t look_at_info() noexcept {
    const std::uint8_t info = infos_.next();
    infos_.put_back();
    return info;
  }
  std::uint64_t next_client() noexcept { return clients_.next_steady(); }
  Clock next_left_clock() noexcept { return left_clocks_.next(); }
  Clock next_right_clock() noexcept { return right_clocks_.next(); }
  // Of a text, or of what is left of one.
  std::uint64_t next_length(bool of_text) noexcept {
    return (of_text ? strings_.lengths() : lengths_).next();
  }
  std::size_t text_left() const noexcept { return strings_.left(); }
  std::string_view take_text(std::uint64_t count) noexcept { return strings_.take(count); }
  const std::uint8_t* end() const noexcept { return end_; }
  void check() noexcept {
    if (infos_.failed() || clients_.failed() || left_clocks_.failed() || right_clocks_.failed() ||
        lengths_.failed() || strings_.failed()) {
      in_.fail("a column ends too early");
    }
  }
  bool parent_is_root() noexcept { return checked(parent_infos_, parent_infos_.next()) == 1; }
  WireText text() {
    WireText result;
    result.text = strings_.next(result.lasting);
    if (strings_.failed()) in_.fail("the string column ends too early");
    return result;
  }
  WireText key() {
    const std::uint64_t clock = checked(key_clocks_, key_clocks_.next());
    if (in_.failed()) return {};
    if (clock < keys_.size()) return {keys_[static_cast<std::size_t>(clock)]};
    keys_.emplace_back(text().text);
    return {keys_.back(), false};
  }
  std::uint64_t type_ref() noexcept { return checked(type_refs_, type_refs_.next()); }
  std::uint64_t length() noexcept { return checked(lengths_, lengths_.next()); }

  void begin_deletes() noexcept { delete_clock_ = 0; }
  Clock delete_clock() noexcept {
    delete_clock_ += in_.var_uint();
    if (delete_clock_ > kMaxClock) in_.fail("a deleted clock above 2^53 - 1");
    return delete_clock_;
  }
  std::uint64_t delete_length() noexcept {
    const std::uint64_t length = in_.var_uint() + 1;
    delete_clock_ += length;
    return length;
  }

 private:
  template <class Column, class T>
  T checked(const Column& column, T value) noexcept {
    if (column.failed()) in_.fail("a column ends too early");
    return value;
  }

  WireReader in_;
  const std::uint8_t* end_;
  std::uint64_t flag_;
  DiffColumnReader key_clocks_;
  UintColumnReader clients_;
  DiffColumnReader left_clocks_;
  DiffColumnReader right_clocks_;
  OctetColumnReader infos_;
  StringColumnReader strings_;
  OctetColumnReader parent_infos_;
  UintColumnReader type_refs_;
  UintColumnReader lengths_;
  std::uint64_t max_structs_;
  std::deque<std::string> keys_;
  std::uint64_t delete_clock_ = 0;
};

}  // namespace diaryx::crdt
