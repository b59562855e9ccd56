#include "chiaro/methods/degraded_copies.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::methods {
namespace {

constexpr double kLeastGain = 1.8;
constexpr double kMostGain = 3.0;
constexpr double kLeastArea = 0.5;

/// Gaussian of deviation 1 on 5×5.
at::Tensor blurred(const at::Tensor& picture) {
  const auto x = at::arange(-2, 3, picture.options());
  const auto row = (-0.5 * x * x).exp();
  const auto kernel = at::outer(row, row) / row.sum().square();
  return at::conv2d(at::replication_pad2d(picture, {2, 2, 2, 2}),
                    kernel.expand({3, 1, 5, 5}).contiguous(), {}, at::IntArrayRef{1},
                    at::IntArrayRef{0}, at::IntArrayRef{1}, /*groups=*/3);
}

/// What differs from `centre`, enlarged.
at::Tensor away_from(const at::Tensor& centre, const at::Tensor& window, Rng& rng) {
  return (centre + rng.uniform(kLeastGain, kMostGain) * (window - centre)).clamp(0, 1);
}

at::Tensor part_of(const at::Tensor& window, Rng& rng) {
  const double share = std::sqrt(rng.uniform(kLeastArea, 1));
  const auto cut = [&](const at::Tensor& from, std::int64_t dimension) {
    const std::int64_t length = from.size(dimension);
    const auto kept = std::max<std::int64_t>(1, std::llround(share * static_cast<double>(length)));
    return from.narrow(dimension, rng.integer(0, length - kept), kept);
  };
  return cut(cut(window, 2), 3);
}

}  // namespace

at::Tensor degraded_copies(const at::Tensor& windows, const std::vector<std::uint64_t>& seeds,
                           std::uint64_t method_seed, std::int64_t side_px) {
  CHIARO_CHECK(windows.dim() == 4 && windows.size(1) == 3 &&
                   windows.size(0) == static_cast<std::int64_t>(seeds.size()),
               Internal,
               "[methods.degraded_copies] expected windows (N,3,H,W) and a seed for each");
  const at::NoGradGuard no_grad;
  const auto reduced = [&](const at::Tensor& picture) {
    return at::adaptive_avg_pool2d(picture, {side_px, side_px});
  };
  std::vector<at::Tensor> copies;
  for (std::int64_t i = 0; i < windows.size(0); ++i) {
    Rng rng(method_seed, {stable_hash("augment"), seeds[static_cast<std::size_t>(i)]});
    const auto window = windows.narrow(0, i, 1);
    switch (rng.integer(0, 3)) {
      case 0:
        copies.push_back(blurred(reduced(window)));
        break;
      case 1:
        copies.push_back(reduced(away_from(window.mean(), window, rng)));
        break;
      case 2:
        copies.push_back(reduced(part_of(window, rng)));
        break;
      default:
        copies.push_back(reduced(away_from(window.mean(1, /*keepdim=*/true), window, rng)));
    }
  }
  return at::cat(copies);
}

}  // namespace chiaro::methods
