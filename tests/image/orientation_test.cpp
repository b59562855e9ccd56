// The eight orientations of EXIF: pictures come in upright, and go out upright and untagged.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "chiaro/image/codec.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::orientation_test {
namespace {

/// What a viewer shows of the stored rows "1 2 3" and "4 5 6" (EXIF 2.32, tag 0x0112).
struct Shown {
  int height;
  int width;
  std::vector<int> samples;
};
const std::array<Shown, 9> kShown{Shown{},
                                  {2, 3, {1, 2, 3, 4, 5, 6}},
                                  {2, 3, {3, 2, 1, 6, 5, 4}},
                                  {2, 3, {6, 5, 4, 3, 2, 1}},
                                  {2, 3, {4, 5, 6, 1, 2, 3}},
                                  {3, 2, {1, 4, 2, 5, 3, 6}},
                                  {3, 2, {4, 1, 5, 2, 6, 3}},
                                  {3, 2, {6, 3, 5, 2, 4, 1}},
                                  {3, 2, {3, 6, 2, 5, 1, 4}}};

void expect_shown(const Image& picture, int orientation) {
  const Shown& shown = kShown[static_cast<std::size_t>(orientation)];
  ASSERT_EQ(picture.height(), shown.height) << orientation;
  ASSERT_EQ(picture.width(), shown.width) << orientation;
  for (std::size_t i = 0; i < shown.samples.size(); ++i) {
    EXPECT_EQ(picture.pixels()[i], static_cast<float>(shown.samples[i]) / 255)
        << orientation << " at " << i;
  }
}

TEST(Orientation, OfATiff) {
  const chiaro::test::TemporaryFolder folder;
  for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
    test::save(folder / "a.tif", test::make_tiff({.width = 3,
                                                  .height = 2,
                                                  .bits = 8,
                                                  .samples = 1,
                                                  .photometric = 1,
                                                  .data = {1, 2, 3, 4, 5, 6},
                                                  .orientation = orientation}));
    const Image once = read(folder / "a.tif");
    expect_shown(once, static_cast<int>(orientation));
    const Probe facts = probe(folder / "a.tif");
    EXPECT_EQ(facts.width, once.width());
    EXPECT_EQ(facts.height, once.height());
    // Written and read again it is not turned once more.
    write(folder / "b.tif", once);
    expect_shown(read(folder / "b.tif"), static_cast<int>(orientation));
  }
}

TEST(Orientation, OfAnExifBlock) {
  const chiaro::test::TemporaryFolder folder;
  for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      Image stored(1, 2, 3);
      for (std::size_t i = 0; i < 6; ++i) stored.pixels()[i] = static_cast<float>(i + 1) / 255;
      stored.metadata.x_pixels_per_mm = 10;
      stored.metadata.y_pixels_per_mm = 20;
      test::Bytes& exif = stored.metadata.exif;
      const auto number = [&](std::uint32_t value, int count) {
        big_endian ? test::put_big(exif, value, count) : test::put_little(exif, value, count);
      };
      test::put(exif, big_endian ? "MM" : "II");
      number(42, 2);
      number(8, 4);
      number(1, 2);
      number(0x0112, 2);
      number(3, 2);
      number(1, 4);
      number(orientation, 2);
      number(0, 2);
      number(0, 4);
      for (const std::string name : {"a.png", "a.webp"}) {
        write(folder / name, stored, {.quality = 100});
        const Image once = read(folder / name);
        expect_shown(once, static_cast<int>(orientation));
        write(folder / ("again_" + name), once, {.quality = 100});
        const Image again = read(folder / ("again_" + name));
        expect_shown(again, static_cast<int>(orientation));
        if (name == "a.png") {
          EXPECT_NEAR(again.metadata.x_pixels_per_mm, orientation >= 5 ? 20 : 10, 1e-6);
          EXPECT_NEAR(again.metadata.y_pixels_per_mm, orientation >= 5 ? 10 : 20, 1e-6);
        }
      }
    }
  }
}

TEST(Orientation, ExifToolSeesUprightPictures) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  Image picture(3, 16, 32, 0.2F);
  for (int x = 0; x < 16; ++x) picture.at(0, 0, x) = 1.0F;
  write(folder / "a.jpg", picture);
  test::exiftool("-q -overwrite_original -Orientation#=6 -XMP-tiff:Orientation#=6 '" +
                 (folder / "a.jpg").string() + "'");
  const Image once = read(folder / "a.jpg");
  ASSERT_EQ(once.width(), 16);
  EXPECT_GT(once.at(0, 0, 15), 0.8F);  // what was at the top left is at the top right
  EXPECT_LT(once.at(0, 0, 0), 0.4F);
  std::filesystem::remove(folder / "a.jpg");
  for (const char* name : {"b.jpg", "b.png", "b.webp", "b.tif"}) {
    write(folder / name, once);
    EXPECT_EQ(read(folder / name).width(), 16) << name;
  }
  std::istringstream lines(
      test::exiftool("-q -a -s -s -s -n -Orientation '" + folder.path().string() + "'"));
  int tags = 0;
  for (std::string line; std::getline(lines, line); ++tags)
    EXPECT_TRUE(line == "1" || line.starts_with("=")) << line;
  EXPECT_GE(tags, 4);
}

TEST(Orientation, OfXmpAloneTurnsNothingAndStays) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  write(folder / "a.jpg", Image(3, 16, 32, 0.2F));
  test::exiftool("-q -overwrite_original -XMP-tiff:Orientation#=6 '" + (folder / "a.jpg").string() +
                 "'");
  const Image once = read(folder / "a.jpg");
  EXPECT_EQ(once.width(), 32);
  write(folder / "b.png", once);
  EXPECT_EQ(
      test::exiftool("-q -s -s -s -n -XMP-tiff:Orientation '" + (folder / "b.png").string() + "'"),
      "6\n");
}

}  // namespace
}  // namespace chiaro::image::orientation_test
