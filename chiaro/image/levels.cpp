#include "chiaro/image/levels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "chiaro/base/wide.h"

namespace chiaro::image {
namespace {

// Few values, so that a change is mostly found in the first of them.
constexpr std::size_t kBlock = 4096;

/// Of what these values, at most a block of them, are in 8 bits.
std::uint64_t levels_hash(std::span<const float> values) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15ULL;
  constexpr int kTurn = 29;  // so that what differs in high bits alone reaches the low ones
  std::array<std::uint64_t, kBlock / sizeof(std::uint64_t)> words{};
  levels_of(values.data(), values.size(), reinterpret_cast<std::uint8_t*>(words.data()));
  std::uint64_t hash = 0;
  for (const std::uint64_t word : words) hash = std::rotl((hash ^ word) * kPrime, kTurn);
  return hash;
}

std::span<const float> block(const Image& picture, std::size_t index) {
  const auto pixels = picture.pixels();
  const std::size_t from = index * kBlock;
  return pixels.subspan(from, std::min(kBlock, pixels.size() - from));
}

}  // namespace

CHIARO_WIDE void levels_of(const float* values, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float value = values[i];
    const float above = value > 0.0F ? value : 0.0F;  // of NaN 0
    const float limited = above < 1.0F ? above : 1.0F;
    // By way of int, which takes a few instructions for many values.
    out[i] = static_cast<std::uint8_t>(static_cast<int>(limited * 255.0F + 0.5F));
  }
}

void interleave_levels(const float* values, std::size_t count, std::size_t step,
                       std::uint8_t* out) {
  std::array<std::uint8_t, 1024> levels{};
  for (std::size_t from = 0; from < count; from += levels.size()) {
    const std::size_t some = std::min(levels.size(), count - from);
    levels_of(values + from, some, levels.data());
    for (std::size_t i = 0; i < some; ++i, out += step) *out = levels[i];
  }
}

LevelsDigest::LevelsDigest(const Image& picture)
    : hashes_((picture.pixels().size() + kBlock - 1) / kBlock),
      channels_(picture.channels()),
      height_(picture.height()),
      width_(picture.width()) {
  for (std::size_t i = 0; i < hashes_.size(); ++i) hashes_[i] = levels_hash(block(picture, i));
}

bool LevelsDigest::same_sides(const Image& other) const {
  return channels_ == other.channels() && height_ == other.height() && width_ == other.width();
}

bool LevelsDigest::same(const Image& other) const {
  if (!same_sides(other)) return false;
  for (std::size_t i = 0; i < hashes_.size(); ++i)
    if (hashes_[i] != levels_hash(block(other, i))) return false;
  return true;
}

}  // namespace chiaro::image
