// Between the colours of an embedded ICC profile and sRGB. Internal to the room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace chiaro::image {

/// Converts rows of float samples. Colours outside of sRGB become values outside of [0,1] (coded
/// symmetrically about zero), so that there and back is lossless. Thread-safe.
class ColourConversion {
 public:
  virtual ~ColourConversion() = default;

  /// n pixels from planes of n samples, one after the other, to such planes; `from` may be `to`.
  /// CMYK goes in as [0,1], 1 being full ink.
  virtual void convert(const float* from, float* to, std::size_t n) const = 0;
};

enum class ProfileKind {
  Srgb,     ///< nothing to convert (within half a level of 8 bits)
  Other,    ///< a conversion is needed
  Unusable  ///< damaged, or not for this number of channels
};

struct ProfileConversion {
  ProfileKind kind = ProfileKind::Unusable;
  std::unique_ptr<ColourConversion> conversion;  ///< only for Other
  bool linear = false;  ///< the profile's samples are proportional to light
};

/// From the profile's colours to sRGB. channels: 1 (grey to sRGB-coded grey), 3 (RGB) or 4 (CMYK,
/// to RGB).
ProfileConversion conversion_to_srgb(std::span<const std::uint8_t> icc, int channels);

/// From sRGB to the profile's colours; 1 or 3 channels. Unusable also for a profile that only leads
/// one way.
ProfileConversion conversion_from_srgb(std::span<const std::uint8_t> icc, int channels);

/// A profile of linear light: grey, or RGB in the primaries of sRGB.
std::vector<std::uint8_t> linear_profile(int channels);
/// In other primaries: (x, y) of red, green, blue and white. Empty where they span no colours.
std::vector<std::uint8_t> linear_profile(const std::array<std::array<double, 2>, 4>& points);

}  // namespace chiaro::image
