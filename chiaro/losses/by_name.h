// Pixel losses by name, as recipes write them: "charbonnier + 0.05 frequency".
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

namespace chiaro::losses {

/// output, target: (N,C,H,W), one shape. Returns a 0-dim tensor with gradient.
using PixelLoss = at::Tensor (*)(const at::Tensor& output, const at::Tensor& target);

/// One term of a weighted sum.
struct WeightedLoss {
  std::string name;
  double weight = 1.0;  ///< > 0
  PixelLoss function = nullptr;
};

/// charbonnier, edge, frequency, l1, mse, psnr, ssim.
const std::vector<std::string>& pixel_loss_names();

/// Errors: Usage naming the nearest loss.
PixelLoss find_pixel_loss(std::string_view name);

/// Reads terms joined by '+'; a term is a name, or a positive number, an optional '*' and a name.
/// Keeps the order. Errors: Usage (empty text, unknown name, the same name twice, weight not
/// positive, anything else in the text).
std::vector<WeightedLoss> parse_loss_terms(std::string_view text);

}  // namespace chiaro::losses
