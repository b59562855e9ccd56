#include "chiaro/restore/picture_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/restore/views.h"
#include "tests/support/encoder_bundle.h"
#include "tests/support/expect_error.h"

namespace chiaro::restore::picture_encoder_test {
namespace {

/// Columns of 0.1 and 0.7 in turn, 64 px wide: plain once it is reduced four times.
image::Image striped() {
  image::Image picture(3, 64, 64);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x) picture.at(c, y, x) = x % 2 == 0 ? 0.1F : 0.7F;
  return picture;
}

std::vector<float> direction(double x, double y) {
  const double length = std::hypot(x, y);
  return {static_cast<float>(x / length), static_cast<float>(y / length)};
}

TEST(PictureEncoder, SeesTheWholeReducedOrViewsAsTheyAre) {
  PictureEncoder whole(test::code_bundle({{"content", 2, true}}), "content", {.threads = 1});
  PictureEncoder native(test::code_bundle({{"damage", 2, false}}), "damage", {.threads = 1});
  // Mean 0.4; variance 0.09 pixel by pixel, none when reduced.
  EXPECT_NEAR(cosine(whole.code(striped()), direction(-0.1, 0.001)), 1, 1e-5);
  EXPECT_NEAR(cosine(native.code(striped()), direction(-0.1, 0.901)), 1, 1e-5);
}

TEST(PictureEncoder, TakesItsPartAndBringsItToLengthOne) {
  const auto bundle = test::code_bundle({{"content", 1, true}, {"degradation", 1, false}});
  PictureEncoder content(bundle, "content", {.threads = 1});
  PictureEncoder degradation(bundle, "degradation", {.threads = 1});
  const auto first = content.code(striped());
  ASSERT_EQ(first.size(), 1U);
  EXPECT_NEAR(first[0], -1, 1e-6);                       // the sign of m − 0.5
  EXPECT_NEAR(degradation.code(striped())[0], 1, 1e-6);  // of 10 v + 0.001
}

/// Dark in the columns that native views of 16 px see, 8 to 24 and 40 to 56, bright between them:
/// 0.2 and 0.6 on the average.
image::Image bright_between_views() {
  image::Image picture(3, 64, 64);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x) picture.at(c, y, x) = (x + 24) % 32 < 16 ? 0.2F : 1.0F;
  return picture;
}

TEST(PictureEncoder, GivesAllPartsAtOnceAsItGivesEach) {
  for (const bool whole_first : {false, true}) {
    const auto bundle = test::code_bundle({{"first", 1, whole_first}, {"second", 1, !whole_first}});
    PictureEncoder all(bundle, "second", {.threads = 1, .many_shapes = true});
    const auto codes = all.codes(code_views(bright_between_views(), *bundle.manifest.code));
    ASSERT_EQ(codes.size(), 2U);
    EXPECT_NEAR(codes[0], whole_first ? 1 : -1, 1e-6);  // the sign of m - 0.5
    PictureEncoder one(bundle, "first", {.threads = 1});
    EXPECT_EQ(codes[0], one.code(bright_between_views())[0]);
    EXPECT_EQ(codes[1], all.code(bright_between_views())[0]);
  }
  const auto whole = test::code_bundle({{"content", 2, true}});
  const CodeViews square = code_views(striped(), *whole.manifest.code);
  EXPECT_TRUE(square.native.empty());  // nobody looks at them
  PictureEncoder content(whole, "content", {.threads = 1});
  EXPECT_EQ(content.codes(square), content.code(striped()));
  EXPECT_CHIARO_ERROR(content.codes({}), Internal, "no views");
  EXPECT_CHIARO_ERROR(code_views({}, *whole.manifest.code), Usage, "empty");
}

TEST(Cosine, IsTheSumOfProductsAtEveryLength) {
  for (const std::size_t length : {0, 1, 7, 8, 9, 16, 31, 64}) {
    std::vector<float> a;
    std::vector<float> b;
    double sum = 0;
    for (std::size_t i = 0; i < length; ++i) {
      a.push_back(0.5F + static_cast<float>(i));
      b.push_back(i % 3 == 0 ? -1.0F : 2.0F);
      sum += double{a[i]} * double{b[i]};
    }
    EXPECT_DOUBLE_EQ(cosine(a, b), sum) << length;
  }
  EXPECT_CHIARO_ERROR(cosine(std::vector<float>{1}, {}), Internal, "1 and 0");
}

TEST(PictureEncoder, TakesSmallGreyAndWildPictures) {
  PictureEncoder whole(test::code_bundle({{"content", 2, true}}), "content", {.threads = 1});
  PictureEncoder native(test::code_bundle({{"damage", 2, false}}), "damage", {.threads = 1});
  // What the NaN leaves among the 768 values that are seen, all others 1: a mean of four pixels, or
  // itself.
  for (const auto& [encoder, left] : {std::pair{&whole, 0.75}, {&native, 0.0}}) {
    EXPECT_NEAR(encoder->code(image::Image(1, 3, 2, 1.0F))[0], 1, 1e-4);
    image::Image wild(3, 20, 20, 7.0F);
    wild.at(1, 3, 4) = std::numeric_limits<float>::infinity();
    wild.at(0, 5, 5) = std::nanf("");
    const double mean = (767 + left) / 768;
    const double variance = (767 + left * left) / 768 - mean * mean;
    // The graph's variance, a difference of roundings near 1, is off by 1e-6 at most; it counts
    // twentyfold here (10 v over a length of 0.5).
    EXPECT_NEAR(encoder->code(wild)[1], direction(mean - 0.5, 10 * variance + 0.001)[1], 2e-5);
    EXPECT_CHIARO_ERROR(encoder->code(image::Image()), Usage, "empty");
  }
}

TEST(PictureEncoder, RefusesBundlesAndPartsThatDoNotFit) {
  const auto bundle = test::code_bundle({{"content", 2, true}});
  EXPECT_CHIARO_ERROR(PictureEncoder(bundle, "style"), Usage, "expected content");
  EXPECT_CHIARO_ERROR(PictureEncoder(test::graph_bundle("stack"), "content"), Bundle,
                      "describes no codes");
  PictureEncoder wide(test::code_bundle({{"content", 3, true}}), "content", {.threads = 1});
  EXPECT_CHIARO_ERROR(wide.code(striped()), Bundle, "expected 3 each");
}

TEST(SquareView, IsMadeOfMeansAndRepeatsWherePixelsAreFew) {
  image::Image picture(1, 2, 4);
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 4; ++x) picture.at(0, y, x) = static_cast<float>(4 * y + x);
  const auto square = square_view(picture, 2);
  EXPECT_EQ(square.channels(), 3);
  EXPECT_FLOAT_EQ(square.at(0, 0, 0), 0.5F);
  EXPECT_FLOAT_EQ(square.at(2, 1, 1), 6.5F);
  const auto third = square_view(picture, 3);  // columns 0–1, 1–2, 2–3; rows 0, 0–1, 1
  EXPECT_FLOAT_EQ(third.at(0, 0, 1), 1.5F);
  EXPECT_FLOAT_EQ(third.at(0, 1, 0), 2.5F);
  const auto large = square_view(picture, 8);
  EXPECT_FLOAT_EQ(large.at(0, 3, 7), 3.0F);
  EXPECT_FLOAT_EQ(large.at(0, 4, 0), 4.0F);
  EXPECT_CHIARO_ERROR(square_view(image::Image(), 2), Usage, "nothing to look at");
}

}  // namespace
}  // namespace chiaro::restore::picture_encoder_test
