// Every format and depth there and back, and handmade files of the kinds that the writer does not
// make.
#include "chiaro/image/codec.h"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::codec_test {
namespace {

using test::add_alpha;
using test::Bytes;
using test::make_png;
using test::make_tiff;
using test::numbered;
using test::save;

int levels_of(SampleType type) {
  return type == SampleType::U8 ? 255 : type == SampleType::U16 ? 65535 : 0;
}

struct Lossless {
  std::string extension;
  SampleType type;
  bool alpha;
};

class LosslessFormats : public ::testing::TestWithParam<Lossless> {};

TEST_P(LosslessFormats, ComeBackEqual) {
  const auto& [extension, type, alpha] = GetParam();
  const chiaro::test::TemporaryFolder folder;
  for (const int channels : {1, 3}) {
    for (const auto& [height, width] :
         {std::pair{1, 1}, std::pair{7, 5}, std::pair{1, 300}, std::pair{131, 67}}) {
      Image picture = numbered(channels, height, width, levels_of(type));
      picture.sample_type = type;
      if (alpha) add_alpha(picture, levels_of(type));
      const auto path = folder / ("picture." + extension);
      write(path, picture, {.quality = extension == "webp" ? 100 : 0});
      const Image back = read(path);
      // WebP knows no grey.
      const Image expected = extension == "webp" ? to_rgb(picture) : picture;
      ASSERT_EQ(back.channels(), expected.channels());
      ASSERT_EQ(back.height(), height);
      ASSERT_EQ(back.width(), width);
      EXPECT_EQ(back.sample_type, type);
      EXPECT_EQ(back.alpha, picture.alpha);
      EXPECT_TRUE(std::ranges::equal(back.pixels(), expected.pixels()))
          << channels << "x" << height << "x" << width;
      const Probe facts = probe(path);
      EXPECT_EQ(facts.width, width);
      EXPECT_EQ(facts.height, height);
      EXPECT_EQ(facts.channels, expected.channels() + (alpha ? 1 : 0));
      EXPECT_EQ(facts.sample_type, type);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Codec, LosslessFormats,
    ::testing::Values(
        Lossless{"png", SampleType::U8, false}, Lossless{"png", SampleType::U8, true},
        Lossless{"png", SampleType::U16, false}, Lossless{"png", SampleType::U16, true},
        Lossless{"tiff", SampleType::U8, false}, Lossless{"tif", SampleType::U8, true},
        Lossless{"tiff", SampleType::U16, false}, Lossless{"tiff", SampleType::U16, true},
        Lossless{"tiff", SampleType::F32, false}, Lossless{"tiff", SampleType::F32, true},
        Lossless{"ppm", SampleType::U8, false}, Lossless{"ppm", SampleType::U16, false},
        Lossless{"pfm", SampleType::F32, false}, Lossless{"webp", SampleType::U8, false}),
    [](const auto& parameter) {
      const Lossless& p = parameter.param;
      return p.extension + std::to_string(levels_of(p.type)) + (p.alpha ? "Alpha" : "");
    });

TEST(Codec, LossyFormatsStayNear) {
  const chiaro::test::TemporaryFolder folder;
  Image picture(3, 64, 48);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 48; ++x) {
      picture.at(0, y, x) = static_cast<float>(x) / 48;
      picture.at(1, y, x) = static_cast<float>(y) / 64;
      picture.at(2, y, x) = 0.5F;
    }
  }
  for (const char* name : {"a.jpg", "a.webp"}) {
    write(folder / name, picture);
    const Image back = read(folder / name);
    for (std::size_t i = 0; i < picture.pixels().size(); ++i) {
      ASSERT_NEAR(back.pixels()[i], picture.pixels()[i], 8.0F / 255) << name << " " << i;
    }
  }
  // Grey stays grey, also in JPEG.
  write(folder / "grey.jpg", to_grey(picture));
  EXPECT_EQ(read(folder / "grey.jpg").channels(), 1);
}

TEST(Codec, ContentCountsNotTheName) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = numbered(3, 5, 4, 255);
  write(folder / "actually.jpg", picture, {.format = "png"});
  const Image back = read(folder / "actually.jpg");
  EXPECT_EQ(back.metadata.source_format, "png");
  EXPECT_TRUE(std::ranges::equal(back.pixels(), picture.pixels()));
  EXPECT_EQ(probe(folder / "actually.jpg").format, "png");
}

TEST(Codec, DepthIsTheFilesNotThePixels) {
  const chiaro::test::TemporaryFolder folder;
  Image dark = numbered(1, 4, 4, 65535);
  for (float& value : dark.pixels())
    value = std::floor(value * 255) / 65535;  // all below 256 of 65,535
  dark.sample_type = SampleType::U16;
  write(folder / "dark.png", dark);
  EXPECT_EQ(read(folder / "dark.png").sample_type, SampleType::U16);
  EXPECT_TRUE(std::ranges::equal(read(folder / "dark.png").pixels(), dark.pixels()));
  write(folder / "narrow.png", dark, {.depth = Depth::U8});
  EXPECT_EQ(read(folder / "narrow.png").sample_type, SampleType::U8);
  write(folder / "wide.tif", dark, {.depth = Depth::F32});
  EXPECT_EQ(read(folder / "wide.tif").sample_type, SampleType::F32);
  // A format that cannot hold floats takes 16 bits, one that only holds 8 takes 8.
  dark.sample_type = SampleType::F32;
  write(folder / "float.png", dark);
  EXPECT_EQ(read(folder / "float.png").sample_type, SampleType::U16);
  write(folder / "float.jpg", dark);
  EXPECT_EQ(read(folder / "float.jpg").sample_type, SampleType::U8);
}

TEST(Codec, EncodeAndDecodeInMemory) {
  const Image picture = numbered(3, 6, 9, 255);
  const auto bytes = encode(picture, {.format = "png"});
  EXPECT_TRUE(std::ranges::equal(decode(bytes, "memory").pixels(), picture.pixels()));
}

TEST(Codec, ValuesOutsideAreClippedAndNotANumberBecomesBlackInIntegerFiles) {
  Image picture(1, 1, 4);
  picture.pixels()[0] = -3;
  picture.pixels()[1] = 1e30F;
  picture.pixels()[2] = std::nanf("");
  picture.pixels()[3] = 0.5F;
  const Image back = decode(encode(picture, {.format = "png"}), "memory");
  EXPECT_EQ(std::vector<float>(back.pixels().begin(), back.pixels().end()),
            (std::vector<float>{0, 1, 0, 128.0F / 255}));
}

TEST(Codec, PaletteWithTransparencyIsExpanded) {
  const chiaro::test::TemporaryFolder folder;
  save(folder / "palette.png", make_png({.width = 4,
                                         .height = 1,
                                         .bits = 2,
                                         .colour = 3,
                                         .rows = {0b00011011},
                                         .palette = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30},
                                         .transparency = {255, 128, 0}}));
  const Image back = read(folder / "palette.png");
  ASSERT_EQ(back.channels(), 3);
  EXPECT_EQ(back.alpha, (std::vector<float>{1, 128.0F / 255, 0, 1}));
  EXPECT_EQ(back.at(0, 0, 0), 1.0F);
  EXPECT_EQ(back.at(1, 0, 1), 1.0F);  // straight: not darkened by its alpha
  EXPECT_EQ(back.at(2, 0, 2), 1.0F);  // colour under alpha 0 stays
  EXPECT_EQ(back.at(2, 0, 3), 30.0F / 255);
}

TEST(Codec, TransparentColourOfGreyAndRgb) {
  const chiaro::test::TemporaryFolder folder;
  save(folder / "grey.png", make_png({.width = 2,
                                      .height = 1,
                                      .bits = 8,
                                      .colour = 0,
                                      .rows = {7, 200},
                                      .transparency = {0, 200}}));
  const Image back = read(folder / "grey.png");
  EXPECT_EQ(back.channels(), 1);
  EXPECT_EQ(back.alpha, (std::vector<float>{1, 0}));
  EXPECT_EQ(back.at(0, 0, 1), 200.0F / 255);
}

TEST(Codec, OneBitIsExpanded) {
  const chiaro::test::TemporaryFolder folder;
  save(folder / "bits.png",
       make_png({.width = 8, .height = 1, .bits = 1, .colour = 0, .rows = {0b10010110}}));
  const std::vector<float> expected{1, 0, 0, 1, 0, 1, 1, 0};
  const auto values = [](const Image& picture) {
    return std::vector<float>(picture.pixels().begin(), picture.pixels().end());
  };
  EXPECT_EQ(values(read(folder / "bits.png")), expected);
  save(folder / "bits.tif", make_tiff({.width = 8,
                                       .height = 1,
                                       .bits = 1,
                                       .samples = 1,
                                       .photometric = 1,
                                       .data = {0b10010110}}));
  EXPECT_EQ(values(read(folder / "bits.tif")), expected);
  // White is zero.
  save(folder / "inverse.tif", make_tiff({.width = 8,
                                          .height = 1,
                                          .bits = 1,
                                          .samples = 1,
                                          .photometric = 0,
                                          .data = {0b01101001}}));
  EXPECT_EQ(values(read(folder / "inverse.tif")), expected);
  Bytes text;
  test::put(text, "P1\n8 1\n0 1 1 0 1 0 0 1\n");  // here one is black
  save(folder / "bits.pbm", text);
  EXPECT_EQ(values(read(folder / "bits.pbm")), expected);
}

TEST(Codec, NetpbmScalesByItsMaximum) {
  const chiaro::test::TemporaryFolder folder;
  Bytes ten_bits;
  test::put(ten_bits, "P5 2 1 1023\n");
  test::put_big(ten_bits, 1023, 2);
  test::put_big(ten_bits, 512, 2);
  save(folder / "ten.pgm", ten_bits);
  const Image back = read(folder / "ten.pgm");
  EXPECT_EQ(back.at(0, 0, 0), 1.0F);
  EXPECT_FLOAT_EQ(back.at(0, 0, 1), 512.0F / 1023);
  EXPECT_EQ(back.sample_type, SampleType::U16);
}

TEST(Codec, PfmStoresTheBottomRowFirst) {
  const chiaro::test::TemporaryFolder folder;
  for (const bool big_endian : {false, true}) {
    Bytes file;
    test::put(file, big_endian ? "Pf\n2 2\n1.0\n" : "Pf\n2 2\n-1.0\n");
    for (const float value : {0.25F, -2.0F, std::numeric_limits<float>::quiet_NaN(), 1e30F}) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      big_endian ? test::put_big(file, bits) : test::put_little(file, bits, 4);
    }
    save(folder / "a.pfm", file);
    const Image back = read(folder / "a.pfm");
    EXPECT_TRUE(std::isnan(back.at(0, 0, 0)));  // for the caller to judge
    EXPECT_EQ(back.at(0, 0, 1), 1e30F);
    EXPECT_EQ(back.at(0, 1, 0), 0.25F);
    EXPECT_EQ(back.at(0, 1, 1), -2.0F);
    if (big_endian) continue;
    const auto written = encode(back, {.format = "pfm"});
    EXPECT_TRUE(std::ranges::equal(written, std::as_bytes(std::span(file))));
  }
}

TEST(Codec, PremultipliedTiffBecomesStraight) {
  const chiaro::test::TemporaryFolder folder;
  save(folder / "a.tif", make_tiff({.width = 1,
                                    .height = 1,
                                    .bits = 8,
                                    .samples = 4,
                                    .photometric = 2,
                                    .data = {100, 50, 0, 128},
                                    .extra = 1}));
  const Image back = read(folder / "a.tif");
  EXPECT_FLOAT_EQ(back.alpha.at(0), 128.0F / 255);
  EXPECT_NEAR(back.at(0, 0, 0), 100.0F / 128, 0.005F);
  EXPECT_NEAR(back.at(1, 0, 0), 50.0F / 128, 0.005F);
}

TEST(Codec, TransparencyIsLaidOnWhiteWhereAFormatHasNone) {
  Image picture(3, 1, 2, 0.0F);
  picture.alpha = {0.0F, 1.0F};
  const Image back = decode(encode(picture, {.format = "ppm"}), "memory");
  EXPECT_TRUE(back.alpha.empty());
  EXPECT_EQ(back.at(0, 0, 0), 1.0F);
  EXPECT_EQ(back.at(0, 0, 1), 0.0F);
}

// Coded at 10 again, a picture that was cleared of the blocks of 10 would have them again.
TEST(Codec, SamplingOfAJpegIsKeptAndQualityWhereItIsNotLow) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = numbered(3, 64, 64, 255);
  for (const int quality : {10, 50, 79, 80, 92, 97}) {
    write(folder / "a.jpg", picture, {.quality = quality});
    const Image once = read(folder / "a.jpg");
    EXPECT_EQ(once.metadata.source_jpeg_quality, quality);
    EXPECT_EQ(once.metadata.source_chroma_subsampled, quality < 90);
    write(folder / "b.jpg", once);
    EXPECT_EQ(read(folder / "b.jpg").metadata.source_jpeg_quality, quality < 80 ? 95 : quality);
    EXPECT_EQ(read(folder / "b.jpg").metadata.source_chroma_subsampled, quality < 90);
    write(folder / "c.jpg", once, {.quality = quality});
    EXPECT_EQ(read(folder / "c.jpg").metadata.source_jpeg_quality, quality);
  }
}

// At most a fifth above what the library makes with all its effort, which takes several times
// as long.
TEST(Codec, APngIsNearlyAsSmallAsCanBe) {
  const chiaro::test::TemporaryFolder folder;
  const auto photos =
      list_pictures(std::filesystem::path(CHIARO_SOURCE_DIR) / "examples/photos/clean");
  ASSERT_FALSE(photos.empty());
  for (const auto& photo : photos) {
    const std::string png = folder / "photo.png";
    write(png, read(photo));
    VipsImage* image = vips_image_new_from_file(png.c_str(), nullptr);
    ASSERT_NE(image, nullptr);
    void* bytes = nullptr;
    std::size_t smallest = 0;
    ASSERT_EQ(vips_pngsave_buffer(image, &bytes, &smallest, "compression", 9, "filter",
                                  VIPS_FOREIGN_PNG_FILTER_ALL, nullptr),
              0);
    g_free(bytes);
    g_object_unref(image);
    EXPECT_LT(static_cast<double>(std::filesystem::file_size(png)),
              1.2 * static_cast<double>(smallest))
        << photo;
  }
}

TEST(Codec, ListsPicturesInOrder) {
  const chiaro::test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "deeper");
  std::filesystem::create_directories(folder / "folder.png");
  for (const char* name : {"b.JPG", "a.png", "notes.txt", "c.tiff", "deeper/d.webp"})
    save(folder / name, {1});
  using Paths = std::vector<std::filesystem::path>;
  EXPECT_EQ(list_pictures(folder.path()),
            (Paths{folder / "a.png", folder / "b.JPG", folder / "c.tiff"}));
  EXPECT_EQ(
      list_pictures(folder.path(), true),
      (Paths{folder / "a.png", folder / "b.JPG", folder / "c.tiff", folder / "deeper/d.webp"}));
  std::filesystem::create_directories(folder / ".thumbnails");
  save(folder / ".thumbnails/a.png", {1});
  save(folder / "deeper/._d.webp", {1});
  std::filesystem::create_symlink("circle.png", folder / "circle.png");
  EXPECT_EQ(list_pictures(folder.path(), true).size(), 4U);
  EXPECT_EQ(list_pictures(folder.path()).size(), 3U);
  EXPECT_CHIARO_ERROR(list_pictures(folder / "missing"), Input, "missing");
  EXPECT_CHIARO_ERROR(list_pictures(folder / "a.png"), Input, "a.png");
}

TEST(Codec, ListsLinkedFoldersOnce) {
  namespace fs = std::filesystem;
  const chiaro::test::TemporaryFolder folder;
  for (const char* name : {"album/deeper", "elsewhere/far", ".kept", "beyond"})
    fs::create_directories(folder / name);
  for (const char* name : {"album/deeper/a.png", "elsewhere/far/b.png", "beyond/c.png"})
    save(folder / name, {1});
  const fs::path album = folder / "album";
  fs::create_directory_symlink("deeper", album / "again");  // sorts before what it leads to
  fs::create_directory_symlink("..", album / "deeper/up");
  fs::create_directory_symlink(folder / "elsewhere", album / "linked");
  fs::create_directory_symlink(folder / "elsewhere/far", album / "nearer");
  fs::create_directory_symlink(album, folder / "elsewhere/back");
  fs::create_directory_symlink(folder / "beyond", folder / "elsewhere/on");
  fs::create_directory_symlink("nowhere", album / "lost");
  fs::create_directory_symlink(folder / "beyond", album / ".hidden");
  using Paths = std::vector<fs::path>;
  EXPECT_EQ(list_pictures(album, true),
            (Paths{album / "deeper/a.png", album / "linked/far/b.png", album / "linked/on/c.png"}));
  EXPECT_EQ(list_pictures(album), Paths{});
  EXPECT_EQ(list_pictures(album / "again"), Paths{album / "again/a.png"});
}

}  // namespace
}  // namespace chiaro::image::codec_test
