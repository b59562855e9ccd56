// What a PNG says behind its pixels, in digits, and of the meaning of its samples.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "chiaro/base/files.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/fidelity.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/strips.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/imagemagick.h"
#include "tests/support/log_capture.h"
#include "tests/support/profiles.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::png_metadata_test {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

const std::string kXmp = "<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>";
const std::string kRecords = "\x1c\2\x19\0\4tree"s;  // a keyword

/// Orientation 6 and the artist Ann.
std::string exif_block() {
  return "MM\0\x2a\0\0\0\x08\0\2"
         "\1\x12\0\3\0\0\0\1\0\6\0\0"
         "\1\x3b\0\2\0\0\0\4"
         "Ann\0\0\0\0\0"s;
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string result(size, '\0');
  compress(reinterpret_cast<Bytef*>(result.data()), &size,
           reinterpret_cast<const Bytef*>(text.data()), text.size());
  result.resize(size);
  return result;
}

struct Chunk {
  std::string type;
  std::string body;
};

/// As ImageMagick writes digits.
Chunk digits(const std::string& type, const std::string& name, const std::string& block) {
  std::string text = fmt::format("\n{}\n{:8}", name, block.size());
  for (std::size_t i = 0; i < block.size(); ++i)
    text += fmt::format("{}{:02x}", i % 36 == 0 ? "\n" : "", static_cast<unsigned char>(block[i]));
  text += '\n';
  const std::string key = "Raw profile type " + name + '\0';
  return {type, type == "tEXt" ? key + text : key + '\0' + deflated(text)};
}

/// A PNG of 12 x 8 pixels with chunks behind its header, or behind its pixels.
test::Bytes png_with(const std::vector<Chunk>& chunks, bool behind) {
  test::Bytes png = test::make_png(
      {.width = 12, .height = 8, .bits = 8, .colour = 2, .rows = test::Bytes(12 * 8 * 3, 77)});
  test::Bytes more;
  for (const Chunk& chunk : chunks) {
    test::Bytes body;
    test::put(body, chunk.body);
    test::put_png_chunk(more, chunk.type, body);
  }
  png.insert(behind ? png.end() - 12 : png.begin() + 33, more.begin(), more.end());
  return png;
}

Image decoded(const test::Bytes& file) {
  return decode(std::as_bytes(std::span(file)), "memory");
}

std::size_t place_of(const test::Bytes& file, const std::string& word) {
  return std::string_view(reinterpret_cast<const char*>(file.data()), file.size()).find(word);
}

TEST(PngMetadata, WhatImageMagickWritesIsKept) {
  if (!test::has_exiftool() || !chiaro::test::has_imagemagick())
    GTEST_SKIP() << "needs exiftool and ImageMagick";
  const chiaro::test::TemporaryFolder folder;
  const std::string jpeg = folder / "source.jpg";
  const std::string png = folder / "source.png";
  write(jpeg, test::numbered(3, 8, 12, 255));
  test::exiftool(
      "-q -overwrite_original -Orientation#=6 -Artist=Anna -Make=Maker -GPSLatitude=45.5 "
      "-GPSLatitudeRef=N -DateTimeOriginal='2020:01:02 03:04:05' -XMP:Title=Titel "
      "-IPTC:Keywords=key -IPTC:City=Bern '" +
      jpeg + "'");
  ASSERT_EQ(std::system(("convert '" + jpeg + "' '" + png + "'").c_str()), 0);
  const test::Bytes file = test::load(png);
  if (place_of(file, "eXIf") == std::string::npos ||
      place_of(file, "Raw profile type 8bim") > file.size())
    GTEST_SKIP() << "needs an ImageMagick that writes eXIf and digits";
  const Image once = read(png);
  EXPECT_EQ(once.width(), 8);
  EXPECT_EQ(probe(png).width, 8);
  EXPECT_EQ(decoded(file).metadata.exif, once.metadata.exif);
  StripReader strips(png);
  EXPECT_EQ(strips.frame().metadata.exif, once.metadata.exif);
  EXPECT_EQ(strips.frame().metadata.xmp, once.metadata.xmp);
  const std::string tags =
      "-s3 -n -Artist -Make -GPSLatitude -EXIF:DateTimeOriginal -XMP:Title -IPTC:Keywords "
      "-IPTC:City ";
  const std::string expected = test::exiftool(tags + "'" + jpeg + "'");
  ASSERT_EQ(std::ranges::count(expected, '\n'), 7) << expected;
  for (const char* name : {"result.png", "result.jpg", "result.tif"}) {
    const fs::path result = folder / name;
    write(result, once);
    EXPECT_EQ(test::exiftool(tags + "'" + result.string() + "'"), expected) << name;
    EXPECT_EQ(test::exiftool("-s3 -n -EXIF:Orientation '" + result.string() + "'"), "1\n") << name;
    bool turned = false;
    for (const Trait& trait : compare_files(read_file(png), read_file(result))) {
      turned = turned || trait.name == "orientation";
      const bool known = trait.fate == Fate::Kept || trait.name == "resolution" ||
                         (trait.name.starts_with("PNG text") && result.extension() != ".png");
      EXPECT_TRUE(known) << name << ": " << fate_name(trait.fate) << ' ' << trait.name;
    }
    EXPECT_TRUE(turned) << name;
  }
}

TEST(PngMetadata, BlocksAreFoundWhereverTheyStand) {
  const std::string exif = exif_block();
  const std::string prefixed = "Exif\0\0"s + exif;
  const std::string app_xmp = "http://ns.adobe.com/xap/1.0/\0"s + kXmp;
  const std::string resources = "8BIM\4\4\0\0\0\0\0\x09"s + kRecords + '\0';
  const std::string itxt = "XML:com.adobe.xmp\0"s;
  const auto wrapped = wrap_iptc(std::vector<std::uint8_t>(kRecords.begin(), kRecords.end()));
  for (const bool behind : {false, true}) {
    for (const Chunk& chunk : {Chunk{"eXIf", exif}, digits("tEXt", "exif", prefixed),
                               digits("zTXt", "exif", exif), digits("zTXt", "APP1", prefixed)}) {
      const Image picture = decoded(png_with({chunk}, behind));
      SCOPED_TRACE(chunk.body.substr(0, 21) + (behind ? " behind" : " before"));
      EXPECT_EQ(picture.width(), 8);
      std::string upright = exif;
      upright[19] = '\1';
      EXPECT_EQ(text_of(picture.metadata.exif), upright);
      EXPECT_TRUE(picture.metadata.texts.empty());
    }
    for (const Chunk& chunk : {Chunk{"iTXt", itxt + "\0\0\0\0"s + kXmp},
                               Chunk{"iTXt", itxt + "\1\0\0\0"s + deflated(kXmp)},
                               digits("zTXt", "xmp", kXmp), digits("tEXt", "APP1", app_xmp)}) {
      const Image picture = decoded(png_with({chunk}, behind));
      EXPECT_EQ(text_of(picture.metadata.xmp), kXmp) << chunk.body.substr(0, 21) << behind;
      EXPECT_TRUE(picture.metadata.texts.empty());
    }
    const Chunk records = digits("zTXt", "iptc", kRecords);
    const Chunk all = digits("zTXt", "8bim", resources);
    for (const auto& chunks :
         {std::vector{records}, std::vector{all}, std::vector{all, records},
          std::vector{records, all}, std::vector{digits("tEXt", "iptc", resources)}}) {
      const Image picture = decoded(png_with(chunks, behind));
      EXPECT_EQ(picture.metadata.iptc, wrapped) << chunks[0].body.substr(0, 21) << behind;
      EXPECT_TRUE(picture.metadata.texts.empty());
    }
    // Resources without records, and records beside them.
    const std::string paths = "8BIM\x07\xd0\0\0\0\0\0\2hi"s;
    const auto both = decoded(png_with({digits("zTXt", "8bim", paths), records}, behind));
    EXPECT_EQ(text_of(unwrap_iptc(both.metadata.iptc)), kRecords);
    EXPECT_NE(text_of(both.metadata.iptc).find(paths), std::string::npos);
  }
}

TEST(PngMetadata, TheChunkCountsAndNotItsCopyInDigits) {
  std::string other = exif_block();
  other.replace(other.find("Ann"), 3, "Bob");
  for (const bool behind : {false, true}) {
    const Image picture =
        decoded(png_with({digits("zTXt", "exif", other), Chunk{"eXIf", exif_block()}}, behind));
    EXPECT_NE(text_of(picture.metadata.exif).find("Ann"), std::string::npos) << behind;
  }
}

TEST(PngMetadata, DigitsThatCannotBeReadStayWords) {
  const Chunk sound = digits("tEXt", "xmp", kXmp);
  Chunk cut = sound;
  cut.body.resize(cut.body.size() - 10);
  Chunk wrong = sound;
  wrong.body[wrong.body.size() - 3] = 'x';
  Chunk endless = digits("zTXt", "xmp", std::string(1000, 'x'));
  endless.body = "Raw profile type xmp\0\0"s + deflated(std::string(std::size_t{20} << 20, ' '));
  for (const Chunk& chunk : {cut, wrong, endless, digits("zTXt", "app12", "Ducky")}) {
    for (const bool behind : {false, true}) {
      const Image picture = decoded(png_with({chunk}, behind));
      EXPECT_TRUE(picture.metadata.xmp.empty());
      ASSERT_EQ(picture.metadata.texts.size(), 1U);
      EXPECT_EQ(text_of(picture.metadata.texts[0].body), chunk.body);
      const auto again = encode(picture, {.format = "png"});
      EXPECT_EQ(text_of(decode(again, "again").metadata.texts.at(0).body), chunk.body);
    }
  }
}

TEST(PngMetadata, WhatIsInflatedHasABoundForAllTogether) {
  // Each is allowed alone.
  const std::string spaces(std::size_t{9} << 20, ' ');
  const Chunk large{"zTXt", "Raw profile type exif\0\0"s + deflated(spaces)};
  const Chunk xmp = digits("zTXt", "xmp", kXmp);
  const Image one = decoded(png_with({large, xmp}, true));
  EXPECT_EQ(text_of(one.metadata.xmp), kXmp);
  const Image two = decoded(png_with({large, large, xmp}, true));
  EXPECT_TRUE(two.metadata.xmp.empty());
  EXPECT_EQ(two.metadata.texts.size(), 3U);
}

/// Gamma 1, and primaries that are not those of sRGB.
const Chunk kGamma{"gAMA", "\0\1\x86\xa0"s};
const Chunk kPrimaries{"cHRM",
                       "\0\0\x7a\x26\0\0\x80\x84\0\1\0\0\0\0\x80\xe8"
                       "\0\0\x75\x30\0\0\xea\x60\0\0\x3a\x98\0\0\x17\x70"s};

TEST(PngMetadata, GammaAndPrimariesStayWithTheirSamples) {
  const chiaro::test::TemporaryFolder folder;
  const Chunk later{"gAMA", "\0\0\x10\0"s};  // one chunk of a kind counts
  const test::Bytes file = png_with({kGamma, kPrimaries, later}, false);
  test::save(folder / "source.png", file);
  const Image picture = read(folder / "source.png");
  write(folder / "whole.png", picture);
  write(folder / "bare.png", picture, {.strip_metadata = true});
  StripReader strips(folder / "source.png");
  write_strips(folder / "strips.png", strips.frame(), {}, [&] { return strips.next(3); });
  for (const char* name : {"whole.png", "bare.png", "strips.png"}) {
    const test::Bytes result = test::load(folder / name);
    for (const Chunk& chunk : {kGamma, kPrimaries}) {
      test::Bytes expected;
      test::Bytes body;
      test::put(body, chunk.body);
      test::put_png_chunk(expected, chunk.type, body);
      const std::size_t at = place_of(result, text_of(expected));
      EXPECT_LT(at, place_of(result, "IDAT")) << name << ' ' << chunk.type;
    }
    EXPECT_EQ(place_of(result, later.type + later.body), std::string::npos) << name;
    const Image back = read(folder / name);
    EXPECT_TRUE(std::ranges::equal(back.pixels(), picture.pixels())) << name;
    for (const Trait& trait :
         compare_files(read_file(folder / "source.png"), read_file(folder / name)))
      EXPECT_EQ(trait.fate, Fate::Kept) << name << ' ' << trait.name;
  }
}

/// The types of what stands in a file beside its pixels, in the order there.
std::vector<std::string> chunk_types(const std::vector<std::byte>& file) {
  const auto number = [&](std::size_t at) { return std::to_integer<std::size_t>(file[at]); };
  std::vector<std::string> types;
  for (std::size_t at = 8; at + 12 <= file.size();) {
    types.emplace_back(reinterpret_cast<const char*>(file.data()) + at + 4, 4);
    at += 12 + (number(at + 1) << 16 | number(at + 2) << 8 | number(at + 3));
  }
  return types;
}

std::vector<std::string> not_kept(const test::Bytes& before, const std::vector<std::byte>& after) {
  std::vector<std::string> names;
  for (const Trait& trait : compare_files(std::as_bytes(std::span(before)), after))
    if (trait.fate != Fate::Kept) names.push_back(trait.name);
  return names;
}

TEST(PngMetadata, ChunksThatMayBeCopiedGoAlong) {
  const Chunk before{"vpAg", "\0\0\0\x20\0\0\0\x20\0"s};
  const Chunk empty{"prVt", ""};
  const Chunk unsafe{"prVT", "of these pixels"};
  const Chunk behind{"teSt", "Comment\0no comment"s};
  for (const bool late : {false, true}) {
    const test::Bytes file = png_with({before, empty, unsafe, behind}, late);
    const Image picture = decoded(file);
    const auto result = encode(picture, {.format = "png"});
    const auto types = chunk_types(result);
    const auto pixels = std::ranges::find(types, "IDAT");
    for (const Chunk& chunk : {before, empty, behind}) {
      EXPECT_EQ(std::ranges::count(types, chunk.type), 1) << chunk.type << late;
      EXPECT_EQ(std::ranges::find(types, chunk.type) > pixels, late) << chunk.type;
    }
    EXPECT_EQ(types.back(), "IEND");
    const chiaro::test::TemporaryFolder folder;
    write_strips(folder / "strips.png", frame_of(picture), {}, [&] { return picture; });
    const auto in_strips = test::load(folder / "strips.png");
    const auto strip_bytes = std::as_bytes(std::span(in_strips));
    EXPECT_EQ(chunk_types({strip_bytes.begin(), strip_bytes.end()}), types);
    EXPECT_EQ(not_kept(file, result), std::vector<std::string>{"PNG chunk prVT"});
    EXPECT_TRUE(std::ranges::equal(decode(result, "result").pixels(), picture.pixels()));
    const auto bare = chunk_types(encode(picture, {.format = "png", .strip_metadata = true}));
    EXPECT_EQ(std::ranges::find(bare, "vpAg"), bare.end());
    const auto jpeg = encode(picture, {.format = "jpeg"});
    const auto lost = not_kept(file, jpeg);
    EXPECT_NE(std::ranges::find(lost, "PNG chunk teSt"), lost.end());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(jpeg.data()), jpeg.size()).find("no comm"),
              std::string::npos);
  }
}

// Each takes twelve bytes of the file, and ten times that to be held.
TEST(PngMetadata, BlocksWithoutContentAreBounded) {
  const std::vector<Chunk> many(200'000, Chunk{"prVt", ""});
  chiaro::test::LogCapture log;
  const Image picture = decoded(png_with(many, true));
  EXPECT_GT(picture.metadata.further_chunks.chunks.size(), 100'000U);
  EXPECT_LT(picture.metadata.further_chunks.chunks.size(), 150'000U);
  EXPECT_NE(log.text().find("further chunks beyond 16 MiB are left out"), std::string::npos)
      << log.text();
}

TEST(PngMetadata, OfWhatIsLargeNothingElseSuffers) {
  const Chunk large{"prVt", std::string(std::size_t{17} << 20, 'x')};
  const test::Bytes file = png_with({large, {"prVt", "small"}, {"tEXt", "Comment\0here"s}}, true);
  EXPECT_EQ(not_kept(file, encode(decoded(file), {.format = "png"})),
            std::vector<std::string>{"PNG chunk prVt"});  // the large one's share of it
}

// A JPEG's inventory has them behind one another as well.
TEST(PngMetadata, OfSeveralCommentsEachCounts) {
  const test::Bytes file = png_with({{"tEXt", "Comment\0one"s}, {"tEXt", "Comment\0two"s}}, false);
  const Image picture = decoded(file);
  for (const std::string format : {"png", "jpeg"})
    EXPECT_EQ(not_kept(file, encode(picture, {.format = format})), std::vector<std::string>());
  const test::Bytes one = png_with({{"tEXt", "Comment\0two"s}}, false);
  EXPECT_EQ(not_kept(file, encode(decoded(one), {.format = "png"})),
            std::vector<std::string>{"comment"});
}

TEST(PngMetadata, DamagedChunksGetNoNewSum) {
  test::Bytes file = png_with({{"prVt", "abcdef"}}, false);
  const std::string name = "abcdef";
  *std::ranges::search(file, name).begin() ^= 1;
  chiaro::test::LogCapture log;
  EXPECT_TRUE(decoded(file).metadata.further_chunks.chunks.empty());
  EXPECT_NE(log.text().find("damaged further chunks are left out: 1 of them"), std::string::npos)
      << log.text();
}

TEST(PngMetadata, ChunksThatMaySpeakOfPixelsStayWithTheirSize) {
  const Chunk vpag{"vpAg", "\0\0\0\x20\0\0\0\x20\0"s};
  const Image picture = decoded(png_with({vpag}, false));
  const auto types = [](const Image& whole) {
    return chunk_types(encode(whole, {.format = "png"}));
  };
  const auto has = [](const std::vector<std::string>& all) {
    return std::ranges::count(all, "vpAg");
  };
  EXPECT_EQ(has(types(picture)), 1);
  EXPECT_EQ(has(types(crop(picture, 0, 0, 8, 6))), 0);
  // exif_block says that the picture is to be turned: what was at the left is then elsewhere.
  EXPECT_EQ(has(types(decoded(png_with({vpag, {"eXIf", exif_block()}}, false)))), 0);
}

TEST(PngMetadata, CodingIndependentColoursStayWithTheirSamples) {
  const Chunk coded{"cICP", "\x09\x10\0\1"s};  // BT.2100 PQ
  const Chunk mastering{"mDCV", std::string(24, '\1')};
  const Chunk level{"cLLI", std::string(8, '\2')};
  const Chunk srgb{"sRGB", "\0"s};
  const Chunk drafted{"mDCv", std::string(24, '\1')};  // as the draft spelled them
  const Chunk drafted_level{"cLLi", std::string(8, '\2')};
  const test::Bytes draft = png_with({coded, drafted, drafted_level}, false);
  const auto again = encode(decoded(draft), {.format = "png"});
  EXPECT_EQ(not_kept(draft, again), std::vector<std::string>());
  for (const char* type : {"mDCv", "cLLi"})
    EXPECT_EQ(std::ranges::count(chunk_types(again), type), 1) << type;
  const test::Bytes file = png_with({coded, mastering, level, srgb}, false);
  Image picture = decoded(file);
  for (const bool strip : {false, true}) {
    const auto result = encode(picture, {.format = "png", .strip_metadata = strip});
    EXPECT_EQ(not_kept(file, result), std::vector<std::string>()) << strip;
    const auto types = chunk_types(result);
    EXPECT_LT(std::ranges::find(types, "cICP"), std::ranges::find(types, "IDAT"));
  }
  chiaro::test::LogCapture log;
  encode(picture, {.format = "tiff"});
  EXPECT_NE(log.text().find("which tiff has no place for"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("no place for mDCV and cLLI"), std::string::npos) << log.text();
  {
    const chiaro::test::LogCapture plain;
    const Chunk as_srgb{"cICP", "\1\x0d\0\1"s};
    const Chunk gamma{"gAMA", "\0\0\xb1\x8f"s};
    const test::Bytes said = png_with({as_srgb, gamma}, false);
    EXPECT_EQ(not_kept(said, encode(decoded(said), {.format = "tiff"})),
              std::vector<std::string>());
    EXPECT_EQ(plain.text(), "");
  }
  encode(picture, {.format = "png"});
  const test::Bytes odd = png_with({Chunk{"cICP", "\x09\x10\0"s}}, false);  // too short
  EXPECT_EQ(not_kept(odd, encode(decoded(odd), {.format = "png"})),
            std::vector<std::string>{"PNG chunk cICP"});
  // A profile that stays rules; one that goes takes the samples to sRGB, of which cICP is not true.
  picture.metadata.icc = chiaro::test::display_p3();
  const auto kept = chunk_types(encode(picture, {.format = "png"}));
  EXPECT_NE(std::ranges::find(kept, "iCCP"), kept.end());
  EXPECT_NE(std::ranges::find(kept, "cICP"), kept.end());
  const auto gone = chunk_types(encode(picture, {.format = "png", .strip_metadata = true}));
  EXPECT_EQ(std::ranges::find(gone, "iCCP"), gone.end());
  EXPECT_EQ(std::ranges::find(gone, "cICP"), gone.end());
}

TEST(PngMetadata, AProfileOverrulesGamma) {
  const Image picture = decoded(png_with({Chunk{"sRGB", "\0"s}, kGamma}, false));
  const auto result = encode(picture, {.format = "png"});
  const std::string_view text(reinterpret_cast<const char*>(result.data()), result.size());
  EXPECT_EQ(text.find("gAMA"), std::string_view::npos);
  const test::Bytes file = png_with({Chunk{"sRGB", "\0"s}, kGamma}, false);
  for (const Trait& trait : compare_files(std::as_bytes(std::span(file)), result))
    EXPECT_NE(trait.name, "PNG gamma");
}

TEST(PngMetadata, AFormatWithoutAPlaceForGammaSaysSo) {
  const auto said = [](const std::vector<Chunk>& chunks, const WriteOptions& options) {
    const Image picture = decoded(png_with(chunks, false));
    chiaro::test::LogCapture log;
    encode(picture, options);
    return log.text();
  };
  const Chunk usual{"gAMA", "\0\0\xb1\x8f"s};
  for (const char* format : {"jpeg", "tiff", "webp", "ppm", "exr"}) {
    for (const Chunk& chunk : {kGamma, kPrimaries}) {
      EXPECT_NE(said({chunk}, {.format = format}).find(std::string(format) + " has no place for"),
                std::string::npos)
          << format;
    }
    EXPECT_EQ(said({usual}, {.format = format}), "") << format;
    EXPECT_EQ(said({kGamma}, {.format = format, .say_losses = false}), "") << format;
  }
  EXPECT_EQ(said({kGamma}, {.format = "png"}), "");
  const test::Bytes file = png_with({kPrimaries}, false);
  const auto jpeg = encode(decoded(file), {.format = "jpeg"});
  const auto traits = compare_files(std::as_bytes(std::span(file)), jpeg);
  const auto lost = std::ranges::find(traits, "PNG primaries", &Trait::name);
  ASSERT_NE(lost, traits.end());
  EXPECT_EQ(lost->fate, Fate::Lost);
}

}  // namespace
}  // namespace chiaro::image::png_metadata_test
