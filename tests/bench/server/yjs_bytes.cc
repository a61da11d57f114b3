#include "tests/bench/server/yjs_bytes.h"

namespace diaryx::bench {

void put_varuint(std::string& out, std::uint64_t value) {
  for (; value > 127; value >>= 7U) out.push_back(static_cast<char>(0x80U | (value & 127U)));
  out.push_back(static_cast<char>(value));
}

void put_varstring(std::string& out, std::string_view text) {
  put_varuint(out, text.size());
  out.append(text);
}

std::uint8_t Cursor::octet() {
  const std::string_view one = octets(1);
  return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
}

std::uint64_t Cursor::varuint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t next = octet();
    if (!ok_) return 0;
    value |= std::uint64_t{next & 127U} << shift;
    if (next < 128) return value;
  }
  ok_ = false;
  return 0;
}

std::string_view Cursor::octets(std::uint64_t count) {
  if (!ok_ || count > left_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view out = left_.substr(0, count);
  left_.remove_prefix(count);
  return out;
}

char char_at(std::uint32_t client, std::uint64_t clock) {
  return static_cast<char>('a' + (clock * 7 + clock / 26 + client) % 26);
}

std::string encode_insert(Id at, const Id* origin, std::string_view root, std::uint32_t chars,
                          std::uint32_t deleted_chars) {
  std::string out;
  put_varuint(out, 1);  // One client,
  put_varuint(out, 1);  // one struct of it:
  put_varuint(out, at.client);
  put_varuint(out, at.clock);
  out.push_back(static_cast<char>(origin != nullptr ? 0x84 : 0x04));  // A string.
  if (origin != nullptr) {
    put_varuint(out, origin->client);
    put_varuint(out, origin->clock);
  } else {
    put_varuint(out, 1);
    put_varstring(out, root);
  }
  put_varuint(out, chars);
  for (std::uint32_t i = 0; i < chars; ++i) out.push_back(char_at(at.client, at.clock + i));
  if (origin == nullptr || deleted_chars == 0) {
    put_varuint(out, 0);
    return out;
  }
  put_varuint(out, 1);  // Deleted: one client's
  put_varuint(out, origin->client);
  put_varuint(out, 1);  // one range.
  put_varuint(out, origin->clock + 1 - deleted_chars);
  put_varuint(out, deleted_chars);
  return out;
}

}  // namespace diaryx::bench
