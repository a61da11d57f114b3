// Writing update v1 and v2 behind one set of calls; source.h has the formats.
#pragma once

#include "engine/crdt/wire/columns.h"

namespace diaryx::crdt {

class V1Sink {
 public:
  static constexpr bool kIsV2 = false;
  V1Sink() = default;
  // Takes over a buffer for its capacity.
  explicit V1Sink(Buffer&& reuse) : out_(std::move(reuse)) {}

  // What goes to the stream in either format. Calls below write without checks: reserve() first,
  // once per struct.
  WireWriter& rest() noexcept { return out_; }
  void reserve() { out_.reserve(kHeaderRoom); }

  void client(std::uint64_t id) noexcept { out_.var_uint(id); }
  void left_id(std::uint64_t id, Clock clock) noexcept {
    out_.var_uint(id);
    out_.var_uint(clock);
  }
  void right_id(std::uint64_t id, Clock clock) noexcept { left_id(id, clock); }
  void info(std::uint8_t value) noexcept { out_.u8(value); }
  void parent_info(bool root) noexcept { out_.u8(root ? 1 : 0); }
  void type_ref(std::uint64_t kind) noexcept { out_.var_uint(kind); }
  void length(std::uint64_t value) noexcept { out_.var_uint(value); }
  // These reserve for themselves, and for what may follow in the same struct.
  void text(std::string_view wtf8, std::uint8_t shape) {
    write_text(out_, wtf8, shape);
    reserve();
  }
  void key(std::string_view name) { text(name, Item::kHasSurrogates); }

  void begin_deletes() noexcept {}
  void delete_range(Clock clock, std::uint64_t count) noexcept {
    out_.var_uint(clock);
    out_.var_uint(count);
  }

  Buffer take() && { return std::move(out_).take(); }

 private:
  static constexpr std::size_t kHeaderRoom = 8 * WireWriter::kMaxVar;
  WireWriter out_;
};

class V2Sink {
 public:
  static constexpr bool kIsV2 = true;

  WireWriter& rest() noexcept { return rest_; }
  void reserve() { rest_.reserve(4 * WireWriter::kMaxVar); }

  void client(std::uint64_t id) { clients_.write(id); }
  void left_id(std::uint64_t id, Clock clock) {
    clients_.write(id);
    left_clocks_.write(clock);
  }
  void right_id(std::uint64_t id, Clock clock) {
    clients_.write(id);
    right_clocks_.write(clock);
  }
  void info(std::uint8_t value) { infos_.write(value); }
  void parent_info(bool root) { parent_infos_.write(root ? 1 : 0); }
  void type_ref(std::uint64_t kind) { type_refs_.write(kind); }
  void length(std::uint64_t value) { lengths_.write(value); }
  void text(std::string_view wtf8, std::uint8_t shape) { strings_.write(wtf8, shape); }
  // Yjs never reuses a key: each gets the next number and its text again.
  void key(std::string_view name) {
    key_clocks_.write(next_key_++);
    strings_.write(name, Item::kHasSurrogates);
  }

  void begin_deletes() noexcept { delete_clock_ = 0; }
  void delete_range(Clock clock, std::uint64_t count) noexcept {
    if (clock < delete_clock_) {
      // Ranges that are not in order have no encoding. Yjs writes seven bits of the negative
      // difference; so do we.
      rest_.u8(static_cast<std::uint8_t>((clock - delete_clock_) & 0x7FU));
    } else {
      rest_.var_uint(clock - delete_clock_);
    }
    rest_.var_uint(count - 1);
    delete_clock_ = clock + count;
  }

  Buffer take() &&;

 private:
  DiffColumnWriter key_clocks_;
  UintColumnWriter clients_;
  DiffColumnWriter left_clocks_;
  DiffColumnWriter right_clocks_;
  OctetColumnWriter infos_;
  StringColumnWriter strings_;
  OctetColumnWriter parent_infos_;
  UintColumnWriter type_refs_;
  UintColumnWriter lengths_;
  WireWriter rest_;
  std::uint64_t next_key_ = 0;
  Clock delete_clock_ = 0;
};

}  // namespace diaryx::crdt
