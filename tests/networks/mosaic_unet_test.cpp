#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"

namespace chiaro::networks::mosaic_unet_test {
namespace {

using List = std::vector<std::int64_t>;

const OptionTable kSmall = {{"channels", List{4, 6}},
                            {"encoder_blocks", List{1}},
                            {"middle_blocks", std::int64_t{1}},
                            {"decoder_blocks", List{1}}};

/// One colour per pixel: R G in even rows, G B in odd ones.
at::Tensor mosaic_of(const at::Tensor& x) {
  at::Tensor raw = at::zeros_like(x);
  for (std::int64_t n = 0; n < x.size(0); ++n)
    for (std::int64_t i = 0; i < x.size(2); ++i)
      for (std::int64_t j = 0; j < x.size(3); ++j) {
        const std::int64_t c = i % 2 + j % 2;
        raw[n][c][i][j] = x[n][c][i][j];
      }
  return raw;
}

TEST(MosaicUnet, StartsAsBilinearInterpolation) {
  torch::manual_seed(1);
  const auto network = make("mosaic_unet", kSmall);
  const at::NoGradGuard no_grad;
  // A slope in each colour: interpolation gives it back wherever a pixel has neighbours.
  const at::Tensor rows = at::arange(16, at::kFloat).reshape({1, 1, 16, 1}).expand({1, 1, 16, 12});
  const at::Tensor columns =
      at::arange(12, at::kFloat).reshape({1, 1, 1, 12}).expand({1, 1, 16, 12});
  const at::Tensor x =
      at::cat({0.01 * rows, 0.5 - 0.02 * columns, 0.1 + 0.01 * rows + 0.01 * columns}, 1);
  const at::Tensor y = network->forward(mosaic_of(x));
  const auto inside = [](const at::Tensor& t) { return t.narrow(2, 1, 14).narrow(3, 1, 10); };
  EXPECT_TRUE(at::allclose(inside(y), inside(x), 0, 1e-6));
  EXPECT_TRUE(
      at::allclose(network->forward(at::ones({1, 3, 8, 8}) * mosaic_of(at::ones({1, 3, 8, 8}))),
                   at::ones({1, 3, 8, 8}), 0, 1e-6))
      << "at the edges too";
}

TEST(MosaicUnet, SeesTheSamplesAlone) {
  torch::manual_seed(2);
  const auto network = make("mosaic_unet", kSmall);
  const at::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.add_(at::randn_like(parameter), 0.1);
  const auto x = at::rand({1, 3, 16, 16});
  const auto learned = [&](const at::Tensor& t) {
    const auto trained = network->forward(t);
    const auto fresh = make("mosaic_unet", kSmall)->forward(t);  // the interpolation
    return trained - fresh;
  };
  const auto y = learned(mosaic_of(x));
  EXPECT_GT(y.abs().max().item<double>(), 1e-2);
  EXPECT_TRUE(at::allclose(learned(x), y, 0, 1e-5)) << "the other colours of a pixel do not count";
}

TEST(MosaicUnet, TrunkIsThatOfResunetSoThatWeightsFit) {
  const auto packed = make("mosaic_unet", kSmall)->named_parameters();
  const auto plain = make("resunet", kSmall)->named_parameters();
  ASSERT_EQ(packed.keys(), plain.keys());
  for (const auto& entry : plain) {
    const bool end = entry.key().starts_with("intro") || entry.key() == "outro.weight" ||
                     entry.key() == "outro.bias";
    const bool same = entry.value().sizes() == packed[entry.key()].sizes();
    EXPECT_EQ(same, !end || entry.key() == "intro.bias") << entry.key();
  }
}

}  // namespace
}  // namespace chiaro::networks::mosaic_unet_test
