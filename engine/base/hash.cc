#include "engine/base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace diaryx {

Sha256 sha256(Bytes bytes) {
  Sha256 digest{};
  const int ok =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  DX_CHECK(ok == 1);
  return digest;
}

void Sha256Stream::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  DX_CHECK(context_ != nullptr);
  DX_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256Stream::add(Bytes piece) {
  DX_CHECK(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1);
}

Sha256 Sha256Stream::finish() {
  Sha256 digest{};
  DX_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  return digest;
}

std::uint64_t stable_hash64(std::string_view text) {
  const Sha256 digest = sha256(as_bytes(text));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8U | digest[i];
  return value;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  // Comparing digests hides the length too.
  const Sha256 x = sha256(as_bytes(a));
  const Sha256 y = sha256(as_bytes(b));
  return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace diaryx
