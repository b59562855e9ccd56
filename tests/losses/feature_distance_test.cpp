#include "chiaro/losses/feature_distance.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace chiaro::losses::feature_distance_test {
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

Features drawn(at::ScalarType type) {
  return {at::randn({2, 4, 8, 8}).to(type), at::randn({2, 8, 4, 4}).to(type)};
}

TEST(FixedDistances, AreThoseOfFeatureDistanceWithItsGradient) {
  at::manual_seed(3);
  for (const auto type : {at::kDouble, at::kFloat, at::kBFloat16}) {
    const std::vector<Features> fixed{drawn(type), drawn(type), drawn(type)};
    const std::vector<double> weights{0.2, 0.3};
    const double tolerance = type == at::kBFloat16 ? 2e-3 : 1e-6;
    Features one = drawn(type);
    Features other;
    for (auto& layer : one) {
      other.push_back(layer.clone().requires_grad_(true));
      layer.requires_grad_(true);
    }
    const auto distances = distances_to_fixed(one, fixed, weights);
    at::Tensor sum = at::zeros({}, distances.mean.scalar_type());
    for (std::int64_t k = 0; k < 3; ++k) {
      const at::Tensor expected =
          feature_distance(other, fixed[static_cast<std::size_t>(k)], weights);
      EXPECT_NEAR(distances.each[k].item<double>(), expected.item<double>(), tolerance);
      sum = sum + expected / 3;
    }
    EXPECT_NEAR(distances.mean.item<double>(), sum.item<double>(), tolerance);
    EXPECT_FALSE(distances.each.requires_grad());
    distances.mean.backward();
    sum.backward();
    for (std::size_t l = 0; l < 2; ++l) {
      EXPECT_EQ(one[l].grad().scalar_type(), type);
      EXPECT_TRUE(at::allclose(one[l].grad().to(at::kDouble), other[l].grad().to(at::kDouble),
                               tolerance * 5, 1e-9))
          << "layer " << l << " in " << c10::toString(type);
    }
  }
}

TEST(FixedDistances, OfEqualFeaturesAreZeroWithZeroGradient) {
  Features moving = layers(1, 2);
  for (auto& layer : moving) layer.requires_grad_(true);
  const auto distances = distances_to_fixed(moving, {layers(1, 2)}, {1, 1});
  distances.mean.backward();
  EXPECT_EQ(distances.mean.item<double>(), 0.0);
  EXPECT_EQ(moving[0].grad().abs().max().item<double>(), 0.0);
}

TEST(FixedDistances, RefuseWhatDoesNotMatch) {
  EXPECT_CHIARO_ERROR(distances_to_fixed(layers(1, 1), {}, {1, 1}), Internal, "at least one");
  EXPECT_CHIARO_ERROR(distances_to_fixed(layers(1, 1), {layers(1, 1)}, {1}), Internal, "weights");
  EXPECT_CHIARO_ERROR(distances_to_fixed({}, {Features{}}, {}), Internal, "not 0");
  Features wrong = layers(1, 1);
  wrong[1] = at::ones({2, 2}, at::kDouble);
  EXPECT_CHIARO_ERROR(distances_to_fixed(layers(1, 1), {wrong}, {1, 1}), Internal, "layer 1");
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
}  // namespace chiaro::losses::feature_distance_test
