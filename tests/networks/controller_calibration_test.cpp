#include "chiaro/networks/controller_calibration.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "tests/support/expect_error.h"

namespace chiaro::networks::controller_calibration_test {
namespace {

/// `count` samples with the logits (z,0), of which `first` are of the first kind.
at::Tensor two_kinds(std::int64_t count, std::int64_t first) {
  return at::one_hot(at::arange(count).ge(first).to(at::kLong), 2).to(at::kBool);
}

at::Tensor repeated(double z, std::int64_t count) {
  return at::tensor({z, 0.0}).expand({count, 2});
}

TEST(Calibration, OneLogitForAllHasATemperatureInClosedForm) {
  // Right in r of the samples: σ(z/T) = r, T = z / ln(r/(1−r)).
  EXPECT_NEAR(fit_temperature(repeated(2, 100), two_kinds(100, 80)), 1.442695, 1e-5);  // 2/ln 4
  EXPECT_NEAR(fit_temperature(repeated(2, 10), two_kinds(10, 9)), 2 / std::log(9), 1e-6);
  EXPECT_NEAR(fit_temperature(repeated(-2, 100), two_kinds(100, 20)), 1.442695, 1e-5);
}

TEST(Calibration, FindsTheTemperatureThatLabelsWereDrawnWith) {
  torch::manual_seed(1);
  const auto logits = 3 * at::randn({20000, 7}, at::kDouble);
  for (const double temperature : {0.5, 1.0, 2.5}) {
    const auto drawn = at::multinomial(at::softmax(logits / temperature, 1), 1).squeeze(1);
    const auto kinds = at::one_hot(drawn, 7).to(at::kBool);
    const double found = fit_temperature(logits, kinds);
    EXPECT_NEAR(found / temperature, 1, 0.03);
    const double after = calibration_error(at::softmax(logits / found, 1), kinds);
    EXPECT_LT(after, 0.015) << temperature;  // ten bins of some 2000 samples scatter by as much
    if (temperature != 1) {
      EXPECT_GT(calibration_error(at::softmax(logits, 1), kinds), 5 * after) << temperature;
    }
  }
}

TEST(Calibration, SamplesOfTwoKindsWantBothAlike) {
  // One sample of both kinds beside three of the first: as often right as 3.5 of 4.
  auto kinds = two_kinds(4, 3);
  kinds[3].fill_(true);
  EXPECT_NEAR(fit_temperature(repeated(2, 4), kinds), 2 / std::log(7), 1e-6);
}

TEST(Calibration, StopsWhereNoTemperatureIsBest) {
  EXPECT_NEAR(fit_temperature(repeated(2, 5), two_kinds(5, 5)), kLeastCalibration, 1e-9);
  EXPECT_NEAR(fit_temperature(repeated(2, 5), two_kinds(5, 0)), kMostCalibration, 1e-6);
}

TEST(Calibration, ErrorIsTheGapBetweenConfidenceAndAccuracy) {
  const auto probability = at::softmax(repeated(2, 100), 1);  // 0.880797
  EXPECT_NEAR(calibration_error(probability, two_kinds(100, 80)), 0.080797, 1e-5);
  // Two bins: of 0.880797, 5 of 10 right, of 0.5, 10 of 10 right.
  const auto two = at::softmax(at::cat({repeated(2, 10), repeated(0, 10)}), 1);
  const auto kinds = at::cat({two_kinds(10, 5), two_kinds(10, 10)});
  EXPECT_NEAR(calibration_error(two, kinds), (0.380797 + 0.5) / 2, 1e-5);
  // Either of two kinds is right.
  EXPECT_NEAR(calibration_error(probability, at::ones({100, 2}, at::kBool)), 0.119203, 1e-5);
}

TEST(Calibration, RefusesWhatDoesNotFit) {
  EXPECT_CHIARO_ERROR(fit_temperature(repeated(2, 5), two_kinds(4, 4)), Internal, "(N,K)");
  EXPECT_CHIARO_ERROR(calibration_error(at::zeros({0, 2}), at::zeros({0, 2}, at::kBool)), Internal,
                      "some samples");
}

}  // namespace
}  // namespace chiaro::networks::controller_calibration_test
