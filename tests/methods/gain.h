// A network of one weight, and a batch for it.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "chiaro/data/batch.h"
#include "chiaro/networks/network.h"

namespace chiaro::methods {

/// y = a·x with one weight, so that losses and gradients can be worked out by hand; and a buffer.
class Gain : public networks::Network {
 public:
  explicit Gain(double gain) {
    weight_ = register_parameter("weight", at::full({1}, gain, at::kFloat));
    seen_ = register_buffer("seen", at::zeros({1}));
  }
  at::Tensor forward(const at::Tensor& x, const networks::Condition& /*condition*/) override {
    return x * weight_;
  }
  networks::Geometry geometry() const override { return {}; }
  void set(double gain) {
    const at::NoGradGuard no_grad;
    weight_.fill_(gain);
  }

 private:
  at::Tensor weight_;
  at::Tensor seen_;
};

/// Inputs of ones, targets of twos.
inline data::Batch ones_and_twos() {
  data::Batch batch;
  batch.input = at::ones({2, 3, 16, 16});
  batch.target = at::full({2, 3, 16, 16}, 2.0);
  return batch;
}

}  // namespace chiaro::methods
