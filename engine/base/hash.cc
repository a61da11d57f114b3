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

std::string to_hex(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) {
    text.push_back(kDigits[b >> 4U]);
    text.push_back(kDigits[b & 15U]);
  }
  return text;
}

std::string to_base64(Bytes bytes) {
  if (bytes.empty()) return {};
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // One more for the NUL that EVP writes.
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

Result<Buffer> from_base64(std::string_view text) {
  if (text.empty()) return Buffer{};
  if (text.size() % 4 != 0)
    return Error{ErrorCode::Malformed, "base64: length is no multiple of 4"};
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  for (std::size_t i = 0; i < text.size() - padding; ++i) {
    const char c = text[i];
    const bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    c == '+' || c == '/';
    if (!ok) return Error{ErrorCode::Malformed, "base64: character outside the alphabet"};
  }
  Buffer out(text.size() / 4 * 3);
  const int n = EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return Error{ErrorCode::Malformed, "base64: not decodable"};
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
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
