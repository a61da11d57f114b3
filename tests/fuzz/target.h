// A fuzz target is a function that takes any bytes and must come back: no crash, no sanitizer
// report, no promise broken (DX_CHECK), no more memory than it may take. One file a target;
// targets.cc lists them.
//
// The same functions run in two programs: libFuzzer's (preset `fuzz`, one a target) and
// fuzz_replay, which any compiler builds and which feeds them files.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace diaryx::fuzz {

struct Target {
  std::string_view name;
  void (*run)(Bytes input);
};

// All of them, by name.
std::span<const Target> targets();
const Target* find_target(std::string_view name);

void fuzz_any(Bytes input);
void fuzz_json(Bytes input);
void fuzz_columns(Bytes input);
void fuzz_update_v1(Bytes input);
void fuzz_update_v2(Bytes input);
void fuzz_stateless_v1(Bytes input);
void fuzz_stateless_v2(Bytes input);
void fuzz_state_vector(Bytes input);
void fuzz_edits(Bytes input);
void fuzz_snapshot(Bytes input);
void fuzz_relative_position(Bytes input);
void fuzz_awareness(Bytes input);
void fuzz_sync_message(Bytes input);
void fuzz_frame(Bytes input);
void fuzz_control(Bytes input);
void fuzz_websocket(Bytes input);
void fuzz_http(Bytes input);
void fuzz_names(Bytes input);
void fuzz_hocuspocus(Bytes input);
void fuzz_framing(Bytes input);
void fuzz_session(Bytes input);
void fuzz_rest(Bytes input);
void fuzz_markdown(Bytes input);
void fuzz_header(Bytes input);

// Takes an input apart, front to back. Behind the end everything is 0 or empty.
class Choices {
 public:
  explicit Choices(Bytes input) : input_(input) {}
  bool empty() const noexcept { return at_ == input_.size(); }
  std::uint8_t octet() noexcept { return empty() ? 0 : input_[at_++]; }
  std::size_t below(std::size_t bound) noexcept {
    const std::size_t high = bound > 256 ? octet() : 0;
    return (high * 256 + octet()) % bound;
  }
  // Length in two octets, little end first, then so many octets, or as many as there are.
  Bytes part() noexcept;
  Bytes rest() noexcept { return take(input_.size() - at_); }

 private:
  Bytes take(std::size_t count) noexcept {
    const Bytes taken = input_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  Bytes input_;
  std::size_t at_ = 0;
};

// The most memory that a call may take, beyond what was taken before it, for an input of so many
// octets. README.md says how the numbers were found.
struct MemoryBound {
  std::size_t slack;
  std::size_t per_octet;
};
// Aborts if `taken` is more. Keeps the worst for fuzz_replay to tell.
void check_memory(const MemoryBound& bound, std::size_t octets, std::size_t taken);
// Octets taken for each of the input beyond the slack of its bound, at worst, since the program
// began.
double worst_per_octet();

}  // namespace diaryx::fuzz
