#include "chiaro/base/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace chiaro::rng_test {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <typename Draw>
Moments moments_of(int count, Draw draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < count; ++i) {
    const double value = draw();
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  return {mean, squares / count - mean * mean};
}

// Reference: the published SplitMix64 of Steele, Lea and Flood and xoshiro256** of Blackman and
// Vigna, written out again here from their definitions.
TEST(Rng, EqualsThePublishedGenerators) {
  const auto split_mix = [](std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  };
  const auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  std::uint64_t seed = 42;
  std::array<std::uint64_t, 4> s{};
  for (auto& word : s) word = split_mix(seed);
  Rng rng(42);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(rng.next(), rotate(s[1] * 5, 7) * 9) << "draw " << i;
    const std::uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
  }
}

TEST(Rng, SplitMixHasItsPublishedFirstOutput) {
  // SplitMix64 from state 0 gives e220a8397b1dcdaf first; as words 0 to 3 of the state it fixes the
  // first draw.
  const std::uint64_t second = 0x6e789e6aa1b965f4ULL;
  const std::uint64_t times_five = second * 5;
  EXPECT_EQ(Rng(0).next(), ((times_five << 7) | (times_five >> 57)) * 9);
}

TEST(Rng, SameSeedAndStreamsSameNumbers) {
  Rng a(7, {1, 2});
  Rng b(7, {1, 2});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(Rng, SeedsStreamsAndTheirOrderMatter) {
  const std::set<std::uint64_t> first = {
      Rng(7).next(),         Rng(8).next(),         Rng(7, {0}).next(),    Rng(7, {1}).next(),
      Rng(7, {1, 2}).next(), Rng(7, {2, 1}).next(), Rng(7, {1, 0}).next(), Rng(7, {0, 1}).next()};
  EXPECT_EQ(first.size(), 8U);
}

TEST(Rng, ForksAreIndependentAndRepeatable) {
  Rng a(3);
  Rng b(3);
  EXPECT_EQ(a.fork("rain").next(), b.fork("rain").next());
  EXPECT_NE(Rng(3).fork("rain").next(), Rng(3).fork("snow").next());
  Rng c(3);
  EXPECT_NE(c.fork("rain").next(),
            c.fork("rain").next());  // a fork advances the generator it comes from
}

TEST(Rng, UniformStaysInItsRange) {
  Rng rng(1);
  for (int i = 0; i < 100000; ++i) {
    const double value = rng.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
  }
  const auto moments = moments_of(100000, [&] { return rng.uniform(-3, 5); });
  EXPECT_NEAR(moments.mean, 1.0, 0.03);
  EXPECT_NEAR(moments.variance, 64.0 / 12, 0.06);
}

TEST(Rng, LogUniformHasItsMedianAtTheGeometricMean) {
  Rng rng(2);
  int below = 0;
  for (int i = 0; i < 100000; ++i) {
    const double value = rng.log_uniform(1, 100);
    ASSERT_GE(value, 1.0 - 1e-12);
    ASSERT_LE(value, 100.0 + 1e-9);
    if (value < 10) ++below;
  }
  EXPECT_NEAR(below / 1e5, 0.5, 0.01);
}

TEST(Rng, IntegersReachBothEndsEvenly) {
  Rng rng(3);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) {
    const auto value = rng.integer(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 3);
    ++counts[static_cast<std::size_t>(value + 2)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(rng.integer(5, 5), 5);
}

TEST(Rng, ChanceAtItsEnds) {
  Rng rng(4);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(rng.chance(0));
    ASSERT_TRUE(rng.chance(1));
  }
}

TEST(Rng, NormalHasTheRightMomentsAndTails) {
  Rng rng(5);
  int beyond_two = 0;
  const auto moments = moments_of(200000, [&] {
    const double value = rng.normal();
    if (std::abs(value) > 2) ++beyond_two;
    return value;
  });
  EXPECT_NEAR(moments.mean, 0.0, 0.01);
  EXPECT_NEAR(moments.variance, 1.0, 0.02);
  EXPECT_NEAR(beyond_two / 2e5, 0.0455, 0.003);
}

TEST(Rng, PoissonHasEqualMeanAndVariance) {
  Rng rng(6);
  for (const double mean : {0.3, 4.0, 29.0, 31.0, 400.0}) {
    const auto moments = moments_of(60000, [&] { return rng.poisson(mean); });
    EXPECT_NEAR(moments.mean, mean, 0.02 * mean + 0.01) << mean;
    EXPECT_NEAR(moments.variance, mean, 0.04 * mean + 0.01) << mean;
  }
  EXPECT_EQ(rng.poisson(0), 0);
  EXPECT_EQ(rng.poisson(-1), 0);
}

TEST(StableHash, EqualsPublishedFnv1a) {
  EXPECT_EQ(stable_hash(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(stable_hash("foobar"), 0x85944171f73967e8ULL);
}

}  // namespace
}  // namespace chiaro::rng_test
