// Noise2Void: a few pixels of the noisy picture are overwritten by neighbours, and the network is
// to say what stood there. Noise that is independent from pixel to pixel cannot be foreseen, the
// picture can.
//
//   x̂ = x with one pixel in each box replaced by another one within the radius, all channels alike
//   L = mean over the replaced pixels |f(x̂) − x|        x (N,3,H,W) noisy crops
//
// Reference: A. Krull, T.-O. Buchholz, F. Jug, "Noise2Void – Learning Denoising from Single Noisy
// Images", CVPR 2019, arXiv:1811.10980.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "chiaro/base/rng.h"
#include "chiaro/methods/catalogue.h"

namespace chiaro::methods {
namespace {

struct Noise2voidOptions {
  double share = 0.015;
  std::int64_t radius_px = 5;

  static Fields<Noise2voidOptions> fields() {
    using T = Noise2voidOptions;
    return {field("share", &T::share, "of the pixels replaced", {.min = 1e-4, .max = 0.25}),
            field("radius_px", &T::radius_px, "how far a replacement may come from",
                  {.min = 1, .max = 64, .unit = "px"})};
  }
};

class Noise2void : public Method {
 public:
  Noise2void(const Setting& setting, const Noise2voidOptions& options)
      : options_(options), seed_(setting.seed), network_(setting.network) {
    CHIARO_CHECK(network_->geometry().scale == 1, Usage,
                 "[methods.noise2void] got a network of scale {}; expected 1",
                 network_->geometry().scale);
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  Losses losses(const data::Batch& batch, const StepInfo& /*info*/) override {
    const auto pixels = batch.input.flatten(2);
    const auto [replaced, source] = draw(batch);
    const auto masked = pixels.scatter(2, replaced, pixels.gather(2, source));
    const auto output = network_->forward(masked.view(batch.input.sizes())).to(at::kFloat);
    const auto difference = output.flatten(2).gather(2, replaced) - pixels.gather(2, replaced);
    return {.terms = {{"blind_spots", difference.abs().mean(), 1.0}}, .meters = {}};
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return network_->parameters();
  }
  torch::nn::Module& state() override { return *network_; }
  Product product() override { return {network_, nullptr}; }

 private:
  /// Numbers of the replaced pixels and of those they are replaced by: (N,3,boxes) int64.
  std::pair<at::Tensor, at::Tensor> draw(const data::Batch& batch) const {
    const std::int64_t height = batch.input.size(2);
    const std::int64_t width = batch.input.size(3);
    const auto box = std::min(
        {static_cast<std::int64_t>(std::lround(std::sqrt(1 / options_.share))), height, width});
    std::vector<std::int64_t> replaced;
    std::vector<std::int64_t> source;
    for (const std::uint64_t seed : batch.seeds) {
      Rng rng(seed_, {stable_hash("blind spots"), seed});
      for (std::int64_t top = 0; top + box <= height; top += box) {
        for (std::int64_t left = 0; left + box <= width; left += box) {
          const std::int64_t y = top + rng.integer(0, box - 1);
          const std::int64_t x = left + rng.integer(0, box - 1);
          replaced.push_back(y * width + x);
          source.push_back(neighbour(y, x, height, width, rng));
        }
      }
    }
    const auto count = static_cast<std::int64_t>(batch.seeds.size());
    const auto spread = [&](const std::vector<std::int64_t>& numbers) {
      return at::tensor(numbers, at::kLong)
          .view({count, 1, -1})
          .expand({count, batch.input.size(1), -1})
          .to(batch.input.device());
    };
    return {spread(replaced), spread(source)};
  }

  /// Another pixel within the radius and the picture.
  std::int64_t neighbour(std::int64_t y, std::int64_t x, std::int64_t height, std::int64_t width,
                         Rng& rng) const {
    const std::int64_t r = options_.radius_px;
    std::int64_t row = y;
    std::int64_t column = x;
    while (row == y && column == x) {
      row = rng.integer(std::max<std::int64_t>(0, y - r), std::min(height - 1, y + r));
      column = rng.integer(std::max<std::int64_t>(0, x - r), std::min(width - 1, x + r));
    }
    return row * width + column;
  }

  Noise2voidOptions options_;
  std::uint64_t seed_;
  std::shared_ptr<networks::Network> network_;
};

}  // namespace

Entry noise2void() {
  return {
      .name = {},
      .summary = "Denoiser from noisy pictures alone: foretells pixels it cannot see",
      .reference = "Krull, Buchholz, Jug, CVPR 2019, https://arxiv.org/abs/1811.10980",
      .options = describe_options<Noise2voidOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Noise2void>(setting,
                                            parse_options<Noise2voidOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
