// Files and targets as they should not be: each gives one sentence with the right code, and leaves
// nothing behind.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/encodable.h"
#include "chiaro/image/fidelity.h"
#include "chiaro/image/strips.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/nobody.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::bad_input_test {
namespace {

namespace fs = std::filesystem;
using chiaro::test::LogCapture;
using test::Bytes;
using test::save;

TEST(BadInput, NamesWhatIsNotAPicture) {
  const chiaro::test::TemporaryFolder folder;
  EXPECT_CHIARO_ERROR(read(folder / "missing.png"), Input, "missing.png");
  EXPECT_CHIARO_ERROR(read(folder.path()), Input, "is a folder");
  save(folder / "empty.png", {});
  EXPECT_CHIARO_ERROR(read(folder / "empty.png"), Input, "is empty");
  EXPECT_CHIARO_ERROR(decode({}, "nothing"), Input, "'nothing' is empty");
  const auto expect_type = [&](const char* content, const char* type) {
    Bytes bytes;
    test::put(bytes, content);
    save(folder / "a.png", bytes);
    EXPECT_CHIARO_ERROR(read(folder / "a.png"), Input, type);
    EXPECT_CHIARO_ERROR(read(folder / "a.png"), Input, "a.png");
    EXPECT_CHIARO_ERROR(probe(folder / "a.png"), Input, type);
  };
  expect_type("Dear diary, today", "plain text");
  expect_type("BMW drivers say", "plain text");
  expect_type("Perhaps", "plain text");
  expect_type("%PDF-1.7\n", "a PDF document");
  expect_type("PK\x03\x04zip", "a zip archive");
  expect_type(
      "\x7f"
      "ELF",
      "a program");
  expect_type("\x01\x02\x03\x04\x05", "unknown data that begins with 01 02 03 04");
}

TEST(BadInput, NamesWhatMayNotBeRead) {
  const chiaro::test::TemporaryFolder folder;
  save(folder / "secret.png", {1});
  fs::permissions(folder / "secret.png", fs::perms::none);
  fs::permissions(folder.path(), fs::perms::all);
  const chiaro::test::AsNobody nobody;
  if (!nobody.holds()) GTEST_SKIP() << "needs a user whom permissions stop";
  EXPECT_CHIARO_ERROR(read(folder / "secret.png"), Input, "ermission");
  EXPECT_CHIARO_ERROR(probe(folder / "secret.png"), Input, "ermission");
}

TEST(BadInput, APartOfAPngThatClaimsMoreThanTheFileHas) {
  auto png = encode(Image(3, 7, 13), {.format = "png"});
  // Behind the signature and IHDR: 8 + 4 + 4 + 13 + 4 bytes.
  for (const auto& [claim, refused] : {std::pair{0x78000000U, true}, {2U, false}}) {
    auto longer = png;
    std::vector<std::byte> chunk;
    for (int shift = 24; shift >= 0; shift -= 8)
      chunk.push_back(static_cast<std::byte>(claim >> shift & 0xFFU));
    for (const char letter : {'t', 'E', 'X', 't', 'A', '\0'})
      chunk.push_back(static_cast<std::byte>(letter));
    for (const int sum : {0x05, 0x41, 0xa0, 0xc8}) chunk.push_back(static_cast<std::byte>(sum));
    longer.insert(longer.begin() + 33, chunk.begin(), chunk.end());
    if (refused) {
      const chiaro::test::TemporaryFolder folder;
      write_file_atomically(folder / "a.png", longer);
      EXPECT_CHIARO_ERROR(decode(longer, "claims"), Input, "claims 2013265920 bytes");
      EXPECT_CHIARO_ERROR(probe(folder / "a.png"), Input, "at byte 33");
    } else {
      EXPECT_EQ(decode(longer, "sound").width(), 13);
    }
  }
}

TEST(BadInput, RefusesHugePicturesBeforeDecoding) {
  const std::uint32_t side = 60000;
  const Bytes png =
      test::make_png({.width = side, .height = side, .bits = 8, .colour = 2, .rows = {}});
  EXPECT_CHIARO_ERROR(decode(std::as_bytes(std::span(png)), "huge"), Input, "60000x60000");
  Bytes ppm;
  test::put(ppm, "P6 60000 60000 255\n");
  EXPECT_CHIARO_ERROR(decode(std::as_bytes(std::span(ppm)), "huge"), Input, "60000x60000");
  const Bytes tiff = test::make_tiff(
      {.width = side, .height = side, .bits = 8, .samples = 1, .photometric = 1, .data = {0}});
  EXPECT_CHIARO_ERROR(decode(std::as_bytes(std::span(tiff)), "huge"), Input, "huge");
  const auto small = encode(Image(1, 10, 10), {.format = "png"});
  EXPECT_CHIARO_ERROR(decode(small, "small", {.max_pixels = 99}), Input, "10x10");
  EXPECT_EQ(decode(small, "small", {.max_pixels = 100}).width(), 10);
  // What is large but allowed opens.
  const chiaro::test::TemporaryFolder folder;
  save(folder / "large.png",
       test::make_png({.width = 20000, .height = 20000, .bits = 1, .colour = 0, .rows = {}}));
  EXPECT_EQ(probe(folder / "large.png").width, 20000);
}

TEST(BadInput, TruncatedAnywhereIsAnError) {
  const Image picture = test::numbered(3, 40, 40, 255);
  for (const char* format : {"png", "jpeg", "webp", "tiff", "ppm", "pfm"}) {
    const auto whole = encode(picture, {.format = format});
    for (const double part : {0.05, 0.3, 0.5, 0.9}) {
      const auto length = static_cast<std::size_t>(part * static_cast<double>(whole.size()));
      EXPECT_CHIARO_ERROR(decode(std::span(whole).first(length), "cut.file"), Input, "cut.file");
    }
  }
}

TEST(BadInput, BitsThatAreMissingAreNotBlack) {
  Bytes pbm;
  test::put(pbm, "P4\n70 70\n");
  EXPECT_CHIARO_ERROR(decode(std::as_bytes(std::span(pbm)), "cut.pbm"), Input, "truncated");
  pbm.resize(pbm.size() + std::size_t{9} * 70);
  EXPECT_EQ(decode(std::as_bytes(std::span(pbm)), "whole.pbm").at(0, 69, 69), 1.0F);
}

TEST(BadInput, DamagedBytesNeverCrash) {
  Image picture = test::numbered(3, 16, 16, 255);
  test::put(picture.metadata.xmp, "<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>");
  std::uint32_t state = 1;
  const auto next = [&] { return (state = state * 1664525U + 1013904223U) >> 8; };
  int survived = 0;
  int refused = 0;
  const LogCapture quiet;
  for (const char* format : {"png", "jpeg", "webp", "tiff", "ppm", "pfm"}) {
    const auto whole = encode(picture, {.format = format});
    for (int round = 0; round < 60; ++round) {
      auto damaged = whole;
      for (int k = 0; k < 3; ++k) damaged[next() % damaged.size()] = static_cast<std::byte>(next());
      for (int k = 0; k < round % 3; ++k) damaged[next() % 64] = static_cast<std::byte>(next());
      try {
        decode(damaged, "damaged", {.max_pixels = 10'000});
        ++survived;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Input) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_GT(survived, 10);
}

TEST(BadInput, UnknownSamplesAreRefused) {
  const Bytes with_sign = test::make_tiff({.width = 2,
                                           .height = 1,
                                           .bits = 16,
                                           .samples = 1,
                                           .photometric = 1,
                                           .data = {1, 2, 3, 4},
                                           .sample_format = 2});
  EXPECT_CHIARO_ERROR(decode(std::as_bytes(std::span(with_sign)), "signed"), Input, "unsigned");
}

TEST(BadInput, OnlyTheFirstOfSeveralPicturesIsReadWithANote) {
  // Two frames of one pixel: white, then black.
  Bytes gif;
  test::put(gif, "GIF89a");
  for (const int byte : {1, 0, 1, 0, 0x80, 0, 0, 255, 255, 255, 0, 0, 0})
    gif.push_back(static_cast<std::uint8_t>(byte));
  for (const int code : {0x44, 0x4c}) {
    for (const int byte : {0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, code, 1, 0})
      gif.push_back(static_cast<std::uint8_t>(byte));
  }
  gif.push_back(0x3b);
  const LogCapture log;
  const Image picture = decode(std::as_bytes(std::span(gif)), "two.gif");
  EXPECT_EQ(picture.width(), 1);
  EXPECT_EQ(picture.at(0, 0, 0), 1.0F);
  EXPECT_NE(log.text().find("two.gif' holds 2 pictures"), std::string::npos) << log.text();
}

TEST(BadInput, InksAreNoted) {
  const Bytes file = test::make_tiff(
      {.width = 1, .height = 1, .bits = 8, .samples = 4, .photometric = 5, .data = {0, 0, 0, 0}});
  const LogCapture log;
  decode(std::as_bytes(std::span(file)), "inks.tif");
  EXPECT_NE(log.text().find("inks.tif' is CMYK"), std::string::npos) << log.text();
}

/// A file of the corpus for fuzzing.
std::vector<std::byte> from_corpus(const char* name) {
  return read_file(fs::path(CHIARO_SOURCE_DIR) / "tests/fuzz/corpus/picture" / name);
}

TEST(BadInput, MetadataThatEndTooSoonAreNoFault) {
  for (const char* name :
       {"xmp_ends_at_orientation.jpg", "xmp_extension_alone.jpg", "icc_without_method.png"}) {
    const auto file = from_corpus(name);
    const LogCapture quiet;
    EXPECT_EQ(decode(file, name).width(), 13) << name;
    EXPECT_NO_THROW((void)compare_files(file, file)) << name;
  }
}

/// An attribute of an OpenEXR header, behind its name, type and length.
std::span<std::byte> attribute(std::vector<std::byte>& exr, const std::string& name,
                               const std::string& type, std::size_t bytes) {
  const std::string head = name + '\0' + type + '\0';
  const auto found = std::ranges::search(exr, std::as_bytes(std::span(head)));
  return std::span(found.end(), exr.end()).subspan(4, bytes);
}

TEST(BadInput, PartsOfAnExrThatGiveTooFewPixelsAreRefused) {
  // OpenEXR would leave what stood in memory where pixels are missing.
  constexpr const char* kSays = "gives another number of pixels";
  auto tiled = from_corpus("tiled.exr");
  EXPECT_EQ(decode(tiled, "tiled.exr").width(), 24);
  attribute(tiled, "dataWindow", "box2i", 16)[8] = std::byte{24};  // one more pixel a row
  EXPECT_CHIARO_ERROR(decode(tiled, "tiles.exr"), Input, kSays);
  // An empty part, whatever the kind of packing.
  auto empty =
      read_file(fs::path(CHIARO_SOURCE_DIR) / "tests/fuzz/corpus/strips/tile_is_empty.exr");
  for (int packing = 0; packing < 10; ++packing) {
    attribute(empty, "compression", "compression", 1)[0] = static_cast<std::byte>(packing);
    EXPECT_CHIARO_ERROR(decode(empty, "empty.exr"), Input, kSays);
  }
  const auto rows = encode(Image(3, 1, 300, 0.5F), {.format = "exr"});
  EXPECT_EQ(decode(rows, "rows.exr").width(), 300);
  for (const int packing : {0, 1, 2, 3}) {  // none, RLE, ZIPS, ZIP, which it is
    auto changed = rows;
    attribute(changed, "compression", "compression", 1)[0] = static_cast<std::byte>(packing);
    // One more pixel a row; the other kinds of packing do not give 300 either.
    if (packing >= 2) attribute(changed, "dataWindow", "box2i", 16)[8] = std::byte{44};
    EXPECT_CHIARO_ERROR(decode(changed, "rows.exr"), Input, kSays);
  }
}

TEST(BadInput, AnExrTakesNoMemoryForWhatItOnlyClaims) {
  const std::int64_t before = peak_resident_bytes();
  const auto expect_refused = [](const std::vector<std::byte>& exr, const char* says) {
    EXPECT_CHIARO_ERROR(decode(exr, "claims.exr"), Input, says);
    EXPECT_CHIARO_ERROR(probe(exr, "claims.exr"), Input, says);
  };
  auto longer = from_corpus("tiled.exr");
  const auto type = attribute(longer, "type", "string", 4);
  *(type.data() - 1) = std::byte{0x60};  // of its length
  expect_refused(longer, "ends too early");
  const std::string texts("texts\0stringvector\0\x05\0\0\0\0\0\0\x60x", 28);
  auto within = from_corpus("tiled.exr");
  const auto view = std::as_bytes(std::span(texts));
  within.insert(within.begin() + 8, view.begin(), view.end());
  expect_refused(within, "longer than the header");
  const std::string name(300, 'n');
  auto named = from_corpus("tiled.exr");
  const auto letters = std::as_bytes(std::span(name));
  named.insert(named.begin() + 8, letters.begin(), letters.end());
  expect_refused(named, "too long");
  EXPECT_LT(peak_resident_bytes() - before, std::int64_t{100} << 20);
}

TEST(BadInput, AFlatPictureTakesNoMoreThanItsRows) {
  const chiaro::test::TemporaryFolder folder;
  constexpr int kWidth = 2'000'000;
  Bytes ppm;
  test::put(ppm, "P6 2000000 1 255\n");
  ppm.resize(ppm.size() + std::size_t{3} * kWidth, 128);
  save(folder / "flat.ppm", ppm);
  constexpr std::int64_t kPixels = std::int64_t{4} * 3 * kWidth;  // as floats
  const std::int64_t before = peak_resident_bytes();
  EXPECT_EQ(read(folder / "flat.ppm").width(), kWidth);
  StripReader reader(folder / "flat.ppm");
  EXPECT_EQ(reader.next(100).width(), kWidth);
  EXPECT_LT(peak_resident_bytes() - before, 8 * kPixels);
}

/// `header`: what is behind the 14 bytes that say where the pixels are.
Bytes bmp_of(const Bytes& header) {
  Bytes file;
  test::put(file, "BM");
  for (const std::uint32_t value : {1U << 20, 0U, 54U}) test::put_little(file, value, 4);
  file.insert(file.end(), header.begin(), header.end());
  file.resize(64);
  return file;
}

TEST(BadInput, ABmpIsProbedWithoutItsPixels) {
  const auto bytes = [](const Bytes& file) { return std::as_bytes(std::span(file)); };
  const auto probed = [&](std::uint32_t width, std::uint32_t height, std::uint32_t bits) {
    Bytes header;
    for (const std::uint32_t value : {40U, width, height, 1 | bits << 16})
      test::put_little(header, value, 4);
    return probe(bytes(bmp_of(header)), "large.bmp");
  };
  Probe found = probed(11000, static_cast<std::uint32_t>(-12000), 8);
  EXPECT_EQ(found.width, 11000);
  EXPECT_EQ(found.height, 12000);
  EXPECT_EQ(found.channels, 3);
  EXPECT_EQ(probed(1, 1, 32).channels, 4);
  EXPECT_CHIARO_ERROR(probed(0, 5, 8), Input, "large.bmp");
  EXPECT_CHIARO_ERROR(probed(static_cast<std::uint32_t>(-3), 5, 8), Input, "-3 x 5");
  EXPECT_CHIARO_ERROR(probed(5, 0x80000000U, 8), Input, "5 x 2147483648");
  Bytes early;  // as OS/2 wrote it
  test::put_little(early, 12, 4);
  for (const std::uint32_t value : {40000U, 300U, 1U, 24U}) test::put_little(early, value, 2);
  found = probe(bytes(bmp_of(early)), "early.bmp");
  EXPECT_EQ(found.width, 40000);
  EXPECT_EQ(found.height, 300);
  const auto whole = from_corpus("rgb.bmp");
  found = probe(whole, "rgb.bmp");
  EXPECT_EQ(found.width, decode(whole, "rgb.bmp").width());
  EXPECT_EQ(found.height, 7);
}

TEST(BadOutput, UnknownFormatNamesTheKnownOnes) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture(1, 2, 2);
  EXPECT_CHIARO_ERROR(write(folder / "a.xyz", picture), Usage, ".webp");
  EXPECT_CHIARO_ERROR(write(folder / "a", picture), Usage, ".png");
  EXPECT_CHIARO_ERROR(encode(picture, {.format = "jpg"}), Usage, "did you mean 'jpeg'");
  EXPECT_CHIARO_ERROR(encode(picture, {.format = "png", .quality = 101}), Usage, "101");
  EXPECT_CHIARO_ERROR(encode(Image(), {.format = "png"}), Usage, "empty");
  EXPECT_CHIARO_ERROR(encode(Image(1, 1, 16384), {.format = "webp"}), Usage, "too large for webp");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(BadOutput, IsKnownBeforeThereIsAPicture) {
  EXPECT_CHIARO_ERROR(check_encodable(1, 1, {.format = "jpg"}), Usage, "unknown picture format");
  EXPECT_CHIARO_ERROR(check_encodable(1, 1, {.format = "png", .quality = 101}), Usage, "quality");
  EXPECT_CHIARO_ERROR(check_encodable(10, 16384, {.format = "webp"}), Usage, "up to 16383");
  EXPECT_CHIARO_ERROR(check_encodable(65501, 10, {.format = "jpeg"}), Usage, "up to 65500");
  check_encodable(16383, 16383, {.format = "webp"});
}

TEST(BadOutput, WhatCannotBeWrittenLeavesNothing) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = test::numbered(3, 64, 64, 255);
  EXPECT_CHIARO_ERROR(write(folder / "no/folder/a.png", picture), Output, "no/folder/a.png");
  fs::create_directory(folder / "folder.png");
  EXPECT_CHIARO_ERROR(write(folder / "folder.png", picture), Output, "folder.png");
  EXPECT_CHIARO_ERROR(write("/dev/full", picture, {.format = "png"}), Output, "No space left");
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 1000, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_CHIARO_ERROR(write(folder / "a.png", picture), Output, "a.png");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace chiaro::image::bad_input_test
