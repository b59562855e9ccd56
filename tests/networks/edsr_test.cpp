#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::edsr_test {
namespace {

std::shared_ptr<Network> at_scale(std::int64_t scale, std::int64_t blocks = 16,
                                  std::int64_t channels = 64) {
  return make("edsr", {{"scale", scale}, {"blocks", blocks}, {"channels", channels}});
}

// The baseline ×4 of BasicSR's options has 1,517,571 parameters.
TEST(Edsr, HasThePublishedSizes) {
  EXPECT_EQ(parameter_count(*at_scale(2)), 1'369'859);
  EXPECT_EQ(parameter_count(*at_scale(3)), 1'554'499);
  EXPECT_EQ(parameter_count(*at_scale(4)), 1'517'571);
  // The large network at ×2, "about 43 M" in its paper: 40.7 M by its layers.
  EXPECT_EQ(parameter_count(*at_scale(2, 32, 256)), 40'729'603);
}

// 4.57 G multiply-accumulates for ×4 from 48 × 48 px.
TEST(Edsr, CostsWhatItsLayersImply) {
  const double macs = multiplications(*at_scale(4), 48, 48);
  const double low = (27 + 33 * 576 + 4 * 576) * 64.0;
  const double high = 4 * 576 * 256.0 + 16 * 576 * 3.0;
  EXPECT_DOUBLE_EQ(macs, (low + high) * 48 * 48);
  EXPECT_NEAR(macs, 4.57e9, 0.01e9);
}

TEST(Edsr, ComputesTheStatedChain) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  for (const std::int64_t scale : {2, 3, 4}) {
    const auto network = at_scale(scale, 1, 5);
    for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.3);
    const auto parameters = network->named_parameters();
    const auto conv = [&](const at::Tensor& features, const std::string& name) {
      return at::conv2d(features, parameters[name + ".weight"], parameters[name + ".bias"], 1, 1);
    };
    const at::Tensor mean = network->named_buffers()["mean"];
    const at::Tensor x = at::rand({2, 3, 7, 9});
    const at::Tensor first = conv(x - mean, "head");
    const at::Tensor block = first + conv(at::relu(conv(first, "body.0.conv1")), "body.0.conv2");
    at::Tensor features = first + conv(block, "tail");
    const std::int64_t factor = scale == 4 ? 2 : scale;
    for (int i = 0; i < (scale == 4 ? 2 : 1); ++i) {
      // A shuffle by hand: channel c·f² + i·f + j becomes row i, column j of the block.
      const at::Tensor deep = conv(features, "up" + std::to_string(i));
      const auto n = deep.size(0);
      const auto h = deep.size(2);
      const auto w = deep.size(3);
      features = deep.view({n, 5, factor, factor, h, w})
                     .permute({0, 1, 4, 2, 5, 3})
                     .reshape({n, 5, h * factor, w * factor});
    }
    const at::Tensor y = network->forward(x);
    EXPECT_EQ(y.sizes(), (at::IntArrayRef{2, 3, 7 * scale, 9 * scale}));
    EXPECT_TRUE(at::allclose(y, conv(features, "outro") + mean, 1e-4, 1e-4)) << scale;
    EXPECT_EQ(network->geometry().scale, scale);
  }
}

TEST(Edsr, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(at_scale(1), Usage, "scale");
  EXPECT_CHIARO_ERROR(at_scale(5), Usage, "scale");
  EXPECT_CHIARO_ERROR(make("edsr", {{"block", std::int64_t{1}}}), Usage, "did you mean 'blocks'");
}

}  // namespace
}  // namespace chiaro::networks::edsr_test
