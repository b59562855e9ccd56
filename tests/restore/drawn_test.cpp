#include "chiaro/restore/drawn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::restore {
namespace {

template <typename Value>
image::Image made(int height, int width, const Value& value) {
  image::Image picture(3, height, width);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) picture.at(c, y, x) = static_cast<float>(value(c, y, x));
  return picture;
}

// By hand: of the 2 x 3 inner pixels of a step between the third and the fourth column, all are
// like the one above them; the Laplacian is the step at both sides of it.
TEST(Drawn, SharesByHand) {
  for (const auto& [step, grain] : {std::pair{1.0, 0.0}, {10.0 / 255, 4.0 / 6}}) {
    const auto picture = made(4, 5, [step = step](int, int, int x) { return x < 3 ? 0.0 : step; });
    EXPECT_DOUBLE_EQ(drawn_shares(picture).exact, 1);
    EXPECT_DOUBLE_EQ(drawn_shares(picture).grain, grain);
  }
  // One channel that differs is a difference.
  const auto coloured =
      made(5, 5, [](int c, int y, int x) { return c == 1 ? (5 * y + x) / 50.0 : 0.5; });
  EXPECT_DOUBLE_EQ(drawn_shares(coloured).exact, 0);
}

TEST(Drawn, DrawingsAreAndPhotographsAreNot) {
  Rng rng(1);
  const auto flat = made(40, 50, [](int c, int, int) { return c / 3.0; });
  const auto stripes = made(40, 50, [](int, int, int x) { return x % 2; });
  const auto letters =
      made(40, 50, [](int, int y, int x) { return (x / 3 * 7 + y / 4 * 5) % 3 == 0 ? 0.1 : 1.0; });
  for (const auto& picture : {flat, stripes, letters}) EXPECT_TRUE(drawn_shares(picture).drawn());
  const auto noisy =
      made(40, 50, [&](int, int, int) { return std::round(128 + 3 * rng.normal()) / 255; });
  const auto smooth = made(40, 50, [](int, int y, int x) {
    return std::round(128 + 60 * std::sin(0.2 * x) * std::cos(0.3 * y)) / 255;
  });
  // White for the most part, as an overexposed sky, above a textured ground.
  const auto sky = made(40, 50, [&](int, int y, int) { return y < 28 ? 1.0 : rng.uniform(); });
  for (const auto& picture : {noisy, smooth, sky}) EXPECT_FALSE(drawn_shares(picture).drawn());
}

TEST(Drawn, StripsAreTheWholePicture) {
  Rng rng(2);
  const auto picture = made(
      37, 23, [&](int, int y, int) { return std::floor(rng.uniform(0, 3 + y % 4)) / 255 * 4; });
  const DrawnShares whole = drawn_shares(picture);
  EXPECT_GT(whole.exact, 0.05);
  EXPECT_GT(whole.grain, 0.05);
  for (const int rows : {1, 2, 10}) {
    DrawnDetector detector;
    for (int y = 0; y < 37; y += rows)
      detector.add(image::crop(picture, y, 0, std::min(rows, 37 - y), 23));
    EXPECT_EQ(detector.shares().exact, whole.exact);
    EXPECT_EQ(detector.shares().grain, whole.grain);
  }
  DrawnDetector detector;
  detector.add(picture);
  EXPECT_CHIARO_ERROR(detector.add(image::Image(3, 2, 22)), Internal, "22 wide");
}

TEST(Drawn, PicturesTooSmallToTellAreNot) {
  EXPECT_FALSE(drawn_shares(image::Image(3, 2, 9, 0.5F)).drawn());
  EXPECT_FALSE(drawn_shares(image::Image(1, 9, 1, 0.5F)).drawn());
  EXPECT_FALSE(DrawnDetector().shares().drawn());
}

}  // namespace
}  // namespace chiaro::restore
