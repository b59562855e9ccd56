// swinir: super-resolution by attention inside windows; for scale 1, restoration.
//
//   x ─ conv ─┬─ norm ─ group × g ─ norm ─ conv ─ + ─ conv ─ shuffle ─ enlarged
//             └────────────────────────────────────┘
//   group: x + conv(block × b (x))
//   block: u = x + W(norm(x)),  x' = u + linear(GELU(linear(norm(u))))
//
// W is attention inside windows of w × w pixels, with a learnt bias for every difference of places.
// In every other block of a group the windows are shifted by w/2: the map is rolled, and a mask
// keeps apart what met over the rim. For scale 1 there is no shuffle, and the picture is added.
//
// The defaults are the published lightweight network: 4 groups of 6 blocks, 60 channels, 6 heads,
// windows of 8 pixels, and an upsampler of one convolution and one shuffle. Its released code has
// 910,152, 918,267 and 929,628 parameters for ×2, ×3, ×4; the 878, 886 and 897 k of the paper are
// less by one convolution (60 → 60 channels, 32,460). Stochastic depth, by which the authors train,
// is left out. Pictures are mirrored to multiples of w by whoever calls the network, as published.
//
// Reference: J. Liang, J. Cao, G. Sun, K. Zhang, L. Van Gool, R. Timofte, "SwinIR: Image
// Restoration Using Swin Transformer", 2021, arXiv:2108.10257; windows: Liu et al. 2021,
// arXiv:2103.14030.
#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <algorithm>
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

struct SwinirOptions {
  std::int64_t scale = 2;
  std::vector<std::int64_t> blocks = {6, 6, 6, 6};
  std::int64_t channels = 60;
  std::int64_t heads = 6;
  std::int64_t window = 8;
  std::int64_t expansion = 2;

  static Fields<SwinirOptions> fields() {
    using T = SwinirOptions;
    return {
        field("scale", &T::scale,
              "how many times larger each side becomes; 1: the picture keeps its size",
              {.min = 1, .max = 4}),
        field("blocks", &T::blocks, "blocks of each group, one number for each group",
              {.min = 1, .max = 64}),
        field("channels", &T::channels, "channels of every pixel, a multiple of heads",
              {.min = 1, .max = 1024}),
        field("heads", &T::heads, "of the attention", {.min = 1, .max = 64}),
        field("window", &T::window, "side of a window in pixels", {.min = 2, .max = 32}),
        field("expansion", &T::expansion,
              "how many times more channels a block has between its two linear maps",
              {.min = 1, .max = 16}),
    };
  }
};

std::int64_t shift_of(const SwinirOptions& options, std::int64_t block) {
  return block % 2 == 0 ? 0 : options.window / 2;
}

/// Keeps tokens apart that came together when the map was rolled by half a window: only the last
/// row and the last column of windows hold such.
class ShiftMask : public torch::nn::Module {
 public:
  explicit ShiftMask(std::int64_t window) : window_(window) {
    const at::Tensor token = at::arange(window * window, at::kLong);
    rows_ = register_buffer("rows", apart(token.floor_divide(window)));
    columns_ = register_buffer("columns", apart(token.remainder(window)));
  }

  /// For a map of height × width pixels: (M,1,T,T) for its M windows, 0 or −100 as published.
  at::Tensor forward(std::int64_t height, std::int64_t width) {
    const std::int64_t tokens = window_ * window_;
    const at::Tensor across = last_of(height / window_).reshape({-1, 1, 1, 1}) * rows_ +
                              last_of(width / window_).reshape({1, -1, 1, 1}) * columns_;
    return across.clamp_max(1).reshape({-1, 1, tokens, tokens}) * -100.0;
  }

 private:
  /// (T,T): 1 where one of two tokens lies before the seam and the other behind it.
  at::Tensor apart(const at::Tensor& place) const {
    const at::Tensor behind = place.ge(window_ - window_ / 2);
    return behind.unsqueeze(0).ne(behind.unsqueeze(1)).to(at::kFloat);
  }

  /// (count): zeros and a one at the end.
  at::Tensor last_of(std::int64_t count) const {
    return at::constant_pad_nd(at::zeros({count}, rows_.options()), {0, 1}, 1).slice(0, 1);
  }

  std::int64_t window_;
  at::Tensor rows_, columns_;  // (T,T)
};

class SwinBlockImpl : public torch::nn::Module {
 public:
  SwinBlockImpl(const SwinirOptions& options, std::int64_t shift)
      : window_(options.window),
        shift_(shift),
        heads_(options.heads),
        norm1_(register_module("norm1", norm(options.channels))),
        qkv_(register_module("qkv", torch::nn::Linear(options.channels, 3 * options.channels))),
        bias_(register_module("bias", nn::RelativeBias(options.window, options.heads))),
        proj_(register_module("proj", torch::nn::Linear(options.channels, options.channels))),
        norm2_(register_module("norm2", norm(options.channels))),
        widen_(register_module("widen", torch::nn::Linear(options.channels, hidden(options)))),
        narrow_(register_module("narrow", torch::nn::Linear(hidden(options), options.channels))) {
    const at::NoGradGuard no_grad;
    for (auto* linear : {&qkv_, &proj_, &widen_, &narrow_}) {
      (*linear)->weight.normal_(0.0, 0.02);
      (*linear)->bias.zero_();
    }
  }

  /// x: (N,H,W,C); mask: as ShiftMask gives it. Returns the shape of x.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& mask) {
    at::Tensor inner = norm1_->forward(x);
    if (shift_ > 0) inner = at::roll(inner, {-shift_, -shift_}, {1, 2});
    const auto parts = qkv_->forward(nn::to_windows(inner, window_)).chunk(3, 2);
    at::Tensor bias = bias_->forward();
    if (shift_ > 0) bias = bias + mask;
    const at::Tensor seen = nn::attend(parts[0], parts[1], parts[2], heads_, bias);
    inner = nn::from_windows(proj_->forward(seen), window_, x.size(1), x.size(2));
    if (shift_ > 0) inner = at::roll(inner, {shift_, shift_}, {1, 2});
    const at::Tensor y = x + inner;
    return y + narrow_->forward(at::gelu(widen_->forward(norm2_->forward(y))));
  }

  static torch::nn::LayerNorm norm(std::int64_t channels) {
    return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}));
  }

 private:
  static std::int64_t hidden(const SwinirOptions& options) {
    return options.expansion * options.channels;
  }

  std::int64_t window_, shift_, heads_;
  torch::nn::LayerNorm norm1_;
  torch::nn::Linear qkv_;
  nn::RelativeBias bias_;
  torch::nn::Linear proj_;
  torch::nn::LayerNorm norm2_;
  torch::nn::Linear widen_, narrow_;
};
TORCH_MODULE(SwinBlock);

class Swinir : public Network {
 public:
  explicit Swinir(const SwinirOptions& options);
  at::Tensor forward(const at::Tensor& x, const Condition& condition) override;
  Geometry geometry() const override;

 private:
  struct Group {
    std::vector<SwinBlock> blocks;
    torch::nn::Conv2d conv{nullptr};
  };

  SwinirOptions options_;
  torch::nn::Conv2d head_{nullptr};
  torch::nn::LayerNorm first_norm_{nullptr};
  std::shared_ptr<ShiftMask> mask_;
  std::vector<Group> groups_;
  torch::nn::LayerNorm last_norm_{nullptr};
  torch::nn::Conv2d tail_{nullptr}, outro_{nullptr};
  at::Tensor mean_;  // (1,3,1,1): the mean colour of the pictures it was published with (DIV2K)
};

Swinir::Swinir(const SwinirOptions& options) : options_(options) {
  const std::int64_t channels = options_.channels;
  head_ = register_module("head", nn::conv3x3(3, channels));
  first_norm_ = register_module("first_norm", SwinBlockImpl::norm(channels));
  mask_ = register_module("mask", std::make_shared<ShiftMask>(options_.window));
  for (std::size_t g = 0; g < options_.blocks.size(); ++g) {
    const std::string name = "group" + std::to_string(g);
    Group group;
    for (std::int64_t b = 0; b < options_.blocks[g]; ++b) {
      group.blocks.push_back(register_module(name + "_" + std::to_string(b),
                                             SwinBlock(options_, shift_of(options_, b))));
    }
    group.conv = register_module(name + "_end", nn::conv3x3(channels, channels));
    groups_.push_back(std::move(group));
  }
  last_norm_ = register_module("last_norm", SwinBlockImpl::norm(channels));
  tail_ = register_module("tail", nn::conv3x3(channels, channels));
  outro_ = register_module("outro", nn::conv3x3(channels, 3 * options_.scale * options_.scale));
  mean_ = register_buffer("mean", at::tensor({0.4488F, 0.4371F, 0.4040F}).view({1, 3, 1, 1}));
}

at::Tensor Swinir::forward(const at::Tensor& x, const Condition& /*condition*/) {
  const at::Tensor centred = x - mean_;
  const at::Tensor shallow = head_->forward(centred);
  const at::Tensor mask = mask_->forward(x.size(2), x.size(3));
  at::Tensor features = first_norm_->forward(shallow.permute({0, 2, 3, 1}));
  for (auto& group : groups_) {
    at::Tensor inner = features;
    for (auto& block : group.blocks) inner = block->forward(inner, mask);
    inner = group.conv->forward(inner.permute({0, 3, 1, 2}));
    features = features + inner.permute({0, 2, 3, 1});
  }
  const at::Tensor deep = tail_->forward(last_norm_->forward(features).permute({0, 3, 1, 2}));
  const at::Tensor last = outro_->forward(shallow + deep);
  if (options_.scale == 1) return x + last;
  return at::pixel_shuffle(last, options_.scale) + mean_;
}

Geometry Swinir::geometry() const {
  const auto field = nn::receptive_field_px(options_.window, [&](nn::Span& span) {
    span.before_conv(2);  // outro and tail
    for (std::size_t g = options_.blocks.size(); g-- > 0;) {
      span.before_conv(1);
      for (std::int64_t b = options_.blocks[g]; b-- > 0;)
        span.before_windows(options_.window, shift_of(options_, b));
    }
    span.before_conv(1);
  });
  return {.scale = options_.scale, .alignment_px = options_.window, .receptive_field_px = field};
}

std::shared_ptr<Network> make_swinir(const OptionTable& table) {
  const auto options = parse_options<SwinirOptions>(table, "swinir");
  CHIARO_CHECK(!options.blocks.empty() && options.blocks.size() <= 32, Usage,
               "[networks.swinir] blocks needs one number for each group; got {} groups; expected "
               "1 to 32",
               options.blocks.size());
  CHIARO_CHECK(options.channels % options.heads == 0, Usage,
               "[networks.swinir] channels are shared out among the heads; got {} for {} heads; "
               "expected a multiple",
               options.channels, options.heads);
  return std::make_shared<Swinir>(options);
}

}  // namespace

Entry swinir() {
  return {.name = {},
          .summary = "super-resolution ×2, ×3 or ×4, or restoration, by attention inside windows",
          .reference =
              "Liang, Cao, Sun, Zhang, Van Gool, Timofte, 2021, "
              "https://arxiv.org/abs/2108.10257",
          .options = describe_options<SwinirOptions>(),
          .make = make_swinir};
}

}  // namespace chiaro::networks
