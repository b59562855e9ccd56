// Against closed forms and brute force.
#include "chiaro/losses/earth_movers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/support/expect_error.h"

namespace chiaro::losses::earth_movers_test {
namespace {

/// (N,C,M) float64 values without structure.
at::Tensor noise(std::int64_t n, std::int64_t c, std::int64_t m, std::uint64_t seed = 1) {
  Rng rng(seed);
  auto values = at::empty({n, c, m}, at::kDouble);
  for (std::int64_t i = 0; i < values.numel(); ++i) values.data_ptr<double>()[i] = rng.normal();
  return values;
}

double entry(const at::Tensor& matrix, int i, int j) {
  return matrix[i][j].item<double>();
}

/// The least mean cost over all ways to match the values of a with those of b.
double least_cost(std::vector<double> a, const std::vector<double>& b) {
  std::ranges::sort(a);
  double least = 1e9;
  do {
    double cost = 0;
    for (std::size_t i = 0; i < a.size(); ++i) cost += std::abs(a[i] - b[i]);
    least = std::min(least, cost / static_cast<double>(a.size()));
  } while (std::ranges::next_permutation(a).found);
  return least;
}

TEST(EarthMovers, IsTheCheapestOfAllMatchings) {
  const auto values = noise(2, 1, 6);
  const auto row = [&](int n) {
    const auto* first = values[n][0].data_ptr<double>();
    return std::vector<double>(first, first + 6);
  };
  EXPECT_NEAR(entry(earth_movers(values), 0, 1), least_cost(row(0), row(1)), 1e-12);
}

TEST(EarthMovers, WorkedByHand) {
  const auto values =
      at::tensor({3.0, 1.0, 2.0, 0.0, 0.0, 6.0, 5.0, 5.0, 5.0, 5.0, 8.0, 2.0}, at::kDouble)
          .view({2, 2, 3});
  // Channel 0: {1,2,3} and {5,5,5}: 4+3+2; channel 1: {0,0,6} and {2,5,8}: 2+5+2.
  EXPECT_NEAR(entry(earth_movers(values), 0, 1), 0.5 * (9.0 / 3 + 9.0 / 3), 1e-12);
  const double w2 = 0.5 * (std::sqrt((16 + 9 + 4) / 3.0) + std::sqrt((4 + 25 + 4) / 3.0));
  EXPECT_NEAR(entry(earth_movers(values, Transport::W2), 0, 1), w2, 1e-12);
}

TEST(EarthMovers, IsZeroToItselfSymmetricAndBlindToPlaces) {
  const auto values = noise(5, 3, 64);
  for (const auto transport : {Transport::W1, Transport::W2, Transport::Gaussian}) {
    const auto d = earth_movers(values, transport);
    ASSERT_EQ(d.sizes(), (at::IntArrayRef{5, 5}));
    EXPECT_EQ(d.diagonal().abs().max().item<double>(), 0);
    EXPECT_LT((d - d.t()).abs().max().item<double>(), 1e-15);
    EXPECT_GT(entry(d, 0, 1), 0);
    const auto shuffled =
        values.index_select(2, at::randperm(64, at::TensorOptions().dtype(at::kLong)));
    EXPECT_LT((earth_movers(shuffled, transport) - d).abs().max().item<double>(), 1e-12);
  }
}

TEST(EarthMovers, OfAShiftIsTheShift) {
  const auto u = noise(1, 3, 50);
  for (const auto transport : {Transport::W1, Transport::W2, Transport::Gaussian}) {
    EXPECT_NEAR(entry(earth_movers(at::cat({u, u - 0.25}), transport), 0, 1), 0.25, 1e-12);
  }
}

TEST(EarthMovers, OfTwoNormalDistributions) {
  // W1 of N(0,σ₁²) and N(0,σ₂²) is √(2/π)·|σ₁ − σ₂|; W2 is |σ₁ − σ₂|. The values at the ranks
  // (m+½)/M of the normal distribution stand for it.
  constexpr std::int64_t kCount = 20000;
  const auto ranks = (at::arange(kCount, at::kDouble) + 0.5) / static_cast<double>(kCount);
  const auto normal = at::special_ndtri(ranks).view({1, 1, kCount});
  const auto both = at::cat({0.05 * normal, 0.15 * normal});
  EXPECT_NEAR(entry(earth_movers(both), 0, 1), std::sqrt(2 / M_PI) * 0.1, 1e-5);
  EXPECT_NEAR(entry(earth_movers(both, Transport::W2), 0, 1), 0.1, 1e-4);
  EXPECT_NEAR(entry(earth_movers(both, Transport::Gaussian), 0, 1), 0.1, 1e-4);
  EXPECT_NEAR(entry(earth_movers(both, Transport::W1, 256), 0, 1), std::sqrt(2 / M_PI) * 0.1, 2e-3);
}

TEST(EarthMovers, QuantilesOfARampAreTheRamp) {
  const auto ramp = (at::arange(1000, at::kDouble) + 0.5).view({1, 1, 1000}) / 1000;
  const auto both = at::cat({ramp, 3 * ramp});  // the distance is the mean of 2·rank: 1
  for (const std::int64_t quantiles : {0, 7, 256, 999, 1000, 5000}) {
    EXPECT_NEAR(entry(earth_movers(both, Transport::W1, quantiles), 0, 1), 1, 1e-12) << quantiles;
  }
}

TEST(EarthMovers, GradientEqualsFiniteDifferences) {
  for (const auto transport : {Transport::W1, Transport::W2, Transport::Gaussian}) {
    for (const std::int64_t quantiles : {0, 5}) {
      auto values = noise(3, 2, 9, 4);
      const auto weights = noise(1, 3, 3, 8)[0];
      const auto sum = [&](const at::Tensor& v) {
        return (earth_movers(v, transport, quantiles) * weights).sum();
      };
      auto leaf = values.clone().requires_grad_(true);
      sum(leaf).backward();
      constexpr double kStep = 1e-6;
      for (std::int64_t i = 0; i < values.numel(); ++i) {
        double& value = values.data_ptr<double>()[i];
        const double kept = value;
        value = kept + kStep;
        const double above = sum(values).item<double>();
        value = kept - kStep;
        const double below = sum(values).item<double>();
        value = kept;
        EXPECT_NEAR(leaf.grad().flatten()[i].item<double>(), (above - below) / (2 * kStep), 1e-6);
      }
    }
  }
}

TEST(EarthMovers, EqualSetsGiveFiniteGradients) {
  for (const auto transport : {Transport::W1, Transport::W2, Transport::Gaussian}) {
    auto same = at::full({3, 2, 8}, 0.5, at::kDouble).requires_grad_(true);
    earth_movers(same, transport).sum().backward();
    EXPECT_EQ(same.grad().abs().max().item<double>(), 0);
  }
}

TEST(EarthMovers, SlicesSeeWhatChannelsAloneDoNot) {
  // (t,t) and (t,−t) have equal channels; along (1,1)/√2 the values are √2·t and 0.
  const auto t = at::linspace(-1, 1, 101, at::kDouble);
  const auto values = at::stack({at::stack({t, t}), at::stack({t, -t})});
  EXPECT_NEAR(entry(earth_movers(values), 0, 1), 0, 1e-12);
  const auto diagonal = at::full({1, 2}, std::sqrt(0.5), at::kDouble);
  const double expected = std::sqrt(2.0) * t.abs().mean().item<double>();
  EXPECT_NEAR(entry(earth_movers(along_directions(values, diagonal)), 0, 1), expected, 1e-6);
}

TEST(EarthMovers, DirectionsAreUnitVectorsFixedByTheSeed) {
  Rng first(5);
  Rng second(5);
  Rng third(6);
  const auto directions = random_directions(400, 3, first);
  EXPECT_LT((directions.norm(2, 1) - 1).abs().max().item<double>(), 1e-5);
  EXPECT_LT(directions.mean(0).abs().max().item<double>(), 0.1);  // no side is preferred
  EXPECT_TRUE(at::equal(directions, random_directions(400, 3, second)));
  EXPECT_FALSE(at::equal(directions, random_directions(400, 3, third)));
}

TEST(EarthMovers, RefusesOtherShapes) {
  EXPECT_CHIARO_ERROR(earth_movers(at::rand({4, 8})), Internal, "(N,C,M)");
  EXPECT_CHIARO_ERROR(earth_movers(at::ones({4, 3, 8}, at::kLong)), Internal, "real values");
  EXPECT_CHIARO_ERROR(along_directions(at::rand({4, 3, 8}), at::rand({5, 2})), Internal, "one C");
}

}  // namespace
}  // namespace chiaro::losses::earth_movers_test
