// idt: removal of rain by a U-shaped network of two kinds of attention.
//
//   x ─ conv ─ stage 0 ─ ↓ ─ stage 1 ─ … ─ ↓ ─ stage 4 ─ ↑ ─ stage 5 ─ … ─ ↑ ─ stage 8 ─ conv ─ + x
//                 └──────────── joined, in front of stages 5 to 8, by concatenation ──┘
//
//   window block:  u = x + A(windows of norm(x)),   x' = u + F(norm(u))
//   spatial block: u = x + A(S(x)) put back,        x' = u + F(norm(u))
//   A(t) = linear(softmax(q·kᵀ/√d + bias)·v + E(r)),   q, k, v, r = linear(t)
//
// Tokens of a window block are the w × w pixels of a window. A spatial block, at the end of every
// stage but the middle one, cuts a square of the map into windows, and its tokens are these: one
// for each window and channel, with its w² pixels as features, so it sees far. E is a depthwise and
// a grouped 1×1 convolution over the tokens' places, F(t) = linear(h + GELU(depthwise 3×3(h))) with
// h = GELU(linear(t)). ↓: convolution, kernel 4, stride 2; ↑: transposed convolution, kernel 2,
// stride 2.
//
// The published network takes pictures of 128 × 128 pixels, and larger ones are put together from
// the results. Here 16·w = 128 pixels are the side of the squares that spatial blocks see, and the
// convolutions go over the whole picture: a picture of one square gives what is published, in
// larger ones squares pass their content on to each other. That reaches about ten squares far, so
// for tiles it counts as the whole picture (global_statistics). Two more things differ. The
// released code adds the result of a spatial block window by window to pixels that stand row by
// row; here it goes back to the pixels it came from. Stochastic depth is left out.
//
// The defaults are the published network: 16,416,463 parameters (16.4 M).
//
// Reference: J. Xiao, X. Fu, A. Liu, F. Wu, Z.-J. Zha, "Image De-raining Transformer", IEEE
// Transactions on Pattern Analysis and Machine Intelligence, 2022.
#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <algorithm>
#include <array>
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

constexpr std::size_t kIdtLevels = 5;
constexpr std::size_t kIdtStages = 2 * kIdtLevels - 1;
constexpr std::size_t kIdtMiddle = kIdtLevels - 1;

struct IdtOptions {
  std::int64_t width = 32;
  std::vector<std::int64_t> blocks = {3, 3, 2, 2, 1, 1, 2, 2, 3};
  std::vector<std::int64_t> heads = {1, 2, 4, 8, 16, 16, 8, 4, 2};
  std::int64_t window = 8;
  std::int64_t expansion = 4;

  static Fields<IdtOptions> fields() {
    using T = IdtOptions;
    return {
        field("width", &T::width, "channels of the first stage", {.min = 1, .max = 256}),
        field("blocks", &T::blocks, "window blocks of each of the nine stages",
              {.min = 0, .max = 64}),
        field("heads", &T::heads, "of the attention of each stage", {.min = 1, .max = 256}),
        field("window", &T::window,
              "side of a window in pixels; spatial blocks see squares 16 times as large",
              {.min = 2, .max = 32}),
        field("expansion", &T::expansion,
              "how many times more channels a block has between its two linear maps",
              {.min = 1, .max = 16}),
    };
  }
};

/// What the blocks of a stage share.
struct IdtStage {
  std::int64_t level;     // how often the sides have been halved
  std::int64_t channels;  // behind the concatenation, on the way up
  std::int64_t blocks;
  std::int64_t heads;
  std::int64_t window;
  std::int64_t expansion;
  bool spatial;

  /// Windows along a side of a square.
  std::int64_t windows() const {
    return std::int64_t{1} << (static_cast<std::int64_t>(kIdtMiddle) - level);
  }
  std::int64_t square() const { return window * windows(); }
};

IdtStage idt_stage(const IdtOptions& options, std::size_t i) {
  const std::size_t level = i <= kIdtMiddle ? i : kIdtStages - 1 - i;
  const std::int64_t doublings = static_cast<std::int64_t>(i <= kIdtMiddle ? level : level + 1);
  return {static_cast<std::int64_t>(level),
          options.width << doublings,
          options.blocks[i],
          options.heads[i],
          options.window,
          options.expansion,
          i != kIdtMiddle};
}

torch::nn::Linear idt_linear(std::int64_t in, std::int64_t out) {
  torch::nn::Linear made(in, out);
  const at::NoGradGuard no_grad;
  made->weight.normal_(0.0, 0.02);
  made->bias.zero_();
  return made;
}

torch::nn::LayerNorm idt_norm(std::int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}));
}

torch::nn::Conv2d depthwise(std::int64_t channels, std::int64_t radius) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 2 * radius + 1)
                               .padding(radius)
                               .groups(channels));
}

/// A of the header, among side × side tokens.
class PositionedAttention : public torch::nn::Module {
 public:
  PositionedAttention(std::int64_t side, std::int64_t channels, std::int64_t heads)
      : side_(side),
        heads_(heads),
        query_(register_module("query", idt_linear(channels, channels))),
        rest_(register_module("rest", idt_linear(channels, 3 * channels))),
        bias_(register_module("bias", nn::RelativeBias(side, heads))),
        place_(register_module("place", depthwise(channels, std::min<std::int64_t>(side - 1, 2)))),
        mix_(register_module(
            "mix",
            torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 1).groups(heads)))),
        proj_(register_module("proj", idt_linear(channels, channels))) {}

  /// (B,side²,channels) → the same shape.
  at::Tensor forward(const at::Tensor& tokens) {
    const auto parts = rest_->forward(tokens).chunk(3, 2);
    const at::Tensor seen =
        nn::attend(query_->forward(tokens), parts[0], parts[1], heads_, bias_->forward());
    const at::Tensor map =
        parts[2].permute({0, 2, 1}).reshape({tokens.size(0), tokens.size(2), side_, side_});
    const at::Tensor places = mix_->forward(place_->forward(map)).flatten(2).permute({0, 2, 1});
    return proj_->forward(seen + places);
  }

 private:
  std::int64_t side_, heads_;
  torch::nn::Linear query_, rest_;
  nn::RelativeBias bias_;
  torch::nn::Conv2d place_, mix_;
  torch::nn::Linear proj_;
};

/// norm, then F of the header: (N,H,W,channels) → the same shape.
class LocalFeedForward : public torch::nn::Module {
 public:
  LocalFeedForward(std::int64_t channels, std::int64_t hidden)
      : norm_(register_module("norm", idt_norm(channels))),
        widen_(register_module("widen", idt_linear(channels, hidden))),
        local_(register_module("local", depthwise(hidden, 1))),
        narrow_(register_module("narrow", idt_linear(hidden, channels))) {}

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor hidden = at::gelu(widen_->forward(norm_->forward(x))).permute({0, 3, 1, 2});
    const at::Tensor mixed = hidden + at::gelu(local_->forward(hidden));
    return narrow_->forward(mixed.permute({0, 2, 3, 1}));
  }

 private:
  torch::nn::LayerNorm norm_;
  torch::nn::Linear widen_;
  torch::nn::Conv2d local_;
  torch::nn::Linear narrow_;
};

class WindowBlockImpl : public torch::nn::Module {
 public:
  explicit WindowBlockImpl(const IdtStage& stage)
      : window_(stage.window),
        norm_(register_module("norm", idt_norm(stage.channels))),
        attention_(register_module("attention", std::make_shared<PositionedAttention>(
                                                    stage.window, stage.channels, stage.heads))),
        feed_(register_module("feed", std::make_shared<LocalFeedForward>(
                                          stage.channels, stage.expansion * stage.channels))) {}

  /// (N,H,W,C) → the same shape.
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor seen = attention_->forward(nn::to_windows(norm_->forward(x), window_));
    const at::Tensor y = x + nn::from_windows(seen, window_, x.size(1), x.size(2));
    return y + feed_->forward(y);
  }

 private:
  std::int64_t window_;
  torch::nn::LayerNorm norm_;
  std::shared_ptr<PositionedAttention> attention_;
  std::shared_ptr<LocalFeedForward> feed_;
};
TORCH_MODULE(WindowBlock);

class SpatialBlockImpl : public torch::nn::Module {
 public:
  explicit SpatialBlockImpl(const IdtStage& stage)
      : window_(stage.window),
        windows_(stage.windows()),
        attention_(register_module("attention",
                                   std::make_shared<PositionedAttention>(
                                       stage.windows(), stage.window * stage.window, stage.heads))),
        feed_(register_module(
            "feed", std::make_shared<LocalFeedForward>(
                        stage.channels, stage.expansion * stage.window * stage.window))) {}

  /// (N,H,W,C) → the same shape.
  at::Tensor forward(const at::Tensor& x) {
    const auto side = window_ * windows_;
    const auto channels = x.size(3);
    // Squares (B,side²,C) → tokens (B·C,windows²,w²) and back.
    const at::Tensor squares = nn::to_windows(x, side);
    const auto count = squares.size(0);
    const at::Tensor tokens =
        squares.reshape({count, windows_, window_, windows_, window_, channels})
            .permute({0, 5, 1, 3, 2, 4})
            .reshape({count * channels, windows_ * windows_, window_ * window_});
    const at::Tensor seen = attention_->forward(tokens)
                                .reshape({count, channels, windows_, windows_, window_, window_})
                                .permute({0, 2, 4, 3, 5, 1})
                                .reshape({count, side * side, channels});
    const at::Tensor y = x + nn::from_windows(seen, side, x.size(1), x.size(2));
    return y + feed_->forward(y);
  }

 private:
  std::int64_t window_, windows_;
  std::shared_ptr<PositionedAttention> attention_;
  std::shared_ptr<LocalFeedForward> feed_;
};
TORCH_MODULE(SpatialBlock);

class Idt : public Network {
 public:
  explicit Idt(const IdtOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  at::Tensor run(std::size_t stage, const at::Tensor& planes);

  IdtOptions options_;
  torch::nn::Conv2d head_{nullptr};
  std::vector<std::vector<WindowBlock>> windows_;  // by stage
  std::vector<SpatialBlock> spatial_;              // by stage; empty in the middle
  std::vector<torch::nn::Conv2d> down_;            // behind stages 0 to 3
  std::vector<torch::nn::ConvTranspose2d> up_;     // behind stages 4 to 7
  torch::nn::Conv2d outro_{nullptr};
};

Idt::Idt(const IdtOptions& options) : options_(options) {
  head_ = register_module("head", nn::conv3x3(3, options_.width));
  for (std::size_t i = 0; i < kIdtStages; ++i) {
    const IdtStage stage = idt_stage(options_, i);
    const std::string name = std::to_string(i);
    std::vector<WindowBlock> blocks;
    for (std::int64_t b = 0; b < stage.blocks; ++b) {
      blocks.push_back(
          register_module("stage" + name + "_" + std::to_string(b), WindowBlock(stage)));
    }
    windows_.push_back(std::move(blocks));
    SpatialBlock spatial{nullptr};
    if (stage.spatial) spatial = register_module("spatial" + name, SpatialBlock(stage));
    spatial_.push_back(spatial);
    if (i < kIdtMiddle) {
      const auto halving =
          torch::nn::Conv2dOptions(stage.channels, 2 * stage.channels, 4).stride(2).padding(1);
      down_.push_back(register_module("down" + name, torch::nn::Conv2d(halving)));
    } else if (i + 1 < kIdtStages) {
      // Half of what the next stage has: the other half comes from the way down.
      const auto doubling = torch::nn::ConvTranspose2dOptions(
                                stage.channels, idt_stage(options_, i + 1).channels / 2, 2)
                                .stride(2);
      up_.push_back(register_module("up" + name, torch::nn::ConvTranspose2d(doubling)));
    }
  }
  outro_ = register_module("outro", nn::conv3x3(2 * options_.width, 3));
}

at::Tensor Idt::run(std::size_t stage, const at::Tensor& planes) {
  at::Tensor features = planes.permute({0, 2, 3, 1});
  for (auto& block : windows_[stage]) features = block->forward(features);
  if (!spatial_[stage].is_empty()) features = spatial_[stage]->forward(features);
  return features.permute({0, 3, 1, 2});
}

at::Tensor Idt::forward(const at::Tensor& x, const Condition& /*condition*/) {
  constexpr double kSlope = 0.01;
  at::Tensor features = at::leaky_relu(head_->forward(x), kSlope);
  std::vector<at::Tensor> skips;
  for (std::size_t i = 0; i < kIdtMiddle; ++i) {
    skips.push_back(run(i, features));
    features = down_[i]->forward(skips[i]);
  }
  features = run(kIdtMiddle, features);
  for (std::size_t i = kIdtMiddle; i-- > 0;) {
    const std::size_t stage = kIdtStages - 1 - i;
    features = up_[kIdtMiddle - 1 - i]->forward(features);
    features = run(stage, at::cat({features, skips[i]}, 1));
  }
  return x + outro_->forward(features);
}

Geometry Idt::geometry() const {
  const auto stage_span = [&](nn::Span& span, std::size_t i) {
    const IdtStage stage = idt_stage(options_, i);
    if (stage.spatial) {
      span.before_conv(1);
      span.before_windows(stage.square());
    }
    for (std::int64_t b = 0; b < stage.blocks; ++b) {
      span.before_conv(1);
      span.before_windows(stage.window);
    }
  };
  const std::int64_t square = idt_stage(options_, 0).square();
  const auto field = nn::receptive_field_px(square, [&](nn::Span& span) {
    span.before_conv(1);
    for (std::size_t i = kIdtStages; i-- > 0;) {
      stage_span(span, i);
      if (i > kIdtMiddle) span.before_enlarging(2);
      if (i > 0 && i <= kIdtMiddle) span.before_reducing(2, 1);
    }
    span.before_conv(1);
  });
  return {
      .scale = 1, .alignment_px = square, .receptive_field_px = field, .global_statistics = true};
}

std::shared_ptr<Network> make_idt(const OptionTable& table) {
  const auto options = parse_options<IdtOptions>(table, "idt");
  const auto nine = [](const char* name, const std::vector<std::int64_t>& list) {
    CHIARO_CHECK(list.size() == kIdtStages, Usage,
                 "[networks.idt] {} needs one number for each stage; got {}; expected {}", name,
                 list.size(), kIdtStages);
  };
  nine("blocks", options.blocks);
  nine("heads", options.heads);
  for (std::size_t i = 0; i < kIdtStages; ++i) {
    const IdtStage stage = idt_stage(options, i);
    const std::int64_t pixels = stage.window * stage.window;
    CHIARO_CHECK(stage.channels % stage.heads == 0 && (!stage.spatial || pixels % stage.heads == 0),
                 Usage,
                 "[networks.idt] channels and the pixels of a window are shared out among the "
                 "heads of stage {}; got {} and {} for {} heads; expected multiples",
                 i, stage.channels, pixels, stage.heads);
  }
  return std::make_shared<Idt>(options);
}

}  // namespace

Entry idt() {
  return {.name = {},
          .summary = "removal of rain: U-shaped network of attention inside and among windows",
          .reference = "Xiao, Fu, Liu, Wu, Zha, 2022, https://ieeexplore.ieee.org/document/9798773",
          .options = describe_options<IdtOptions>(),
          .make = make_idt};
}

}  // namespace chiaro::networks
