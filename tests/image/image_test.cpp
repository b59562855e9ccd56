#include "chiaro/image/image.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "chiaro/image/indices.h"
#include "chiaro/image/levels.h"
#include "tests/support/expect_error.h"

namespace chiaro::image::image_test {
namespace {

/// One channel, from rows of numbers.
Image grey(int height, int width, const std::vector<float>& values) {
  Image result(1, height, width);
  std::ranges::copy(values, result.pixels().begin());
  return result;
}

std::vector<float> values_of(const Image& picture) {
  return {picture.pixels().begin(), picture.pixels().end()};
}

TEST(Image, RefusesImpossibleShapes) {
  EXPECT_CHIARO_ERROR(Image(2, 3, 3), Usage, "2x3x3");
  EXPECT_CHIARO_ERROR(Image(3, 0, 3), Usage, "3x0x3");
  EXPECT_TRUE(Image().empty());
}

TEST(Image, CropTakesTheRectangleWithAlphaAndMetadata) {
  Image source(3, 3, 4);
  for (std::size_t i = 0; i < source.pixels().size(); ++i)
    source.pixels()[i] = static_cast<float>(i);
  for (int i = 0; i < 12; ++i) source.alpha.push_back(static_cast<float>(100 + i));
  source.sample_type = SampleType::U16;
  source.metadata.source_format = "tiff";
  const Image part = crop(source, 1, 2, 2, 2);
  EXPECT_EQ(values_of(part), (std::vector<float>{6, 7, 10, 11, 18, 19, 22, 23, 30, 31, 34, 35}));
  EXPECT_EQ(part.alpha, (std::vector<float>{106, 107, 110, 111}));
  EXPECT_EQ(part.sample_type, SampleType::U16);
  EXPECT_EQ(part.metadata.source_format, "tiff");
  EXPECT_CHIARO_ERROR(crop(source, 2, 0, 2, 1), Usage, "leaves the picture");
  EXPECT_CHIARO_ERROR(crop(source, 0, -1, 1, 1), Usage, "leaves the picture");
  EXPECT_CHIARO_ERROR(crop(source, 0, 0, std::numeric_limits<int>::max(), 1), Usage,
                      "leaves the picture");
}

TEST(Indices, AreMirroredAnyDistanceAwayWithoutRepeatingTheEdge) {
  // From -6 on: the period of three values is 4.
  std::vector<int> places;
  for (int i = -6; i < 9; ++i) places.push_back(mirrored(i, 3));
  EXPECT_EQ(places, (std::vector<int>{2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0}));
  for (const int i : {-7, -1, 0, 1, 8}) EXPECT_EQ(mirrored(i, 1), 0);
  EXPECT_EQ(mirrored(-1, 2), 1);
  EXPECT_EQ(mirrored(2, 2), 0);
}

TEST(Image, PadReflectDoesNotRepeatTheEdge) {
  const Image padded = pad_reflect(grey(1, 3, {0, 1, 2}), 0, 0, 5, 4);
  EXPECT_EQ(values_of(padded), (std::vector<float>{1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2}));
  const Image tall = pad_reflect(grey(3, 1, {0, 1, 2}), 2, 1, 0, 0);
  EXPECT_EQ(values_of(tall), (std::vector<float>{2, 1, 0, 1, 2, 1}));
  EXPECT_EQ(values_of(pad_reflect(grey(1, 1, {7}), 1, 0, 1, 1)), std::vector<float>(6, 7.0F));
}

TEST(Image, DihedralAgainstDrawnSquares) {
  const Image source = grey(2, 3, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(values_of(dihedral(source, 1)), (std::vector<float>{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(values_of(dihedral(source, 2)), (std::vector<float>{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(values_of(dihedral(source, 4)), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(dihedral(source, 4).height(), 3);
}

TEST(Image, DihedralIsAGroup) {
  const Image source = grey(3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto index_of = [&](const Image& picture) {
    for (int s = 0; s < 8; ++s) {
      if (values_of(dihedral(source, s)) == values_of(picture)) return s;
    }
    return -1;
  };
  for (int a = 0; a < 8; ++a) {
    std::vector<bool> reached(8, false);
    for (int b = 0; b < 8; ++b) {
      const int both = index_of(dihedral(dihedral(source, a), b));
      ASSERT_GE(both, 0) << a << " then " << b << " is none of the eight";
      reached[static_cast<std::size_t>(both)] = true;
      for (int c = 0; c < 8; ++c) {
        EXPECT_EQ(
            index_of(dihedral(dihedral(source, both), c)),
            index_of(dihedral(source, index_of(dihedral(dihedral(dihedral(source, a), b), c)))));
      }
    }
    // Multiplying by one element reaches every element once; so each has its inverse.
    for (const bool hit : reached) EXPECT_TRUE(hit);
  }
}

TEST(Image, SanitizeCountsAndLimits) {
  const float infinity = std::numeric_limits<float>::infinity();
  Image picture = grey(1, 7, {0.5F, std::nanf(""), infinity, -infinity, 1e30F, -2, 1});
  EXPECT_EQ(sanitize(picture), 3U);
  EXPECT_EQ(values_of(picture), (std::vector<float>{0.5F, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(sanitize(picture), 0U);
}

TEST(Image, GreyAndRgb) {
  Image colour(3, 1, 1);
  colour.at(0, 0, 0) = 1;
  EXPECT_FLOAT_EQ(to_grey(colour).at(0, 0, 0), 0.299F);
  colour.at(1, 0, 0) = 1;
  EXPECT_FLOAT_EQ(to_grey(colour).at(0, 0, 0), 0.886F);
  colour.at(2, 0, 0) = 1;
  EXPECT_FLOAT_EQ(to_grey(colour).at(0, 0, 0), 1.0F);
  const Image spread = to_rgb(grey(1, 2, {0.25F, 0.75F}));
  EXPECT_EQ(values_of(spread), (std::vector<float>{0.25F, 0.75F, 0.25F, 0.75F, 0.25F, 0.75F}));
}

TEST(Image, QuantizeU8RoundsToTheGrid) {
  Image picture = grey(1, 4, {0.5F, 100.49F / 255, -1, 3});
  quantize_u8(picture);
  EXPECT_EQ(values_of(picture), (std::vector<float>{128.0F / 255, 100.0F / 255, 0, 1}));
}

TEST(Image, LevelsAreTheNearestOfAll256) {
  for (int level = 0; level <= 255; ++level) {
    const auto center = static_cast<float>(level) / 255.0F;
    const std::array<float, 3> values{center - 0.49F / 255, center, center + 0.49F / 255};
    std::array<std::uint8_t, 3> levels{};
    levels_of(values.data(), values.size(), levels.data());
    for (const int got : levels) EXPECT_EQ(got, level);
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::array<float, 5> odd{std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity,
                                 1e9F, -0.0F};
  std::array<std::uint8_t, 5> levels{};
  levels_of(odd.data(), odd.size(), levels.data());
  EXPECT_EQ(levels, (std::array<std::uint8_t, 5>{0, 255, 0, 255, 0}));
}

TEST(Image, LevelsLieAStepApartAndLeaveWhatIsBetween) {
  constexpr std::size_t kCount = 2500;  // more than one block, and not whole ones
  std::vector<float> values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) values[i] = static_cast<float>(i % 256) / 255.0F;
  std::vector<std::uint8_t> out(3 * kCount, 7);
  interleave_levels(values.data(), kCount, 3, out.data() + 1);
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(out[3 * i], 7) << i;
    ASSERT_EQ(out[3 * i + 1], i % 256) << i;
    ASSERT_EQ(out[3 * i + 2], 7) << i;
  }
}

TEST(Image, DigestSeesOneLevelAnywhere) {
  Image picture(3, 50, 61);  // three blocks of values, the last one in part
  for (std::size_t i = 0; i < picture.pixels().size(); ++i)
    picture.pixels()[i] = static_cast<float>(i * 7 % 256) / 255.0F;
  const LevelsDigest digest(picture);
  EXPECT_TRUE(digest.same(picture));
  for (std::size_t i = 0; i < picture.pixels().size(); i += i < 9140 ? 101 : 1) {
    const float before = picture.pixels()[i];
    picture.pixels()[i] = before + 0.4F / 255;
    EXPECT_TRUE(digest.same(picture)) << i;
    picture.pixels()[i] = before > 0.5F ? before - 1.0F / 255 : before + 1.0F / 255;
    EXPECT_FALSE(digest.same(picture)) << i;
    picture.pixels()[i] = before;
  }
  std::swap(picture.pixels()[0], picture.pixels()[8 * 3]);
  EXPECT_FALSE(digest.same(picture));
  EXPECT_FALSE(digest.same(Image(3, 61, 50)));
  EXPECT_TRUE(digest.same_sides(Image(3, 50, 61)));
  EXPECT_FALSE(digest.same_sides(Image(1, 50, 61)));
}

TEST(Image, ReduceAreaAgainstHandNumbers) {
  EXPECT_EQ(values_of(reduce_area(grey(2, 2, {1, 2, 3, 6}), 1, 1)), (std::vector<float>{3}));
  // Three samples over two: each target covers one and a half.
  const Image uneven = reduce_area(grey(1, 3, {3, 6, 9}), 1, 2);
  EXPECT_FLOAT_EQ(uneven.at(0, 0, 0), (3 + 0.5F * 6) / 1.5F);
  EXPECT_FLOAT_EQ(uneven.at(0, 0, 1), (0.5F * 6 + 9) / 1.5F);
  EXPECT_EQ(values_of(reduce_area(grey(1, 3, {3, 6, 9}), 1, 3)), (std::vector<float>{3, 6, 9}));
  EXPECT_CHIARO_ERROR(reduce_area(grey(1, 3, {3, 6, 9}), 1, 4), Usage, "reduction");
}

}  // namespace
}  // namespace chiaro::image::image_test
