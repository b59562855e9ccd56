// What comes with a picture goes with it, as ExifTool sees it.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "chiaro/image/codec.h"
#include "chiaro/image/metadata_read.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::metadata_test {
namespace {

const std::string kTags =
    "-Orientation#=1 -Artist=Anna -Make=Maker -Model=X1 -Copyright=mine -GPSLatitude=45.5 "
    "-GPSLatitudeRef=N "
    "-GPSLongitude=7.25 -GPSLongitudeRef=E -ExposureTime=1/250 -FNumber=2.8 -ISO=400 "
    "-UserComment=hello "
    "-LensModel=Lens -DateTimeOriginal='2020:01:02 03:04:05' -OffsetTimeOriginal=+01:00 "
    "-XPTitle=Titel "
    "-InteropIndex=R98 -XMP:Title=Title -XMP:Subject=abc -XMP:Rating=4 -IPTC:Keywords=key "
    "-IPTC:Headline=head";

/// The lines of ExifTool for the groups that belong to the photograph, without those that follow
/// from the file; by the name of the file.
std::map<std::string, std::set<std::string>> descriptions(const std::filesystem::path& folder) {
  std::istringstream lines(test::exiftool(
      "-a -G1 -s -EXIF:all -XMP:all -IPTC:all -Warning -Error '" + folder.string() + "'"));
  std::map<std::string, std::set<std::string>> result;
  std::string file;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("======== ")) file = std::filesystem::path(line.substr(9)).filename();
    bool of_the_file = !line.starts_with("[");
    for (const char* tag : {"ImageWidth", "ImageHeight", "BitsPerSample", "Compression",
                            "PhotometricInterpretation", "StripOffsets", "SamplesPerPixel",
                            "RowsPerStrip", "StripByteCounts", "PlanarConfiguration", "Predictor",
                            "SampleFormat", "YCbCrPositioning", "ComponentsConfiguration",
                            "XResolution", "YResolution", "ResolutionUnit", "Orientation"}) {
      of_the_file = of_the_file || line.find(tag) != std::string::npos;
    }
    if (!of_the_file) result[file].insert(line.substr(0, line.find_last_not_of(' ') + 1));
  }
  return result;
}

TEST(Metadata, GoesFromEveryFormatToEveryFormat) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  const std::vector<std::string> formats{"jpg", "png", "tif", "webp"};
  const Image picture = test::numbered(3, 8, 12, 255);
  for (const std::string& format : formats) write(folder / ("source." + format), picture);
  test::exiftool("-q -overwrite_original " + kTags + " '" + folder.path().string() + "'");
  for (const std::string& from : formats) {
    const Image once = read(folder / ("source." + from));
    for (const std::string& to : formats) write(folder / (from + "-to." + to), once);
  }
  auto found = descriptions(folder.path());
  for (const std::string& from : formats) {
    const auto& before = found["source." + from];
    ASSERT_GT(before.size(), 15U) << from;
    for (const std::string& to : formats) {
      const auto& after = found[from + "-to." + to];
      for (const std::string& line : before) {
        // WebP has no place for IPTC.
        const bool out_of_reach =
            line.starts_with("[ExifTool]") || (line.starts_with("[IPTC]") && to == "webp");
        EXPECT_TRUE(out_of_reach || after.contains(line))
            << from << " to " << to << " lost " << line;
      }
      for (const std::string& line : after)
        EXPECT_FALSE(line.starts_with("[ExifTool]")) << from << " to " << to << line;
    }
  }
}

TEST(Metadata, ResolutionIsKept) {
  const chiaro::test::TemporaryFolder folder;
  Image picture(1, 4, 4, 0.5F);
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    for (const double dpi : {72.0, 300.0, 96.0}) {
      picture.metadata.x_pixels_per_mm = dpi / 25.4;
      picture.metadata.y_pixels_per_mm = 2 * dpi / 25.4;
      write(folder / name, picture);
      const Metadata back = read(folder / name).metadata;
      EXPECT_NEAR(back.x_pixels_per_mm * 25.4, dpi, 0.02) << name;
      EXPECT_NEAR(back.y_pixels_per_mm * 25.4, 2 * dpi, 0.02) << name;
    }
    picture.metadata.x_pixels_per_mm = picture.metadata.y_pixels_per_mm = 0;
    write(folder / name, picture);
    EXPECT_EQ(read(folder / name).metadata.x_pixels_per_mm, 0) << name;
  }
}

TEST(Metadata, SizeFollowsThePictureAndTheThumbnailGoes) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  write(folder / "thumb.jpg", Image(3, 4, 4, 0.5F));
  write(folder / "a.jpg", Image(3, 32, 16, 0.5F));
  test::exiftool(
      "-q -overwrite_original -Artist=Anna -ExifImageWidth=16 -ExifImageHeight=32 "
      "'-ThumbnailImage<=" +
      (folder / "thumb.jpg").string() + "' '" + (folder / "a.jpg").string() + "'");
  ASSERT_NE(test::exiftool("-s -ThumbnailImage '" + (folder / "a.jpg").string() + "'"), "");
  Image once = read(folder / "a.jpg");
  Image larger(3, 64, 48, 0.5F);
  larger.metadata = once.metadata;
  write(folder / "b.jpg", larger);
  const std::string file = "'" + (folder / "b.jpg").string() + "'";
  EXPECT_EQ(test::exiftool("-s -ThumbnailImage " + file), "");
  EXPECT_EQ(test::exiftool("-s -s -s -ExifImageWidth " + file), "48\n");
  EXPECT_EQ(test::exiftool("-s -s -s -ExifImageHeight " + file), "64\n");
  EXPECT_EQ(test::exiftool("-s -s -s -Artist " + file), "Anna\n");
}

TEST(Metadata, StrippingLeavesNothing) {
  const chiaro::test::TemporaryFolder folder;
  Image picture(1, 4, 4, 0.5F);
  picture.metadata.exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  test::put(picture.metadata.xmp, "<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>");
  picture.metadata.iptc = wrap_iptc(std::vector<std::uint8_t>{0x1c, 2, 5, 0, 1, 'x'});
  picture.metadata.x_pixels_per_mm = picture.metadata.y_pixels_per_mm = 10;
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    write(folder / name, picture);
    EXPECT_FALSE(read(folder / name).metadata.xmp.empty()) << name;
    EXPECT_EQ(read(folder / name).metadata.iptc, picture.metadata.iptc) << name;
    write(folder / name, picture, {.strip_metadata = true});
    const Metadata back = read(folder / name).metadata;
    EXPECT_TRUE(back.exif.empty() && back.xmp.empty() && back.iptc.empty()) << name;
    EXPECT_EQ(back.x_pixels_per_mm, 0) << name;
  }
}

TEST(Metadata, IptcInAndOutOfItsWrapping) {
  for (const std::size_t size : {1U, 2U, 255U}) {
    const std::vector<std::uint8_t> records(size, 0x1c);
    EXPECT_EQ(unwrap_iptc(wrap_iptc(records)), records);
  }
  auto cut = wrap_iptc(std::vector<std::uint8_t>(100, 1));
  cut.resize(60);
  EXPECT_TRUE(unwrap_iptc(cut).empty());
  EXPECT_TRUE(unwrap_iptc({}).empty());
}

TEST(Metadata, DamagedExifIsCarriedAlong) {
  // Links that lead out of the block, or back to its beginning, must be survived.
  Image picture(1, 2, 2, 0.5F);
  const std::vector<std::vector<std::uint8_t>> blocks{
      {'I'},
      {'I', 'I', 42, 0, 255, 255, 255, 255},
      {'M', 'M', 0, 42, 0, 0, 0, 8, 255, 255, 1, 18},
      {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0}};
  for (const auto& exif : blocks) {
    picture.metadata.exif = exif;
    for (const char* format : {"jpeg", "png", "tiff", "webp"}) {
      const Image back = decode(encode(picture, {.format = format}), "memory");
      EXPECT_EQ(back.width(), 2);
    }
  }
}

/// What ExifTool reads under a tag of a file, without the end of the line.
std::string read_tag(const std::string& tag, const std::filesystem::path& file) {
  std::string text = test::exiftool("-s3 -" + tag + " '" + file.string() + "'");
  return text.substr(0, text.find_last_not_of('\n') + 1);
}

TEST(Metadata, TextsStayInTheirFormatAndCommentsGoBetween) {
  if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  const chiaro::test::TemporaryFolder folder;
  const Image picture = test::numbered(3, 8, 12, 255);
  for (const char* name : {"a.jpg", "a.png"}) {
    write(folder / name, picture);
    test::exiftool("-q -overwrite_original -Comment='Grüße aus Ulm' -PNG:Title='A title' '" +
                   (folder / name).string() + "'");
    for (const char* result : {"b.jpg", "b.png", "b.webp"}) {
      const std::filesystem::path out = folder / (std::string(name) + result);
      write(out, read(folder / name));
      if (std::string(result) != "b.webp") {
        EXPECT_EQ(read_tag("Comment", out), "Grüße aus Ulm") << out;
      }
    }
  }
  EXPECT_EQ(read_tag("PNG:Title", folder / "a.pngb.png"), "A title");
  EXPECT_EQ(test::exiftool("-validate -warning -a -s3 '" + (folder / "a.pngb.png").string() + "'"),
            "OK\n");
  WriteOptions bare;
  bare.strip_metadata = true;
  write(folder / "bare.png", read(folder / "a.png"), bare);
  EXPECT_EQ(read_tag("Comment", folder / "bare.png"), "");
}

TEST(Metadata, DeflatedAndForeignTextsOfAPngStayByteForByte) {
  const chiaro::test::TemporaryFolder folder;
  write(folder / "plain.png", test::numbered(3, 8, 12, 255));
  const auto png = test::load(folder / "plain.png");
  test::Bytes file(png.begin(), png.begin() + 33);
  const std::string body("Author\0\0x\x9c\x63\x00\x00\x00\x01\x00\x01", 18);
  test::Bytes bytes;
  test::put(bytes, body);
  test::put_png_chunk(file, "zTXt", bytes);
  file.insert(file.end(), png.begin() + 33, png.end());
  test::save(folder / "source.png", file);
  const Image read_back = read(folder / "source.png");
  ASSERT_EQ(read_back.metadata.texts.size(), 1U);
  write(folder / "result.png", read_back);
  const auto result = test::load(folder / "result.png");
  EXPECT_NE(std::string(result.begin(), result.end()).find("zTXt" + body), std::string::npos);
}

TEST(Metadata, TextsBeyondTheirBoundAreLeftOut) {
  const chiaro::test::TemporaryFolder folder;
  write(folder / "plain.png", test::numbered(3, 8, 12, 255));
  const auto png = test::load(folder / "plain.png");
  test::Bytes file(png.begin(), png.begin() + 33);
  for (const std::size_t size : {std::size_t{1000}, std::size_t{17} << 20}) {
    test::Bytes bytes;
    test::put(bytes, std::string("Title\0", 6) + std::string(size, 'x'));
    test::put_png_chunk(file, "tEXt", bytes);
  }
  file.insert(file.end(), png.begin() + 33, png.end());
  test::save(folder / "source.png", file);
  EXPECT_EQ(read(folder / "source.png").metadata.texts.size(), 1U);
}

}  // namespace
}  // namespace chiaro::image::metadata_test
