#include "chiaro/base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>

#include "chiaro/base/error.h"

namespace chiaro {

std::string sha256_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int length = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
  CHIARO_CHECK(done == 1 && length == digest.size(), Internal,
               "[base.sha256] libcrypto refuses to hash");
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex.push_back(kDigits[byte >> 4U]);
    hex.push_back(kDigits[byte & 15U]);
  }
  return hex;
}

}  // namespace chiaro
