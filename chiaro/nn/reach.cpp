#include "chiaro/nn/reach.h"

#include <algorithm>
#include <cstddef>

namespace chiaro::nn {

std::int64_t u_shape_receptive_field_px(const UShape& shape) {
  const std::size_t levels = shape.encoder_convs.size();
  std::int64_t radius = 0;
  for (std::int64_t pixel = 0; pixel < (std::int64_t{1} << levels); ++pixel) {
    // Follows the pixels low…high along one axis from the output to the input, on the path through
    // the coarsest level: the paths through the skips see less.
    std::int64_t low = pixel - shape.outer_convs;
    std::int64_t high = pixel + shape.outer_convs;
    for (std::size_t i = 0; i < levels; ++i) {
      low = (low - shape.decoder_convs[i]) >> 1;  // halves, rounded down also below zero
      high = (high + shape.decoder_convs[i]) >> 1;
    }
    low -= shape.middle_convs;
    high += shape.middle_convs;
    for (std::size_t i = levels; i-- > 0;) {
      low = 2 * low - shape.encoder_convs[i];
      high = 2 * high + 1 + shape.encoder_convs[i];
    }
    radius =
        std::max({radius, pixel - (low - shape.outer_convs), high + shape.outer_convs - pixel});
  }
  return 2 * radius + 1;
}

}  // namespace chiaro::nn
