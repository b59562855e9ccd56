#include "chiaro/image/fidelity.h"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/inventory.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/imagemagick.h"
#include "tests/support/log_capture.h"
#include "tests/support/profiles.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::fidelity_test {
namespace {

namespace fs = std::filesystem;
using Fates = std::map<std::string, Fate>;

const std::string kTags =
    "-EXIF:Artist=Anna -EXIF:Make=Maker -EXIF:Copyright=mine -GPSLatitude=45.5 -GPSLatitudeRef=N "
    "-ExposureTime=1/250 -UserComment=hello -XMP:Title=Title -XMP:Rating=4 -IPTC:Keywords=key "
    "-IPTC:Headline=head -XResolution=300 -YResolution=300 -ResolutionUnit=inches";

Fates fates(const fs::path& before, const fs::path& after) {
  Fates result;
  for (const Trait& trait : compare_files(read_file(before), read_file(after)))
    result[trait.name] = trait.fate;
  return result;
}

std::vector<std::string> not_kept(const Fates& fates) {
  std::vector<std::string> names;
  for (const auto& [name, fate] : fates)
    if (fate != Fate::Kept) names.push_back(std::string(fate_name(fate)) + " " + name);
  return names;
}

class Fidelity : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_exiftool()) GTEST_SKIP() << "needs exiftool";
  }
  std::string at(const std::string& name) const { return folder_ / name; }
  void tag(const std::string& name, const std::string& tags) const {
    test::exiftool("-q -overwrite_original " + tags + " '" + at(name) + "'");
  }
  chiaro::test::TemporaryFolder folder_;
};

TEST_F(Fidelity, WhatExifToolWroteIsSeenAndKept) {
  const Image picture = test::numbered(3, 8, 12, 255);
  const std::vector<std::string> formats{"jpg", "png", "tif", "webp"};
  for (const std::string& format : formats) {
    write(at("source." + format), picture);
    tag("source." + format, kTags);
  }
  for (const std::string& from : formats) {
    const Image once = read(at("source." + from));
    for (const std::string& to : formats) {
      write(at("result." + to), once);
      const Fates found = fates(at("source." + from), at("result." + to));
      for (const char* name : {"EXIF Artist", "EXIF ExposureTime", "EXIF GPSLatitude", "XMP"})
        EXPECT_TRUE(found.contains(name)) << from << " lacks " << name;
      EXPECT_EQ(found.contains("IPTC Keywords"), from != "webp") << from;
      // WebP has no place for IPTC.
      std::vector<std::string> expected;
      if (to == "webp" && from != "webp") expected = {"lost IPTC Headline", "lost IPTC Keywords"};
      const auto lost = not_kept(found);
      for (const std::string& name : lost) {
        const bool known = to == "webp" && name.find("IPTC") != std::string::npos;
        EXPECT_TRUE(known) << from << " to " << to << ": " << name;
      }
      for (const std::string& name : expected)
        EXPECT_NE(std::ranges::find(lost, name), lost.end()) << from << " to " << to << name;
    }
  }
}

TEST_F(Fidelity, ATiffKeepsWhatItSaysOfItsColoursAndPlace) {
  write(at("source.tif"), test::numbered(3, 8, 12, 255));
  tag("source.tif",
      "-IFD0:WhitePoint='0.3457 0.3585' -IFD0:PrimaryChromaticities='0.64 0.33 0.21 0.71 0.15 "
      "0.06' -IFD0:XPosition=2 -IFD0:YPosition=3 -IFD0:ImageHistory=scanned");
  write(at("result.tif"), read(at("source.tif")));
  const Fates found = fates(at("source.tif"), at("result.tif"));
  for (const char* name : {"EXIF WhitePoint", "EXIF PrimaryChromaticities", "EXIF XPosition",
                           "EXIF YPosition", "EXIF ImageHistory"})
    EXPECT_TRUE(found.contains(name)) << name;
  EXPECT_EQ(not_kept(found), std::vector<std::string>());
  const std::string tags = "-s -s -s -WhitePoint -PrimaryChromaticities -YPosition ";
  EXPECT_EQ(test::exiftool(tags + at("result.tif")), test::exiftool(tags + at("source.tif")));
  write(at("bare.tif"), read(at("source.tif")), {.strip_metadata = true});
  const auto lost = not_kept(fates(at("source.tif"), at("bare.tif")));
  EXPECT_NE(std::ranges::find(lost, "lost EXIF WhitePoint"), lost.end());
}

TEST_F(Fidelity, ColoursThatWereConvertedAreNotStatedAnyMore) {
  const std::string other =
      "-IFD0:WhitePoint='0.3457 0.3585' -IFD0:PrimaryChromaticities='0.64 0.33 0.21 0.71 0.15 "
      "0.06'";
  const std::string of_srgb =
      "-IFD0:WhitePoint='0.3127 0.329' -IFD0:PrimaryChromaticities='0.64 0.33 0.3 0.6 0.15 0.06'";
  const std::string tags = "-s -s -s -WhitePoint -PrimaryChromaticities ";
  if (chiaro::test::has_imagemagick()) {
    const std::string lab = at("lab.tif");
    ASSERT_EQ(std::system(("convert -size 9x8 gradient:red-blue -colorspace Lab " + lab).c_str()),
              0);
    tag("lab.tif", other);
    ASSERT_NE(test::exiftool(tags + lab), "");
    write(at("of_lab.tif"), read(lab));
    EXPECT_EQ(test::exiftool(tags + at("of_lab.tif")), "");
  }
  write(at("plain.tif"), test::numbered(3, 8, 12, 255));
  tag("plain.tif", of_srgb);
  write(at("again.tif"), read(at("plain.tif")));
  EXPECT_EQ(test::exiftool(tags + at("again.tif")), test::exiftool(tags + at("plain.tif")));
  for (const std::string format : {"png", "ppm"}) {
    const chiaro::test::LogCapture log;
    write(at("plain." + format), read(at("plain.tif")));
    EXPECT_EQ(not_kept(fates(at("plain.tif"), at("plain." + format))), std::vector<std::string>());
    EXPECT_EQ(log.text(), "") << format;
  }
  EXPECT_EQ(test::exiftool("-EXIF:all " + at("plain.png")), "");
  // A profile that goes takes the samples to sRGB.
  Image picture = test::numbered(3, 8, 12, 255);
  picture.metadata.icc = chiaro::test::display_p3();
  write(at("wide.tif"), picture);
  tag("wide.tif", other);
  for (const bool stays : {false, true}) {
    write(at("of_wide.tif"), read(at("wide.tif")), {.restore_profile = stays});
    EXPECT_EQ(test::exiftool(tags + at("of_wide.tif")).empty(), !stays);
  }
}

// What ExifTool writes of IPTC are numbers of four bytes by type, and bytes by meaning.
TEST_F(Fidelity, IptcOfATiffIsKeptInEitherOrderOfBytes) {
  const std::string tags = "-s -s -s -IPTC:City -IPTC:Keywords -CopyrightFlag -URL ";
  write(at("plain.tif"), test::numbered(3, 8, 12, 255));
  for (const std::string order : {"II", "MM"}) {
    for (const bool resources : {false, true}) {
      const std::string file = order + (resources ? "_resources.tif" : ".tif");
      if (order == "MM" && !chiaro::test::has_imagemagick()) continue;
      if (order == "MM") {
        ASSERT_EQ(
            std::system(
                ("convert " + at("plain.tif") + " -define tiff:endian=msb " + at(file)).c_str()),
            0);
      } else {
        write(at(file), read(at("plain.tif")));
      }
      tag(file, "-IPTC:City=Ulm -IPTC:Keywords=tree -IPTC:Keywords=sky");
      if (resources) tag(file, "-Photoshop:CopyrightFlag=1 -Photoshop:URL=http://a.example");
      const std::string expected = test::exiftool(tags + at(file));
      ASSERT_NE(expected.find("Ulm"), std::string::npos) << expected;
      for (const std::string format : {"tif", "jpg"}) {
        const std::string result = at("of_" + file + "." + format);
        write(result, read(at(file)));
        EXPECT_EQ(test::exiftool(tags + result), expected) << file << " to " << format;
        EXPECT_EQ(test::exiftool("-q -warning -error " + result), "") << file << format;
        EXPECT_EQ(not_kept(fates(at(file), result)), std::vector<std::string>()) << file << format;
      }
    }
  }
}

// A program that knows only the tag for records changes those, and leaves Photoshop's copy as it
// is.
TEST_F(Fidelity, RecordsOfATiffGoBeforeTheirCopyAmongResources) {
  using namespace std::string_literals;
  const auto resource = [](char number, const std::string& body) {
    return "8BIM\x04"s + number + "\0\0\0\0"s + static_cast<char>(body.size() >> 8) +
           static_cast<char>(body.size()) + body;
  };
  const std::string old = "\x1c\2\x5a\0\3Old"s + "\x1c\2\x78\0\2to"s;
  const std::string url = resource('\x0b', "http://a.example");
  const std::string copied = resource('\4', old + "\0"s.substr(old.size() % 2 == 0 ? 1 : 0)) + url;
  Image picture = test::numbered(3, 8, 12, 255);
  const std::string block = "Photoshop 3.0\0"s + copied;
  picture.metadata.iptc.assign(block.begin(), block.end());
  write(at("source.tif"), picture);
  ASSERT_EQ(test::exiftool("-s -s -s -IPTC:City -URL " + at("source.tif")),
            "Old\nhttp://a.example\n");
  auto file = test::load(at("source.tif"));  // the records' own tag stands before the resources
  const std::string before = "Old";
  const auto place = std::ranges::search(file, before);
  std::ranges::copy("New"s, place.begin());
  ASSERT_FALSE(std::ranges::search(file, before).empty());
  test::save(at("source.tif"), file);
  picture = read(at("source.tif"));
  for (const std::string format : {"tif", "jpg", "png"}) {
    const std::string result = at("result." + format);
    write(result, picture);
    EXPECT_EQ(test::exiftool("-s -s -s -IPTC:City -URL " + result), "New\nhttp://a.example\n");
    EXPECT_EQ(not_kept(fates(at("source.tif"), result)), std::vector<std::string>()) << format;
  }
  // A JPEG has no room for many resources; the records fit.
  const std::string large = "8BIM\x07\xd0\0\0\0\1\x11\x70"s + std::string(70'000, 'p');
  picture.metadata.iptc.insert(picture.metadata.iptc.end(), large.begin(), large.end());
  chiaro::test::LogCapture log;
  write(at("large.jpg"), picture);
  EXPECT_EQ(test::exiftool("-s -s -s -IPTC:City " + at("large.jpg")), "New\n");
  EXPECT_NE(log.text().find("do not fit into a JPEG; left out, but for IPTC"), std::string::npos);
}

TEST_F(Fidelity, AFormatWithoutAPlaceSaysSo) {
  write(at("source.jpg"), test::numbered(3, 8, 12, 255));
  const auto said = [&](const std::string& format, bool say) {
    const Image picture = read(at("source.jpg"));
    chiaro::test::LogCapture log;
    encode(picture, {.format = format, .say_losses = say});
    return log.text();
  };
  for (const char* format : {"ppm", "exr", "hdr", "pfm", "webp", "png", "jpeg", "tiff"})
    EXPECT_EQ(said(format, true).find("no place"), std::string::npos) << format;
  tag("source.jpg", kTags + " -comment=mine");
  for (const char* format : {"ppm", "exr", "hdr", "pfm"}) {
    EXPECT_NE(said(format, true).find("no place for EXIF, XMP, IPTC, comments and texts; left out"),
              std::string::npos)
        << format << said(format, true);
    EXPECT_EQ(said(format, false).find("no place"), std::string::npos) << format;
  }
  EXPECT_NE(said("webp", true).find("webp has no place for IPTC, comments and texts"),
            std::string::npos);
  EXPECT_NE(said("tiff", true).find("tiff has no place for comments and texts"), std::string::npos);
  EXPECT_EQ(said("png", true), "");
  EXPECT_EQ(said("jpeg", true), "");
}

/// A TIFF with one folder of one entry: `count` fractions, the i-th (i + 1)/(i + 300).
std::vector<std::uint8_t> tiff_of_fractions(bool big_endian, std::uint32_t count) {
  std::vector<std::uint8_t> bytes{0, 0};
  std::ranges::fill(bytes, big_endian ? 'M' : 'I');
  const auto put = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int place = big_endian ? size - 1 - i : i;
      bytes.push_back(static_cast<std::uint8_t>(value >> (8 * place)));
    }
  };
  constexpr std::uint32_t kTag = 0x9abc;
  constexpr std::uint32_t kRational = 5;
  put(42, 2);
  put(8, 4);
  put(1, 2);
  put(kTag, 2);
  put(kRational, 2);
  put(count, 4);
  put(26, 4);
  put(0, 4);
  for (std::uint32_t i = 0; i < count; ++i) {
    put(i + 1, 4);
    put(i + 300, 4);
  }
  return bytes;
}

TEST(FidelityOfBlocks, TheOrderOfBytesDoesNotCount) {
  for (const std::uint32_t count : {3U, 20U}) {
    Inventory little;
    Inventory big;
    take_tiff_inventory(tiff_of_fractions(false, count), false, little);
    take_tiff_inventory(tiff_of_fractions(true, count), false, big);
    ASSERT_EQ(little.size(), 1U);
    EXPECT_EQ(little, big) << count;
    if (count == 3) {
      EXPECT_EQ(little.begin()->second, "1/300, 2/301, 3/302");
    }
  }
}

TEST_F(Fidelity, NumbersAreSaidAsPeopleReadThem) {
  const Image picture = test::numbered(3, 8, 12, 255);
  for (const char* order : {"II", "MM"}) {
    write(at("plain.jpg"), picture);
    fs::copy_file(at("plain.jpg"), at("source.jpg"), fs::copy_options::overwrite_existing);
    tag("source.jpg", std::string("-ExifByteOrder=") + order +
                          " -ISO=125 -ExposureTime=1/60 -GPSLatitude=45.5 "
                          "-ExposureCompensation=-1/3 -Artist=Anna");
    std::map<std::string, std::string> said;
    for (const Trait& trait :
         compare_files(read_file(at("source.jpg")), read_file(at("plain.jpg"))))
      said[trait.name] = trait.before;
    EXPECT_EQ(said["EXIF ISOSpeedRatings"], "125") << order;
    EXPECT_EQ(said["EXIF ExposureTime"], "1/60") << order;
    EXPECT_EQ(said["EXIF ExposureBiasValue"], "-1/3") << order;
    EXPECT_EQ(said["EXIF GPSLatitude"], "45/1, 30/1, 0/1") << order;
  }
}

TEST_F(Fidelity, AgreesWithExifToolAboutEveryPlantedLoss) {
  const Image picture = test::numbered(3, 8, 12, 255);
  write(at("source.jpg"), picture);
  tag("source.jpg", kTags);
  const std::vector<std::pair<std::string, std::string>> losses{
      {"-Artist=", "lost EXIF Artist"},
      {"-Artist=Otto", "changed EXIF Artist"},
      {"-XMP:all=", "lost XMP"},
      {"-XMP:Rating=3", "changed XMP"},
      {"-IPTC:Headline=", "lost IPTC Headline"},
      {"-IPTC:Keywords=other", "changed IPTC Keywords"},
      {"-XResolution=72 -YResolution=72", "changed resolution"},
      {"-UserComment=", "lost EXIF UserComment"}};
  for (const auto& [change, expected] : losses) {
    fs::copy_file(at("source.jpg"), at("copy.jpg"), fs::copy_options::overwrite_existing);
    EXPECT_TRUE(not_kept(fates(at("source.jpg"), at("copy.jpg"))).empty());
    tag("copy.jpg", change);
    EXPECT_EQ(not_kept(fates(at("source.jpg"), at("copy.jpg"))), std::vector<std::string>{expected})
        << change;
  }
}

TEST_F(Fidelity, ProfilesOfSeveralColourSpaces) {
  Image picture = test::numbered(3, 8, 12, 255);
  for (const char* name : {"p3", "srgb"}) {
    VipsBlob* blob = nullptr;
    read(fs::path(CHIARO_SOURCE_DIR) / "examples/photos/wine_dark.jpg");  // starts libvips
    ASSERT_EQ(vips_profile_load(name, &blob, nullptr), 0);
    std::size_t size = 0;
    const auto* bytes = static_cast<const std::uint8_t*>(vips_blob_get(blob, &size));
    picture.metadata.icc.assign(bytes, bytes + size);
    vips_area_unref(VIPS_AREA(blob));
    for (const std::string from : {"jpg", "tif"}) {
      write(at("source." + from), picture);
      for (const std::string to : {"jpg", "png", "tif", "webp"}) {
        const Image once = read(at("source." + from));
        write(at("result." + to), once);
        EXPECT_EQ(fates(at("source." + from), at("result." + to)).at("ICC profile"), Fate::Kept)
            << name << " " << from << " to " << to;
        write(at("bare." + to), once, {.restore_profile = false});
        EXPECT_EQ(fates(at("source." + from), at("bare." + to)).at("ICC profile"), Fate::Lost);
        if (from == "tif") continue;
        const auto named = [&](const std::string& file) {
          return test::exiftool("-ICC_Profile:ProfileDescription '" + at(file) + "'")
                     .find("Profile Description") != std::string::npos;
        };
        EXPECT_TRUE(named("result." + to)) << to;
        EXPECT_FALSE(named("bare." + to)) << to;
      }
    }
  }
}

TEST_F(Fidelity, DepthTransparencyColourAndOrientation) {
  Image deep = test::numbered(3, 6, 9, 65535);
  deep.sample_type = SampleType::U16;
  test::add_alpha(deep, 65535);
  write(at("deep.png"), deep);
  write(at("same.tif"), deep);
  EXPECT_TRUE(not_kept(fates(at("deep.png"), at("same.tif"))).empty());
  write(at("flat.jpg"), deep);
  EXPECT_EQ(not_kept(fates(at("deep.png"), at("flat.jpg"))),
            (std::vector<std::string>{"lost bits per sample", "lost transparency"}));
  write(at("grey.png"), Image(1, 6, 9, 0.5F));
  EXPECT_EQ(fates(at("deep.png"), at("grey.png")).at("colours"), Fate::Changed);

  for (int orientation = 1; orientation <= 8; ++orientation) {
    write(at("turned.jpg"), test::numbered(3, 6, 9, 255));
    tag("turned.jpg", "-n -IFD0:Orientation=" + std::to_string(orientation));
    write(at("upright.jpg"), read(at("turned.jpg")));
    EXPECT_TRUE(not_kept(fates(at("turned.jpg"), at("upright.jpg"))).empty()) << orientation;
    if (orientation == 1) continue;
    // A file that was written anew has to be upright; the very file is as good as it was.
    test::exiftool("-q -Artist=other -o '" + at("other.jpg") + "' '" + at("turned.jpg") + "'");
    EXPECT_EQ(fates(at("turned.jpg"), at("other.jpg")).at("orientation"), Fate::Lost);
    std::filesystem::remove(at("other.jpg"));
    EXPECT_EQ(fates(at("turned.jpg"), at("turned.jpg")).at("orientation"), Fate::Kept);
    write(at("unturned.jpg"), test::numbered(3, 6, 9, 255));
    EXPECT_EQ(fates(at("turned.jpg"), at("unturned.jpg")).at("orientation"),
              orientation < 5 ? Fate::Kept : Fate::Lost);
  }
}

TEST(FidelityOfBlocks, WhatTheReaderPassesOverIsSeen) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = test::numbered(3, 8, 12, 255);
  write(folder / "plain.jpg", picture);
  write(folder / "plain.png", picture);
  const auto jpeg = test::load(folder / "plain.jpg");
  const auto with_segment = [&](int marker, const std::string& body) {
    test::Bytes file(jpeg.begin(), jpeg.begin() + 2);
    test::put_big(file, 0xff00U + static_cast<unsigned>(marker), 2);
    test::put_big(file, static_cast<std::uint32_t>(body.size() + 2), 2);
    test::put(file, body);
    file.insert(file.end(), jpeg.begin() + 2, jpeg.end());
    test::save(folder / "source.jpg", file);
    return not_kept(fates(folder / "source.jpg", folder / "plain.jpg"));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(with_segment(0xfe, "a comment"), (Names{"lost comment"}));
  EXPECT_EQ(with_segment(0xe2, std::string("MPF\0MM", 6)),
            (Names{"lost further pictures (MPF: gain map, preview or depth)"}));
  EXPECT_EQ(with_segment(0xeb, std::string("JP\0\1", 4)),
            (Names{"lost content credentials (JUMBF)"}));
  EXPECT_EQ(with_segment(0xe7, std::string("MAKER\0x", 7)), (Names{"lost JPEG APP7 MAKER"}));
  EXPECT_EQ(with_segment(0xe1, "http://ns.adobe.com/xmp/extension/" + std::string(1, '\0') + "x"),
            (Names{"lost XMP extension"}));

  const auto png = test::load(folder / "plain.png");
  const auto with_chunk = [&](const std::string& type, const std::string& body) {
    test::Bytes file(png.begin(), png.begin() + 33);
    test::Bytes bytes;
    test::put(bytes, body);
    test::put_png_chunk(file, type, bytes);
    file.insert(file.end(), png.begin() + 33, png.end());
    test::save(folder / "source.png", file);
    return not_kept(fates(folder / "source.png", folder / "plain.png"));
  };
  EXPECT_EQ(with_chunk("tEXt", std::string("Title\0A title", 13)),
            (Names{"lost PNG text 'Title'"}));
  EXPECT_EQ(with_chunk("cICP", std::string("\x0c\x0d\0\1", 4)), (Names{"lost PNG chunk cICP"}));
  EXPECT_EQ(with_chunk("gAMA", std::string("\0\1\x86\xa0", 4)), (Names{"lost PNG gamma"}));
  EXPECT_TRUE(with_chunk("gAMA", std::string("\0\0\xb1\x8f", 4)).empty());
}

TEST(FidelityOfBlocks, DamagedFilesAreSurvived) {
  const chiaro::test::TemporaryFolder folder;
  Image picture = test::numbered(3, 8, 12, 255);
  picture.metadata.exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x3b, 1,   2,   0,   5, 0,
                           0,   0,   26, 0, 0, 0, 0, 0, 0, 0, 'A',  'n', 'n', 'a', 0};
  test::put(picture.metadata.xmp, "<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>");
  for (const char* format : {"a.jpg", "a.png", "a.tif", "a.webp"}) {
    write(folder / format, picture);
    const auto whole = test::load(folder / format);
    ASSERT_GE(take_inventory(whole).size(), 2U) << format;
    for (std::size_t size = 0; size < whole.size(); ++size)
      take_inventory(std::span(whole).first(size));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xff}) {
        auto damaged = whole;
        damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ change);
        take_inventory(damaged);
      }
    }
  }
  chiaro::test::expect_error(ErrorCode::Input, "not a picture", [] {
    const std::string text = "this is a letter";
    compare_files(std::as_bytes(std::span(text)), std::as_bytes(std::span(text)));
  });
}

}  // namespace
}  // namespace chiaro::image::fidelity_test
