// Receptive fields of U-shaped networks.
#pragma once

#include <cstdint>
#include <vector>

namespace chiaro::nn {

/// How many 3×3 convolutions lie one behind the other in each part of a U-shaped network. Between
/// level i and i+1 the sides are halved by a convolution with kernel 2 and stride 2, and doubled by
/// any map in which an input pixel makes 2×2 output pixels (pixel shuffle, nearest neighbour,
/// transposed convolution with kernel 2 and stride 2).
struct UShape {
  std::int64_t outer_convs = 1;  ///< before the first level's encoder, and again behind its decoder
  std::vector<std::int64_t> encoder_convs = {};  ///< of each level but the coarsest, finest first
  std::int64_t middle_convs = 0;                 ///< of the coarsest level
  std::vector<std::int64_t> decoder_convs = {};  ///< as encoder_convs, and as many
};

/// Side (odd) of the smallest square, centred at an output pixel, that holds every input pixel on
/// which the output pixel can depend, for output pixels in every position relative to the coarse
/// grid.
std::int64_t u_shape_receptive_field_px(const UShape& shape);

}  // namespace chiaro::nn
