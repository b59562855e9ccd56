// `chiaro restore` with pictures larger than the memory it may take.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/strips.h"
#include "tests/support/bundle_folder.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore_strips_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kMebibyte = 1 << 20;

class RestoreStrips : public testing::Test {
 protected:
  void SetUp() override { test::use_default_bundle(folder_ / "models", "stack"); }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  /// Waves, made row by row: no such picture is ever in the memory of this test.
  static void make_picture(const fs::path& file, int height, int width) {
    const image::Frame frame{3, height, width, false, image::SampleType::U8, {}};
    int y = 0;
    image::write_strips(file, frame, {}, [&] {
      image::Image strip(3, 1, width);
      for (int c = 0; c < 3; ++c) {
        auto row = strip.plane(c);
        for (int x = 0; x < width; ++x)
          row[static_cast<std::size_t>(x)] =
              static_cast<float>((x * (c + 3) + y * 7 + (x / 64) * (y / 64) * 31) % 256) / 255.0F;
      }
      ++y;
      return strip;
    });
  }

  test::ProcessResult restore(const std::string& output, std::vector<std::string> more) const {
    std::vector<std::string> words{CHIARO_PROGRAM, "restore", in_,         "-o",
                                   output,         "--json",  "--threads", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_process(words);
  }

  static json event(const std::string& text, const std::string& name) {
    for (const json& one : test::events(text))
      if (one["event"] == name) return one;
    ADD_FAILURE() << "no event " << name << " in " << text;
    return {};
  }

  void expect_within(const test::ProcessResult& result, std::int64_t ceiling) const {
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(event(result.out, "start")["in_strips"]);
    EXPECT_LE(event(result.out, "start")["predicted_peak_bytes"], ceiling);
    EXPECT_LE(event(result.out, "summary")["peak_resident_bytes"], ceiling);
  }

  test::TemporaryFolder folder_;
  std::string in_ = folder_ / "in.tif";
};

TEST_F(RestoreStrips, AreTheWholePictureWithinTheCeiling) {
  CHIARO_SKIP_WHERE_SANITIZED();
  make_picture(in_, 3600, 4000);
  const auto whole = restore(folder_ / "whole.tif", {});
  ASSERT_EQ(whole.status, 0) << whole.err;
  EXPECT_FALSE(event(whole.out, "start")["in_strips"]);
  EXPECT_GT(event(whole.out, "summary")["peak_resident_bytes"], 250 * kMebibyte);
  const auto strips = restore(folder_ / "strips.tif", {"--max-memory", "180M", "--audit"});
  expect_within(strips, 180 * kMebibyte);
  EXPECT_EQ(read_file(folder_ / "strips.tif"), read_file(folder_ / "whole.tif"));
}

TEST_F(RestoreStrips, AreWrittenInEveryFormatThatCanBe) {
  CHIARO_SKIP_WHERE_SANITIZED();
  make_picture(in_, 2400, 3000);
  ASSERT_EQ(restore(folder_ / "whole.tif", {}).status, 0);
  const image::Image whole = image::read(folder_ / "whole.tif");
  for (const std::string format : {"png", "jpeg", "ppm"}) {
    const std::string out = folder_ / ("strips." + format);
    expect_within(restore(out, {"--max-memory", "150M", "--format", format}), 150 * kMebibyte);
    if (format == "jpeg") continue;
    EXPECT_TRUE(std::ranges::equal(image::read(out).pixels(), whole.pixels())) << format;
  }
}

TEST_F(RestoreStrips, NotesOfTheFileAreSaidOnce) {
  CHIARO_SKIP_WHERE_SANITIZED();
  make_picture(in_, 2400, 3000);
  image::Image picture = image::read(in_);
  picture.metadata.icc.assign(300, 7);  // no profile
  picture.metadata.in_source_profile = true;
  image::write(in_, picture);
  for (const auto& [name, in_strips] : {std::pair{"strips.tif", true}, {"whole.tif", false}}) {
    const auto result = restore(folder_ / name, {"--max-memory", in_strips ? "150M" : "1G"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(event(result.out, "start")["in_strips"], in_strips);
    const auto at = result.err.find("colour profile is damaged");
    EXPECT_NE(at, std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("colour profile is damaged", at + 1), std::string::npos)
        << result.err;
  }
}

TEST_F(RestoreStrips, PagesAsWell) {
  CHIARO_SKIP_WHERE_SANITIZED();
  make_picture(folder_ / "page.tif", 3600, 4000);
  const image::Image page = image::read(folder_ / "page.tif");
  const image::Image small = image::crop(page, 0, 0, 300, 200);
  const std::vector<image::Frame> frames{frame_of(page), frame_of(small), frame_of(page)};
  image::PageWriter writer(in_, frames, {});
  writer.add(page);
  writer.add(small);
  writer.add(page);
  writer.commit();
  const auto result = restore(folder_ / "out.tif", {"--max-memory", "190M", "--audit"});
  expect_within(result, 250 * kMebibyte);
  in_ = folder_ / "page.tif";
  ASSERT_EQ(restore(folder_ / "alone.tif", {}).status, 0);
  const auto alone = image::read(folder_ / "alone.tif");
  const image::PageReader reader(folder_ / "out.tif");
  ASSERT_EQ(reader.count(), 3);
  for (const int large : {0, 2})
    EXPECT_TRUE(std::ranges::equal(reader.read(large).pixels(), alone.pixels()));
  EXPECT_EQ(reader.frame(1).height, 300);
}

TEST_F(RestoreStrips, WhatCannotBeDoneSoSaysWhyAndLeavesNothing) {
  make_picture(in_, 3600, 4000);
  const auto refused = [&](const std::string& output, const std::string& reason) {
    const auto result = restore(output, {"--max-memory", "180M"});
    EXPECT_EQ(result.status, 6) << result.err;
    EXPECT_NE(result.err.find(reason), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(output));
  };
  refused(folder_ / "out.webp", "webp cannot be written in strips");
  const auto small = restore(folder_ / "out.tif", {"--max-memory", "90M"});
  EXPECT_EQ(small.status, 6) << small.err;
  EXPECT_NE(small.err.find("even in strips"), std::string::npos) << small.err;

  image::Image picture = image::read(in_);
  picture.alpha.assign(picture.plane_size(), 0.5F);
  image::write(in_, picture);
  refused(folder_ / "out.tif", "it has transparency");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2);
}

// Pixels that are not there would be missed if they were decoded.
TEST_F(RestoreStrips, WhatDoesNotFitIsNotDecoded) {
  in_ = folder_ / "in.ppm";
  write_file_atomically(in_, std::string_view("P6\n7000 7000\n255\n"));
  using Words = std::vector<std::string>;
  for (const Words& part :
       {Words{"--region", "0,0,64,64"}, Words{"--ensemble"}, Words{"--verify-tiles"}}) {
    Words words{"--max-memory", "300M"};
    words.insert(words.end(), part.begin(), part.end());
    const auto result = restore(folder_ / "out.png", words);
    EXPECT_EQ(result.status, 6) << result.err;
    EXPECT_NE(result.err.find("got 300 MiB; expected at least"), std::string::npos) << result.err;
  }
}

TEST_F(RestoreStrips, ATruncatedPictureLeavesNothing) {
  make_picture(in_, 3600, 4000);
  const std::string png = folder_ / "in.png";
  image::write(png, image::read(in_));
  const auto whole = read_file(png);
  write_file_atomically(png, std::span(whole).first(whole.size() / 2));
  in_ = png;
  const auto result = restore(folder_ / "out.png", {"--max-memory", "180M"});
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_NE(result.err.find("damaged or truncated"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder_ / "out.png"));
}

TEST_F(RestoreStrips, AnInterruptLeavesNoHalfFile) {
  CHIARO_SKIP_WHERE_SANITIZED();
  make_picture(in_, 3600, 4000);
  const fs::path out = folder_ / "out";
  fs::create_directory(out);
  const auto begun = [&] {  // something of the result is on the disk
    const fs::directory_iterator files(out);
    return files != fs::directory_iterator() && files->path().extension() == ".part" &&
           fs::file_size(files->path()) > 0;
  };
  for (const int signal : {SIGINT, SIGTERM}) {
    test::Process process({CHIARO_PROGRAM, "restore", in_, "-o", out / "out.tif", "--max-memory",
                           "180M", "--threads", "1"});
    ASSERT_TRUE(test::within_a_minute(begun));
    process.signal(signal);
    const auto result = process.finish();
    EXPECT_TRUE(result.exited) << "nobody noted the signal";
    EXPECT_EQ(result.status, 128 + signal) << result.err;
    EXPECT_TRUE(fs::is_empty(out));
  }
}

TEST_F(RestoreStrips, OfAFolderTheLargeAloneGoThroughInStrips) {
  CHIARO_SKIP_WHERE_SANITIZED();
  fs::create_directories(folder_ / "photos");
  make_picture(folder_ / "photos/large.tif", 3600, 4000);
  make_picture(folder_ / "photos/small.tif", 300, 400);
  in_ = folder_ / "photos";
  const auto result = restore((folder_ / "out/").string(), {"--max-memory", "230M"});
  ASSERT_EQ(result.status, 0) << result.err;
  for (const json& one : test::events(result.out)) {
    if (one["event"] != "restored") continue;
    const bool large = one["width"] == 4000;
    EXPECT_EQ(one["in_strips"], large) << one;
    EXPECT_EQ(one.contains("pixels_sha256"), !large) << one;
  }
  EXPECT_LE(event(result.out, "summary")["peak_resident_bytes"], 230 * kMebibyte);
  EXPECT_EQ(event(result.out, "summary")["done"], 2);
  in_ = folder_ / "photos/large.tif";
  ASSERT_EQ(restore(folder_ / "whole.tif", {}).status, 0);
  EXPECT_EQ(read_file(folder_ / "out/large.tif"), read_file(folder_ / "whole.tif"));
}

using RestoreStripsSlow = RestoreStrips;

TEST_F(RestoreStripsSlow, FourHundredMegapixelsInFiveHundredMegabytes) {
  make_picture(in_, 20000, 20000);
  const std::int64_t ceiling = 500 * kMebibyte;
  expect_within(restore(folder_ / "out.tif", {"--max-memory", "500M"}), ceiling);
  EXPECT_EQ(image::probe(folder_ / "out.tif").width, 20000);
}

// With the bundle that ships, whose tiles leave little room; strip by strip the heaps must not
// grow.
TEST_F(RestoreStripsSlow, AWidePictureStaysWithinTheCeilingToItsEnd) {
  ::unsetenv("CHIARO_BUNDLE_PATH");
  make_picture(in_, 9000, 20000);
  expect_within(restore(folder_ / "out.tif", {"--max-memory", "500M", "--guard", "off"}),
                500 * kMebibyte);
}

/// A TIFF of noise in two strips, each of half the rows and not packed.
void make_tall_strips(const fs::path& file, std::uint32_t width, std::uint32_t height) {
  AtomicFile out(file, Existing::Replaced);
  const auto put = [&](std::vector<std::uint16_t> numbers) {
    out.write(std::as_bytes(std::span(numbers)));
  };
  const auto both = [](std::uint32_t value) {
    return std::array{static_cast<std::uint16_t>(value), static_cast<std::uint16_t>(value >> 16)};
  };
  const std::uint32_t strip = width * height / 2 * 3;
  constexpr std::uint32_t kData = 256;
  const auto [folder_low, folder_high] = both(8);
  put({0x4949, 42, folder_low, folder_high, 9});
  // Bits, offsets and sizes of the strips stand behind the folder, at 122, 128 and 136.
  for (const auto& [tag, type, count, value] :
       std::initializer_list<std::array<std::uint32_t, 4>>{{256, 4, 1, width},
                                                           {257, 4, 1, height},
                                                           {258, 3, 3, 122},
                                                           {259, 3, 1, 1},
                                                           {262, 3, 1, 2},
                                                           {273, 4, 2, 128},
                                                           {277, 3, 1, 3},
                                                           {278, 4, 1, height / 2},
                                                           {279, 4, 2, 136}}) {
    const auto [low, high] = both(value);
    put({static_cast<std::uint16_t>(tag), static_cast<std::uint16_t>(type),
         static_cast<std::uint16_t>(count), 0, low, high});
  }
  put({0, 0, 8, 8, 8});
  for (const std::uint32_t value : {kData, kData + strip, strip, strip}) {
    const auto [low, high] = both(value);
    put({low, high});
  }
  put(std::vector<std::uint16_t>((kData - 144) / 2));
  Rng rng(11);
  for (std::uint32_t y = 0; y < height; ++y) {
    std::vector<std::uint8_t> row(std::size_t{3} * width);
    for (std::uint8_t& value : row) value = static_cast<std::uint8_t>(rng.uniform() * 255);
    out.write(std::as_bytes(std::span(row)));
  }
  out.commit();
}

// A strip is read as a whole: 66 MB here.
TEST_F(RestoreStripsSlow, TallStripsStayWithinTheCeiling) {
  ::unsetenv("CHIARO_BUNDLE_PATH");
  make_tall_strips(in_, 20000, 2200);
  expect_within(restore(folder_ / "out.tif", {"--max-memory", "500M", "--guard", "off"}),
                500 * kMebibyte);
}

}  // namespace
}  // namespace chiaro::restore_strips_test
