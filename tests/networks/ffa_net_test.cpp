#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::ffa_net_test {
namespace {

std::shared_ptr<Network> with(std::int64_t groups, std::int64_t blocks, std::int64_t channels) {
  return make("ffa_net", {{"groups", groups}, {"blocks", blocks}, {"channels", channels}});
}

TEST(FfaNet, HasThePublishedNumberOfParameters) {
  EXPECT_EQ(parameter_count(*make("ffa_net")), 4'455'913);
}

// 4.38 M multiply-accumulates a pixel, 71.8 G for a crop of 128 × 128 px.
TEST(FfaNet, CostsWhatItsLayersImply) {
  const double conv = 9 * 64 * 64;
  const double pixel_gate = 64 * 8 + 8;
  const double once = 3 * 19 * (64 * 8 + 8 * 64) + 2 * 192 * 4;
  const double each =
      2 * 9 * 3 * 64 + 3 * (19 * (2 * conv + pixel_gate) + conv) + pixel_gate + conv;
  EXPECT_DOUBLE_EQ(multiplications(*make("ffa_net"), 12, 10), 120 * each + once);
  EXPECT_NEAR(each * 128 * 128, 71.8e9, 0.05e9);
}

TEST(FfaNet, ComputesThePublishedLayers) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  const auto network = with(3, 2, 16);
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.1);
  const auto parameters = network->named_parameters();
  const auto conv = [&](const std::string& name, const at::Tensor& x, int padding = 1) {
    return at::conv2d(x, parameters[name + ".weight"], parameters[name + ".bias"], 1, padding);
  };
  const auto gate = [&](const std::string& name, const at::Tensor& x) {
    return at::sigmoid(conv(name + ".excite", conv(name + ".squeeze", x, 0).clamp_min(0), 0));
  };
  const auto pooled = [](const at::Tensor& x) { return at::adaptive_avg_pool2d(x, {1, 1}); };
  const auto block = [&](const std::string& name, const at::Tensor& x) {
    at::Tensor result = conv(name + ".conv1", x).clamp_min(0);
    result = conv(name + ".conv2", result + x);
    result = result * gate(name + ".of_channels", pooled(result));
    result = result * gate(name + ".of_pixels", result);
    return result + x;
  };

  const at::Tensor x = at::rand({2, 3, 7, 9});
  at::Tensor normal = x.clone();
  const double mean[] = {0.64, 0.60, 0.58};
  const double deviation[] = {0.14, 0.15, 0.152};
  for (int c = 0; c < 3; ++c) normal.select(1, c).sub_(mean[c]).div_(deviation[c]);
  at::Tensor last = conv("head", normal);
  std::vector<at::Tensor> groups;
  for (const std::string name : {"group0", "group1", "group2"}) {
    last = last + conv(name + "_end", block(name + ".1", block(name + ".0", last)));
    groups.push_back(last);
  }
  const at::Tensor weights = gate("of_groups", pooled(at::cat(groups, 1))).view({2, 3, 16, 1, 1});
  at::Tensor fused = (at::stack(groups, 1) * weights).sum(1);
  fused = fused * gate("of_pixels", fused);
  const at::Tensor expected = normal + conv("outro", conv("tail", fused));
  EXPECT_TRUE(at::allclose(network->forward(x), expected, 1e-4, 1e-4));
}

TEST(FfaNet, EveryPixelDependsOnTheWholePicture) {
  torch::manual_seed(4);
  torch::NoGradGuard no_grad;
  const auto network = with(1, 1, 64);
  EXPECT_TRUE(network->geometry().global_statistics);
  EXPECT_EQ(network->geometry().alignment_px, 1);
  const auto field = network->geometry().receptive_field_px;
  EXPECT_EQ(field, 1 + 2 * (3 + 3));
  EXPECT_EQ(make("ffa_net")->geometry().receptive_field_px, 241);
  const auto x = at::rand({1, 3, 8, 64});
  auto changed = x.clone();
  changed.narrow(3, 60, 4).add_(0.5);
  const auto difference = (network->forward(changed) - network->forward(x)).abs();
  EXPECT_GT(difference.narrow(3, 0, 60 - field).min().item<float>(), 0);
}

// What is left without the channels' means is as local as the geometry says.
TEST(FfaNet, ReachesAsFarAsStatedBesideTheMeans) {
  torch::manual_seed(4);
  const auto network = with(2, 1, 16);
  torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    const bool of_means = item.key().find("of_channels.squeeze") != std::string::npos ||
                          item.key().find("of_groups.squeeze") != std::string::npos;
    if (of_means) item.value().zero_();
  }
  const auto radius = network->geometry().receptive_field_px / 2;
  const auto x = at::rand({1, 3, 5, 64});
  auto changed = x.clone();
  changed.narrow(3, 32, 1).add_(0.5);
  const auto difference = (network->forward(changed) - network->forward(x)).abs().amax({0, 1, 2});
  EXPECT_EQ(difference.narrow(0, 0, 32 - radius).max().item<float>(), 0);
  EXPECT_GT(difference[32 - radius].item<float>(), 0);
  EXPECT_GT(difference[32 + radius].item<float>(), 0);
  EXPECT_EQ(difference.narrow(0, 33 + radius, 31 - radius).max().item<float>(), 0);
}

TEST(FfaNet, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(with(0, 1, 16), Usage, "groups");
  EXPECT_CHIARO_ERROR(with(3, -1, 16), Usage, "blocks");
  EXPECT_CHIARO_ERROR(with(3, 1, 15), Usage, "channels");
  EXPECT_CHIARO_ERROR(make("ffa_net", {{"block", std::int64_t{1}}}), Usage,
                      "did you mean 'blocks'");
}

}  // namespace
}  // namespace chiaro::networks::ffa_net_test
