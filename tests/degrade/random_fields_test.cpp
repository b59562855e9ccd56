#include "chiaro/degrade/random_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::random_fields_test {
namespace {

TEST(FastNormal, HasTheMomentsAndTailsOfANormal) {
  constexpr std::size_t kCount = 400000;
  std::vector<float> values(kCount);
  Rng rng(11);
  fill_normal(values, rng);
  double fourth = 0;
  double third = 0;
  for (const double v : values) {
    third += v * v * v;
    fourth += v * v * v * v;
  }
  EXPECT_NEAR(test::mean_of(values), 0, 0.008);
  EXPECT_NEAR(test::deviation_of(values), 1, 0.006);
  EXPECT_NEAR(third / kCount, 0, 0.03);
  EXPECT_NEAR(fourth / kCount, 3, 0.08);
  const auto beyond = [&](float limit) {
    return static_cast<double>(std::ranges::count_if(values, [&](float v) { return v > limit; })) /
           kCount;
  };
  for (const float limit : {0.5F, 1.0F, 2.0F, 3.0F, 3.6F}) {  // the last within the tail's own code
    const double expected = 0.5 * std::erfc(limit / std::sqrt(2.0));
    EXPECT_NEAR(beyond(limit), expected, 5 * std::sqrt(expected / kCount)) << limit;
  }
}

TEST(SmoothField, CoversTheUnitRangeWithoutJumps) {
  Rng rng(3);
  const auto field = smooth_field(60, 90, 3, 2, rng);
  ASSERT_EQ(field.size(), 60U * 90U);
  EXPECT_FLOAT_EQ(*std::ranges::min_element(field), 0);
  EXPECT_FLOAT_EQ(*std::ranges::max_element(field), 1);
  for (std::size_t i = 1; i < field.size(); ++i) {
    if (i % 90 != 0) {
      EXPECT_LT(std::abs(field[i] - field[i - 1]), 0.2F);
    }
  }
  Rng other(3);
  EXPECT_EQ(smooth_field(1, 1, 3, 2, other), std::vector<float>{0.5F});
}

}  // namespace
}  // namespace chiaro::degrade::random_fields_test
