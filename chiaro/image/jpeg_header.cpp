#include "chiaro/image/jpeg_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace chiaro::image {
namespace {

/// ITU-T T.81, table K.1 (luminance), in zigzag order as a DQT segment stores it.
constexpr std::array<int, 64> kLuminance{
    16, 11, 12,  14,  12,  10, 16, 14,  13,  14,  18,  17,  16, 19,  24,  40,
    26, 24, 22,  22,  24,  49, 35, 37,  29,  40,  58,  51,  61, 60,  57,  51,
    56, 55, 64,  72,  92,  78, 64, 68,  87,  69,  55,  56,  80, 109, 81,  87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99};

/// The quality whose scaled table (the rule of the Independent JPEG Group) is nearest to the given
/// one.
int nearest_quality(const std::array<int, 64>& table) {
  int best = 0;
  int best_distance = std::numeric_limits<int>::max();
  for (int quality = 1; quality <= 100; ++quality) {
    const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    int distance = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
      distance += std::abs(std::clamp((kLuminance[i] * scale + 50) / 100, 1, 255) - table[i]);
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = quality;
    }
  }
  return best;
}

}  // namespace

JpegHeader read_jpeg_header(std::span<const std::byte> bytes) {
  JpegHeader header;
  const auto byte = [&](std::size_t i) {
    return i < bytes.size() ? std::to_integer<int>(bytes[i]) : 0;
  };
  std::size_t at = 2;
  while (at + 4 <= bytes.size() && byte(at) == 0xff) {
    const int marker = byte(at + 1);
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) break;
    const std::size_t length = static_cast<std::size_t>(byte(at + 2) * 256 + byte(at + 3));
    const std::size_t end = std::min(at + 2 + length, bytes.size());
    const std::size_t body = at + 4;
    if (marker == 0xe0 && byte(body) == 'J' && byte(body + 1) == 'F' && byte(body + 2) == 'I') {
      header.density_unit = byte(body + 7);
      header.x_density = byte(body + 8) * 256 + byte(body + 9);
      header.y_density = byte(body + 10) * 256 + byte(body + 11);
    } else if (marker == 0xfe && at + 2 + length <= bytes.size() && length >= 2) {
      const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
      header.comments.emplace_back(first + body, first + end);
    } else if (marker == 0xdb) {
      for (std::size_t i = body; i < end;) {
        const bool wide = (byte(i) >> 4) != 0;
        const int identity = byte(i) & 15;
        std::array<int, 64> table{};
        for (std::size_t k = 0; k < 64; ++k) {
          table[k] = wide ? byte(i + 1 + 2 * k) * 256 + byte(i + 2 + 2 * k) : byte(i + 1 + k);
        }
        i += wide ? 129 : 65;
        if (identity == 0 && i <= end) header.quality = nearest_quality(table);
      }
    } else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
               marker != 0xcc) {
      const int components = byte(body + 5);
      const int sampling = byte(body + 7);  // of the first component
      header.chroma_subsampled = components >= 3 && (sampling >> 4) > 1 && (sampling & 15) > 1;
    }
    at += 2 + length;
    if (length < 2) break;
  }
  return header;
}

}  // namespace chiaro::image
