#include <ATen/Functions.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::dncnn_test {
namespace {

TEST(Dncnn, StartsAsTheIdentity) {
  const auto network = make("dncnn");
  const auto x = at::rand({1, 3, 9, 11});
  EXPECT_TRUE(at::equal(network->forward(x), x));
}

TEST(Dncnn, HasTheStatedSize) {
  const auto network = make("dncnn");
  EXPECT_EQ(parameter_count(*network), (27 * 64 + 64) + 15 * (576 * 64 + 64) + (576 * 3 + 3));
  EXPECT_DOUBLE_EQ(multiplications(*network, 20, 30), (2.0 * 27 * 64 + 15.0 * 576 * 64) * 20 * 30);
  EXPECT_EQ(network->geometry().alignment_px, 1);
  EXPECT_EQ(network->geometry().receptive_field_px, 35);  // the paper's figure for 17 layers
  EXPECT_FALSE(network->geometry().global_statistics);
}

// The colour network of the paper, with batch norm: 20 layers, 668,227 parameters with two per
// normed channel.
TEST(Dncnn, WithBatchNormHasTheStatedSize) {
  const auto network = make("dncnn", {{"depth", std::int64_t{20}}, {"batch_norm", true}});
  EXPECT_EQ(parameter_count(*network), (27 * 64 + 64) + 18 * (576 * 64 + 2 * 64) + (576 * 3 + 3));
  EXPECT_EQ(network->buffers().size(), 18u * 3);
  EXPECT_EQ(network->geometry().receptive_field_px, 41);
}

TEST(Dncnn, ComputesTheStatedChain) {
  torch::manual_seed(5);
  torch::NoGradGuard no_grad;
  for (const bool batch_norm : {false, true}) {
    const auto network =
        make("dncnn",
             {{"depth", std::int64_t{4}}, {"width", std::int64_t{5}}, {"batch_norm", batch_norm}});
    for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.3);
    for (auto& buffer : network->buffers()) {
      if (buffer.is_floating_point()) buffer.uniform_(0.5, 2.0);
    }
    network->eval();
    const auto parameters = network->named_parameters();
    const auto buffers = network->named_buffers();
    const auto x = at::rand({1, 3, 7, 9});
    auto features = x;
    for (int i = 0; i < 4; ++i) {
      const std::string n = std::to_string(i);
      const auto* bias = parameters.find("conv" + n + ".bias");
      features = at::conv2d(features, parameters["conv" + n + ".weight"],
                            bias == nullptr ? at::Tensor() : *bias, 1, 1);
      if (batch_norm && (i == 1 || i == 2)) {
        ASSERT_EQ(bias, nullptr);
        const auto shaped = [](const at::Tensor& v) { return v.view({1, -1, 1, 1}); };
        features = (features - shaped(buffers["norm" + n + ".running_mean"])) /
                   (shaped(buffers["norm" + n + ".running_var"]) + 1e-5).sqrt();
        features = features * shaped(parameters["norm" + n + ".weight"]) +
                   shaped(parameters["norm" + n + ".bias"]);
      }
      if (i < 3) features = at::relu(features);
    }
    EXPECT_TRUE(at::allclose(network->forward(x), x - features, 1e-4, 1e-5)) << batch_norm;
  }
}

TEST(Dncnn, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(make("dncnn", {{"depth", std::int64_t{1}}}), Usage, "depth");
  EXPECT_CHIARO_ERROR(make("dncnn", {{"width", std::int64_t{0}}}), Usage, "width");
  EXPECT_CHIARO_ERROR(make("dncnn", {{"batchnorm", true}}), Usage, "did you mean 'batch_norm'");
}

}  // namespace
}  // namespace chiaro::networks::dncnn_test
