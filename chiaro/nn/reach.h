// Receptive fields by following one output pixel backwards through a network's layers.
#pragma once

#include <cstdint>

namespace chiaro::nn {

/// The pixels low…high, both included and along one axis, on which an output pixel depends. Layers
/// are applied from the output towards the input.
struct Reach {
  std::int64_t low = 0;
  std::int64_t high = 0;

  /// `count` convolutions in a row with an odd kernel, stride 1 and centred padding.
  void through_conv(std::int64_t kernel, std::int64_t count = 1);

  /// A convolution with kernel 2 and stride 2.
  void through_down2();

  /// A pixel shuffle by 2, a nearest-neighbour enlargement, or a transposed convolution with kernel
  /// 2 and stride 2.
  void through_up2();
};

}  // namespace chiaro::nn
