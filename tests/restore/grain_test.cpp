#include "chiaro/restore/grain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "chiaro/base/rng.h"

namespace chiaro::restore::grain_test {
namespace {

constexpr int kSide = 96;

std::size_t at(int channel, int y, int x) {
  return static_cast<std::size_t>((channel * kSide + y) * kSide + x);
}

/// A soft gradient of three channels.
std::vector<float> smooth() {
  std::vector<float> values(3 * kSide * kSide);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x)
        values[at(c, y, x)] = 0.3F + 0.1F * static_cast<float>(c) + 0.002F * static_cast<float>(x);
  return values;
}

/// With the same noise in all channels.
std::vector<float> grainy(double deviation, std::uint64_t seed = 5) {
  std::vector<float> values = smooth();
  Rng rng(seed);
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const auto grain = static_cast<float>(deviation * rng.normal());
      for (int c = 0; c < 3; ++c) values[at(c, y, x)] += grain;
    }
  return values;
}

/// What comes back, of one channel, away from the ends.
std::vector<double> returned(const std::vector<float>& source, const std::vector<float>& restored,
                             double share, int channel = 0) {
  std::vector<float> result = restored;
  return_grain(source, result, 3, kSide, kSide, share);
  std::vector<double> difference;
  for (int y = kGrainReachPx; y < kSide - kGrainReachPx; ++y)
    for (int x = kGrainReachPx; x < kSide - kGrainReachPx; ++x)
      difference.push_back(double{result[at(channel, y, x)]} - restored[at(channel, y, x)]);
  return difference;
}

double deviation_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST(Grain, OfNoiseTheFinePartComesBack) {
  // Behind a filter with weights w, of which the middle is 36/256 and the sum of squares
  // 4900/65536, white noise keeps 1 - 2·36/256 + 4900/65536 of its variance.
  const double expected = 0.02 * std::sqrt(1 - 72.0 / 256 + 4900.0 / 65536);
  EXPECT_NEAR(deviation_of(returned(grainy(0.02), smooth(), 1.0)), expected, 0.03 * expected);
  EXPECT_NEAR(deviation_of(returned(grainy(0.02), smooth(), 0.25)), expected / 4, 0.01 * expected);
  EXPECT_EQ(deviation_of(returned(grainy(0.02), smooth(), 0.0)), 0);
}

TEST(Grain, IsTheSameInAllChannels) {
  const auto source = grainy(0.03);
  const auto red = returned(source, smooth(), 0.5, 0);
  const auto blue = returned(source, smooth(), 0.5, 2);
  for (std::size_t i = 0; i < red.size(); ++i) ASSERT_NEAR(red[i], blue[i], 1e-6);
}

TEST(Grain, ToneAndColourDoNotComeBack) {
  auto darker = smooth();
  for (float& value : darker) value -= 0.2F;
  EXPECT_LT(deviation_of(returned(darker, smooth(), 1.0)), 1e-6);
  auto colourful = smooth();
  Rng rng(3);
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const auto noise = static_cast<float>(0.05 * rng.normal());
      colourful[at(0, y, x)] += noise / 0.299F;
      colourful[at(1, y, x)] -= noise / 0.587F;
    }
  EXPECT_LT(deviation_of(returned(colourful, smooth(), 1.0)), 1e-6);
}

TEST(Grain, StreaksDoNotComeBack) {
  auto rainy = grainy(0.005);
  for (int y = 10; y < 80; ++y)
    for (int c = 0; c < 3; ++c) rainy[at(c, y, 48)] += 0.4F;
  auto result = smooth();
  return_grain(rainy, result, 3, kSide, kSide, 1.0);
  double streak = 0;
  for (int y = 20; y < 70; ++y) streak += (result[at(1, y, 48)] - smooth()[at(1, y, 48)]) / 50;
  EXPECT_GT(streak, 0);
  EXPECT_LT(streak, 0.06);  // of 0.4
}

TEST(Grain, LooksAsFarAsItSays) {
  // A spike is held to what is usual around it, and so tells of any change as far as that goes.
  const auto spike_beside_change = [](int distance, float change) {
    auto source = grainy(0.02);
    for (int c = 0; c < 3; ++c) {
      source[at(c, 40, 40)] += change;
      source[at(c, 40, 40 + distance)] += 0.4F;
    }
    auto result = smooth();
    return_grain(source, result, 3, kSide, kSide, 1.0);
    return result[at(0, 40, 40 + distance)];
  };
  EXPECT_NE(spike_beside_change(kGrainReachPx, 0.0F), spike_beside_change(kGrainReachPx, 0.1F));
  EXPECT_EQ(spike_beside_change(kGrainReachPx + 1, 0.0F),
            spike_beside_change(kGrainReachPx + 1, 0.1F));
}

TEST(Grain, WhatIsNotFiniteStaysAlone) {
  auto restored = smooth();
  restored[at(1, 30, 30)] = std::numeric_limits<float>::quiet_NaN();
  return_grain(grainy(0.02), restored, 3, kSide, kSide, 1.0);
  for (std::size_t i = 0; i < restored.size(); ++i)
    ASSERT_EQ(std::isfinite(restored[i]), i != at(1, 30, 30)) << i;
}

}  // namespace
}  // namespace chiaro::restore::grain_test
