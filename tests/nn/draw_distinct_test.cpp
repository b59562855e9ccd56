#include "chiaro/nn/draw_distinct.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/support/expect_error.h"

namespace chiaro::nn::draw_distinct_test {
namespace {

TEST(DrawDistinct, OfAllIsAPermutation) {
  Rng rng(1);
  auto drawn = draw_distinct(50, 50, rng);
  EXPECT_FALSE(std::ranges::is_sorted(drawn));
  std::ranges::sort(drawn);
  for (std::int64_t i = 0; i < 50; ++i) EXPECT_EQ(drawn.at(static_cast<std::size_t>(i)), i);
}

// Each of the 20 ordered pairs of 5 numbers is drawn alike often: five standard deviations of a
// binomial of 20,000 draws.
TEST(DrawDistinct, EveryOrderIsAlikeLikely) {
  constexpr int kDraws = 20000;
  Rng rng(2);
  std::map<std::vector<std::int64_t>, int> seen;
  for (int i = 0; i < kDraws; ++i) ++seen[draw_distinct(5, 2, rng)];
  ASSERT_EQ(seen.size(), 20U);
  const double expected = kDraws / 20.0;
  for (const auto& [pair, count] : seen) {
    EXPECT_NE(pair[0], pair[1]);
    EXPECT_NEAR(count, expected, 5 * std::sqrt(expected * 0.95)) << pair[0] << ", " << pair[1];
  }
}

TEST(DrawDistinct, NoMoreThanThereAre) {
  Rng rng(3);
  EXPECT_TRUE(draw_distinct(0, 0, rng).empty());
  EXPECT_CHIARO_ERROR(draw_distinct(4, 5, rng), Internal, "5 of 4");
}

}  // namespace
}  // namespace chiaro::nn::draw_distinct_test
