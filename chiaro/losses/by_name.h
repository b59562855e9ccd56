// Pixel losses by name, so that a recipe can say "charbonnier + 0.05 frequency".
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro::losses {

/// A loss of (output, target), both (N,C,H,W); returns a 0-dim tensor.
using PixelLoss = std::function<at::Tensor(const at::Tensor& output, const at::Tensor& target)>;

struct WeightedLoss {
  std::string name;
  double weight = 1.0;
  PixelLoss function;
};

/// Names that parse_loss_terms knows.
std::vector<std::string> pixel_loss_names();

/// Reads `term { "+" term }`, term = [ weight [ "*" ] ] name. Errors: Usage naming the nearest loss; an empty text, a
/// weight that is not a positive number, a name twice.
std::vector<WeightedLoss> parse_loss_terms(std::string_view text);

}  // namespace chiaro::losses
