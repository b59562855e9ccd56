// A tone curve and its inverse at the speed of a table. Internal to the room.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace chiaro::image {

/// A monotone curve of coded value to light, sampled at the 65,536 values of 16 bits: exact there
/// (so for 8 and 16 bits throughout), linear between, continued straight above 1 and
/// point-symmetrically below 0. `coded` inverts `light`.
class ToneTable {
 public:
  explicit ToneTable(const std::function<double(double)>& curve);

  float light(float coded) const;
  float coded(float light) const;

  /// The curve of IEC 61966-2-1 (sRGB).
  static const ToneTable& srgb();

 private:
  static constexpr int kLast = 65535;
  static constexpr int kGuesses = 4096;
  std::vector<float> light_;  // of code i / kLast
  float slope_ = 0;           // of light over code, at the end and above
  std::array<std::uint16_t, kGuesses + 1>
      guess_{};  // the last code not brighter than (k / kGuesses)²
};

}  // namespace chiaro::image
