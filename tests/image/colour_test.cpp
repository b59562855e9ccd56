// Embedded profiles: sRGB on the inside, the source's colours on the outside. Little CMS is the
// judge.
#include <gtest/gtest.h>
#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "chiaro/image/codec.h"
#include "chiaro/image/tone_table.h"
#include "tests/image/handmade_files.h"
#include "tests/support/colour_cube.h"
#include "tests/support/profiles.h"

namespace chiaro::image::colour_test {
namespace {

using chiaro::test::adobe_rgb;
using chiaro::test::display_p3;
using chiaro::test::grey_gamma;
using chiaro::test::Icc;
using chiaro::test::srgb;

/// A profile whose curve is a table, as scanners and old cameras have.
Icc tabulated() {
  std::vector<cmsUInt16Number> table(1024);
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<cmsUInt16Number>(
        std::lround(65535 * std::pow(static_cast<double>(i) / 1023, 1.8)));
  }
  return chiaro::test::rgb_profile(chiaro::test::kD65,
                                   {{0.625, 0.340, 1}, {0.280, 0.595, 1}, {0.155, 0.070, 1}},
                                   cmsBuildTabulatedToneCurve16(nullptr, 1024, table.data()));
}

/// The file a camera would write: samples in the profile's colours, and the profile.
std::vector<std::byte> tagged_file(Image samples, const Icc& icc, const char* format = "png") {
  samples.metadata.icc = icc;
  samples.metadata.in_source_profile = true;
  return encode(samples, {.format = format});
}

double largest_delta_e(const Image& a, const Image& b, const Icc& icc) {
  const cmsHPROFILE profile =
      cmsOpenProfileFromMem(icc.data(), static_cast<cmsUInt32Number>(icc.size()));
  const cmsHPROFILE lab = cmsCreateLab4Profile(nullptr);
  const cmsHTRANSFORM transform =
      cmsCreateTransform(profile, TYPE_RGB_DBL, lab, TYPE_Lab_DBL, INTENT_RELATIVE_COLORIMETRIC, 0);
  double largest = 0;
  for (std::size_t i = 0; i < a.plane_size(); ++i) {
    std::array<cmsCIELab, 2> labs{};
    for (std::size_t k = 0; k < 2; ++k) {
      const Image& picture = k == 0 ? a : b;
      const std::array<double, 3> rgb{picture.plane(0)[i], picture.plane(1)[i],
                                      picture.plane(2)[i]};
      cmsDoTransform(transform, rgb.data(), &labs[k], 1);
    }
    largest = std::max(largest, cmsDeltaE(&labs[0], &labs[1]));
  }
  cmsDeleteTransform(transform);
  cmsCloseProfile(lab);
  cmsCloseProfile(profile);
  return largest;
}

TEST(Colour, WideProfilesThereAndBack) {
  for (const Icc& icc : {adobe_rgb(), display_p3(), tabulated()}) {
    for (const SampleType type : {SampleType::U8, SampleType::U16}) {
      const Image samples = chiaro::test::colour_cube(type);
      const Image inside = decode(tagged_file(samples, icc), "memory");
      EXPECT_EQ(inside.metadata.icc, icc);
      EXPECT_FALSE(std::ranges::equal(inside.pixels(), samples.pixels()));
      for (const char* format : {"png", "tiff"}) {
        const Image outside =
            decode(encode(inside, {.format = format}), "memory", {.convert_to_srgb = false});
        EXPECT_EQ(outside.metadata.icc, icc);
        EXPECT_LT(largest_delta_e(samples, outside, icc), 0.5);
        // The samples themselves come back, those of 8 bits to the bit. Of pure black beside bright
        // colours, float rounding leaves some steps of 16 bits: the curve is steepest there,
        // (1e-6)^(1/2.2) = 0.0019.
        for (std::size_t i = 0; i < samples.pixels().size(); ++i) {
          const float steps = type == SampleType::U8    ? 0.0F
                              : samples.pixels()[i] > 0 ? 10.0F
                                                        : 130.0F;
          ASSERT_NEAR(samples.pixels()[i], outside.pixels()[i], steps / 65535) << i;
        }
      }
    }
  }
}

TEST(Colour, AgreesWithLittleCms) {
  for (const Icc& icc : {adobe_rgb(), display_p3(), tabulated()}) {
    const cmsHPROFILE profile =
        cmsOpenProfileFromMem(icc.data(), static_cast<cmsUInt32Number>(icc.size()));
    const cmsHPROFILE target = cmsCreate_sRGBProfile();
    const cmsHTRANSFORM transform =
        cmsCreateTransform(profile, TYPE_RGB_FLT, target, TYPE_RGB_FLT,
                           INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE);
    const Image samples = chiaro::test::colour_cube(SampleType::U8);
    const Image inside = decode(tagged_file(samples, icc), "memory");
    int compared = 0;
    for (std::size_t i = 0; i < samples.plane_size(); ++i) {
      const std::array<float, 3> from{samples.plane(0)[i], samples.plane(1)[i],
                                      samples.plane(2)[i]};
      std::array<float, 3> expected{};
      cmsDoTransform(transform, from.data(), expected.data(), 1);
      for (int c = 0; c < 3; ++c) {
        const float value = expected[static_cast<std::size_t>(c)];
        if (value < 0 || value > 1) continue;  // outside of sRGB the two go on differently
        EXPECT_NEAR(inside.plane(c)[i], value, 5e-4F);
        ++compared;
      }
    }
    EXPECT_GT(compared, 1000);
    cmsDeleteTransform(transform);
    cmsCloseProfile(target);
    cmsCloseProfile(profile);
  }
}

TEST(Colour, WithoutTheProfileTheFileIsSrgb) {
  Image inside =
      decode(tagged_file(chiaro::test::colour_cube(SampleType::U8), adobe_rgb()), "memory");
  for (const auto& options :
       {WriteOptions{.format = "png", .restore_profile = false},
        WriteOptions{.format = "png", .strip_metadata = true}, WriteOptions{.format = "ppm"}}) {
    const Image outside = decode(encode(inside, options), "memory");
    EXPECT_TRUE(outside.metadata.icc.empty());
    for (std::size_t i = 0; i < inside.pixels().size(); ++i) {
      ASSERT_NEAR(outside.pixels()[i], std::clamp(inside.pixels()[i], 0.0F, 1.0F), 0.51F / 255);
    }
  }
}

TEST(Colour, SrgbIsLeftAlone) {
  const Image samples = chiaro::test::colour_cube(SampleType::U8);
  const Image inside = decode(tagged_file(samples, srgb()), "memory");
  EXPECT_TRUE(std::ranges::equal(inside.pixels(), samples.pixels()));
  EXPECT_EQ(decode(encode(inside, {.format = "jpeg"}), "memory").metadata.icc, srgb());
}

TEST(Colour, GreyProfile) {
  Image samples(1, 1, 256);
  for (int x = 0; x < 256; ++x) samples.at(0, 0, x) = static_cast<float>(x) / 255;
  const Image inside = decode(tagged_file(samples, grey_gamma(1.8)), "memory");
  EXPECT_EQ(inside.channels(), 1);
  const double light = std::pow(100.0 / 255, 1.8);
  EXPECT_NEAR(inside.at(0, 0, 100), 1.055 * std::pow(light, 1 / 2.4) - 0.055, 1e-4);
  const Image outside =
      decode(encode(inside, {.format = "png"}), "memory", {.convert_to_srgb = false});
  EXPECT_TRUE(std::ranges::equal(outside.pixels(), samples.pixels()));
}

// Its pixels are RGB, which a profile of greys does not fit.
TEST(Colour, AGreyWebpIsWrittenAsSrgb) {
  Image samples(1, 4, 256);
  samples.sample_type = SampleType::U8;
  for (int x = 0; x < 256; ++x) samples.at(0, 0, x) = static_cast<float>(x) / 255.0F;
  const Image inside = decode(tagged_file(samples, grey_gamma(1.8)), "memory");
  const auto file = encode(inside, {.format = "webp", .quality = 100});
  const Image outside = decode(file, "memory", {.convert_to_srgb = false});
  EXPECT_TRUE(outside.metadata.icc.empty());
  EXPECT_NEAR(outside.at(0, 0, 100), inside.at(0, 0, 100), 0.51 / 255);
}

TEST(Colour, ProfilesThatDoNotFitAreIgnored) {
  const Image samples = chiaro::test::colour_cube(SampleType::U8);
  const Image of_grey = decode(tagged_file(samples, grey_gamma(1.8), "tiff"), "memory");
  EXPECT_TRUE(std::ranges::equal(of_grey.pixels(), samples.pixels()));
  EXPECT_TRUE(of_grey.metadata.icc.empty());
  const Image damaged = decode(tagged_file(samples, Icc(200, 7), "tiff"), "memory");
  EXPECT_TRUE(std::ranges::equal(damaged.pixels(), samples.pixels()));
}

TEST(Colour, InksBecomeRgb) {
  test::Bytes inks{0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 255, 255, 0};
  const test::Bytes file = test::make_tiff(
      {.width = 4, .height = 1, .bits = 8, .samples = 4, .photometric = 5, .data = inks});
  const Image picture = decode(std::as_bytes(std::span(file)), "memory");
  ASSERT_EQ(picture.channels(), 3);
  EXPECT_TRUE(picture.alpha.empty());
  EXPECT_TRUE(picture.metadata.icc.empty());
  for (int c = 0; c < 3; ++c) {
    EXPECT_GT(picture.at(c, 0, 0), 0.97F);  // paper
    EXPECT_LT(picture.at(c, 0, 2), 0.25F);  // black
  }
  EXPECT_LT(picture.at(0, 0, 1), 0.3F);  // cyan
  EXPECT_GT(picture.at(2, 0, 1), 0.7F);
  EXPECT_GT(picture.at(0, 0, 3), 0.7F);  // magenta and yellow: red
  EXPECT_LT(picture.at(2, 0, 3), 0.4F);
}

TEST(ToneTable, InvertsItselfAlsoOutside) {
  const ToneTable gamma([](double v) { return std::pow(v, 2.2); });
  for (const ToneTable* table : {&ToneTable::srgb(), &gamma}) {
    for (float v = -2.0F; v < 3.0F; v += 0.00037F)
      ASSERT_NEAR(table->coded(table->light(v)), v, 2e-5F) << v;
    EXPECT_EQ(table->light(0), 0.0F);
    EXPECT_EQ(table->light(1), 1.0F);
    EXPECT_EQ(table->coded(1), 1.0F);
  }
  EXPECT_NEAR(ToneTable::srgb().light(0.5F), 0.21404114F, 1e-6F);
  EXPECT_NEAR(ToneTable::srgb().coded(-0.21404114F), -0.5F, 1e-6F);
  EXPECT_TRUE(std::isnan(ToneTable::srgb().coded(ToneTable::srgb().light(std::nanf("")))));
}

}  // namespace
}  // namespace chiaro::image::colour_test
