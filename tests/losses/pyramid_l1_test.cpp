#include "chiaro/losses/pyramid_l1.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/support/expect_error.h"

namespace chiaro::losses::pyramid_l1_test {
namespace {

TEST(PyramidL1, OfAConstantIsItsSize) {
  const auto target = at::rand({2, 3, 32, 16}, at::kDouble);
  EXPECT_NEAR(pyramid_l1(target - 0.3, target).item<double>(), 0.3, 1e-12);
  EXPECT_EQ(pyramid_l1(target, target).item<double>(), 0);
}

TEST(PyramidL1, SeesABandForEveryOctaveOfAPattern) {
  // ±a in blocks of 1 px lives in the finest band alone; blocks of 2 px in the second.
  const auto pattern = [](std::int64_t block) {
    const auto x = at::arange(16).div(block, "floor");
    const auto sign = (x.unsqueeze(0) + x.unsqueeze(1)) % 2 * 2 - 1;
    return 0.25 * sign.to(at::kDouble).view({1, 1, 16, 16});
  };
  const auto zero = at::zeros({1, 1, 16, 16}, at::kDouble);
  for (const std::int64_t block : {1, 2, 4, 8})
    EXPECT_NEAR(pyramid_l1(pattern(block), zero).item<double>(), 0.25, 1e-12) << block;
  EXPECT_NEAR(pyramid_l1(pattern(1) + pattern(4), zero).item<double>(), 0.5, 1e-12);
  // A sum in one band is no sum of absolute values.
  EXPECT_LT(pyramid_l1(pattern(1) + pattern(4), zero, /*octaves=*/0).item<double>(), 0.3);
}

TEST(PyramidL1, StopsWhereSidesBecomeOdd) {
  const auto target = at::rand({1, 3, 6, 10}, at::kDouble);
  EXPECT_NEAR(pyramid_l1(target + 0.1, target).item<double>(), 0.1, 1e-12);
  EXPECT_CHIARO_ERROR(pyramid_l1(target, at::rand({1, 3, 6, 8}, at::kDouble)), Internal,
                      "pyramid_l1");
}

TEST(PyramidL1, GradientEqualsFiniteDifferences) {
  torch::manual_seed(1);
  const auto target = at::rand({1, 3, 8, 12}, at::kDouble);
  auto output = at::rand({1, 3, 8, 12}, at::kDouble).requires_grad_(true);
  pyramid_l1(output, target).backward();
  const auto direction = at::randn_like(target);
  const auto at_offset = [&](double t) {
    return pyramid_l1(output.detach() + t * direction, target).item<double>();
  };
  const double slope = (at_offset(1e-7) - at_offset(-1e-7)) / 2e-7;
  EXPECT_GT(std::abs(slope), 1e-3);
  EXPECT_NEAR((output.grad() * direction).sum().item<double>(), slope, 1e-6);
}

}  // namespace
}  // namespace chiaro::losses::pyramid_l1_test
