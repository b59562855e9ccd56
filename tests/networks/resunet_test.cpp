#include <ATen/Functions.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::resunet_test {
namespace {

using List = std::vector<std::int64_t>;

OptionTable small(List channels, List encoder, std::int64_t middle, List decoder) {
  return {{"channels", channels},
          {"encoder_blocks", encoder},
          {"middle_blocks", middle},
          {"decoder_blocks", decoder}};
}

TEST(Resunet, StartsAsTheIdentity) {
  torch::manual_seed(1);
  const auto network = make("resunet");
  const auto x = at::rand({2, 3, 32, 48});
  EXPECT_TRUE(at::equal(network->forward(x), x));
}

// Shipped weights depend on the default layout: it must not change.
TEST(Resunet, DefaultLayout) {
  const auto network = make("resunet");
  EXPECT_EQ(parameter_count(*network), 1'807'331);
  const auto geometry = network->geometry();
  EXPECT_EQ(geometry.scale, 1);
  EXPECT_EQ(geometry.alignment_px, 16);
  EXPECT_EQ(geometry.receptive_field_px, 399);
  EXPECT_FALSE(geometry.global_statistics);
  const auto named = network->named_parameters();
  for (const char* name :
       {"intro.weight", "encoder0.0.conv1.weight", "encoder3.1.conv2.bias", "down3.weight",
        "middle.1.conv1.bias", "up0.weight", "decoder0.1.conv2.weight", "outro.bias"}) {
    EXPECT_TRUE(named.contains(name)) << name;
  }
  EXPECT_EQ(named.size(), 2u * (1 + 2 * (7 + 2 + 8) + 4 + 4 + 1));
}

TEST(Resunet, MultiplicationsEqualTheClosedForm) {
  const auto network = make("resunet");
  const auto block = [](double c) { return 2 * 9 * c * c; };
  // Per pixel of each level: intro and outro, blocks, the two changes of level at the coarser side.
  const double per_pixel = 2 * 27 * 16 + 3 * block(16) + (4 * block(32) + 2 * 4 * 16 * 32) / 4 +
                           (4 * block(64) + 2 * 4 * 32 * 64) / 16 +
                           (4 * block(96) + 2 * 4 * 64 * 96) / 64 +
                           (2 * block(128) + 2 * 4 * 96 * 128) / 256;
  EXPECT_DOUBLE_EQ(multiplications(*network, 64, 96), per_pixel * 64 * 96);
}

// One level, one block each, written out.
TEST(Resunet, ComputesTheStatedSum) {
  torch::manual_seed(2);
  const auto network = make("resunet", small({4, 6}, {1}, 1, {1}));
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.2);
  const auto named = network->named_parameters();
  const auto conv = [&](const std::string& name, const at::Tensor& x) {
    return at::conv2d(x, named[name + ".weight"], named[name + ".bias"], 1, 1);
  };
  const auto block = [&](const std::string& name, const at::Tensor& x) {
    return x + conv(name + ".conv2", at::relu(conv(name + ".conv1", x)));
  };
  const auto x = at::rand({1, 3, 6, 8});
  const auto skip = block("encoder0.0", conv("intro", x));
  const auto coarse =
      block("middle.0", at::conv2d(skip, named["down0.weight"], named["down0.bias"], 2));
  const auto fine = at::conv_transpose2d(coarse, named["up0.weight"], named["up0.bias"], 2) + skip;
  const auto expected = x + conv("outro", block("decoder0.0", fine));
  EXPECT_TRUE(at::allclose(network->forward(x), expected, 1e-5, 1e-6));
}

TEST(Resunet, UntrainedUpsamplingShowsNoCheckerboard) {
  const auto network = make("resunet");
  const auto weight = network->named_parameters()["up2.weight"];
  EXPECT_GT(weight.std().item<float>(), 0);
  EXPECT_TRUE(at::equal(weight, weight.slice(2, 0, 1).slice(3, 0, 1).expand_as(weight)));
}

TEST(Resunet, OneLevelIsAPlainChain) {
  const auto network = make("resunet", small({8}, {}, 2, {}));
  EXPECT_EQ(network->geometry().alignment_px, 1);
  EXPECT_EQ(network->geometry().receptive_field_px, 1 + 2 * (1 + 4 + 1));
  EXPECT_EQ(network->forward(at::rand({1, 3, 5, 7})).sizes(), (at::IntArrayRef{1, 3, 5, 7}));
}

TEST(Resunet, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(make("resunet", small({}, {}, 1, {})), Usage, "channels");
  EXPECT_CHIARO_ERROR(make("resunet", small(List(10, 4), List(9, 1), 1, List(9, 1))), Usage,
                      "got 10");
  EXPECT_CHIARO_ERROR(make("resunet", small({4, 8}, {1, 1}, 1, {1})), Usage,
                      "encoder_blocks needs one number");
  EXPECT_CHIARO_ERROR(make("resunet", small({4, 8}, {1}, 1, {})), Usage,
                      "decoder_blocks needs one number");
  EXPECT_CHIARO_ERROR(make("resunet", small({4, 0}, {1}, 1, {1})), Usage, "channels");
  EXPECT_CHIARO_ERROR(make("resunet", small({4, 8}, {-1}, 1, {1})), Usage, "encoder_blocks");
  EXPECT_CHIARO_ERROR(make("resunet", {{"middle_block", std::int64_t{1}}}), Usage, "middle_blocks");
}

}  // namespace
}  // namespace chiaro::networks::resunet_test
