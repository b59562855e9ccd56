// The pictures of tools/make_loss_baselines.py.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>

#include <cstdint>
#include <utility>

namespace chiaro::losses {

/// Output and target, (2,3,height,width) float64.
inline std::pair<at::Tensor, at::Tensor> pictures(std::int64_t height, std::int64_t width) {
  const auto index = [](std::int64_t count, at::IntArrayRef shape) {
    return at::arange(count, at::kDouble).view(shape);
  };
  const auto n = index(2, {2, 1, 1, 1});
  const auto c = index(3, {1, 3, 1, 1});
  const auto i = index(height, {1, 1, height, 1});
  const auto j = index(width, {1, 1, 1, width});
  return {0.5 + 0.4 * (0.7 * i + 1.3 * j + 2.0 * c + 3.0 * n).sin(),
          0.5 + 0.3 * (0.05 * i * j + 0.9 * c).cos() + 0.1 * (2.1 * j - n).sin()};
}

}  // namespace chiaro::losses
