#include "chiaro/freeze/extent.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/support/expect_error.h"

namespace chiaro::freeze::extent_test {
namespace {

constexpr PictureSize kSmall{2, 16, 32};
constexpr PictureSize kLarge{3, 24, 40};

Extent fit(const std::function<std::int64_t(const PictureSize&)>& f) {
  std::array<std::int64_t, 8> samples{};
  for (std::size_t k = 0; k < 8; ++k) {
    samples[k] = f({k & 1U ? kLarge.batch : kSmall.batch, k & 2U ? kLarge.height : kSmall.height,
                    k & 4U ? kLarge.width : kSmall.width});
  }
  return fit_extent(samples, kSmall, kLarge);
}

TEST(Extent, FindsFormulas) {
  EXPECT_EQ(fit([](auto) { return 7; }).text(), "7");
  EXPECT_EQ(fit([](auto) { return -1; }).text(), "-1");
  EXPECT_EQ(fit([](auto) { return 0; }).text(), "0");
  EXPECT_EQ(fit([](auto s) { return s.height; }).text(), "H");
  EXPECT_EQ(fit([](auto s) { return s.width / 8; }).text(), "W/8");
  EXPECT_EQ(fit([](auto s) { return s.width + 3; }).text(), "3 + W");
  EXPECT_EQ(fit([](auto s) { return 5 * s.batch * s.height * s.width / 64; }).text(), "5·N·H·W/64");
  EXPECT_EQ(fit([](auto s) { return (s.height - s.width) / 2; }).text(), "(H + -1·W)/2");
}

TEST(Extent, TheLargestNumberStaysConstant) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(fit([](auto) { return kMax; }).constant(), kMax);
}

TEST(Extent, HoldsAtOtherSizes) {
  const Extent extent = fit([](auto s) { return s.batch * (s.height / 4) * (s.width / 8) + 2; });
  EXPECT_EQ(extent.at({5, 100, 56}), 5 * 25 * 7 + 2);
  EXPECT_EQ(extent.at({5, 101, 56}), std::nullopt);  // no whole number
}

TEST(Extent, Adds) {
  const Extent half = fit([](auto s) { return s.height / 2; });
  const Extent third = fit([](auto s) { return s.width / 8; });
  EXPECT_EQ((half + third).at({1, 10, 24}), 8);
  EXPECT_EQ((half + half).text(), "H");
}

TEST(Extent, ConstantWhereItIsNoneFails) {
  EXPECT_CHIARO_ERROR(fit([](auto s) { return s.height; }).constant(), Usage, "got H");
}

TEST(Extent, RatioOfProportionalSides) {
  const Extent height = fit([](auto s) { return s.height; });
  const Extent half = fit([](auto s) { return s.height / 2; });
  EXPECT_EQ(constant_ratio(height, half), 2);
  EXPECT_EQ(constant_ratio(half, height), 0.5);
  EXPECT_EQ(constant_ratio(height, fit([](auto s) { return s.width; })), 0);
  EXPECT_EQ(constant_ratio(height, height + Extent::of(1)), 0);
  EXPECT_EQ(constant_ratio(Extent::of(6), Extent::of(4)), 1.5);
}

}  // namespace
}  // namespace chiaro::freeze::extent_test
