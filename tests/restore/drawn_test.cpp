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

// By hand: of the 2 x 3 inner pixels of a line in the third column, all are like the one above
// them; on the line the Laplacian is twice its height. A step turns nowhere.
TEST(Drawn, SharesByHand) {
  for (const auto& [height, grain] :
       {std::pair{1.0, 0.0}, {10.0 / 255, 0.0}, {5.0 / 255, 2.0 / 6}, {-5.0 / 255, 2.0 / 6}}) {
    const auto line =
        made(4, 5, [h = height](int, int, int x) { return x == 2 ? 0.5 + h / 2 : 0.5 - h / 2; });
    EXPECT_DOUBLE_EQ(drawn_shares(line).exact, 1);
    EXPECT_DOUBLE_EQ(drawn_shares(line).grain, grain) << height;
  }
  const auto step = made(4, 5, [](int, int, int x) { return x < 3 ? 0.0 : 5.0 / 255; });
  EXPECT_DOUBLE_EQ(drawn_shares(step).grain, 0);
  EXPECT_DOUBLE_EQ(drawn_shares(step).turns, 1) << "too small to tell";
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

TEST(Drawn, CountsWhereAPictureTurns) {
  // 40 x 50 inner pixels; a wave of 8 px along x turns at two of eight columns.
  const auto wave = [](double height) {
    return made(42, 52, [height](int, int, int x) { return height * std::abs(x % 8 - 4) / 255; });
  };
  EXPECT_DOUBLE_EQ(drawn_shares(wave(3)).turns, 12.0 / 50);
  EXPECT_DOUBLE_EQ(drawn_shares(wave(3)).grain, 12.0 / 50);
  EXPECT_DOUBLE_EQ(drawn_shares(wave(30)).grain, 0);
  const auto rows = made(52, 42, [](int, int y, int) { return 3.0 * std::abs(y % 8 - 4) / 255; });
  EXPECT_DOUBLE_EQ(drawn_shares(rows).turns, 12.0 / 50);
}

TEST(Drawn, GradientsAreHoweverSteepOrPale) {
  for (const double levels : {0.07, 0.6, 1.0, 4.7}) {
    const auto slope = [levels](int c, int y, int x) {
      return std::floor(20 + c + levels * (c == 1 ? y : x)) / 255;
    };
    EXPECT_TRUE(drawn_shares(made(40, 50, slope)).drawn()) << levels;
    Rng rng(3);
    const auto noisy = [&](int c, int y, int x) {
      return std::round(255 * slope(c, y, x) + 0.8 * rng.normal()) / 255;
    };
    EXPECT_FALSE(drawn_shares(made(40, 50, noisy)).drawn()) << levels;
  }
}

TEST(Drawn, StripsAreTheWholePicture) {
  Rng rng(2);
  const auto picture = made(
      67, 23, [&](int, int y, int) { return std::floor(rng.uniform(0, 3 + y % 4)) / 255 * 4; });
  const DrawnShares whole = drawn_shares(picture);
  EXPECT_GT(whole.exact, 0.03);
  EXPECT_GT(whole.grain, 0.03);
  for (const int rows : {1, 2, 10}) {
    DrawnDetector detector;
    for (int y = 0; y < 67; y += rows)
      detector.add(image::crop(picture, y, 0, std::min(rows, 67 - y), 23));
    EXPECT_EQ(detector.shares().exact, whole.exact);
    EXPECT_EQ(detector.shares().grain, whole.grain);
    EXPECT_EQ(detector.shares().turns, whole.turns);
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
