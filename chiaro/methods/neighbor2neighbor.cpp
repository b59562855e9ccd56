// Neighbor2Neighbor: two half-size pictures are drawn from one noisy picture, of neighbouring
// pixels; the network makes the one from the other. Their noise is independent, what they show is
// nearly the same, and the second term takes out the rest of the difference.
//
//   g1, g2: in each 2×2 cell an ordered pair of adjacent pixels, one of eight, for all channels
//   L_rec = mean (f(g1(x)) − g2(x))²
//   L_reg = mean (f(g1(x)) − g2(x) − (g1(f(x)) − g2(f(x))))²,   f(x) without gradient
//   L = L_rec + λ·L_reg,   λ rising from 0 to its end value        x (N,3,H,W) noisy crops
//
// Reference: T. Huang, S. Li, X. Jia, H. Lu, J. Liu, "Neighbor2Neighbor: Self-Supervised Denoising
// from Single Noisy Images", CVPR 2021, arXiv:2101.02824.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <array>

#include "chiaro/base/rng.h"
#include "chiaro/methods/catalogue.h"

namespace chiaro::methods {
namespace {

struct Neighbor2neighborOptions {
  double regularization = 2.0;

  static Fields<Neighbor2neighborOptions> fields() {
    return {field("regularization", &Neighbor2neighborOptions::regularization,
                  "λ at the end of training", {.min = 0})};
  }
};

/// Numbers of the pixels of g1 and g2: (N,3,H/2·W/2) int64.
struct Halves {
  at::Tensor first;
  at::Tensor second;
};

at::Tensor half(const at::Tensor& pictures, const at::Tensor& numbers) {
  return pictures.flatten(2)
      .gather(2, numbers)
      .view({pictures.size(0), pictures.size(1), pictures.size(2) / 2, pictures.size(3) / 2});
}

class Neighbor2neighbor : public Method {
 public:
  Neighbor2neighbor(const Setting& setting, const Neighbor2neighborOptions& options)
      : options_(options), seed_(setting.seed), network_(setting.network) {
    CHIARO_CHECK(network_->geometry().scale == 1, Usage,
                 "[methods.neighbor2neighbor] got a network of scale {}; expected 1",
                 network_->geometry().scale);
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    const std::int64_t unit = 2 * network_->geometry().alignment_px;
    const std::int64_t height = batch.input.size(2) / unit * unit;
    const std::int64_t width = batch.input.size(3) / unit * unit;
    CHIARO_CHECK(height > 0 && width > 0, Usage,
                 "[methods.neighbor2neighbor] crops are halved; got crops of {}x{}; expected "
                 "data.crop_px of at least {}",
                 batch.input.size(2), batch.input.size(3), unit);
    const at::Tensor x = batch.input.slice(2, 0, height).slice(3, 0, width);
    const Halves halves = draw(x, batch.seeds);
    const at::Tensor made = network_->forward(half(x, halves.first)).to(at::kFloat);
    const at::Tensor difference = made - half(x, halves.second);
    at::Tensor expected;
    {
      const c10::NoGradGuard no_grad;
      const at::Tensor whole = network_->forward(x).to(at::kFloat);
      expected = half(whole, halves.first) - half(whole, halves.second);
    }
    const double progress =
        static_cast<double>(info.phase_step) / static_cast<double>(info.phase_steps);
    return {.terms = {{"reconstruction", difference.square().mean(), 1.0},
                      {"regularization", (difference - expected).square().mean(),
                       options_.regularization * progress}},
            .meters = {}};
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return network_->parameters();
  }
  torch::nn::Module& state() override { return *network_; }
  Product product() override { return {network_, nullptr}; }

 private:
  Halves draw(const at::Tensor& pictures, const std::vector<std::uint64_t>& seeds) const {
    // Row and column in the cell of g1's and g2's pixel.
    using Pair = std::array<std::int64_t, 4>;
    constexpr std::array<Pair, 8> kPairs = {{{0, 0, 0, 1},
                                             {0, 1, 0, 0},
                                             {0, 0, 1, 0},
                                             {1, 0, 0, 0},
                                             {0, 1, 1, 1},
                                             {1, 1, 0, 1},
                                             {1, 0, 1, 1},
                                             {1, 1, 1, 0}}};
    const std::int64_t height = pictures.size(2);
    const std::int64_t width = pictures.size(3);
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> second;
    for (const std::uint64_t seed : seeds) {
      Rng rng(seed_, {stable_hash("neighbours"), seed});
      for (std::int64_t y = 0; y + 1 < height; y += 2) {
        for (std::int64_t x = 0; x + 1 < width; x += 2) {
          const Pair& pair = kPairs[static_cast<std::size_t>(rng.integer(0, 7))];
          first.push_back((y + pair[0]) * width + x + pair[1]);
          second.push_back((y + pair[2]) * width + x + pair[3]);
        }
      }
    }
    const auto count = static_cast<std::int64_t>(seeds.size());
    const auto spread = [&](const std::vector<std::int64_t>& numbers) {
      return at::tensor(numbers, at::kLong)
          .view({count, 1, -1})
          .expand({count, pictures.size(1), -1})
          .to(pictures.device());
    };
    return {spread(first), spread(second)};
  }

  Neighbor2neighborOptions options_;
  std::uint64_t seed_;
  std::shared_ptr<networks::Network> network_;
};

}  // namespace

Entry neighbor2neighbor() {
  return {
      .name = {},
      .summary =
          "Denoiser from noisy pictures alone: makes one half-size picture of "
          "neighbouring pixels from another",
      .reference = "Huang, Li, Jia, Lu, Liu, CVPR 2021, https://arxiv.org/abs/2101.02824",
      .options = describe_options<Neighbor2neighborOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Neighbor2neighbor>(
            setting, parse_options<Neighbor2neighborOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
