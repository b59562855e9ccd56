#include "chiaro/degrade/filters.h"

#include <gtest/gtest.h>

#include <numeric>

#include "chiaro/degrade/random_fields.h"
#include "chiaro/degrade/resample.h"
#include "tests/degrade/pictures.h"

namespace chiaro::degrade::filters_test {
namespace {

double sum(const Psf& psf) {
  return std::accumulate(psf.weights.begin(), psf.weights.end(), 0.0);
}

TEST(Psf, SumsToOne) {
  EXPECT_NEAR(sum(gaussian_psf(2.3, 0.4, 30)), 1, 1e-5);
  EXPECT_NEAR(sum(gaussian_psf(0, 1, 0)), 1, 1e-5);
  EXPECT_NEAR(sum(disc_psf(4.2)), 1, 1e-5);
  EXPECT_NEAR(sum(disc_psf(0)), 1, 1e-5);
  const std::vector<std::pair<double, double>> path = {{0, -5}, {0, 5}};
  EXPECT_NEAR(sum(path_psf(path)), 1, 1e-5);
  const std::vector<std::pair<double, double>> still = {{0, 0}, {0, 0}};
  EXPECT_NEAR(sum(path_psf(still)), 1, 1e-5);
}

TEST(Convolve, AnImpulseBecomesThePsfNotItsMirror) {
  Psf psf;
  psf.radius = 1;
  psf.weights = {0.1F, 0.2F, 0.0F, 0.0F, 0.4F, 0.0F, 0.0F, 0.0F, 0.3F};
  image::Image picture(1, 7, 9);
  picture.at(0, 3, 4) = 1;
  convolve(picture, psf);
  EXPECT_FLOAT_EQ(picture.at(0, 2, 3), 0.1F);
  EXPECT_FLOAT_EQ(picture.at(0, 2, 4), 0.2F);
  EXPECT_FLOAT_EQ(picture.at(0, 3, 4), 0.4F);
  EXPECT_FLOAT_EQ(picture.at(0, 4, 5), 0.3F);
  EXPECT_FLOAT_EQ(picture.at(0, 4, 3), 0.0F);
}

TEST(Convolve, KeepsFlatPicturesFlatUpToTheEdge) {
  image::Image picture(3, 5, 4, 0.625F);
  convolve(picture, gaussian_psf(3, 0.5, 20));
  for (const float v : picture.pixels()) EXPECT_NEAR(v, 0.625F, 1e-5);
}

TEST(BlurPlane, EqualsTheRoundPsf) {
  image::Image separable = test::hand_made(1, 24, 31);
  image::Image direct = separable;
  gaussian_blur_in_place(separable, 1.7);
  convolve(direct, gaussian_psf(1.7, 1, 0));
  for (std::size_t i = 0; i < direct.pixels().size(); ++i) {
    EXPECT_NEAR(separable.pixels()[i], direct.pixels()[i], 0.004);  // the PSF is cut to a circle
  }
}

TEST(BlurredDeviation, IsThatOfBlurredNoise) {
  std::vector<float> field(std::size_t{256} * 256);
  Rng rng(4);
  fill_normal(field, rng);
  blur_plane(field, 256, 256, 1.3);
  EXPECT_NEAR(test::deviation_of(field), blurred_deviation(1.3), 0.03 * blurred_deviation(1.3));
  EXPECT_EQ(blurred_deviation(0), 1);
}

TEST(BoxMean, EqualsTheDirectMean) {
  const image::Image picture = test::hand_made(1, 9, 13);
  std::vector<float> plane(picture.plane(0).begin(), picture.plane(0).end());
  box_mean(plane, 9, 13, 2);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 13; ++x) {
      double total = 0;
      int count = 0;
      for (int v = std::max(0, y - 2); v <= std::min(8, y + 2); ++v) {
        for (int u = std::max(0, x - 2); u <= std::min(12, x + 2); ++u) {
          total += picture.at(0, v, u);
          ++count;
        }
      }
      EXPECT_NEAR(plane[static_cast<std::size_t>(y * 13 + x)], total / count, 1e-5);
    }
  }
}

TEST(ResizeCubic, KeepsFlatAndLinearPictures) {
  std::vector<float> slope(20);
  for (std::size_t i = 0; i < 20; ++i) slope[i] = 0.02F * static_cast<float>(i);
  const auto doubled = resize_cubic(slope, 1, 20, 1, 40);
  for (std::size_t i = 8; i < 32; ++i) {
    EXPECT_NEAR(doubled[i], 0.02 * ((static_cast<double>(i) + 0.5) / 2 - 0.5), 1e-5);
  }
  const auto flat = resize_cubic(std::vector<float>(35, 0.3F), 5, 7, 2, 3);
  for (const float v : flat) EXPECT_NEAR(v, 0.3F, 1e-6);
}

TEST(ResizeCubic, DoesNotAlias) {
  std::vector<float> stripes(64);
  for (std::size_t i = 0; i < 64; ++i) stripes[i] = i % 2 == 0 ? 1.0F : 0.0F;
  const auto coarse = resize_cubic(stripes, 1, 64, 1, 16);
  for (std::size_t i = 2; i < 14; ++i) EXPECT_NEAR(coarse[i], 0.5, 0.01);
}

}  // namespace
}  // namespace chiaro::degrade::filters_test
