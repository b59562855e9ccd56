// What happens to a picture's values before the network sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/restore/range_curve.h"

namespace chiaro::restore {

/// What a picture's values were before some were replaced.
struct Survey {
  std::size_t not_finite = 0;      ///< those of the alpha plane included
  bool all_in_unit_range = false;  ///< all colours in [0,1]
};

/// Values that are not finite: NaN becomes 0, infinities the nearer end of [0,1]; finite ones stay
/// as they are, also outside [0,1]. The alpha plane is treated alike but limited to [0,1].
Survey replace_not_finite(image::Image& picture);

/// The note of what is changed before the network sees it; nothing where nothing is.
void warn_of_replaced(std::size_t count);

/// Values limited to [0,1] where the range is no larger: they are off by rounding alone.
void limit_to(const SeenRange& range, image::Image& picture);
void limit_to(const SeenRange& range, std::span<float> values);

/// Gives pixels of zero alpha the colour of a near visible pixel, so that arbitrary hidden colours
/// do not spread over the edge when the network mixes neighbours. Nothing happens without alpha,
/// where nothing is hidden or visible, or where alpha is multiplied into the colours: what is not
/// black there is light.
void fill_hidden_colors(image::Image& picture);

/// What lies under zero alpha, while fill_hidden_colors has put something else there: whoever takes
/// the transparency away later finds what was there. Takes four bytes a hidden sample.
class HiddenColors {
 public:
  HiddenColors() = default;
  /// Of a picture whose hidden colours are about to be filled.
  explicit HiddenColors(const image::Image& picture);
  /// To a result of the same sides and with the same alpha.
  void put_back(image::Image& result) const;

 private:
  std::vector<float> values_;  // (C, hidden pixels)
};

/// Bytes that HiddenColors of this picture takes.
std::int64_t hidden_color_bytes(const image::Image& picture);

/// Bilinear enlargement of a plane (H,W) by a whole factor.
std::vector<float> enlarged_plane(const std::vector<float>& plane, int height, int width,
                                  int scale);

}  // namespace chiaro::restore
