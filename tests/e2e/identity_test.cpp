// `chiaro restore` where nothing is to change, but all is written anew in another format: samples,
// profile and EXIF arrive as they were.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "tests/image/exiftool.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/colour_cube.h"
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
