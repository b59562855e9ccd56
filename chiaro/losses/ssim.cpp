#include "chiaro/losses/ssim.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>

#include <cstdint>

#include "chiaro/losses/pair.h"

namespace chiaro::losses {
namespace {

constexpr std::int64_t kWindow = 11;
constexpr double kSigma = 1.5;
constexpr double kC1 = 0.01 * 0.01;
constexpr double kC2 = 0.03 * 0.03;

at::Tensor gaussian(const at::TensorOptions& options) {
  const auto x = at::arange(kWindow, options) - static_cast<double>(kWindow / 2);
  const auto weights = (x.square() / (-2.0 * kSigma * kSigma)).exp();
  return weights / weights.sum();
}

/// (P,1,H,W) → (P,1,H−10,W−10): the window's weighted mean at every place where it fits.
at::Tensor blurred(const at::Tensor& planes, const at::Tensor& weights) {
  const auto rows = at::conv2d(planes, weights.view({1, 1, 1, kWindow}));
  return at::conv2d(rows, weights.view({1, 1, kWindow, 1}));
}

}  // namespace

at::Tensor ssim(const at::Tensor& output, const at::Tensor& target) {
  const Pair pair("ssim", output, target);
  pair.expect_pictures(kWindow);
  const auto x = pair.output().flatten(0, 1).unsqueeze(1);
  const auto y = pair.target().flatten(0, 1).unsqueeze(1);
  const auto weights = gaussian(x.options().requires_grad(false));
  const auto mean_x = blurred(x, weights);
  const auto mean_y = blurred(y, weights);
  const auto variance_x = blurred(x * x, weights) - mean_x * mean_x;
  const auto variance_y = blurred(y * y, weights) - mean_y * mean_y;
  const auto covariance = blurred(x * y, weights) - mean_x * mean_y;
  const auto luminance = (2.0 * mean_x * mean_y + kC1) / (mean_x * mean_x + mean_y * mean_y + kC1);
  const auto structure = (2.0 * covariance + kC2) / (variance_x + variance_y + kC2);
  return 1.0 - (luminance * structure).mean();
}

}  // namespace chiaro::losses
