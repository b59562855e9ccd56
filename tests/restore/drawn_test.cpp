#include "chiaro/restore/drawn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::restore::drawn_test {
namespace {

template <typename Value>
image::Image made(int height, int width, const Value& value) {
  image::Image picture(3, height, width);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) picture.at(c, y, x) = static_cast<float>(value(c, y, x));
  return picture;
}

// By hand: of the 3 x 2 inner pixels of a line in the third row, all are like the one beside them;
// below the line, where the picture turns, the Laplacian is its height. A step turns nowhere.
TEST(Drawn, SharesByHand) {
  for (const auto& [height, grain] : {std::pair{1.0, 0.0},
                                      {13.0 / 255, 0.0},
                                      {12.0 / 255, 2.0 / 6},
                                      {5.0 / 255, 2.0 / 6},
                                      {-5.0 / 255, 2.0 / 6}}) {
    const auto line =
        made(5, 4, [h = height](int, int y, int) { return y == 2 ? 0.5 + h / 2 : 0.5 - h / 2; });
    EXPECT_DOUBLE_EQ(drawn_shares(line).exact, 1);
    EXPECT_DOUBLE_EQ(drawn_shares(line).grain, grain) << height;
  }
  const auto step = made(5, 4, [](int, int y, int) { return y < 3 ? 0.0 : 5.0 / 255; });
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
  const auto doubled = [](const image::Image& picture) {
    return made(2 * picture.height(), 2 * picture.width(),
                [&](int c, int y, int x) { return picture.at(c, y / 2, x / 2); });
  };
  const auto strong = made(40, 50, [&](int, int, int) {
    return std::clamp(std::round(128 + 30 * rng.normal()) / 255, 0.0, 1.0);
  });
  for (const auto& picture : {noisy, smooth, strong})
    EXPECT_FALSE(drawn_shares(doubled(picture)).drawn());
  for (const auto& picture : {stripes, letters})
    EXPECT_TRUE(drawn_shares(doubled(picture)).drawn());
  // White for the most part, as an overexposed sky, above a textured ground.
  const auto sky = made(40, 50, [&](int, int y, int) { return y < 28 ? 1.0 : rng.uniform(); });
  for (const auto& picture : {noisy, smooth, sky}) EXPECT_FALSE(drawn_shares(picture).drawn());
}

TEST(Drawn, CountsWhereAPictureTurns) {
  // Stripes of one, two or three rows: the first step is none, every further one is a turn, beside
  // which the Laplacian is the height of the stripes, or twice that.
  for (const int wide : {1, 2, 3}) {
    const auto stripes = [wide](double height) {
      return made(52 * wide, 42, [=](int, int y, int) { return height * (y / wide % 2) / 255; });
    };
    const double share = (51.0 - (wide == 1 ? 2 : 1)) / (52 * wide - 2);
    EXPECT_DOUBLE_EQ(drawn_shares(stripes(3)).turns, share) << wide;
    EXPECT_DOUBLE_EQ(drawn_shares(stripes(3)).grain, share) << wide;
    EXPECT_DOUBLE_EQ(drawn_shares(stripes(30)).turns, share) << wide;
    EXPECT_DOUBLE_EQ(drawn_shares(stripes(30)).grain, 0) << wide;
  }
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
}  // namespace chiaro::restore::drawn_test
