#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "chiaro/nn/chain.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"
#include "chiaro/nn/naf_block.h"
#include "chiaro/nn/residual_block.h"
#include "tests/nn/scalars.h"

namespace chiaro::nn::blocks_test {
namespace {

void randomize(torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.normal_(0.0, 0.3);
}

TEST(InitConv, HasTheStatedDeviation) {
  torch::manual_seed(6);
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(64, 64, 3));
  init_conv(*conv, 2.0);
  EXPECT_NEAR(conv->weight.std().item<double>(), 2.0 / 24, 1e-3);
  EXPECT_NEAR(conv->weight.mean().item<double>(), 0, 2.5e-3);
  EXPECT_EQ(conv->bias.abs().max().item<float>(), 0);
  EXPECT_TRUE(conv->weight.requires_grad());
  init_conv(*conv, 0.0);
  EXPECT_EQ(conv->weight.abs().max().item<float>(), 0);
}

TEST(HeConv, KeepsOrHalvesSidesAndSuitsARelu) {
  torch::manual_seed(6);
  auto kept = he_conv(64, 64, 3);
  const auto x = at::randn({1, 64, 9, 12});
  EXPECT_EQ(kept->forward(x).sizes(), (at::IntArrayRef{1, 64, 9, 12}));
  EXPECT_NEAR(kept->weight.std().item<double>(), std::sqrt(2.0) / 24, 1e-3);
  auto halved = he_conv(64, 8, 5, 2);
  EXPECT_EQ(halved->forward(x).sizes(), (at::IntArrayRef{1, 8, 5, 6}));
}

TEST(InstanceNorm, NormsEachChannelOfEachSampleOverItsPlaces) {
  torch::manual_seed(6);
  const auto x = at::rand({2, 3, 8, 8}) * 5 + 2;
  const auto y = instance_norm(x);
  EXPECT_TRUE(at::allclose(y.mean({2, 3}), at::zeros({2, 3}), 0, 1e-5));
  EXPECT_TRUE(at::allclose(y.square().mean({2, 3}), at::ones({2, 3}), 1e-3));
  EXPECT_TRUE(at::allclose(y[1], instance_norm(3 * x.narrow(0, 1, 1) - 1)[0], 1e-3, 1e-4));
}

TEST(InitUpsampling, KeepsVarianceAndRepeatsTheKernel) {
  torch::manual_seed(7);
  torch::nn::ConvTranspose2d conv(torch::nn::ConvTranspose2dOptions(256, 128, 2).stride(2));
  init_upsampling(*conv, 1.0);
  const auto y = conv->forward(at::randn({1, 256, 8, 8}));
  EXPECT_NEAR(y.std().item<double>(), 1.0, 0.05);
  EXPECT_TRUE(at::allclose(y.slice(2, 0, 16, 2).slice(3, 0, 16, 2),
                           y.slice(2, 1, 16, 2).slice(3, 1, 16, 2), 1e-4, 1e-4));
}

TEST(ResidualBlock, StartsCloseToTheIdentity) {
  torch::manual_seed(8);
  ResidualBlock block(32);
  const auto x = at::randn({1, 32, 16, 16});
  const double change = (block->forward(x) - x).std().item<double>();
  EXPECT_GT(change, 0.01);
  EXPECT_LT(change, 0.2);
  EXPECT_EQ(scalars(*block), 2 * (32 * 32 * 9 + 32));
}

TEST(LayerNorm2d, NormsEachPixelOverItsChannels) {
  LayerNorm2d norm(6);
  randomize(*norm);
  const auto x = at::rand({2, 6, 3, 4}, at::kFloat) * 5 + 2;
  const auto mean = x.mean(1, true);
  const auto variance = (x - mean).square().mean(1, true);
  const auto named = norm->named_parameters();
  const auto expected = (x - mean) / (variance + 1e-6).sqrt() * named["weight"].view({1, 6, 1, 1}) +
                        named["bias"].view({1, 6, 1, 1});
  EXPECT_TRUE(at::allclose(norm->forward(x), expected, 1e-4, 1e-5));
  const c10::NoGradGuard no_grad;  // by another way
  EXPECT_TRUE(at::allclose(norm->forward(x), expected, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(norm->forward(x.to(at::kBFloat16)), expected, 5e-2, 5e-2));
}

TEST(SimpleGate, MultipliesTheHalves) {
  const auto x = at::rand({2, 6, 3, 4});
  EXPECT_TRUE(at::equal(simple_gate(x), x.narrow(1, 0, 3) * x.narrow(1, 3, 3)));
}

TEST(NafBlock, StartsAsTheIdentity) {
  NafBlock block(8);
  const auto x = at::rand({1, 8, 5, 7});
  EXPECT_TRUE(at::equal(block->forward(x), x));
  EXPECT_EQ(scalars(*block), 7 * 8 * 8 + 33 * 8);
}

TEST(NafBlock, ComputesThePublishedFormula) {
  torch::manual_seed(9);
  NafBlock block(4);
  randomize(*block);
  const auto named = block->named_parameters();
  const auto conv = [&](const std::string& name, const at::Tensor& x, int padding = 0,
                        int groups = 1) {
    return at::conv2d(x, named[name + ".weight"], named[name + ".bias"], 1, padding, 1, groups);
  };
  const auto norm = [&](const std::string& name, const at::Tensor& x) {
    const auto centred = x - x.mean(1, true);
    return centred / (centred.square().mean(1, true) + 1e-6).sqrt() *
               named[name + ".weight"].view({1, 4, 1, 1}) +
           named[name + ".bias"].view({1, 4, 1, 1});
  };
  const auto gate = [](const at::Tensor& x) { return x.narrow(1, 0, 4) * x.narrow(1, 4, 4); };
  const auto x = at::rand({2, 4, 6, 5});
  const auto a = gate(conv("depthwise", conv("conv1", norm("norm1", x)), 1, 8));
  const auto s = conv("sca", at::adaptive_avg_pool2d(a, {1, 1}));
  const auto u = x + named["beta"] * conv("conv3", a * s);
  const auto expected = u + named["gamma"] * conv("conv5", gate(conv("conv4", norm("norm2", u))));
  EXPECT_TRUE(at::allclose(block->forward(x), expected, 1e-4, 1e-5));
}

TEST(Chain, AppliesItsBlocksInOrder) {
  Chain<ResidualBlock> chain(3, 4);
  const auto x = at::rand({1, 4, 5, 6});
  auto expected = x;
  for (const auto& block : chain.children())
    expected = block->as<ResidualBlockImpl>()->forward(expected);
  EXPECT_TRUE(at::equal(chain.forward(x), expected));
  EXPECT_EQ(chain.children().size(), 3u);
  Chain<ResidualBlock> none(0, 4);
  EXPECT_TRUE(none.forward(x).is_same(x));
}

}  // namespace
}  // namespace chiaro::nn::blocks_test
