#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/fidelity.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/strips.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/imagemagick.h"
#include "tests/support/log_capture.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::resolution_test {
namespace {

using test::Bytes;

const std::vector<std::string> kWritten{"png", "jpg", "tif", "webp"};

/// Density of a JPEG: unit, across, down.
Bytes jfif(std::uint32_t unit, std::uint32_t x, std::uint32_t y) {
  Bytes out;
  test::put_big(out, unit, 1);
  test::put_big(out, x, 2);
  test::put_big(out, y, 2);
  return out;
}

class Resolution : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
    std::filesystem::create_directories(at("results"));
  }

  std::string at(const std::string& name) const { return folder_ / name; }

  /// For every file that was written as a result: the numbers of its container and of its EXIF,
  /// "300 150 None", in the order of PNG, JFIF, EXIF; "" where there are none.
  std::map<std::string, std::string> results() const {
    std::map<std::string, std::string> found;
    std::istringstream lines(test::exiftool(
        "-q -T -FileName -PNG-pHYs:PixelsPerUnitX -PNG-pHYs:PixelsPerUnitY -PNG-pHYs:PixelUnits "
        "-JFIF:XResolution -JFIF:YResolution -JFIF:ResolutionUnit "
        "-EXIF:XResolution -EXIF:YResolution -EXIF:ResolutionUnit '" +
        at("results") + "'"));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name;
      std::getline(words, name, '\t');
      std::string& text = found[name];
      for (std::string word; std::getline(words, word, '\t');) {
        if (word != "-") text += (text.empty() ? "" : " ") + word;
      }
    }
    return found;
  }
  void tag(const std::string& name, const std::string& tags) const {
    test::exiftool("-q -overwrite_original " + tags + " '" + at(name) + "'");
  }

  Bytes png(std::string_view physical = "") const {
    Bytes out = test::make_png({8, 4, 8, 0, Bytes(32, 90)});
    if (physical.empty()) return out;
    Bytes chunk;
    test::put_png_chunk(chunk, "pHYs", Bytes(physical.begin(), physical.end()));
    out.insert(out.begin() + 33, chunk.begin(), chunk.end());
    return out;
  }
  /// A JPEG without EXIF whose JFIF says this.
  Bytes jpeg(const Bytes& density) const {
    write(at("plain.jpg"), test::numbered(1, 4, 8, 255));
    Bytes out = test::load(at("plain.jpg"));
    std::ranges::copy(density, out.begin() + 13);
    return out;
  }
  static Bytes tiff() { return test::make_tiff({8, 4, 8, 1, 1, Bytes(32, 90)}); }

  /// Where the picture that `source` becomes is, and under which name it is in results().
  std::string result(const std::string& source, const std::string& format) const {
    return "results/" + source + "." + format;
  }
  void convert(const std::vector<std::string>& sources) const {
    for (const std::string& source : sources) {
      for (const std::string& format : kWritten)
        write(at(result(source, format)), read(at(source)));
    }
  }
  const Trait* trait(const std::vector<Trait>& traits) const {
    const auto found = std::ranges::find(traits, "resolution", &Trait::name);
    return found == traits.end() ? nullptr : &*found;
  }
  /// What compare_files says of the resolution; "" where nothing.
  std::string fate(const std::string& before, const std::string& after) const {
    const auto traits = compare_files(read_file(at(before)), read_file(at(after)));
    const Trait* found = trait(traits);
    return found == nullptr ? "" : fate_name(found->fate);
  }

  static std::string nothing_in(const std::string& format) {
    return format == "jpg" || format == "tif" ? "1 1 None" : "";
  }
  void expect_none(const std::vector<std::string>& sources) const {
    convert(sources);
    auto found = results();
    ASSERT_EQ(found.size(), sources.size() * kWritten.size());
    for (const std::string& source : sources) {
      for (const std::string& format : kWritten) {
        EXPECT_EQ(found[source + "." + format], nothing_in(format)) << source << " to " << format;
        EXPECT_EQ(fate(source, result(source, format)), "") << source << " to " << format;
      }
    }
  }

  chiaro::test::TemporaryFolder folder_;
};

TEST_F(Resolution, NoneIsMadeUp) {
  test::save(at("a.png"), png());
  test::save(at("a.tif"), tiff());
  test::save(at("a.jpg"), jpeg(jfif(0, 1, 1)));
  test::save(at("a.pgm"), [] {
    Bytes out;
    test::put(out, "P5\n8 4\n255\n");
    out.resize(out.size() + 32, 90);
    return out;
  }());
  write(at("a.webp"), test::numbered(3, 4, 8, 255));
  test::save(at("exif.jpg"), jpeg(jfif(0, 1, 1)));
  tag("exif.jpg", "-Artist=Anna -XResolution= -YResolution= -ResolutionUnit=");
  ASSERT_NE(test::exiftool("-EXIF:Artist '" + at("exif.jpg") + "'"), "");
  const std::vector<std::string> sources{"a.png", "a.tif", "a.jpg", "a.pgm", "a.webp", "exif.jpg"};
  expect_none(sources);
  for (const std::string& source : sources) {
    const std::string exif = test::exiftool("-EXIF:all '" + at(result(source, "webp")) + "'");
    EXPECT_EQ(exif.empty(), source != "exif.jpg") << exif;
  }
}

TEST_F(Resolution, NoneIsMadeUpInStripsAndPages) {
  test::save(at("a.tif"), tiff());
  const Image picture = read(at("a.tif"));
  const auto once = [&] { return picture; };
  for (const std::string format : {"tif", "png", "jpg"})
    write_strips(at("results/strips." + format), frame_of(picture), {}, once);
  for (const auto& [name, got] : results()) EXPECT_EQ(got, nothing_in(name.substr(7))) << name;
  const std::vector<Frame> frames{frame_of(picture), frame_of(picture)};
  PageWriter pages(at("pages.tif"), frames, {});
  pages.add(picture);
  pages.add_strips(frames[1], once);
  pages.commit();
  const std::string units =
      test::exiftool("-a -G1 -s -s -XResolution -ResolutionUnit '" + at("pages.tif") + "'");
  EXPECT_EQ(units,
            "[IFD0] XResolution: 1\n[IFD1] XResolution: 1\n[IFD0] ResolutionUnit: None\n"
            "[IFD1] ResolutionUnit: None\n");
}

TEST_F(Resolution, ABigTiffHasNoneEither) {
  // A frame that may need more than 4 GiB; what is coded is small all the same.
  const Image picture = test::numbered(1, 4, 8, 255);
  std::vector<Frame> frames{frame_of(picture), frame_of(picture)};
  frames[1].width = frames[1].height = 60'000;
  PageWriter pages(at("results/big.tif"), frames, {});
  pages.add(picture);
  pages.add(picture);
  pages.commit();
  EXPECT_EQ(test::load(at("results/big.tif"))[2], 43);
  EXPECT_EQ(results()["big.tif"], "1 1 None");
}

TEST_F(Resolution, WithoutAUnitItStaysSo) {
  for (const int y : {150, 300}) {  // as many each way tell nothing, but are what the file says
    test::save(at("a.jpg"), jpeg(jfif(0, 300, y)));
    Bytes ratio{
        0, 0, 1, 0x2c, 0, 0, static_cast<std::uint8_t>(y >> 8), static_cast<std::uint8_t>(y), 0};
    test::save(at("a.png"), png({reinterpret_cast<const char*>(ratio.data()), ratio.size()}));
    test::save(at("a.tif"), tiff());
    const std::string numbers = fmt::format("XResolution=300 -EXIF:YResolution={}", y);
    tag("a.tif", "-EXIF:" + numbers + " -ResolutionUnit=None");
    test::save(at("exif.jpg"), jpeg(jfif(0, 1, 1)));
    tag("exif.jpg", "-EXIF:" + numbers + " -EXIF:ResolutionUnit=None");
    const std::vector<std::string> sources{"a.jpg", "a.png", "a.tif", "exif.jpg"};
    convert(sources);
    auto found = results();
    for (const std::string& source : sources) {
      for (const std::string& format : kWritten) {
        const std::string expected =
            fmt::format("300 {} {}", y, format == "png" ? "Unknown" : "None");
        const std::string got = found[source + "." + format];
        EXPECT_TRUE(got.starts_with(expected)) << source << " to " << format << ": " << got;
        EXPECT_EQ(got.find("inches"), std::string::npos) << source << " to " << format;
        EXPECT_EQ(fate(source, result(source, format)), "kept") << source << " to " << format;
      }
      write(at("a.exr"), read(at(source)));
      EXPECT_EQ(read(at("a.exr")).metadata.x_pixels_per_mm, 0) << source;
    }
  }
}

TEST_F(Resolution, WhatLooksFilledInIsKept) {
  using namespace std::string_view_literals;
  test::save(at("a.png"), png("\0\0\x0b\x12\0\0\x0b\x12\1"sv));  // 2834 to a metre: 72 dpi
  test::save(at("a.tif"), tiff());
  tag("a.tif", "-XResolution=25.4 -YResolution=25.4 -ResolutionUnit=inches");
  convert({"a.png", "a.tif"});
  auto found = results();
  EXPECT_EQ(found["a.png.png"], "2834 2834 meters");
  EXPECT_EQ(found["a.png.jpg"], "28 28 cm");
  EXPECT_EQ(found["a.tif.png"], "1000 1000 meters");
  EXPECT_NEAR(read(at("results/a.tif.tif")).metadata.x_pixels_per_mm, 1, 1e-6);
}

TEST_F(Resolution, ALengthGoesBeforeARatio) {
  test::save(at("a.jpg"), jpeg(jfif(1, 300, 300)));
  tag("a.jpg", "-EXIF:XResolution=2 -EXIF:YResolution=1 -EXIF:ResolutionUnit=None");
  convert({"a.jpg"});
  EXPECT_EQ(results()["a.jpg.tif"], "300 300 inches");
  // Of two lengths that of EXIF counts.
  tag("a.jpg", "-EXIF:XResolution=100 -EXIF:YResolution=100 -EXIF:ResolutionUnit=cm");
  convert({"a.jpg"});
  EXPECT_EQ(results()["a.jpg.tif"], "254 254 inches");
}

TEST_F(Resolution, AWebPHasItInItsExif) {
  test::save(at("a.jpg"), jpeg(jfif(1, 300, 150)));
  convert({"a.jpg"});
  EXPECT_EQ(results()["a.jpg.webp"], "300 150 inches");
  EXPECT_EQ(fate("a.jpg", "results/a.jpg.webp"), "kept");
  EXPECT_EQ(test::exiftool("-s -s -EXIF:all '" + at("results/a.jpg.webp") + "'"),
            "XResolution: 300\nYResolution: 150\nResolutionUnit: inches\n");
  // Beside what is in the block already, which stays as it is.
  tag("a.jpg",
      "-ImageDescription=words -Artist=Anna -ExposureTime=1/60 -GPSLatitude=45.5 "
      "-GPSLatitudeRef=N -EXIF:XResolution= -EXIF:YResolution= -EXIF:ResolutionUnit=");
  const std::string tags =
      " -s -ImageDescription -Artist -ExposureTime -GPSLatitude -GPSLatitudeRef '";
  const std::string before = test::exiftool(tags + at("a.jpg") + "'");
  ASSERT_NE(before.find("GPSLatitudeRef"), std::string::npos);
  convert({"a.jpg"});
  EXPECT_EQ(results()["a.jpg.webp"], "300 150 inches");
  EXPECT_EQ(test::exiftool(tags + at("results/a.jpg.webp") + "'"), before);
  EXPECT_EQ(test::exiftool("-validate -warning -a '" + at("results/a.jpg.webp") + "'").find("IFD"),
            std::string::npos);
}

TEST_F(Resolution, OneThatAppearsIsAChange) {
  test::save(at("a.tif"), tiff());
  test::save(at("b.tif"), tiff());
  tag("b.tif", "-XResolution=300 -YResolution=300 -ResolutionUnit=inches");
  EXPECT_EQ(fate("a.tif", "b.tif"), "changed");
  EXPECT_EQ(fate("b.tif", "a.tif"), "lost");
  tag("a.tif", "-XResolution=300 -YResolution=150 -ResolutionUnit=None");
  tag("b.tif", "-XResolution=300 -YResolution=150 -ResolutionUnit=inches");
  EXPECT_EQ(fate("a.tif", "b.tif"), "changed");
}

class FromImageMagick : public testing::Test {
 protected:
  void SetUp() override {
    if (!chiaro::test::has_imagemagick()) GTEST_SKIP() << "needs ImageMagick";
  }
  /// False where `convert` cannot.
  bool make(const std::string& name, const std::string& how) const {
    test::save(folder_ / "in.png", test::make_png({64, 64, 8, 2, Bytes(64 * 64 * 3, 90)}));
    return std::system(("convert '" + std::string(folder_ / "in.png") + "' " + how + " '" +
                        std::string(folder_ / name) + "' 2> /dev/null")
                           .c_str()) == 0;
  }
  std::vector<std::string> lost(const std::string& name) const {
    write(folder_ / "out.tif", read(folder_ / name));
    std::vector<std::string> names;
    for (const Trait& one :
         compare_files(read_file(folder_ / name), read_file(folder_ / "out.tif"))) {
      if (one.fate == Fate::Lost) names.push_back(one.name);
    }
    return names;
  }
  chiaro::test::TemporaryFolder folder_;
};

TEST_F(FromImageMagick, SizesOfAJpeg2000AreNoFurtherPictures) {
  if (!make("a.jp2", "")) GTEST_SKIP() << "needs ImageMagick with JPEG 2000";
  const chiaro::test::LogCapture log;
  EXPECT_EQ(lost("a.jp2"), std::vector<std::string>{});
  EXPECT_EQ(log.text(), "");
}

TEST_F(FromImageMagick, LabHasNoTransparency) {
  for (const char* depth : {"8", "16"}) {
    ASSERT_TRUE(make("a.tif", std::string("-colorspace Lab -depth ") + depth));
    EXPECT_EQ(lost("a.tif"), std::vector<std::string>{}) << depth;
  }
}

}  // namespace
}  // namespace chiaro::image::resolution_test
