#include "chiaro/restore/stored_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/expect_error.h"

namespace chiaro::restore::stored_rows_test {
namespace {

using image::SampleType;

/// Value (c, y, x) = k/255 with k = 60 c + 10 y + x.
image::Image counted(int channels, int top, int height, int width) {
  image::Image picture(channels, height, width);
  for (int c = 0; c < channels; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        picture.at(c, y, x) = static_cast<float>(60 * c + 10 * (top + y) + x) / 255.0F;
  return picture;
}

TEST(StoredRows, EveryLevelComesBackAsItWas) {
  for (const auto& [type, levels] : {std::pair{SampleType::U8, 256}, {SampleType::U16, 65536}}) {
    StoredRows rows(type, 1, levels, 1);
    image::Image ramp(1, 1, levels);
    for (int i = 0; i < levels; ++i)
      ramp.at(0, 0, i) = static_cast<float>(i) / static_cast<float>(levels - 1);
    rows.add(ramp);
    image::Image got(1, 1, levels);
    rows.copy_to(got, 0, 0);
    for (int i = 0; i < levels; ++i) ASSERT_EQ(got.at(0, 0, i), ramp.at(0, 0, i)) << i;
  }
}

TEST(StoredRows, SamplesAreLimitedAndRounded) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  image::Image given(1, 1, 6);
  const float values[] = {-0.2F, 1.7F, kNan, 0.4F / 255, 0.6F / 255, 254.51F / 255};
  std::copy(std::begin(values), std::end(values), given.pixels().begin());
  StoredRows rows(SampleType::U8, 1, 6, 1);
  rows.add(given);
  image::Image got(1, 1, 6);
  rows.copy_to(got, 0, 0);
  const float expected[] = {0, 255, 0, 0, 1, 255};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(got.at(0, 0, i), expected[i] / 255.0F) << i;
}

TEST(StoredRows, FloatsStayAsTheyAre) {
  image::Image given(1, 1, 3);
  given.at(0, 0, 0) = -3.5F;
  given.at(0, 0, 1) = 1e9F;
  given.at(0, 0, 2) = 0.123456789F;
  StoredRows rows(SampleType::F32, 1, 3, 1);
  rows.add(given);
  image::Image got(1, 1, 3);
  rows.copy_to(got, 0, 0);
  EXPECT_TRUE(std::ranges::equal(got.pixels(), given.pixels()));
}

TEST(StoredRows, RowsBehindAreForgottenAndOthersStay) {
  for (const auto type : {SampleType::U8, SampleType::U16, SampleType::F32}) {
    StoredRows rows(type, 3, 9, 5);
    rows.add(counted(3, 0, 3, 9));
    rows.move_to(1);
    EXPECT_EQ(rows.begin(), 1);
    EXPECT_EQ(rows.end(), 3);
    rows.add(counted(3, 3, 3, 9));
    image::Image window(3, 4, 3);
    rows.copy_to(window, 2, 5);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 3; ++x)
          EXPECT_EQ(window.at(c, y, x), static_cast<float>(60 * c + 10 * (2 + y) + 5 + x) / 255);
    rows.move_to(8);
    EXPECT_EQ(rows.begin(), 8);
    EXPECT_EQ(rows.end(), 8);
    EXPECT_CHIARO_ERROR(rows.move_to(7), Internal, "row 7 has been forgotten");
    EXPECT_CHIARO_ERROR(rows.extend(6), Internal, "6 rows have no place");
  }
}

TEST(StoredRows, PartsOfATileFindTheirPlace) {
  StoredRows rows(SampleType::U8, 1, 9, 4);
  rows.move_to(2);
  rows.extend(3);
  const image::Image wanted = counted(1, 2, 3, 9);
  for (int y = 0; y < 3; ++y) {
    const auto row = wanted.plane(0).subspan(static_cast<std::size_t>(9 * y), 9);
    rows.write(0, 2 + y, 0, row.first(4));
    rows.write(0, 2 + y, 4, row.subspan(4));
  }
  image::Image got(1, 3, 9);
  rows.copy_to(got, 2, 0);
  EXPECT_TRUE(std::ranges::equal(got.pixels(), wanted.pixels()));
  std::vector<float> part(3);
  rows.read(0, 3, 5, part);
  EXPECT_TRUE(std::ranges::equal(part, wanted.plane(0).subspan(9 + 5, 3)));
  EXPECT_CHIARO_ERROR(rows.write(0, 2, 1, wanted.plane(0).first(9)), Internal, "have no place");
  EXPECT_CHIARO_ERROR(rows.write(0, 5, 0, part), Internal, "have no place");
  EXPECT_CHIARO_ERROR(rows.read(0, 1, 0, part), Internal, "have no place");
}

TEST(StoredRows, BytesOfARow) {
  EXPECT_EQ(StoredRows::row_bytes(SampleType::U8, 3, 20000), 60000);
  EXPECT_EQ(StoredRows::row_bytes(SampleType::U16, 1, 7), 14);
  EXPECT_EQ(StoredRows::row_bytes(SampleType::F32, 3, 7), 84);
}

}  // namespace
}  // namespace chiaro::restore::stored_rows_test
