#include "chiaro/networks/encoder_features.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/disentangled_encoder.h"
#include "chiaro/nn/statistics_tower.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::encoder_features_test {
namespace {

std::shared_ptr<DegradationEncoder> of_damage() {
  torch::manual_seed(1);
  return std::make_shared<DegradationEncoder>(
      DegradationEncoder::Options{4, 16, {.dimension = 8, .view_px = 32}});
}

std::shared_ptr<DisentangledEncoder> of_both() {
  torch::manual_seed(1);
  return std::make_shared<DisentangledEncoder>(DisentangledEncoder::Options{
      .width = 4, .hidden = 16, .content = 6, .degradation = 4, .view_px = 32, .whole_px = 48});
}

at::Tensor statistics(const at::Tensor& maps) {
  return at::cat({maps.mean(at::IntArrayRef{2, 3}),
                  (maps.var(at::IntArrayRef{2, 3}, /*unbiased=*/false) + 1e-6).sqrt()},
                 1);
}

// The tower's result is made of pixels, its first stage and its last.
TEST(EncoderFeatures, AreWhatTheEncoderItselfSees) {
  torch::manual_seed(1);
  nn::StatisticsTower tower(4);
  const auto encoder = of_damage();  // the same weights: the tower is drawn first
  const auto phi = encoder_features(encoder, {"stage4", "stage1"});
  const at::NoGradGuard no_grad;
  const at::Tensor pictures = at::rand({2, 3, 48, 64});
  const auto maps = phi->forward(pictures);
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_EQ(maps[0].sizes(), (at::IntArrayRef{2, 16, 3, 4}));
  EXPECT_EQ(maps[1].sizes(), (at::IntArrayRef{2, 4, 24, 32}));
  const at::Tensor all = tower.forward(pictures);
  ASSERT_EQ(all.size(1), 12 + 8 + 32);
  EXPECT_TRUE(at::allclose(statistics(maps[1]), all.narrow(1, 12, 8), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(statistics(maps[0]), all.narrow(1, 20, 32), 1e-4, 1e-5));
}

TEST(EncoderFeatures, OfBothPartsComeFromTheirOwnStages) {
  const auto encoder = of_both();
  const at::NoGradGuard no_grad;
  const at::Tensor pictures = at::rand({1, 3, 48, 48});
  const auto stages = encoder->stages();
  ASSERT_EQ(stages.size(), 2U);
  for (const char* part : {"content", "degradation"}) {
    const auto& own = stages[part == std::string("content") ? 0 : 1];
    const std::string second = std::string(part) + ".stage2";
    ASSERT_EQ(own.at(1).name, second);
    const at::Tensor expected = own[1].run(own[0].run(pictures));
    const auto found = encoder_features(encoder, {second})->forward(pictures);
    EXPECT_TRUE(at::equal(found.at(0), expected)) << part;
  }
  EXPECT_EQ(default_layers(*encoder).front().first, "degradation.stage1");
  EXPECT_EQ(default_layers(*of_damage()).back(), (std::pair<std::string, double>{"stage3", 0.5}));
}

TEST(EncoderFeatures, PassGradientsOnAndTakeNone) {
  const auto encoder = of_damage();
  const auto phi = encoder_features(encoder, {"stage1", "stage4"});
  const at::Tensor pictures = at::rand({1, 3, 48, 48}).requires_grad_(true);
  at::Tensor sum = at::zeros({});
  for (const auto& maps : phi->forward(pictures)) sum = sum + maps.square().sum();
  sum.backward();
  EXPECT_GT(pictures.grad().abs().max().item<float>(), 0);
  for (const auto& parameter : encoder->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
    EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST(EncoderFeatures, LayersThatDoNotFitAreNamed) {
  EXPECT_CHIARO_ERROR(encoder_features(of_damage(), {"stage5"}), Usage, "'stage5'");
  EXPECT_CHIARO_ERROR(encoder_features(of_both(), {"stage1"}), Usage, "degradation.stage1");
  EXPECT_CHIARO_ERROR(encoder_features(of_both(), {"content.stage1", "degradation.stage2"}), Usage,
                      "two parts");
  EXPECT_CHIARO_ERROR(encoder_features(of_damage(), {}), Usage, "no layer");
  EXPECT_CHIARO_ERROR(encoder_features(of_damage(), {"stage1", "stage1"}), Usage, "twice");
}

}  // namespace
}  // namespace chiaro::networks::encoder_features_test
