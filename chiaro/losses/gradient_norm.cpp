#include "chiaro/losses/gradient_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace chiaro::losses {

double gradient_norm(const at::Tensor& term, const at::Tensor& at) {
  return torch::autograd::grad({term}, {at}, {}, /*retain_graph=*/true)
      .front()
      .norm()
      .item<double>();
}

}  // namespace chiaro::losses
