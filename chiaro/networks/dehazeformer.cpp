// dehazeformer: dehazing by a U-shaped network of convolutions and attention inside windows.
//
//   x ─ conv ─ stage 0 ─ ↓2 ─ stage 1 ─ ↓2 ─ stage 2 ─ ↑2 ─ stage 3 ─ ↑2 ─ stage 4 ─ conv ─ (K,B)
//                 └─────────────┼──────── 1×1 ────────┼───────────────┘
//                               └──────── 1×1 ────────┘                    y = K ⊙ x − B + x
//
//   block:  u = x + 1×1(D(V) + A(q, k, V)),  x' = u + 1×1(relu(1×1(u))),  V = 1×1(x)
//
// D is a depthwise 5×5 convolution, A attention inside windows, which only the last blocks of a
// stage have. Those put a norm in front: x̂ = (x − μ)/σ with mean and deviation over channels and
// pixels of the whole picture, and take both back behind it: u = x + s(σ) ⊙ (…) + t(μ) with linear
// s and t. So a tile's result differs from the whole picture's (global_statistics). The bias of the
// attention is a small network of the log of the difference of places. Every other block shifts its
// windows by half: the map is padded by mirroring and the pad cut off again. ↓2: convolution,
// kernel 2, stride 2; ↑2: 1×1 convolution, pixel shuffle. Where two branches meet, a softmax weighs
// them channel by channel by means over the whole picture, and the deeper one is added.
//
// The defaults are the published -T. -S: blocks = [8,8,8,4,4], attention = [2,4,6,0,0]; -B: blocks
// = [16,16,16,8,8], attention = [4,8,12,0,0]. Their published sizes, 0.686, 1.283 and 2.514 M,
// leave out weight and bias of the norms, with which it is 0.687, 1.285 and 2.518 M. Not here are
// -M and -L, which have other convolutions. The publication pads maps whose sides are no multiple
// of the window stage by stage; here the picture is mirrored once, by whoever calls the network.
//
// Reference: Y. Song, Z. He, H. Qian, X. Du, "Vision Transformers for Single Image Dehazing", 2022,
// arXiv:2204.03883.
#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"
#include "chiaro/nn/layers.h"
#include "chiaro/nn/span.h"
#include "chiaro/nn/windows.h"

namespace chiaro::networks {
namespace {

constexpr std::size_t kDehazeStages = 5;

struct DehazeformerOptions {
  std::int64_t width = 24;
  std::vector<std::int64_t> blocks = {4, 4, 4, 2, 2};
  std::vector<std::int64_t> attention = {0, 2, 4, 0, 0};
  std::vector<std::int64_t> heads = {2, 4, 6, 1, 1};
  std::vector<std::int64_t> expansion = {2, 4, 4, 2, 2};
  std::int64_t window = 8;

  static Fields<DehazeformerOptions> fields() {
    using T = DehazeformerOptions;
    return {
        field("width", &T::width, "channels of the first and the last stage; 2 and 4 times inside",
              {.min = 1, .max = 512}),
        field("blocks", &T::blocks, "blocks of each of the five stages", {.min = 0, .max = 64}),
        field("attention", &T::attention, "how many of them, the last ones, have attention",
              {.min = 0, .max = 64}),
        field("heads", &T::heads, "of the attention of each stage", {.min = 1, .max = 64}),
        field("expansion", &T::expansion,
              "how many times more channels a block of each stage has between its last two maps",
              {.min = 1, .max = 16}),
        field("window", &T::window, "side of a window in pixels", {.min = 3, .max = 32}),
    };
  }
};

/// What all blocks of a stage share.
struct DehazeStage {
  std::int64_t channels;
  std::int64_t blocks;
  std::int64_t attention;
  std::int64_t heads;
  std::int64_t expansion;
  std::int64_t window;
  std::int64_t depth;  // blocks of the network, for the initial weights

  bool attends(std::int64_t block) const { return block >= blocks - attention; }
  std::int64_t shift(std::int64_t block) const { return block % 2 == 0 ? 0 : window / 2; }
};

DehazeStage stage_of(const DehazeformerOptions& options, std::size_t i) {
  constexpr std::array<std::int64_t, kDehazeStages> kWidening = {1, 2, 4, 2, 1};
  std::int64_t depth = 0;
  for (const std::int64_t count : options.blocks) depth += count;
  return {options.width * kWidening[i],
          options.blocks[i],
          options.attention[i],
          options.heads[i],
          options.expansion[i],
          options.window,
          depth};
}

/// Normal with deviation gain·√(2/(fan_in + fan_out)), biases 0.
void init_by_fans(torch::nn::Conv2dImpl& conv, double gain) {
  const at::NoGradGuard no_grad;
  const auto area = conv.weight.size(2) * conv.weight.size(3);
  const auto fans = static_cast<double>((conv.weight.size(0) + conv.weight.size(1)) * area);
  conv.weight.normal_(0.0, 1.0).mul_(gain * std::sqrt(2.0 / fans));
  conv.bias.zero_();
}

/// A convolution without padding of its own on a map mirrored at its rims.
at::Tensor mirrored(torch::nn::Conv2d& conv, const at::Tensor& x, std::int64_t radius) {
  return conv->forward(at::reflection_pad2d(x, {radius, radius, radius, radius}));
}

/// The norm that remembers what it took away.
class RescaleNorm : public torch::nn::Module {
 public:
  struct Result {
    at::Tensor normal;  // (N,C,H,W)
    at::Tensor scale;   // (N,C,1,1)
    at::Tensor shift;   // (N,C,1,1)
  };

  explicit RescaleNorm(std::int64_t channels)
      : weight_(register_parameter("weight", at::ones({1, channels, 1, 1}))),
        bias_(register_parameter("bias", at::zeros({1, channels, 1, 1}))),
        scale_(register_module("scale", nn::pointwise(1, channels))),
        shift_(register_module("shift", nn::pointwise(1, channels))) {
    const at::NoGradGuard no_grad;
    scale_->weight.normal_(0.0, 0.02);
    scale_->bias.fill_(1.0);
    shift_->weight.normal_(0.0, 0.02);
    shift_->bias.zero_();
  }

  Result forward(const at::Tensor& x) {
    constexpr double kEpsilon = 1e-5;
    constexpr std::array<std::int64_t, 3> kAll = {1, 2, 3};
    const at::Tensor mean = x.mean(kAll, /*keepdim=*/true);
    const at::Tensor centred = x - mean;
    const at::Tensor deviation = (centred.square().mean(kAll, /*keepdim=*/true) + kEpsilon).sqrt();
    return {centred / deviation * weight_ + bias_, scale_->forward(deviation),
            shift_->forward(mean)};
  }

 private:
  at::Tensor weight_, bias_;
  torch::nn::Conv2d scale_, shift_;
};

/// Attention inside windows of a mirrored map.
class MirroredAttention : public torch::nn::Module {
 public:
  MirroredAttention(const DehazeStage& stage, std::int64_t shift)
      : window_(stage.window),
        shift_(shift),
        heads_(stage.heads),
        query_key_(register_module("query_key", nn::pointwise(stage.channels, 2 * stage.channels))),
        hidden_(register_module("hidden", torch::nn::Linear(2, kHidden))),
        bias_(register_module("bias", torch::nn::Linear(kHidden, stage.heads))) {
    init_by_fans(*query_key_, 1.0);
    const at::Tensor token = at::arange(window_ * window_, at::kLong);
    const at::Tensor place =
        at::stack({token.floor_divide(window_), token.remainder(window_)}, 1).to(at::kFloat);
    const at::Tensor difference = place.unsqueeze(1) - place.unsqueeze(0);
    differences_ = register_buffer("differences", difference.sign() * (difference.abs() + 1).log());
  }

  /// x, value: (N,C,H,W), sides multiples of the window. Returns their shape.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& value) {
    const auto height = x.size(2);
    const auto width = x.size(3);
    const auto pad = shift_ > 0 ? window_ : 0;
    at::Tensor map = at::cat({query_key_->forward(x), value}, 1);
    if (shift_ > 0) {
      const auto rest = window_ - shift_;
      map = at::reflection_pad2d(map, {shift_, rest, shift_, rest});
    }
    const auto parts = nn::to_windows(map.permute({0, 2, 3, 1}), window_).chunk(3, 2);
    const at::Tensor bias =
        bias_->forward(at::relu(hidden_->forward(differences_))).permute({2, 0, 1});
    const at::Tensor seen = nn::attend(parts[0], parts[1], parts[2], heads_, bias);
    map = nn::from_windows(seen, window_, height + pad, width + pad);
    if (shift_ > 0) map = map.narrow(1, shift_, height).narrow(2, shift_, width);
    return map.permute({0, 3, 1, 2});
  }

 private:
  static constexpr std::int64_t kHidden = 256;
  std::int64_t window_, shift_, heads_;
  torch::nn::Conv2d query_key_;
  torch::nn::Linear hidden_, bias_;
  at::Tensor differences_;  // (T,T,2): sign(d)·log(1 + |d|) of rows and columns
};

class DehazeBlockImpl : public torch::nn::Module {
 public:
  DehazeBlockImpl(const DehazeStage& stage, std::int64_t index)
      : value_(register_module("value", nn::pointwise(stage.channels, stage.channels))),
        local_(register_module(
            "local", torch::nn::Conv2d(torch::nn::Conv2dOptions(stage.channels, stage.channels, 5)
                                           .groups(stage.channels)))),
        proj_(register_module("proj", nn::pointwise(stage.channels, stage.channels))),
        widen_(register_module("widen",
                               nn::pointwise(stage.channels, stage.expansion * stage.channels))),
        narrow_(register_module("narrow",
                                nn::pointwise(stage.expansion * stage.channels, stage.channels))) {
    const double gain = std::pow(8.0 * static_cast<double>(stage.depth), -0.25);
    for (auto* conv : {&value_, &local_, &proj_, &widen_, &narrow_}) init_by_fans(**conv, gain);
    if (!stage.attends(index)) return;
    norm_ = register_module("norm", std::make_shared<RescaleNorm>(stage.channels));
    attention_ = register_module("attention",
                                 std::make_shared<MirroredAttention>(stage, stage.shift(index)));
  }

  /// (N,C,H,W) → the same shape.
  at::Tensor forward(const at::Tensor& x) {
    at::Tensor inner;
    if (attention_ == nullptr) {
      inner = proj_->forward(mirrored(local_, value_->forward(x), 2));
    } else {
      const RescaleNorm::Result normed = norm_->forward(x);
      const at::Tensor value = value_->forward(normed.normal);
      const at::Tensor seen = attention_->forward(normed.normal, value);
      inner = proj_->forward(mirrored(local_, value, 2) + seen) * normed.scale + normed.shift;
    }
    const at::Tensor y = x + inner;
    return y + narrow_->forward(at::relu(widen_->forward(y)));
  }

 private:
  torch::nn::Conv2d value_, local_, proj_, widen_, narrow_;
  std::shared_ptr<RescaleNorm> norm_;             // null in a block without attention
  std::shared_ptr<MirroredAttention> attention_;  // likewise
};
TORCH_MODULE(DehazeBlock);

/// deep + w ⊙ deep + (1 − w) ⊙ skip, w by channel from the means of deep + skip.
class SelectiveFusion : public torch::nn::Module {
 public:
  explicit SelectiveFusion(std::int64_t channels)
      : squeeze_(register_module("squeeze", plain(channels, hidden(channels)))),
        excite_(register_module("excite", plain(hidden(channels), 2 * channels))) {}

  at::Tensor forward(const at::Tensor& deep, const at::Tensor& skip) {
    const at::Tensor means = (deep + skip).mean(at::IntArrayRef{2, 3}, /*keepdim=*/true);
    const at::Tensor scores = excite_->forward(at::relu(squeeze_->forward(means)));
    const auto weights = at::softmax(scores.reshape({deep.size(0), 2, -1, 1, 1}), 1).unbind(1);
    return deep + deep * weights[0] + skip * weights[1];
  }

 private:
  static std::int64_t hidden(std::int64_t channels) {
    return std::max<std::int64_t>(channels / 8, 4);
  }
  static torch::nn::Conv2d plain(std::int64_t in, std::int64_t out) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1).bias(false));
  }

  torch::nn::Conv2d squeeze_, excite_;
};

class Dehazeformer : public Network {
 public:
  explicit Dehazeformer(const DehazeformerOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  at::Tensor run(std::size_t stage, at::Tensor features);

  DehazeformerOptions options_;
  torch::nn::Conv2d head_{nullptr};
  std::vector<std::vector<DehazeBlock>> stages_;
  // Finest first; between stages i and i + 1, 3 − i and 4 − i:
  std::vector<torch::nn::Conv2d> down_, up_, skip_;
  std::vector<std::shared_ptr<SelectiveFusion>> fusion_;
  torch::nn::Conv2d outro_{nullptr};
};

Dehazeformer::Dehazeformer(const DehazeformerOptions& options) : options_(options) {
  const auto plain3x3 = [](std::int64_t in, std::int64_t out) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3));
  };
  head_ = register_module("head", plain3x3(3, options_.width));
  for (std::size_t i = 0; i < kDehazeStages; ++i) {
    const DehazeStage stage = stage_of(options_, i);
    std::vector<DehazeBlock> blocks;
    for (std::int64_t b = 0; b < stage.blocks; ++b) {
      blocks.push_back(register_module("stage" + std::to_string(i) + "_" + std::to_string(b),
                                       DehazeBlock(stage, b)));
    }
    stages_.push_back(std::move(blocks));
  }
  for (std::size_t level = 0; level < 2; ++level) {
    const std::string name = std::to_string(level);
    const std::int64_t channels = stage_of(options_, level).channels;
    const auto halving = torch::nn::Conv2dOptions(channels, 2 * channels, 2).stride(2);
    down_.push_back(register_module("down" + name, torch::nn::Conv2d(halving)));
    up_.push_back(register_module("up" + name, nn::pointwise(2 * channels, 4 * channels)));
    skip_.push_back(register_module("skip" + name, nn::pointwise(channels, channels)));
    fusion_.push_back(
        register_module("fusion" + name, std::make_shared<SelectiveFusion>(channels)));
  }
  outro_ = register_module("outro", plain3x3(options_.width, 4));
}

at::Tensor Dehazeformer::run(std::size_t stage, at::Tensor features) {
  for (auto& block : stages_[stage]) features = block->forward(features);
  return features;
}

at::Tensor Dehazeformer::forward(const at::Tensor& x, const Condition& /*condition*/) {
  at::Tensor features = mirrored(head_, x, 1);
  std::array<at::Tensor, 2> skips;
  for (std::size_t level = 0; level < 2; ++level) {
    skips[level] = run(level, features);
    features = down_[level]->forward(skips[level]);
  }
  features = run(2, features);
  for (std::size_t level = 2; level-- > 0;) {
    features = at::pixel_shuffle(up_[level]->forward(features), 2);
    features = fusion_[level]->forward(features, skip_[level]->forward(skips[level]));
    features = run(4 - level, features);
  }
  const at::Tensor last = mirrored(outro_, features, 1);
  return last.narrow(1, 0, 1) * x - last.narrow(1, 1, 3) + x;
}

Geometry Dehazeformer::geometry() const {
  // The receptive field is that of convolutions and windows; the norms and the weights of the
  // fusion reach the whole picture.
  const auto stage_span = [&](nn::Span& span, std::size_t i) {
    const DehazeStage stage = stage_of(options_, i);
    for (std::int64_t b = stage.blocks; b-- > 0;) {
      nn::Span windows = span;
      span.before_conv(2);
      if (!stage.attends(b)) continue;
      windows.before_windows(stage.window, stage.shift(b));
      span.low = std::min(span.low, windows.low);
      span.high = std::max(span.high, windows.high);
    }
  };
  const std::int64_t alignment = 4 * options_.window;
  const auto field = nn::receptive_field_px(alignment, [&](nn::Span& span) {
    span.before_conv(1);
    stage_span(span, 4);
    span.before_enlarging(2);
    stage_span(span, 3);
    span.before_enlarging(2);
    stage_span(span, 2);
    span.before_reducing(2);
    stage_span(span, 1);
    span.before_reducing(2);
    stage_span(span, 0);
    span.before_conv(1);
  });
  return {.scale = 1,
          .alignment_px = alignment,
          .receptive_field_px = field,
          .global_statistics = true};
}

std::shared_ptr<Network> make_dehazeformer(const OptionTable& table) {
  const auto options = parse_options<DehazeformerOptions>(table, "dehazeformer");
  const auto five = [](const char* name, const std::vector<std::int64_t>& list) {
    CHIARO_CHECK(list.size() == kDehazeStages, Usage,
                 "[networks.dehazeformer] {} needs one number for each stage; got {}; expected {}",
                 name, list.size(), kDehazeStages);
  };
  five("blocks", options.blocks);
  five("attention", options.attention);
  five("heads", options.heads);
  five("expansion", options.expansion);
  for (std::size_t i = 0; i < kDehazeStages; ++i) {
    const DehazeStage stage = stage_of(options, i);
    CHIARO_CHECK(stage.attention <= stage.blocks, Usage,
                 "[networks.dehazeformer] more blocks with attention than blocks in stage {}; got "
                 "{}; expected at most {}",
                 i, stage.attention, stage.blocks);
    CHIARO_CHECK(stage.attention == 0 || stage.channels % stage.heads == 0, Usage,
                 "[networks.dehazeformer] the channels of stage {} are shared out among its heads; "
                 "got {} for {} heads; expected a multiple",
                 i, stage.channels, stage.heads);
  }
  return std::make_shared<Dehazeformer>(options);
}

}  // namespace

Entry dehazeformer() {
  return {.name = {},
          .summary = "dehazing: U-shaped network of convolutions and attention inside windows",
          .reference = "Song, He, Qian, Du, 2022, https://arxiv.org/abs/2204.03883",
          .options = describe_options<DehazeformerOptions>(),
          .make = make_dehazeformer};
}

}  // namespace chiaro::networks
