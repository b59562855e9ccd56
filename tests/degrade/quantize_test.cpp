#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::quantize_test {
namespace {

TEST(Quantize, KeepsThatManyEvenLevelsRoundingToTheNearest) {
  const Image clean = test::hand_made(3, 40, 40);
  const Image coarse = test::degraded(clean, "quantize(levels=5)");
  std::set<float> levels;
  for (std::size_t i = 0; i < clean.pixels().size(); ++i) {
    EXPECT_NEAR(coarse.pixels()[i], std::round(clean.pixels()[i] * 4) / 4, 1e-6);
    levels.insert(coarse.pixels()[i]);
  }
  EXPECT_LE(levels.size(), 5U);
}

TEST(Quantize, EightBitPicturesPassThrough256) {
  Image clean = test::hand_made(3, 20, 20);
  image::quantize_u8(clean);
  const Image same = test::degraded(clean, "quantize(levels=256)");
  for (std::size_t i = 0; i < clean.pixels().size(); ++i) {
    EXPECT_NEAR(same.pixels()[i], clean.pixels()[i], 1e-6);
  }
}

}  // namespace
}  // namespace chiaro::degrade::quantize_test
