#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "chiaro/image/codec.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"

namespace chiaro::image::jpeg_round_trip_test {
namespace {

double mean_square(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i)
    sum += std::pow(a.pixels()[i] - b.pixels()[i], 2);
  return sum / static_cast<double>(a.pixels().size());
}

TEST(JpegRoundTrip, EqualsTheCodecOfFiles) {
  const Image picture = test::numbered(3, 37, 53, 255);
  const Image back = jpeg_round_trip(picture, 75, true);
  const Image through_file = decode(encode(picture, {.format = "jpeg", .quality = 75}), "memory");
  EXPECT_TRUE(std::ranges::equal(back.pixels(), through_file.pixels()));
}

TEST(JpegRoundTrip, LowerQualityCostsMore) {
  const Image picture = test::numbered(3, 64, 64, 255);
  double last = 0;
  for (const int quality : {100, 90, 60, 30, 10, 1}) {
    const double now = mean_square(picture, jpeg_round_trip(picture, quality, false));
    EXPECT_GT(now, last) << quality;
    last = now;
  }
  EXPECT_GT(mean_square(picture, jpeg_round_trip(picture, 90, true)),
            mean_square(picture, jpeg_round_trip(picture, 90, false)));
}

TEST(JpegRoundTrip, KeepsGreyAlphaAndShape) {
  Image picture = test::numbered(1, 9, 17, 255);
  test::add_alpha(picture, 255);
  const Image back = jpeg_round_trip(picture, 100, true);
  EXPECT_EQ(back.channels(), 1);
  EXPECT_EQ(back.height(), 9);
  EXPECT_EQ(back.width(), 17);
  EXPECT_EQ(back.alpha, picture.alpha);
  EXPECT_LT(mean_square(picture, back), 1e-4);
  EXPECT_EQ(jpeg_round_trip(Image(3, 1, 1, 0.5F), 90, true).at(0, 0, 0), 128.0F / 255);
}

TEST(JpegRoundTrip, RefusesWhatMakesNoSense) {
  const Image picture(3, 8, 8);
  EXPECT_CHIARO_ERROR(jpeg_round_trip(picture, 0, true), Usage, "got 0");
  EXPECT_CHIARO_ERROR(jpeg_round_trip(picture, 101, true), Usage, "got 101");
  EXPECT_CHIARO_ERROR(jpeg_round_trip(Image(), 50, true), Usage, "empty");
}

TEST(JpegRoundTrip, ManyThreadsGetTheSameAsOne) {
  std::vector<Image> pictures;
  std::vector<Image> alone;
  for (int i = 0; i < 8; ++i) {
    pictures.push_back(test::numbered(3, 128, 100 + i, 255));
    alone.push_back(jpeg_round_trip(pictures.back(), 10 + 10 * i, i % 2 == 0));
  }
  std::vector<int> wrong(8, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 40; ++k) {
        const std::size_t i = (t + k) % pictures.size();
        const Image back = jpeg_round_trip(pictures[i], 10 + 10 * static_cast<int>(i), i % 2 == 0);
        if (!std::ranges::equal(back.pixels(), alone[i].pixels())) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

TEST(Codec, ManyThreadsReadAndWrite) {
  const Image picture = test::numbered(3, 40, 30, 255);
  std::vector<int> wrong(6, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < 10; ++k) {
        const Image back =
            decode(encode(picture, {.format = k % 2 == 0 ? "png" : "tiff"}), "memory");
        if (!std::ranges::equal(back.pixels(), picture.pixels())) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(6, 0));
}

}  // namespace
}  // namespace chiaro::image::jpeg_round_trip_test
