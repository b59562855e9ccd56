// Each loss on inputs where its value can be worked out by hand.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "chiaro/losses/charbonnier.h"
#include "chiaro/losses/edge.h"
#include "chiaro/losses/frequency.h"
#include "chiaro/losses/l1.h"
#include "chiaro/losses/mse.h"
#include "chiaro/losses/psnr.h"
#include "chiaro/losses/ssim.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::losses_test {
namespace {

const at::Tensor kBlack = at::zeros({1, 1, 12, 12}, at::kDouble);

at::Tensor grey(double value) {
  return at::full({1, 1, 12, 12}, value, at::kDouble);
}

TEST(L1, OfAConstantDifference) {
  EXPECT_NEAR(l1(grey(0.3), kBlack).item<double>(), 0.3, 1e-15);
}

TEST(Mse, OfAConstantDifference) {
  EXPECT_NEAR(mse(grey(0.3), kBlack).item<double>(), 0.09, 1e-15);
}

TEST(Charbonnier, IsRoundAtZeroAndStraightFarAway) {
  EXPECT_NEAR(charbonnier(kBlack, kBlack).item<double>(), 1e-3, 1e-15);
  EXPECT_NEAR(charbonnier(grey(3), kBlack, 4).item<double>(), 5, 1e-15);
  EXPECT_NEAR(charbonnier(grey(0.5), kBlack).item<double>(), 0.5, 2e-6);
}

TEST(Charbonnier, RefusesAnEpsilonThatIsNotPositive) {
  EXPECT_CHIARO_ERROR(charbonnier(kBlack, kBlack, 0), Usage, "epsilon");
  EXPECT_CHIARO_ERROR(charbonnier(kBlack, kBlack, std::nan("")), Usage, "epsilon");
}

TEST(Psnr, IsMinusTheDecibels) {
  EXPECT_NEAR(psnr(grey(0.1), kBlack).item<double>(), -20, 1e-5);
  EXPECT_NEAR(psnr(kBlack, kBlack).item<double>(), -80, 1e-12);
}

TEST(Psnr, MeansDecibelsNotErrors) {
  const auto both = at::cat({grey(0.1), grey(0.01)});
  EXPECT_NEAR(psnr(both, at::zeros_like(both)).item<double>(), -30, 1e-3);
}

TEST(Ssim, OfTwoGreysIsTheLuminanceTerm) {
  const double expected = (2 * 0.4 * 0.6 + 1e-4) / (0.4 * 0.4 + 0.6 * 0.6 + 1e-4);
  EXPECT_NEAR(ssim(grey(0.4), grey(0.6)).item<double>(), 1 - expected, 1e-12);
}

TEST(Ssim, RefusesPicturesSmallerThanItsWindow) {
  const auto small = at::rand({1, 3, 10, 32});
  EXPECT_CHIARO_ERROR(ssim(small, small), Internal, "sides of at least 11");
}

TEST(Frequency, OfAConstantIsItsMeanFrequencyAlone) {
  // The orthonormal transform of a constant v is v·√(H·W) in one place; 12×7 places with two parts
  // each.
  EXPECT_NEAR(frequency(grey(0.5), kBlack).item<double>(), 0.5 * 12 / (12 * 7 * 2), 1e-15);
}

TEST(Frequency, DoesNotDependOnWhereADotLies) {
  auto dot = kBlack.clone();
  dot.select(2, 0).select(2, 0).fill_(1.0);
  // A dot in the corner has the flat spectrum 1/√(H·W), real.
  EXPECT_NEAR(frequency(dot, kBlack).item<double>(), 1.0 / 12 / 2, 1e-15);
}

TEST(Edge, SeesNoBrightnessAndNoRamp) {
  const auto ramp = (at::arange(12, at::kDouble) * 0.05).view({1, 1, 1, 12}).expand({1, 1, 12, 12});
  EXPECT_NEAR(edge(ramp + 0.2, kBlack).item<double>(), 1e-3, 1e-9);
}

TEST(Edge, OfADot) {
  auto dot = kBlack.clone();
  dot.select(2, 5).select(2, 5).fill_(1.0);
  // 4 in one place, 1 in four, 0 in the other 95 of 10×10.
  const double expected = (std::sqrt(16 + 1e-6) + 4 * std::sqrt(1 + 1e-6) + 95 * 1e-3) / 100;
  EXPECT_NEAR(edge(dot, kBlack).item<double>(), expected, 1e-12);
}

TEST(Edge, RefusesPicturesWithoutInside) {
  const auto thin = at::rand({1, 3, 2, 8});
  EXPECT_CHIARO_ERROR(edge(thin, thin), Internal, "sides of at least 3");
}

}  // namespace
}  // namespace chiaro::losses::losses_test
