#include "chiaro/networks/tapped.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <vector>

#include "chiaro/networks/network.h"

namespace chiaro::networks::tapped_test {
namespace {

using List = std::vector<std::int64_t>;

std::vector<List> shapes(const std::vector<at::Tensor>& maps) {
  std::vector<List> result;
  for (const auto& map : maps) result.push_back(map.sizes().slice(1).vec());
  return result;
}

std::vector<at::Tensor> taps_of(const std::shared_ptr<Network>& network, const at::Tensor& x) {
  auto* tapped = dynamic_cast<Tapped*>(network.get());
  EXPECT_NE(tapped, nullptr);
  return tapped == nullptr ? std::vector<at::Tensor>{} : tapped->taps(x);
}

TEST(Tapped, UNetsShowTheirWayDown) {
  torch::manual_seed(1);
  const OptionTable options{{"channels", List{4, 6, 8}},
                            {"encoder_blocks", List{1, 1}},
                            {"middle_blocks", std::int64_t{1}},
                            {"decoder_blocks", List{1, 1}}};
  for (const char* name : {"resunet", "mmf_unet"}) {
    const auto network = make(name, options);
    const auto x = at::rand({2, 3, 16, 24});
    const auto maps = taps_of(network, x);
    EXPECT_EQ(shapes(maps), (std::vector<List>{{4, 16, 24}, {4, 16, 24}, {6, 8, 12}, {8, 4, 6}}))
        << name;
    const auto weights = network->named_parameters();
    EXPECT_TRUE(at::allclose(
        maps[0], at::conv2d(x, weights["intro.weight"], weights["intro.bias"], 1, 1), 1e-5, 1e-6));
    // They are the features that the output is made of: the output's gradient reaches through them.
    maps.back().sum().backward();
    EXPECT_GT(weights["intro.weight"].grad().abs().max().item<double>(), 0);
    EXPECT_FALSE(weights["outro.weight"].grad().defined());
  }
}

TEST(Tapped, DncnnShowsQuartersOfItsChain) {
  torch::manual_seed(1);
  const auto network = make("dncnn", {{"depth", std::int64_t{9}}, {"width", std::int64_t{5}}});
  const auto x = at::rand({1, 3, 12, 12});
  const auto maps = taps_of(network, x);
  ASSERT_EQ(maps.size(), 4u);
  const auto weights = network->named_parameters();
  at::Tensor features = x;
  std::vector<at::Tensor> after;
  for (int i = 0; i < 8; ++i) {
    const std::string layer = "conv" + std::to_string(i);
    const auto bias = weights.contains(layer + ".bias") ? weights[layer + ".bias"] : at::Tensor();
    features = at::relu(at::conv2d(features, weights[layer + ".weight"], bias, 1, 1));
    after.push_back(features);
  }
  const std::size_t shown[] = {0, 2, 4, 6};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(at::allclose(maps[i], after[shown[i]], 1e-5, 1e-6)) << i;
}

TEST(Tapped, OthersDoNot) {
  EXPECT_EQ(dynamic_cast<Tapped*>(make("nafnet", {{"width", std::int64_t{8}}}).get()), nullptr);
}

}  // namespace
}  // namespace chiaro::networks::tapped_test
