#include "chiaro/losses/feature_distance.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace chiaro::losses {
namespace {

Features layers(double first, double second) {
  return {at::full({1, 4, 8, 8}, first, at::kDouble), at::full({1, 8, 4, 4}, second, at::kDouble)};
}

TEST(FeatureDistance, WeighsTheMeanOfEachLayer) {
  EXPECT_NEAR(feature_distance(layers(1, 2), layers(0.5, 4), {0.2, 0.3}).item<double>(),
              0.2 * 0.5 + 0.3 * 2, 1e-12);
}

TEST(FeatureDistance, OfEqualFeaturesIsZeroWithZeroGradient) {
  Features moving = layers(1, 2);
  for (auto& layer : moving) layer.requires_grad_(true);
  const auto distance = feature_distance(moving, layers(1, 2), {1, 1});
  distance.backward();
  EXPECT_EQ(distance.item<double>(), 0.0);
  EXPECT_EQ(moving[0].grad().abs().max().item<double>(), 0.0);
}

TEST(FeatureContrast, IsTheRatioOfEachLayer) {
  const double value =
      feature_contrast(layers(1, 2), layers(1.5, 2.5), layers(0, 0), {0.25, 1.0}).item<double>();
  EXPECT_NEAR(value, 0.25 * 0.5 / 1 + 0.5 / 2, 1e-6);
}

TEST(FeatureContrast, IsFiniteWhereOutputAndNegativeAgree) {
  const double value =
      feature_contrast(layers(1, 1), layers(2, 2), layers(1, 1), {1.0, 0.0}).item<double>();
  EXPECT_NEAR(value, 1e7, 1.0);
}

TEST(FeatureDistance, RefusesLayersThatDoNotMatch) {
  EXPECT_CHIARO_ERROR(feature_distance(layers(1, 1), {at::ones({1})}, {1, 1}), Internal, "layers");
  EXPECT_CHIARO_ERROR(feature_distance(layers(1, 1), layers(1, 1), {1}), Internal, "weights");
  EXPECT_CHIARO_ERROR(feature_distance({}, {}, {}), Internal, "not 0");
  EXPECT_CHIARO_ERROR(
      feature_contrast(layers(1, 1), layers(1, 1), {at::ones({1}), at::ones({1})}, {1, 1}),
      Internal, "do not match");
}

}  // namespace
}  // namespace chiaro::losses
