// Hashes, all from OpenSSL's libcrypto.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/base64.h"
#include "engine/base/bytes.h"

struct evp_md_ctx_st;  // OpenSSL's.

namespace diaryx {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(Bytes bytes);
// The same over pieces, for what should not be in memory as a whole.
class Sha256Stream {
 public:
  Sha256Stream();
  void add(Bytes piece);
  Sha256 finish();  // Once, at the end.

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};
// The first 64 bits of the SHA-256, most significant octet first: a stable number for a text.
std::uint64_t stable_hash64(std::string_view text);
// Takes the same time wherever the first difference is. For secrets.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace diaryx
