#include <ATen/ops/rand.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::nafnet_test {
namespace {

using List = std::vector<std::int64_t>;

OptionTable gopro() {
  return {{"encoder_blocks", List{1, 1, 1, 28}},
          {"middle_blocks", std::int64_t{1}},
          {"decoder_blocks", List{1, 1, 1, 1}}};
}

double millions(const OptionTable& options) {
  return static_cast<double>(parameter_count(*make("nafnet", options))) / 1e6;
}

// The sizes that the authors and later papers state for these layouts.
TEST(Nafnet, HasThePublishedNumberOfParameters) {
  EXPECT_NEAR(millions(gopro()), 17.11, 0.005);
  EXPECT_NEAR(millions({}), 29.16, 0.005);
  EXPECT_NEAR(millions({{"middle_blocks", std::int64_t{4}}}), 14.34, 0.005);
}

// For 256×256 pixels: 16 thousand million, as published.
TEST(Nafnet, HasThePublishedNumberOfMultiplications) {
  EXPECT_NEAR(multiplications(*make("nafnet", gopro()), 64, 64) * 16 / 1e9, 16.0, 0.1);
  EXPECT_NEAR(multiplications(*make("nafnet"), 64, 64) * 16 / 1e9, 16.1, 0.1);
}

TEST(Nafnet, MultiplicationsEqualTheClosedForm) {
  const auto network = make("nafnet", {{"width", std::int64_t{8}},
                                       {"encoder_blocks", List{1}},
                                       {"middle_blocks", std::int64_t{2}},
                                       {"decoder_blocks", List{3}}});
  // A block of c channels: four 1×1 convolutions of 2c², c², 2c², c², the depthwise 9·2c and two
  // means of both norms per pixel; c² once.
  const auto block = [](double c, double pixels) {
    return (6 * c * c + 18 * c + 4 * c) * pixels + c * c;
  };
  const double pixels = 32 * 48;
  const double expected = 2 * 27 * 8 * pixels + 4 * block(8, pixels) + 2 * block(16, pixels / 4) +
                          (4 * 8 * 16 + 16 * 32) * pixels / 4;
  EXPECT_DOUBLE_EQ(multiplications(*network, 32, 48), expected);
}

TEST(Nafnet, StatesItsGeometry) {
  const auto geometry = make("nafnet")->geometry();
  EXPECT_EQ(geometry.alignment_px, 16);
  EXPECT_TRUE(geometry.global_statistics);
  const auto shallow = make(
      "nafnet",
      {{"encoder_blocks", List{}}, {"middle_blocks", std::int64_t{3}}, {"decoder_blocks", List{}}});
  EXPECT_EQ(shallow->geometry().alignment_px, 1);
  EXPECT_EQ(shallow->geometry().receptive_field_px, 1 + 2 * (1 + 3 + 1));
}

TEST(Nafnet, EveryPixelDependsOnTheWholePicture) {
  torch::manual_seed(4);
  const auto network = make("nafnet", {{"width", std::int64_t{4}},
                                       {"encoder_blocks", List{1}},
                                       {"middle_blocks", std::int64_t{1}},
                                       {"decoder_blocks", List{1}}});
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.3);
  const auto x = at::rand({1, 3, 8, 64});
  auto changed = x.clone();
  changed.narrow(3, 60, 4).add_(0.5);
  ASSERT_LT(network->geometry().receptive_field_px, 59);
  const auto difference = (network->forward(changed) - network->forward(x)).narrow(3, 0, 1);
  EXPECT_GT(difference.abs().min().item<float>(), 0);
}

TEST(Nafnet, RefusesImpossibleOptions) {
  EXPECT_CHIARO_ERROR(make("nafnet", {{"encoder_blocks", List{1, 1}}}), Usage,
                      "decoder_blocks needs as many");
  EXPECT_CHIARO_ERROR(
      make("nafnet", {{"encoder_blocks", List(7, 1)}, {"decoder_blocks", List(7, 1)}}), Usage,
      "too many levels; got 7");
  EXPECT_CHIARO_ERROR(make("nafnet", {{"width", std::int64_t{0}}}), Usage, "width");
  EXPECT_CHIARO_ERROR(make("nafnet", {{"withd", std::int64_t{8}}}), Usage, "did you mean 'width'");
}

}  // namespace
}  // namespace chiaro::networks::nafnet_test
