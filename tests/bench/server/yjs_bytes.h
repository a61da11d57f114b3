// As much of lib0's and Yjs' bytes as a load needs, written apart from the engine: what judges a
// server must not share its faults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace diaryx::bench {

void put_varuint(std::string& out, std::uint64_t value);
void put_varstring(std::string& out, std::string_view text);

// Reads until something does not fit; then ok() is false, and what is read is empty.
class Cursor {
 public:
  explicit Cursor(std::string_view octets) : left_(octets) {}
  bool ok() const noexcept { return ok_; }
  bool more() const noexcept { return ok_ && !left_.empty(); }
  std::uint8_t octet();
  std::uint64_t varuint();
  std::string_view octets(std::uint64_t count);
  std::string_view varoctets() { return octets(varuint()); }

 private:
  std::string_view left_;
  bool ok_ = true;
};

struct Id {
  std::uint32_t client;
  std::uint64_t clock;
};

// The character at a clock of a client; verify.mjs computes the same.
char char_at(std::uint32_t client, std::uint64_t clock);

// An update (v1) of one item: `chars` characters at `at`, behind `origin`, or at the start of the
// root text. The `deleted_chars` characters that end with `origin` are deleted.
std::string encode_insert(Id at, const Id* origin, std::string_view root, std::uint32_t chars,
                          std::uint32_t deleted_chars);

// Calls seen(client, clock, length) for each struct with content. False: something in it is none of
// what a load sends.
template <class Seen>
bool decode_update(std::string_view update, Seen&& seen) {
  constexpr unsigned kGc = 0;
  constexpr unsigned kDeleted = 1;
  constexpr unsigned kString = 4;
  constexpr unsigned kSkip = 10;
  Cursor in(update);
  for (std::uint64_t clients = in.varuint(); clients > 0 && in.ok(); --clients) {
    std::uint64_t structs = in.varuint();
    const std::uint64_t client = in.varuint();
    std::uint64_t clock = in.varuint();
    for (; structs > 0 && in.ok(); --structs) {
      const unsigned info = in.octet();
      const unsigned kind = info & 31U;
      std::uint64_t length = 0;
      if (kind == kGc || kind == kSkip) {
        length = in.varuint();
        if (kind == kGc && in.ok()) seen(client, clock, length);
        clock += length;
        continue;
      }
      for (const unsigned origin : {0x80U, 0x40U}) {
        if ((info & origin) != 0) in.varuint(), in.varuint();
      }
      if ((info & 0xC0U) == 0) {
        if (in.varuint() == 1) {
          in.varoctets();
        } else {
          in.varuint(), in.varuint();
        }
        if ((info & 0x20U) != 0) in.varoctets();
      }
      if (kind == kDeleted) {
        length = in.varuint();
      } else if (kind == kString) {
        length = in.varoctets().size();  // All ASCII.
      } else {
        return false;
      }
      if (in.ok()) seen(client, clock, length);
      clock += length;
    }
  }
  return in.ok();
}

}  // namespace diaryx::bench
