#include "chiaro/methods/awaken.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "chiaro/base/rng.h"

namespace chiaro::methods {
namespace {

constexpr std::int64_t kProbeSide = 16;
constexpr double kGain = 0.1;

void fill(at::Tensor tensor, Rng& rng, double scale) {
  at::Tensor values = at::empty(tensor.sizes(), at::kFloat);
  auto* value = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    value[i] = static_cast<float>(scale * rng.normal());
  tensor.copy_(values);
}

}  // namespace

bool awaken(networks::Network& network, std::uint64_t seed) {
  const c10::NoGradGuard no_grad;
  const auto parameters = network.parameters();
  if (parameters.empty()) return false;
  Rng rng(seed, {stable_hash("awaken")});
  const std::int64_t step = network.geometry().alignment_px;
  const std::int64_t side = (kProbeSide + step - 1) / step * step;
  at::Tensor probe = at::empty({1, 3, side, side}, parameters.front().options());
  fill(probe, rng, 0.3);
  const at::Tensor output = network.forward(probe);
  if (output.sizes() != probe.sizes() || !at::equal(output, probe)) return false;
  bool drawn = false;
  for (const auto& parameter : parameters) {
    if (parameter.dim() != 4 || parameter.any().item<bool>()) continue;
    fill(parameter, rng, kGain / std::sqrt(static_cast<double>(parameter[0].numel())));
    drawn = true;
  }
  return drawn;
}

}  // namespace chiaro::methods
