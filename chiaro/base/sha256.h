// SHA-256 (FIPS 180-4) through libcrypto.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace chiaro {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace chiaro
