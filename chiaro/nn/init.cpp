#include "chiaro/nn/init.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <numbers>

namespace chiaro::nn {

void init_conv(torch::nn::Conv2dImpl& conv, double gain) {
  const at::NoGradGuard no_grad;
  const auto fan_in = static_cast<double>(conv.weight.numel() / conv.weight.size(0));
  conv.weight.normal_(0.0, 1.0).mul_(gain / std::sqrt(fan_in));
  if (conv.bias.defined()) conv.bias.zero_();
}

torch::nn::Conv2d he_conv(std::int64_t in, std::int64_t out, std::int64_t kernel,
                          std::int64_t stride) {
  torch::nn::Conv2d conv(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2));
  init_conv(*conv, std::numbers::sqrt2);
  return conv;
}

void init_upsampling(torch::nn::ConvTranspose2dImpl& conv, double gain) {
  const at::NoGradGuard no_grad;
  // The weight is (in, out, k, k); kernel = stride, so each output pixel sums over `in` values
  // only.
  const auto fan_in = static_cast<double>(conv.weight.size(0));
  const auto kernel = conv.weight.slice(2, 0, 1).slice(3, 0, 1).clone().normal_(0.0, 1.0);
  conv.weight.copy_(kernel.mul(gain / std::sqrt(fan_in)).expand_as(conv.weight));
  if (conv.bias.defined()) conv.bias.zero_();
}

}  // namespace chiaro::nn
