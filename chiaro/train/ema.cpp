#include "chiaro/train/ema.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace chiaro::train {

Ema::Ema(std::vector<at::Tensor> weights, double decay)
    : weights_(std::move(weights)), decay_(decay) {
  const c10::NoGradGuard no_grad;
  for (const auto& weight : weights_) averages_.push_back(weight.detach().clone());
}

void Ema::update() {
  const c10::NoGradGuard no_grad;
  ++updates_;
  const auto t = static_cast<double>(updates_);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  if (weights_.empty()) return;
  if (decay_ <= 0) {
    at::_foreach_copy_(averages_, weights_);
  } else {
    at::_foreach_lerp_(averages_, weights_, 1 - decay);
  }
}

void Ema::swap() {
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const at::Tensor held = weights_[i].detach().clone();
    weights_[i].copy_(averages_[i]);
    averages_[i].copy_(held);
  }
}

}  // namespace chiaro::train
