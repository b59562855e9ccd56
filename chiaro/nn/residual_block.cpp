#include "chiaro/nn/residual_block.h"

#include <ATen/ops/relu.h>

#include <numbers>

#include "chiaro/nn/init.h"

namespace chiaro::nn {
namespace {

constexpr double kBranchGain = 0.1;

torch::nn::Conv2d conv3x3(std::int64_t channels) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 3).padding(1));
}

}  // namespace

ResidualBlockImpl::ResidualBlockImpl(std::int64_t channels)
    : conv1_(register_module("conv1", conv3x3(channels))),
      conv2_(register_module("conv2", conv3x3(channels))) {
  init_conv(*conv1_, std::numbers::sqrt2);
  init_conv(*conv2_, kBranchGain);
}

at::Tensor ResidualBlockImpl::forward(const at::Tensor& x) {
  return x + conv2_->forward(at::relu(conv1_->forward(x)));
}

}  // namespace chiaro::nn
