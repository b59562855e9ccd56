#include <gtest/gtest.h>

#include <cmath>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::poisson_gaussian_test {
namespace {

double deviation_u8(const char* spec, float level) {
  const Image noisy = test::degraded(Image(1, 200, 200, level), spec);
  return test::deviation_of(noisy.plane(0)) * 255;
}

TEST(PoissonGaussian, VarianceIsLinearInTheLight) {
  const char* spec = "poisson_gaussian(shot_u8=20,read_u8=4,storage=float)";
  for (const float level : {0.25F, 0.5F, 0.75F}) {
    EXPECT_NEAR(deviation_u8(spec, level), std::sqrt(400 * level + 16), 0.3) << level;
  }
}

TEST(PoissonGaussian, LinearLightMakesShadowsNoisier) {
  const char* spec = "poisson_gaussian(domain=linear,shot_u8=10,read_u8=2,storage=float)";
  for (const double level : {0.3, 0.7}) {
    const double light = std::pow((level + 0.055) / 1.055, 2.4);
    const double slope = 2.4 / 1.055 * std::pow((level + 0.055) / 1.055, 1.4);
    const double expected = std::sqrt(100 * light + 4) / slope;
    EXPECT_NEAR(deviation_u8(spec, static_cast<float>(level)), expected, 0.04 * expected);
  }
}

TEST(PoissonGaussian, GrainCorrelatesNeighboursButKeepsTheDeviation) {
  const char* spec = "poisson_gaussian(shot_u8=0,read_u8=10,grain_px=1,storage=float)";
  const Image noisy = test::degraded(Image(1, 300, 300, 0.5F), spec);
  EXPECT_NEAR(test::deviation_of(noisy.plane(0)) * 255, 10, 0.5);
  double product = 0;
  for (int y = 0; y < 300; ++y) {
    for (int x = 1; x < 300; ++x)
      product += (noisy.at(0, y, x) - 0.5) * (noisy.at(0, y, x - 1) - 0.5);
  }
  const double correlation = product / (300 * 299) / std::pow(10.0 / 255, 2);
  EXPECT_NEAR(correlation, std::exp(-0.25), 0.05);  // Gaussian of deviation √2 at one pixel
}

TEST(PoissonGaussian, GreyShareIsTheCorrelationOfChannels) {
  const char* spec = "poisson_gaussian(shot_u8=0,read_u8=10,grey_share=0.6,storage=float)";
  const Image noisy = test::degraded(Image(3, 200, 200, 0.5F), spec);
  double product = 0;
  for (std::size_t i = 0; i < noisy.plane_size(); ++i) {
    product += (noisy.plane(0)[i] - 0.5) * (noisy.plane(2)[i] - 0.5);
  }
  EXPECT_NEAR(product / 40000 / std::pow(10.0 / 255, 2), 0.6, 0.03);
}

TEST(PoissonGaussian, IsRoundedByDefault) {
  const Image noisy = test::degraded(test::hand_made(3, 20, 20), "poisson_gaussian");
  for (const float v : noisy.pixels()) EXPECT_NEAR(v * 255, std::round(v * 255), 1e-3);
}

}  // namespace
}  // namespace chiaro::degrade::poisson_gaussian_test
