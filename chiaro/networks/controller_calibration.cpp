#include "chiaro/networks/controller_calibration.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::networks {
namespace {

constexpr double kConfidenceBins = 10;
constexpr int kHalvings = 60;  // of an interval of 20: below 1e-16

void check_samples(const at::Tensor& values, const at::Tensor& kinds) {
  CHIARO_CHECK(values.dim() == 2 && values.size(0) > 0 && values.sizes() == kinds.sizes(), Internal,
               "[networks.calibration] expected values and kinds (N,K) of some samples");
}

}  // namespace

double fit_temperature(const at::Tensor& logits, const at::Tensor& kinds) {
  check_samples(logits, kinds);
  const c10::NoGradGuard no_grad;
  const auto z = logits.to(at::kDouble);
  const auto label = kinds.to(at::kDouble) / kinds.sum(1, /*keepdim=*/true);
  // The derivative by β = 1/T, which grows with β: the mean of Σ_k (softmax(βz)_k − label_k)·z_k.
  const auto slope = [&](double inverse) {
    return ((at::softmax(inverse * z, 1) - label) * z).sum(1).mean().item<double>();
  };
  double low = 1 / kMostCalibration;
  double high = 1 / kLeastCalibration;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (slope(middle) <= 0 ? low : high) = middle;  // 0: nothing is left to gain
  }
  return 2 / (low + high);
}

double calibration_error(const at::Tensor& probabilities, const at::Tensor& kinds) {
  check_samples(probabilities, kinds);
  const c10::NoGradGuard no_grad;
  const auto [confidence, guess] = probabilities.to(at::kDouble).max(1, /*keepdim=*/true);
  const auto right = kinds.gather(1, guess).to(at::kDouble);
  const auto bin = (confidence * kConfidenceBins).floor().clamp_max(kConfidenceBins - 1);
  double error = 0;
  for (int b = 0; b < static_cast<int>(kConfidenceBins); ++b)
    error += std::abs(((right - confidence) * bin.eq(b)).sum().item<double>());
  return error / static_cast<double>(right.numel());
}

}  // namespace chiaro::networks
