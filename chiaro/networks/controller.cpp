#include "chiaro/networks/controller.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/nn/modules/conv.h>

#include <cmath>
#include <utility>

#include "chiaro/nn/init.h"

namespace chiaro::networks {
namespace {

constexpr double kSlope = 0.1;           // of the leaky ReLU
constexpr double kLargestScale = 4.605;  // ln 100, as in CLIP

torch::nn::Conv2d conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride) {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(1));
  nn::init_conv(*conv, std::sqrt(2.0));
  return conv;
}

at::Tensor unit(const at::Tensor& x) {
  return x / (x.square().sum(1, /*keepdim=*/true) + 1e-12).sqrt();
}

/// (N,C,H,W) → (N,2C): mean and standard deviation of every channel.
at::Tensor mean_and_deviation(const at::Tensor& features) {
  const auto f = features.to(at::kFloat);
  const auto mean = f.mean(at::IntArrayRef{2, 3});
  const auto variance = (f * f).mean(at::IntArrayRef{2, 3}) - mean * mean;
  return at::cat({mean, (variance.clamp_min(0) + 1e-6).sqrt()}, 1);
}

}  // namespace

/// Four convolutional stages, each of which halves the sides. Statistics of the pixels themselves,
/// of the first stage and of the last one are its result.
class Controller::Tower : public torch::nn::Module {
 public:
  explicit Tower(std::int64_t width)
      : high_pass_(register_buffer("high_pass", at::full({3, 1, 3, 3}, -1.0 / 8))),
        first_(register_module(
            "first",
            torch::nn::Conv2d(torch::nn::Conv2dOptions(6, width, 5).stride(2).padding(2)))) {
    high_pass_.select(2, 1).select(2, 1).fill_(1.0);
    nn::init_conv(*first_, std::sqrt(2.0));
    std::int64_t in = width;
    for (std::size_t i = 0; i < kStages; ++i) {
      const std::int64_t out = width * kWidths[i];
      const std::string number = std::to_string(i);
      down_.push_back(register_module("down" + number, conv3x3(in, out, 2)));
      deeper_.push_back(register_module("deeper" + number, conv3x3(out, out, 1)));
      norm_.push_back(register_module("norm" + number,
                                      torch::nn::GroupNorm(torch::nn::GroupNormOptions(1, out))));
      in = out;
    }
  }

  /// (N,3,H,W) → (N, features(width)).
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor detail =
        at::conv2d(at::reflection_pad2d(x, {1, 1, 1, 1}), high_pass_, /*bias=*/{},
                   /*stride=*/at::IntArrayRef{1}, at::IntArrayRef{0}, at::IntArrayRef{1},
                   /*groups=*/3);
    const at::Tensor pixels = at::cat({x - 0.5, 4 * detail}, 1);
    at::Tensor f = at::leaky_relu(first_->forward(pixels), kSlope);
    const at::Tensor fine = at::cat({mean_and_deviation(pixels), mean_and_deviation(f)}, 1);
    for (std::size_t i = 0; i < kStages; ++i) {
      f = at::leaky_relu(down_[i]->forward(f), kSlope);
      f = at::leaky_relu(f + norm_[i]->forward(deeper_[i]->forward(f)), kSlope);
    }
    return at::cat({fine, mean_and_deviation(f)}, 1);
  }

  static std::int64_t features(std::int64_t width) {
    return 2 * (6 + width + width * kWidths[kStages - 1]);
  }

 private:
  static constexpr std::size_t kStages = 3;
  static constexpr std::int64_t kWidths[kStages] = {2, 3, 4};
  at::Tensor high_pass_;
  torch::nn::Conv2d first_;
  std::vector<torch::nn::Conv2d> down_, deeper_;
  std::vector<torch::nn::GroupNorm> norm_;
};

at::Tensor simplex_table(std::int64_t kinds) {
  CHIARO_CHECK(kinds >= 2, Usage, "[networks.simplex_table] {} kinds; expected 2 or more", kinds);
  const auto k = static_cast<double>(kinds);
  return (at::eye(kinds) - 1.0 / k) * std::sqrt(k / (k - 1));
}

Controller::Controller(const ControllerOptions& options, std::vector<std::string> types,
                       std::vector<std::string> domains, const at::Tensor& table) {
  CHIARO_CHECK(options.embedding >= 2 && options.embedding % 2 == 0, Usage,
               "[networks.controller] embedding holds two equal halves; got {}; expected an even "
               "number",
               options.embedding);
  CHIARO_CHECK(
      table.dim() == 2 && table.size(0) == static_cast<std::int64_t>(types.size()), Usage,
      "[networks.controller] the text table has {} rows; expected one for each of {} kinds",
      table.size(0), types.size());
  layout_.types = std::move(types);
  layout_.domains = std::move(domains);
  layout_.embedding = options.embedding;
  layout_.view_px = options.view_px;
  layout_.max_views = options.max_views;
  layout_.whole_px = options.whole_px;
  const std::int64_t d = options.embedding / 2;
  const std::int64_t pooled = 2 * Tower::features(options.width);
  const auto kinds = static_cast<std::int64_t>(layout_.types.size());
  const auto places = std::max<std::int64_t>(1, static_cast<std::int64_t>(layout_.domains.size()));
  table_ = register_buffer("table", table.to(at::kFloat).clone());
  scale_ = register_parameter("scale", at::full({}, std::log(1 / 0.07)));
  native_ = register_module("native", std::make_shared<Tower>(options.width));
  whole_ = register_module("whole", std::make_shared<Tower>(options.width));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({pooled})));
  const auto head = [&](const char* name, std::int64_t in, std::int64_t out, bool bias) {
    return register_module(name, torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias)));
  };
  trunk_ = head("trunk", pooled, options.hidden, true);
  damage_ = head("damage", options.hidden, d, true);
  content_ = head("content", options.hidden, d, true);
  severity_ = head("severity", options.hidden, kinds, true);
  domain_ = head("domain", options.hidden, places, true);
  project_ = head("project", table.size(1), d, false);
}

at::Tensor Controller::prototypes() {
  return unit(project_->forward(table_));
}

Controller::Features Controller::features(const at::Tensor& native, const at::Tensor& whole) {
  const auto count = native.size(0);
  const auto views = native.size(1);
  const auto seen = native_->forward(
      native.reshape({count * views, native.size(2), native.size(3), native.size(4)}));
  const auto far = whole_->forward(whole);
  // Cosines are multiplied by up to 100: half precision would blur the decision.
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto near = seen.reshape({count, views, seen.size(1)}).mean(1);
  const auto h = at::gelu(trunk_->forward(norm_->forward(at::cat({near, far}, 1))));
  Features result;
  result.damage = unit(damage_->forward(h));
  result.content = unit(content_->forward(h));
  result.logits =
      at::matmul(result.damage, prototypes().t()) * scale_.clamp_max(kLargestScale).exp();
  result.severity = at::sigmoid(severity_->forward(h));
  result.domain = domain_->forward(h);
  return result;
}

Diagnosis Controller::diagnose(const at::Tensor& native, const at::Tensor& whole) {
  const Features f = features(native, whole);
  const auto cosine = at::matmul(f.damage, prototypes().t());
  return {at::cat({at::softmax(f.logits, 1), f.severity, f.damage, f.content}, 1),
          at::softmax(f.domain, 1), 1 - cosine.amax(1, /*keepdim=*/true)};
}

}  // namespace chiaro::networks
