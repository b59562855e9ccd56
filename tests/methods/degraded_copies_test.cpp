#include "chiaro/methods/degraded_copies.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <numeric>

#include "tests/support/expect_error.h"

namespace chiaro::methods::degraded_copies_test {
namespace {

std::vector<std::uint64_t> seeds_from(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), first);
  return seeds;
}

TEST(DegradedCopies, AreReducedLimitedAndPureInTheirSeeds) {
  torch::manual_seed(1);
  const auto windows = at::rand({8, 3, 40, 56}).requires_grad_(true);
  const auto copies = degraded_copies(windows, seeds_from(0, 8), 1, 16);
  ASSERT_EQ(copies.sizes(), (at::IntArrayRef{8, 3, 16, 16}));
  EXPECT_FALSE(copies.requires_grad());
  EXPECT_GE(copies.min().item<double>(), 0);
  EXPECT_LE(copies.max().item<double>(), 1);
  EXPECT_TRUE(at::equal(degraded_copies(windows, seeds_from(0, 8), 1, 16), copies));
  EXPECT_FALSE(at::equal(degraded_copies(windows, seeds_from(8, 8), 1, 16), copies));
  EXPECT_FALSE(at::equal(degraded_copies(windows, seeds_from(0, 8), 2, 16), copies));
  // The same whatever else is in the batch.
  const auto alone = degraded_copies(windows.narrow(0, 5, 1), {5}, 1, 16);
  EXPECT_TRUE(at::allclose(alone[0], copies[5]));
}

TEST(DegradedCopies, LeaveWhatHasNeitherEdgesNorColourAsItIs) {
  const auto flat = at::full({40, 3, 32, 32}, 0.4);
  EXPECT_TRUE(at::allclose(degraded_copies(flat, seeds_from(0, 40), 1, 16),
                           at::full({40, 3, 16, 16}, 0.4), 1e-5, 1e-6));
}

TEST(DegradedCopies, EachOfTheFourWaysIsTaken) {
  // Left half dark, right half bright and reddish: every way leaves another mark.
  auto window = at::full({1, 3, 32, 32}, 0.4);
  window.slice(3, 16, 32).add_(0.1);
  window.select(1, 0).slice(2, 16, 32).add_(0.1);
  const auto copies = degraded_copies(window.expand({200, 3, 32, 32}), seeds_from(0, 200), 1, 16);
  const auto original = at::adaptive_avg_pool2d(window, {16, 16}).squeeze(0);
  int blurred = 0;
  int contrasted = 0;
  int cut = 0;
  int saturated = 0;
  for (const auto& copy : copies.unbind()) {
    const auto differs = [&](const at::Tensor& a, const at::Tensor& b) {
      return (a - b).abs().max().item<double>() > 1e-4;
    };
    const bool left_changed = differs(copy.select(2, 0), original.select(2, 0));
    const bool right_changed = differs(copy.select(2, 15), original.select(2, 15));
    if (left_changed && right_changed) {
      ++contrasted;
    } else if (right_changed) {
      ++saturated;  // grey stays grey
    } else if (differs(copy.select(2, 7), original.select(2, 7)) &&
               differs(copy.select(2, 8), original.select(2, 8))) {
      ++blurred;
    } else {
      ++cut;  // the edge stays sharp, but moves
    }
  }
  for (const int count : {blurred, contrasted, cut, saturated}) {
    EXPECT_GT(count, 25);
    EXPECT_LT(count, 80);
  }
}

TEST(DegradedCopies, RefusesShapesThatDoNotFit) {
  EXPECT_CHIARO_ERROR(degraded_copies(at::rand({2, 3, 8, 8}), {1}, 1, 16), Internal,
                      "degraded_copies");
}

}  // namespace
}  // namespace chiaro::methods::degraded_copies_test
