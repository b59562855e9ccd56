// The 8-bit levels of samples, as files store them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::image {

/// out[i] = values[i] limited to [0,1], times 255, rounded to the nearest; of NaN 0.
void levels_of(const float* values, std::size_t count, std::uint8_t* out);

/// The same to out[0], out[step], out[2 step] and so on.
void interleave_levels(const float* values, std::size_t count, std::size_t step, std::uint8_t* out);

/// What a picture's levels are, in a hundredth of its room and less: enough to see later whether
/// another shows the same.
class LevelsDigest {
 public:
  explicit LevelsDigest(const Image& picture);
  bool same_sides(const Image& other) const;
  /// Whether `other` has the same sides, channels and levels. Two that differ pass for the same
  /// with a probability of some 2^-64.
  bool same(const Image& other) const;

 private:
  std::vector<std::uint64_t> hashes_;  // of blocks of values
  int channels_;
  int height_;
  int width_;
};

}  // namespace chiaro::image
