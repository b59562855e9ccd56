#include "chiaro/losses/pyramid_l1.h"

#include <ATen/ATen.h>

#include "chiaro/losses/pair.h"

namespace chiaro::losses {

at::Tensor pyramid_l1(const at::Tensor& output, const at::Tensor& target, std::int64_t octaves) {
  const Pair pair("pyramid_l1", output, target);
  pair.expect_pictures(1);
  // The pyramid is linear: that of the difference is the difference of the pyramids.
  at::Tensor difference = pair.difference();
  at::Tensor sum = at::zeros({}, difference.options());
  for (std::int64_t k = 0; k < octaves; ++k) {
    if (difference.size(2) % 2 != 0 || difference.size(3) % 2 != 0) break;
    const auto coarse = at::avg_pool2d(difference, 2);
    sum = sum +
          (difference - at::upsample_nearest2d(coarse, difference.sizes().slice(2))).abs().mean();
    difference = coarse;
  }
  return sum + difference.abs().mean();
}

}  // namespace chiaro::losses
