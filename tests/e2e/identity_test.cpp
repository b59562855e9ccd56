// `chiaro restore` where nothing is to change, but all is written anew in another format: samples,
// profile, EXIF and colours arrive as they were. ExifTool and ImageMagick are the judges from
// outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/colour_cube.h"
#include "tests/support/imagemagick.h"
#include "tests/support/process.h"
#include "tests/support/profiles.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::identity_test {
namespace {

namespace fs = std::filesystem;
using image::Image;
using image::SampleType;
using Words = std::vector<std::string>;

class Identity : public testing::Test {
 protected:
  void SetUp() override { test::use_default_bundle(folder_ / "models", "identity"); }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  /// Restores by the network that changes nothing, or not at all.
  static void restore(const std::string& from, const std::string& to, Words more) {
    more.insert(more.begin(), {CHIARO_PROGRAM, "restore", from, "-o", to});
    const auto result = test::run_process(more);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out.find("\"copied\":true"), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("\"copied\":false"), std::string::npos) << result.out;
  }

  test::TemporaryFolder folder_;
};

const std::array<Words, 2> kWaysToChangeNothing{Words{"--json"},
                                                Words{"--json", "--strength", "0"}};

/// The levels from black to white.
Image greys(SampleType type) {
  Image picture(1, 16, 16);
  for (int i = 0; i < 256; ++i) picture.at(0, i / 16, i % 16) = static_cast<float>(i) / 255.0F;
  picture.sample_type = type;
  return picture;
}

/// EXIF with nothing but the artist, Anna.
std::vector<std::uint8_t> exif_of_anna() {
  const std::string text(
      "II*\0\x08\0\0\0\1\0"
      "\x3b\1\2\0\5\0\0\0\x1a\0\0\0\0\0\0\0"
      "Anna\0",
      31);
  return {text.begin(), text.end()};
}

/// What cameras and scanners write, by its name: samples in the colours of their profile.
std::map<std::string, Image> sources() {
  std::map<std::string, Image> made;
  for (const SampleType type : {SampleType::U8, SampleType::U16}) {
    const std::string bits = type == SampleType::U8 ? "8" : "16";
    for (const auto& [name, icc] : {std::pair{"srgb", test::srgb()},
                                    {"p3", test::display_p3()},
                                    {"adobe", test::adobe_rgb()},
                                    {"wide", test::wide_gamut()}}) {
      made[name + bits] = test::colour_cube(type);
      made[name + bits].metadata.icc = icc;
    }
    made["plain" + bits] = test::colour_cube(type);
    made["grey" + bits] = greys(type);
    made["grey" + bits].metadata.icc = test::grey_gamma(1.8);
  }
  for (auto& [name, picture] : made) {
    picture.metadata.in_source_profile = true;
    picture.metadata.exif = exif_of_anna();
  }
  return made;
}

/// The bounds are those of the room that reads and writes (Colour.WideProfilesThereAndBack): of 8
/// bits none, of 16 some steps where the curve is steepest.
void expect_same_samples(const Image& before, const Image& after, const std::string& name) {
  ASSERT_EQ(after.sample_type, before.sample_type) << name;
  ASSERT_EQ(after.pixels().size(), before.pixels().size()) << name;
  for (std::size_t i = 0; i < before.pixels().size(); ++i) {
    const float steps = before.sample_type == SampleType::U8 ? 0.0F
                        : before.pixels()[i] > 0             ? 10.0F
                                                             : 130.0F;
    ASSERT_NEAR(before.pixels()[i], after.pixels()[i], steps / 65535) << name << " " << i;
  }
}

TEST_F(Identity, SamplesProfileAndExifArriveInTheOtherFormat) {
  const auto made = sources();
  for (const auto& [from, to] : {std::pair{".png", "tiff"}, {".tif", "png"}}) {
    const fs::path in = folder_ / ("in" + std::string(from));
    fs::create_directories(in);
    for (const auto& [name, picture] : made) image::write(in / (name + from), picture);
    for (const Words& way : kWaysToChangeNothing) {
      const fs::path out = folder_ / (to + std::to_string(way.size()));
      Words more = way;
      more.insert(more.end(), {"--format", to});
      restore(in, out.string() + "/", more);
      for (const auto& [name, picture] : made) {
        const std::string said = fmt::format("{}{} to {}, {} words", name, from, to, way.size());
        const fs::path file = out / (name + (from == std::string(".png") ? ".tif" : ".png"));
        ASSERT_TRUE(fs::exists(file)) << said;
        const Image after = image::read(file, {.convert_to_srgb = false});
        expect_same_samples(picture, after, said);
        EXPECT_EQ(after.metadata.icc, picture.metadata.icc) << said;
        EXPECT_FALSE(std::ranges::search(after.metadata.exif, std::string("Anna")).empty()) << said;
      }
    }
  }
}

/// Larger than all colours that the others can name.
test::Icc widest() {
  return test::rgb_profile({0.32168, 0.33767, 1},
                           {{0.7347, 0.2653, 1}, {0.0, 1.0, 1}, {0.0001, -0.0770, 1}},
                           cmsBuildGamma(nullptr, 2.2));
}

/// Linear light between the primaries of sRGB.
test::Icc linear_srgb() {
  return test::rgb_profile(test::kD65, {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}},
                           cmsBuildGamma(nullptr, 1.0));
}

/// What ImageMagick makes of files, in 65535ths of the widest colours.
class Colours : public Identity {
 protected:
  void SetUp() override {
    Identity::SetUp();
    if (!test::has_imagemagick()) GTEST_SKIP() << "needs convert of ImageMagick";
    const test::Icc target = widest();
    const test::Icc srgb = test::srgb();
    write_file_atomically(target_, std::as_bytes(std::span(target)));
    write_file_atomically(srgb_, std::as_bytes(std::span(srgb)));
  }

  using Seen = std::vector<std::uint16_t>;
  Seen seen(const std::string& file) const { return test::colours_by_imagemagick(file, target_); }
  /// Where the file has no profile, or as if it had none.
  Seen seen_as_srgb(const std::string& file) const {
    return test::colours_by_imagemagick(file, target_, "+profile icc -profile '" + srgb_ + "'");
  }

  static int largest_difference(const Seen& a, const Seen& b) {
    EXPECT_GT(a.size(), 3U * 200);
    if (a.size() != b.size()) return 65536;
    int largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
  }

  std::string target_ = folder_ / "widest.icc";
  std::string srgb_ = folder_ / "srgb.icc";
};

/// A tenth of a level of 8 bits.
constexpr int kTenthOfLevel = 65535 / 255 / 10;
/// What becomes of some colour, at least, where a profile is not heeded.
constexpr int kOtherColours = 65535 / 100;

TEST_F(Colours, AreThoseOfTheSourceByAnotherProgram) {
  for (const auto& [name, picture] : sources()) {
    for (const auto& [from, to] : {std::pair{".png", ".tif"}, {".tif", ".png"}, {".jpg", ".tif"}}) {
      const bool of_8_bits = picture.sample_type == SampleType::U8;
      if (from == std::string(".jpg") && !of_8_bits) continue;
      const std::string in = folder_ / (name + "_in" + from);
      const std::string out = folder_ / (name + "_out" + to);
      image::write(in, picture, {.quality = 95});
      restore(in, out, {"--json", "--overwrite"});
      const bool tagged = !picture.metadata.icc.empty();
      const Seen before = tagged ? seen(in) : seen_as_srgb(in);
      const Seen after = tagged ? seen(out) : seen_as_srgb(out);
      EXPECT_LE(largest_difference(before, after), of_8_bits ? 0 : kTenthOfLevel)
          << in << " to " << to;
      // The judge goes by the profile: without it these are other colours.
      if (tagged && !name.starts_with("srgb")) {
        EXPECT_GT(largest_difference(before, seen_as_srgb(in)), kOtherColours) << in;
      }
    }
  }
}

TEST_F(Colours, OfLinearLightAreThoseOfTheSourceByAnotherProgram) {
  Image light = test::colour_cube(SampleType::F32);
  light.metadata.icc = linear_srgb();
  light.metadata.in_source_profile = true;
  const std::string in = folder_ / "light.tif";
  image::write(in, light);
  const Seen before = seen(in);
  EXPECT_GT(largest_difference(before, seen_as_srgb(in)), kOtherColours);
  // Floats stay linear light, with the profile that says so; else it is coded as sRGB.
  restore(in, folder_ / "light_out.tif", {"--json", "--depth", "float"});
  EXPECT_LE(largest_difference(before, seen(folder_ / "light_out.tif")), kTenthOfLevel);
  for (const std::string coded : {"light_16.tif", "light.png"}) {
    restore(in, folder_ / coded, {"--json", "--depth", "16"});
    EXPECT_LE(largest_difference(before, seen_as_srgb(folder_ / coded)), kTenthOfLevel) << coded;
  }
}

TEST_F(Colours, OfInksAreThoseOfTheSourceByAnotherProgram) {
  // Four inks in five steps each.
  constexpr std::uint32_t kSteps = 5;
  constexpr std::uint32_t kSide = kSteps * kSteps;
  image::test::Bytes inks;
  for (std::uint32_t i = 0; i < kSide * kSide; ++i) {
    for (std::uint32_t rest = i, ink = 0; ink < 4; ++ink, rest /= kSteps)
      inks.push_back(static_cast<std::uint8_t>(rest % kSteps * 255 / (kSteps - 1)));
  }
  const std::string in = folder_ / "inks.tif";
  image::test::save(in, image::test::make_tiff({.width = kSide,
                                                .height = kSide,
                                                .bits = 8,
                                                .samples = 4,
                                                .photometric = 5,
                                                .data = inks,
                                                .icc = test::inks()}));
  // They become sRGB, which has not all of these colours: the judge is asked for sRGB as well.
  const Seen before = test::colours_by_imagemagick(in, srgb_);
  EXPECT_GT(largest_difference(
                before, test::colours_by_imagemagick(in, srgb_, "+profile icc -colorspace sRGB")),
            kOtherColours);
  for (const std::string name : {"inks_out.png", "inks_out.tif"}) {
    restore(in, folder_ / name, {"--json", "--depth", "16"});
    const Seen after = test::colours_by_imagemagick(folder_ / name, srgb_, "+profile icc");
    EXPECT_LE(largest_difference(before, after), kTenthOfLevel) << name;
  }
}

TEST_F(Identity, ExifToolFindsWhatItWrote) {
  if (!image::test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const std::string in = folder_ / "in.png";
  image::write(in, test::colour_cube(SampleType::U8));
  image::test::exiftool(
      "-q -overwrite_original -Artist=Anna -Model=X1 -GPSLatitude=45.5 -GPSLatitudeRef=N "
      "-ExposureTime=1/250 -DateTimeOriginal='2020:01:02 03:04:05' -XMP:Title=Title '" +
      in + "'");
  const auto tags = [](const std::string& file) {
    return image::test::exiftool(
        "-S -Artist -Model -GPSLatitude -ExposureTime -DateTimeOriginal -XMP:Title '" + file + "'");
  };
  const std::string before = tags(in);
  EXPECT_EQ(std::ranges::count(before, '\n'), 6) << before;
  for (const std::string name : {"out.tif", "out.jpg", "out.webp"}) {
    restore(in, folder_ / name, {"--json"});
    EXPECT_EQ(tags(folder_ / name), before) << name;
  }
}

TEST_F(Identity, ARampOf16BitsKeepsItsLevels) {
  Image ramp(3, 128, 128);
  for (int i = 0; i < 128 * 128; ++i) {
    for (int c = 0; c < 3; ++c)
      ramp.at(c, i / 128, i % 128) = static_cast<float>(4 * i + c) / 65535.0F;
  }
  ramp.sample_type = SampleType::U16;
  const std::string in = folder_ / "ramp.png";
  image::write(in, ramp);
  for (const Words& way : kWaysToChangeNothing) {
    for (const std::string ending : {".tif", ".ppm"}) {
      const std::string out = folder_ / (std::to_string(way.size()) + ending);
      restore(in, out, way);
      const Image after = image::read(out);
      const std::set<float> levels(after.plane(0).begin(), after.plane(0).end());
      EXPECT_EQ(levels.size(), 128U * 128U) << out;
      EXPECT_TRUE(std::ranges::equal(after.pixels(), ramp.pixels())) << out;
    }
  }
}

}  // namespace
}  // namespace chiaro::identity_test
