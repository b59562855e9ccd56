#include "chiaro/restore/views.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "chiaro/base/process_memory.h"
#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::restore::views_test {
namespace {

/// Value = 0.001 · row in channel 0, 0.001 · column in channel 1, 0.5 in channel 2.
image::Image coordinates(int height, int width) {
  image::Image picture(3, height, width, 0.5F);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture.at(0, y, x) = 0.001F * static_cast<float>(y);
      picture.at(1, y, x) = 0.001F * static_cast<float>(x);
    }
  }
  return picture;
}

TEST(ViewCount, FollowsTheSideUpToTheSquareRoot) {
  // ceil(H / 2S) with S = 10, between 1 and the largest r with r*r <= max_views.
  EXPECT_EQ(view_count(1, 10, 9), 1);
  EXPECT_EQ(view_count(20, 10, 9), 1);
  EXPECT_EQ(view_count(21, 10, 9), 2);
  EXPECT_EQ(view_count(40, 10, 9), 2);
  EXPECT_EQ(view_count(41, 10, 9), 3);
  EXPECT_EQ(view_count(1000, 10, 9), 3);
  EXPECT_EQ(view_count(1000, 10, 8), 2);
  EXPECT_EQ(view_count(1000, 10, 4), 2);
  EXPECT_EQ(view_count(1000, 10, 3), 1);
  EXPECT_EQ(view_count(2'000'000'000, 10, 1), 1);
}

TEST(ViewStarts, AreCentredInEqualParts) {
  EXPECT_EQ(view_starts(10, 10, 1), (std::vector<int>{0}));
  EXPECT_EQ(view_starts(13, 10, 1), (std::vector<int>{2}));  // 1.5, halves up
  // Centres at 10 and 30 of 40, crops of 10.
  EXPECT_EQ(view_starts(40, 10, 2), (std::vector<int>{5, 25}));
  // Centres at 10.25 and 30.75 of 41: 5.25 and 25.75.
  EXPECT_EQ(view_starts(41, 10, 2), (std::vector<int>{5, 26}));
  EXPECT_EQ(view_starts(60, 10, 3), (std::vector<int>{5, 25, 45}));
  // No overflow for the largest sides.
  EXPECT_EQ(view_starts(2'000'000'000, 10, 1), (std::vector<int>{999'999'995}));
}

TEST(ViewStarts, StayInsideWhateverTheSize) {
  for (const int view : {1, 7, 16}) {
    for (const int most : {1, 4, 9, 30}) {
      for (int length = view; length < 12 * view + 3; ++length) {
        const auto starts = view_starts(length, view, view_count(length, view, most));
        EXPECT_GE(starts.front(), 0) << length;
        EXPECT_LE(starts.back() + view, length) << length;
        // Evenly: what is left at both ends differs by at most one pixel.
        EXPECT_LE(std::abs(starts.front() - (length - view - starts.back())), 1) << length;
      }
    }
  }
}

TEST(NativeViews, AreCropsRowByRow) {
  const auto views = native_views(coordinates(40, 70), 16, 9);
  // ceil(40/32) = 2 rows, ceil(70/32) = 3 columns.
  ASSERT_EQ(views.size(), 6U);
  const int tops[] = {2, 22};       // 8/4, 88/4
  const int lefts[] = {4, 27, 50};  // 22/6, 162/6, 302/6, to the nearest
  for (std::size_t i = 0; i < views.size(); ++i) {
    ASSERT_EQ(views[i].channels(), 3);
    ASSERT_EQ(views[i].height(), 16);
    ASSERT_EQ(views[i].width(), 16);
    EXPECT_FLOAT_EQ(views[i].at(0, 0, 0), 0.001F * static_cast<float>(tops[i / 3])) << i;
    EXPECT_FLOAT_EQ(views[i].at(1, 15, 15), 0.001F * static_cast<float>(lefts[i % 3] + 15)) << i;
  }
}

TEST(NativeViews, SmallPicturesAreMirroredAtTheirEnd) {
  const auto views = native_views(coordinates(3, 20), 16, 4);
  ASSERT_EQ(views.size(), 1U);
  const int rows[] = {0, 1, 2, 1, 0, 1, 2, 1};
  for (int y = 0; y < 8; ++y)
    EXPECT_FLOAT_EQ(views[0].at(0, y, 5), 0.001F * static_cast<float>(rows[y])) << y;
  EXPECT_FLOAT_EQ(views[0].at(1, 0, 0), 0.002F);
  EXPECT_EQ(native_views(image::Image(1, 1, 1, 0.25F), 16, 4).at(0).at(2, 15, 15), 0.25F);
}

TEST(NativeViews, AThinPictureIsMirroredWhereItIsLookedAt) {
  Rng rng(4);
  image::Image picture(3, 5, 300);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  const auto views = native_views(picture, 16, 9);
  const auto expected = native_views(at_least(picture, 16), 16, 9);
  ASSERT_EQ(views.size(), 3U);
  ASSERT_EQ(expected.size(), 3U);
  for (std::size_t i = 0; i < views.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(views[i].pixels(), expected[i].pixels())) << i;
}

TEST(NativeViews, AThinPictureTakesNoMoreThanItself) {
  constexpr int kWidth = 2'000'000;  // mirrored as a whole to 128 rows it would take 3 GB
  const std::int64_t before = peak_resident_bytes();
  const image::Image picture(1, 1, kWidth, 0.5F);
  EXPECT_EQ(native_views(picture, 128, 9).size(), 3U);
  ViewGatherer gatherer(1, kWidth, 128, 9, 128, 16);
  gatherer.add(picture);
  EXPECT_EQ(gatherer.native().size(), 3U);
  EXPECT_LT(peak_resident_bytes() - before, 200'000'000);
}

TEST(NativeViews, GreyIsRepeatedAndAlphaLeftOut) {
  image::Image grey(1, 20, 20, 0.3F);
  grey.alpha.assign(400, 0.5F);
  const auto view = native_views(grey, 16, 1).at(0);
  EXPECT_EQ(view.channels(), 3);
  EXPECT_TRUE(view.alpha.empty());
  for (int channel = 0; channel < 3; ++channel) EXPECT_EQ(view.at(channel, 3, 3), 0.3F);
}

TEST(WholeView, IsReducedByAveragingAreas) {
  // 64 x 32 to 16 x 8: means over 4 x 4 pixels.
  const auto view = whole_view(coordinates(32, 64), 16, 1);
  ASSERT_EQ(view.height(), 8);
  ASSERT_EQ(view.width(), 16);
  EXPECT_NEAR(view.at(0, 2, 0), 0.001 * (8 + 9 + 10 + 11) / 4, 1e-6);
  EXPECT_NEAR(view.at(1, 0, 15), 0.001 * (60 + 61 + 62 + 63) / 4, 1e-6);
}

TEST(WholeView, IsNeverEnlargedAndPaddedAtItsEnd) {
  const auto view = whole_view(coordinates(5, 10), 32, 8);
  ASSERT_EQ(view.height(), 8);
  ASSERT_EQ(view.width(), 16);
  EXPECT_FLOAT_EQ(view.at(0, 4, 9), 0.004F);
  EXPECT_FLOAT_EQ(view.at(0, 5, 0), 0.003F);  // mirrored without repeating the edge
  EXPECT_FLOAT_EQ(view.at(1, 0, 10), 0.008F);
  EXPECT_EQ(whole_view(coordinates(8, 16), 16, 8).height(), 8);
}

TEST(WholeView, ExtremeShapesKeepAPixel) {
  const auto view = whole_view(image::Image(1, 1, 1000, 0.5F), 32, 8);
  EXPECT_EQ(view.height(), 8);
  EXPECT_EQ(view.width(), 32);
  EXPECT_NEAR(view.at(0, 7, 31), 0.5, 1e-6);
  // 100 x 33 to a long side of 10: 3.3 is 3.
  EXPECT_EQ(whole_view(image::Image(3, 33, 100, 0.5F), 10, 1).height(), 3);
}

TEST(ViewGatherer, GivesTheViewsOfTheWholePicture) {
  const auto expect_equal = [](const image::Image& got, const image::Image& expected) {
    ASSERT_EQ(got.height(), expected.height());
    ASSERT_EQ(got.width(), expected.width());
    EXPECT_TRUE(std::ranges::equal(got.pixels(), expected.pixels()));
  };
  Rng rng(2);
  // Larger than the views, as large as one, smaller, and narrow.
  for (const auto& [height, width] : {std::pair{131, 77}, {40, 90}, {16, 16}, {9, 12}, {200, 5}}) {
    for (const int channels : {1, 3}) {
      image::Image picture(channels, height, width);
      for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
      for (const int rows : {1, 7, 200}) {
        ViewGatherer gatherer(height, width, 16, 9, 24, 8);
        for (int y = 0; y < height; y += rows)
          gatherer.add(image::crop(picture, y, 0, std::min(rows, height - y), width));
        const auto views = gatherer.native();
        const auto expected = native_views(picture, 16, 9);
        ASSERT_EQ(views.size(), expected.size());
        for (std::size_t i = 0; i < views.size(); ++i) expect_equal(views[i], expected[i]);
        expect_equal(gatherer.whole(), whole_view(picture, 24, 8));
      }
    }
  }
  ViewGatherer unfinished(30, 30, 16, 9, 24, 8);
  unfinished.add(image::Image(3, 29, 30));
  EXPECT_CHIARO_ERROR((void)unfinished.whole(), Internal, "29 of 30");
  EXPECT_CHIARO_ERROR(unfinished.add(image::Image(3, 2, 30)), Internal, "at row 29");
}

TEST(Windows, SlideByHalfAndEndAtTheEnd) {
  EXPECT_EQ(window_starts(5, 16), (std::vector<int>{0}));
  EXPECT_EQ(window_starts(16, 16), (std::vector<int>{0}));
  EXPECT_EQ(window_starts(17, 16), (std::vector<int>{0, 1}));
  EXPECT_EQ(window_starts(40, 16), (std::vector<int>{0, 8, 16, 24}));
  EXPECT_EQ(window_starts(43, 16), (std::vector<int>{0, 8, 16, 24, 27}));
  EXPECT_EQ(window_starts(3, 1), (std::vector<int>{0, 1, 2}));
}

TEST(Views, ImpossibleSizesAreRefused) {
  EXPECT_CHIARO_ERROR(native_views(image::Image(), 16, 4), Usage, "nothing to look at");
  EXPECT_CHIARO_ERROR(native_views(coordinates(4, 4), 0, 4), Usage, "0 px");
  EXPECT_CHIARO_ERROR(native_views(coordinates(4, 4), 16, 0), Usage, "0 views");
  EXPECT_CHIARO_ERROR(whole_view(image::Image(), 16, 4), Usage, "nothing to look at");
  EXPECT_CHIARO_ERROR(whole_view(coordinates(4, 4), 16, 0), Usage, "alignment 0");
}

}  // namespace
}  // namespace chiaro::restore::views_test
