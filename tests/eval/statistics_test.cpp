#include "chiaro/eval/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::eval {
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

TEST(Bootstrap, RefusesUnequalLengthsAndTooFewResamples) {
  EXPECT_CHIARO_ERROR(bootstrap_mean(std::vector<double>{1, 2}, own_groups(3)), Usage, "group");
  EXPECT_CHIARO_ERROR(bootstrap_mean(std::vector<double>{1, 2}, own_groups(2), {.resamples = 3}),
                      Usage, "resamples");
}

}  // namespace
}  // namespace chiaro::eval
