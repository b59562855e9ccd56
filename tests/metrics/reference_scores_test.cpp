// Scores of real pairs measured elsewhere; the pictures lie outside the repository.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/metrics/psnr.h"
#include "chiaro/metrics/ssim.h"

namespace chiaro::metrics::reference_scores_test {
namespace {

struct Reference {
  std::string name;
  double psnr_rgb, psnr_y, ssim_rgb, ssim_y;
};

class ReferenceScores : public ::testing::TestWithParam<Reference> {};

TEST_P(ReferenceScores, ToFourDecimals) {
  const char* root = std::getenv("CHIARO_DATA_DIR");
  if (root == nullptr) GTEST_SKIP() << "CHIARO_DATA_DIR is not set";
  const Reference& expected = GetParam();
  const std::filesystem::path folder = std::filesystem::path(root) / "tests" / "pairs";
  const image::Image input = image::read(folder / (expected.name + "_lq.png"));
  const image::Image target = image::read(folder / (expected.name + "_gt.png"));
  Protocol luma;
  luma.channel = Channel::Y;
  EXPECT_NEAR(psnr(input, target), expected.psnr_rgb, 5.1e-5);
  EXPECT_NEAR(psnr(input, target, luma), expected.psnr_y, 5.1e-5);
  EXPECT_NEAR(ssim(input, target), expected.ssim_rgb, 5.1e-5);
  EXPECT_NEAR(ssim(input, target, luma), expected.ssim_y, 5.1e-5);
  if (expected.name == "rain100l_3") {
    EXPECT_NEAR(psnr(input, target, preset("matlab", Metric::Psnr)), 33.8252, 5.1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Pairs, ReferenceScores,
    ::testing::Values(Reference{"rain100l_3", 32.4568, 33.8320, 0.9352, 0.9444},
                      Reference{"rain100h_7", 8.4313, 9.8457, 0.2926, 0.3227},
                      Reference{"sots_1421_4", 13.7568, 15.2296, 0.7658, 0.8537},
                      Reference{"lol_526", 4.5129, 5.9216, 0.1152, 0.2496},
                      Reference{"gopro_00", 23.0949, 24.4635, 0.6726, 0.7052}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace chiaro::metrics::reference_scores_test
