#include "chiaro/losses/layer_measures.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"

namespace chiaro::losses::layer_measures_test {
namespace {

TEST(ParticipationRatio, CountsTheDirectionsInUse) {
  // Along one axis, along three alike, along two of which one has three times the variance:
  // (3 + 1)² / (9 + 1).
  const auto line = at::linspace(-1, 1, 9).unsqueeze(1) * at::tensor({2.0, -1.0, 0.5, 0.0});
  EXPECT_NEAR(participation_ratio(line + 3), 1, 1e-9);
  const auto cross = at::cat({at::eye(3), -at::eye(3)});
  EXPECT_NEAR(participation_ratio(at::cat({cross, at::zeros({6, 2})}, 1)), 3, 1e-9);
  const auto two = at::tensor({std::sqrt(3.0), 0.0, -std::sqrt(3.0), 0.0, 0.0, 1.0, 0.0, -1.0});
  EXPECT_NEAR(participation_ratio(two.view({4, 2})), 1.6, 1e-9);
}

TEST(ParticipationRatio, IsTheSameByEitherProduct) {
  const auto rows = at::sin(at::arange(40, at::kDouble) * 1.7).view({5, 8});  // fewer than sides
  const auto wide = rows - rows.mean(0, true);
  const auto values = std::get<1>(at::linalg_svd(wide, false)).square();
  const double expected =
      values.sum().square().item<double>() / values.square().sum().item<double>();
  EXPECT_NEAR(participation_ratio(rows), expected, 1e-9);
  // Doubled rows: the same covariance, the other product.
  EXPECT_NEAR(participation_ratio(rows.repeat({3, 1})), expected, 1e-9);
  EXPECT_EQ(participation_ratio(at::ones({4, 3})), 0);
}

TEST(SharedEdges, IsOneOfALayerWithItselfAndNothingOfFlatOnes) {
  const auto layer = at::sin(at::arange(2 * 3 * 6 * 7, at::kDouble) * 2.3).view({2, 3, 6, 7});
  EXPECT_NEAR(shared_edges(layer, layer), 1, 1e-12);
  EXPECT_NEAR(shared_edges(layer, -2 * layer + 0.3), 1, 1e-12);
  EXPECT_EQ(shared_edges(layer, at::full_like(layer, 0.4)), 0);
}

TEST(SharedEdges, LayersThatExcludeEachOtherAreBelowNothing) {
  // One edge each, in different columns of a row of 4 (3 differences; magnitudes 1,0,0 and 0,1,0):
  // covariance −1/9, variances 2/9.
  const auto image = at::tensor({0.0, 1.0, 1.0, 1.0}).repeat({2, 1}).view({1, 1, 2, 4});
  const auto damage = at::tensor({0.0, 0.0, 1.0, 1.0}).repeat({2, 1}).view({1, 1, 2, 4});
  EXPECT_NEAR(shared_edges(image, damage), -0.5, 1e-12);
}

TEST(LayerMeasures, RefuseOtherShapes) {
  EXPECT_CHIARO_ERROR(participation_ratio(at::zeros({1, 3})), Internal, "two or more");
  EXPECT_CHIARO_ERROR(shared_edges(at::zeros({1, 1, 4, 4}), at::zeros({1, 1, 4, 5})), Internal,
                      "of one shape");
  EXPECT_CHIARO_ERROR(shared_edges(at::zeros({1, 1, 1, 4}), at::zeros({1, 1, 1, 4})), Internal,
                      "of one shape");
}

}  // namespace
}  // namespace chiaro::losses::layer_measures_test
