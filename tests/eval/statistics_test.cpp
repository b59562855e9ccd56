#include "chiaro/eval/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::eval::statistics_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string> own_groups(std::size_t count) {
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < count; ++i) groups.push_back(std::to_string(i));
  return groups;
}

TEST(Mean, IsArithmeticAndKeepsInfinity) {
  EXPECT_DOUBLE_EQ(mean(std::vector<double>{30, 32, 37}), 33);
  EXPECT_EQ(mean(std::vector<double>{30, kInfinity}), kInfinity);
}

TEST(Bootstrap, MatchesTheNormalIntervalOfManyValues) {
  Rng rng(5);
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(30 + 2 * rng.normal());
  double variance = 0;
  const double centre = mean(values);
  for (const double value : values) variance += (value - centre) * (value - centre) / 400;
  const double half = 1.96 * std::sqrt(variance / 400);
  const auto interval = bootstrap_mean(values, own_groups(400));
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, centre - half, 0.1 * half);
  EXPECT_NEAR(interval->high, centre + half, 0.1 * half);
}

TEST(Bootstrap, GroupsThatAgreeWithinWidenTheInterval) {
  std::vector<double> values;
  std::vector<std::string> scenes;
  for (int i = 0; i < 40; ++i) {
    values.push_back(20 + i / 4);
    scenes.push_back(std::to_string(i / 4));
  }
  const auto apart = bootstrap_mean(values, own_groups(40));
  const auto grouped = bootstrap_mean(values, scenes);
  ASSERT_TRUE(apart && grouped);
  // Ten independent scenes instead of forty pictures: about twice as wide.
  const double ratio = (grouped->high - grouped->low) / (apart->high - apart->low);
  EXPECT_NEAR(ratio, 2.0, 0.3);
}

TEST(Bootstrap, IsRepeatableAndFollowsTheSeed) {
  const std::vector<double> values{30.11, 31.23, 29.37, 35.41, 28.53, 33.67, 27.79, 32.83};
  const auto a = bootstrap_mean(values, own_groups(8), {.seed = 1});
  const auto b = bootstrap_mean(values, own_groups(8), {.seed = 1});
  EXPECT_EQ(a->low, b->low);
  EXPECT_EQ(a->high, b->high);
  const auto c = bootstrap_mean(values, own_groups(8), {.seed = 2});
  EXPECT_TRUE(a->low != c->low || a->high != c->high);
  EXPECT_LT(a->low, a->high);
  EXPECT_GE(a->low, 27.79);
  EXPECT_LE(a->high, 35.41);
}

TEST(Bootstrap, OneSceneHasNoInterval) {
  EXPECT_FALSE(bootstrap_mean(std::vector<double>{30}, own_groups(1)));
  EXPECT_FALSE(bootstrap_mean(std::vector<double>{30, 31}, std::vector<std::string>{"a", "a"}));
}

TEST(Bootstrap, InfinityGivesNoNaN) {
  const auto interval =
      bootstrap_mean(std::vector<double>{kInfinity, kInfinity, 30}, own_groups(3));
  ASSERT_TRUE(interval);
  EXPECT_FALSE(std::isnan(interval->low));
  EXPECT_EQ(interval->high, kInfinity);
}

TEST(Bootstrap, InfinitiesOfBothSignsHaveNoInterval) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(
      bootstrap_mean(std::vector{inf, -inf, 0.0}, std::vector<std::string>{"a", "b", "c"}));
}

TEST(Bootstrap, RefusesUnequalLengthsAndTooFewResamples) {
  EXPECT_CHIARO_ERROR(bootstrap_mean(std::vector<double>{1, 2}, own_groups(3)), Usage, "group");
  EXPECT_CHIARO_ERROR(bootstrap_mean(std::vector<double>{1, 2}, own_groups(2), {.resamples = 3}),
                      Usage, "resamples");
}

TEST(StudentT, QuantilesHaveTheClosedFormsOfOneTwoAndFourDegrees) {
  for (const double p : {0.6, 0.9, 0.975, 0.9995}) {
    EXPECT_NEAR(student_t_quantile(p, 1) / std::tan(std::numbers::pi * (p - 0.5)), 1, 1e-10);
    const double a = 4 * p * (1 - p);
    EXPECT_NEAR(student_t_quantile(p, 2) / (2 * (p - 0.5) * std::sqrt(2 / a)), 1, 1e-10);
    const double q = std::cos(std::acos(std::sqrt(a)) / 3) / std::sqrt(a);
    EXPECT_NEAR(student_t_quantile(p, 4) / (2 * std::sqrt(q - 1)), 1, 1e-10);
  }
}

TEST(StudentT, QuantilesAreThoseOfPrintedTables) {
  // P = 0.975: the usual table of two-sided 5 % points.
  const std::vector<std::pair<int, double>> table{
      {1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},
      {9, 2.262},  {10, 2.228}, {29, 2.045}, {30, 2.042}, {120, 1.980}};
  for (const auto& [degrees, t] : table)
    EXPECT_NEAR(student_t_quantile(0.975, degrees), t, 5e-4) << degrees;
  EXPECT_NEAR(student_t_quantile(0.995, 7), 3.499, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.025, 5), -2.571, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.5, 6), 0, 1e-12);
}

TEST(StudentT, IntervalOfThreeDifferencesByHand) {
  // Mean 2, s = 1, n = 3: the half width is 4.302653/√3.
  const auto interval = student_t_mean(std::vector<double>{1, 2, 3});
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 2 - 4.302652729911275 / std::sqrt(3), 1e-10);
  EXPECT_NEAR(interval->high, 2 + 4.302652729911275 / std::sqrt(3), 1e-10);
  EXPECT_FALSE(student_t_mean(std::vector<double>{1}));
  EXPECT_FALSE(student_t_mean({}));
}

TEST(StudentT, CoversTheTrueMeanNineteenTimesOfTwenty) {
  Rng rng(3);
  int covered = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::vector<double> values{rng.normal(), rng.normal(), rng.normal()};
    const auto interval = student_t_mean(values);
    covered += interval->low <= 0 && interval->high >= 0 ? 1 : 0;
  }
  EXPECT_NEAR(covered / 4000.0, 0.95, 0.012);
}

TEST(StudentT, RefusesWhatIsNoProbabilityOrDegree) {
  EXPECT_CHIARO_ERROR(student_t_quantile(1, 3), Usage, "probability");
  EXPECT_CHIARO_ERROR(student_t_quantile(0.9, 0), Usage, "degrees");
}

}  // namespace
}  // namespace chiaro::eval::statistics_test
