#include "chiaro/nn/statistics_tower.h"

#include <ATen/ATen.h>

#include <array>
#include <string>

#include "chiaro/nn/init.h"

namespace chiaro::nn {
namespace {

constexpr double kTowerSlope = 0.1;  // of the leaky ReLU
constexpr std::array<std::int64_t, StatisticsTower::kStages - 1> kWidths = {
    2, 3, 4};  // of the stages, in widths of the first

/// (N,C,H,W) → (N,2C): mean and standard deviation of every channel.
at::Tensor mean_and_deviation(const at::Tensor& features) {
  const auto f = features.to(at::kFloat);
  const auto mean = f.mean(at::IntArrayRef{2, 3});
  const auto variance = (f * f).mean(at::IntArrayRef{2, 3}) - mean * mean;
  return at::cat({mean, (variance.clamp_min(0) + 1e-6).sqrt()}, 1);
}

}  // namespace

StatisticsTower::StatisticsTower(std::int64_t width)
    : high_pass_(register_buffer("high_pass", at::full({3, 1, 3, 3}, -1.0 / 8))),
      first_(register_module("first", he_conv(6, width, 5, 2))) {
  high_pass_.select(2, 1).select(2, 1).fill_(1.0);
  std::int64_t in = width;
  for (std::size_t i = 0; i < kWidths.size(); ++i) {
    const std::int64_t out = width * kWidths[i];
    const std::string number = std::to_string(i);
    down_.push_back(register_module("down" + number, he_conv(in, out, 3, 2)));
    deeper_.push_back(register_module("deeper" + number, he_conv(out, out, 3)));
    norm_.push_back(register_module("norm" + number,
                                    torch::nn::GroupNorm(torch::nn::GroupNormOptions(1, out))));
    in = out;
  }
}

at::Tensor StatisticsTower::with_detail(const at::Tensor& pictures) const {
  const at::Tensor detail =
      at::conv2d(at::reflection_pad2d(pictures, {1, 1, 1, 1}), high_pass_, /*bias=*/{},
                 /*stride=*/at::IntArrayRef{1}, at::IntArrayRef{0}, at::IntArrayRef{1},
                 /*groups=*/3);
  return at::cat({pictures - 0.5, 4 * detail}, 1);
}

at::Tensor StatisticsTower::first_stage(const at::Tensor& with_detail) {
  return at::leaky_relu(first_->forward(with_detail), kTowerSlope);
}

at::Tensor StatisticsTower::deeper_stage(std::size_t i, const at::Tensor& f) {
  const at::Tensor down = at::leaky_relu(down_[i]->forward(f), kTowerSlope);
  return at::leaky_relu(down + norm_[i]->forward(deeper_[i]->forward(down)), kTowerSlope);
}

at::Tensor StatisticsTower::stage(std::size_t index, const at::Tensor& x) {
  return index == 0 ? first_stage(with_detail(x)) : deeper_stage(index - 1, x);
}

at::Tensor StatisticsTower::forward(const at::Tensor& x) {
  const at::Tensor pixels = with_detail(x);
  at::Tensor f = first_stage(pixels);
  const at::Tensor fine = at::cat({mean_and_deviation(pixels), mean_and_deviation(f)}, 1);
  for (std::size_t i = 0; i < kWidths.size(); ++i) f = deeper_stage(i, f);
  return at::cat({fine, mean_and_deviation(f)}, 1);
}

std::int64_t StatisticsTower::features(std::int64_t width) {
  return 2 * (6 + width + width * kWidths.back());
}

}  // namespace chiaro::nn
