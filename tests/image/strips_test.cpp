#include "chiaro/image/strips.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <numeric>
#include <string_view>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "tests/image/exiftool.h"
#include "tests/image/handmade_files.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/profiles.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image::strips_test {
namespace {

namespace fs = std::filesystem;

Image noisy(int channels, int height, int width, SampleType type) {
  Image picture(channels, height, width);
  Rng rng(7);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform());
  picture.sample_type = type;
  return picture;
}

/// What a writer in strips asks for: strips of `rows` rows of a picture in memory.
std::function<Image()> strips_of(const Image& picture, int rows) {
  return [&picture, rows, y = 0]() mutable {
    const int count = std::min(rows, picture.height() - y);
    Image strip = crop(picture, y, 0, count, picture.width());
    y += count;
    return strip;
  };
}

Image gathered(StripReader& reader, int rows) {
  const Frame& frame = reader.frame();
  Image all(frame.channels, frame.height, frame.width);
  if (frame.has_alpha) all.alpha.resize(all.plane_size());
  int y = 0;
  for (Image strip = reader.next(rows); !strip.empty(); strip = reader.next(rows)) {
    const auto at = static_cast<std::ptrdiff_t>(y) * frame.width;
    for (int c = 0; c < frame.channels; ++c)
      std::ranges::copy(strip.plane(c), all.plane(c).begin() + at);
    std::ranges::copy(strip.alpha, all.alpha.begin() + (frame.has_alpha ? at : 0));
    y += strip.height();
  }
  EXPECT_EQ(y, frame.height);
  EXPECT_EQ(reader.rows_left(), 0);
  return all;
}

void expect_same(const Image& got, const Image& expected) {
  ASSERT_EQ(got.height(), expected.height());
  EXPECT_TRUE(std::ranges::equal(got.pixels(), expected.pixels()));
  EXPECT_EQ(got.alpha, expected.alpha);
}

TEST(Strips, WriteWhatTheWholePictureGives) {
  const chiaro::test::TemporaryFolder folder;
  for (const std::string format : {"png", "jpeg", "tiff", "ppm", "exr", "hdr"}) {
    for (const SampleType type : {SampleType::U8, SampleType::U16, SampleType::F32}) {
      for (const int channels : {1, 3}) {
        Image picture = noisy(channels, 403, 61, type);
        if (format != "jpeg" && format != "ppm" && format != "hdr")
          picture.alpha.assign(picture.plane_size(), 0.25F);
        picture.metadata.x_pixels_per_mm = picture.metadata.y_pixels_per_mm = 10;
        const WriteOptions options{.format = format};
        // One row, some, and more than the codecs hold at a time.
        for (const int rows : {1, 50, 403}) {
          write_strips(folder / "strips", frame_of(picture), options, strips_of(picture, rows));
          write(folder / "whole", picture, options);
          const std::string what = format + ", " + std::to_string(channels) + " channels, " +
                                   std::to_string(rows) + " rows";
          if (format == "jpeg") {
            SCOPED_TRACE(what);
            expect_same(read(folder / "strips"), read(folder / "whole"));
          } else {
            EXPECT_EQ(read_file(folder / "strips"), read_file(folder / "whole")) << what;
          }
        }
      }
    }
  }
}

TEST(Strips, ReadThePixelsThatTheWholePictureHas) {
  const chiaro::test::TemporaryFolder folder;
  for (const std::string format : {"png", "jpeg", "tiff", "ppm"}) {
    Image picture = noisy(3, 301, 47, format == "tiff" ? SampleType::U16 : SampleType::U8);
    if (format == "png") picture.alpha.assign(picture.plane_size(), 0.5F);
    write(folder / "picture", picture, {.format = format});
    const Image whole = read(folder / "picture");
    for (const int rows : {1, 64, 1000}) {
      StripReader reader(folder / "picture");
      EXPECT_EQ(reader.obstacle(), "");
      EXPECT_EQ(reader.frame().metadata.source_format, format);
      expect_same(gathered(reader, rows), whole);
    }
  }
}

TEST(Strips, CarryMetadata) {
  if (!test::has_exiftool()) GTEST_SKIP() << "exiftool is not installed";
  const chiaro::test::TemporaryFolder folder;
  const Image picture = noisy(3, 90, 40, SampleType::U8);
  write(folder / "in.jpg", picture);
  test::exiftool(
      "-overwrite_original '-Artist=A Name' '-Copyright=Mine' '-IPTC:City=Oslo' "
      "'-XMP:Title=Rain' " +
      (folder / "in.jpg").string());
  for (const std::string name : {"out.jpg", "out.png", "out.tif"}) {
    StripReader reader(folder / "in.jpg");
    write_strips(folder / name, reader.frame(), {}, [&] { return reader.next(16); });
    write(folder / ("whole_" + name), read(folder / "in.jpg"));
    if (name != "out.jpg") {
      EXPECT_EQ(read_file(folder / name), read_file(folder / ("whole_" + name))) << name;
    }
    const std::string said =
        test::exiftool("-s3 -Artist -Copyright -IPTC:City -XMP:Title " + (folder / name).string());
    EXPECT_EQ(said, "A Name\nMine\nOslo\nRain\n") << name;
  }
}

TEST(Strips, SayWhereEveryValueIsAStoredOne) {
  const chiaro::test::TemporaryFolder folder;
  const auto exact = [&](const std::string& name) {
    return StripReader(folder / name).frame().exact;
  };
  Image picture = noisy(3, 9, 11, SampleType::U8);
  write(folder / "eight.png", picture);
  EXPECT_TRUE(exact("eight.png"));
  picture.metadata.icc = chiaro::test::srgb();
  write(folder / "srgb.png", picture);
  EXPECT_TRUE(exact("srgb.png"));
  picture.metadata.icc = chiaro::test::adobe_rgb();
  write(folder / "adobe.png", picture);
  EXPECT_FALSE(exact("adobe.png"));
  picture = noisy(1, 9, 11, SampleType::U16);
  write(folder / "sixteen.tif", picture);
  EXPECT_TRUE(exact("sixteen.tif"));
  picture.sample_type = SampleType::F32;
  write(folder / "float.tif", picture);
  EXPECT_FALSE(exact("float.tif"));
  test::Bytes of_a_thousand;
  test::put(of_a_thousand, std::string_view("P5 1 1 1000\n\x01\xF4", 14));
  write_file_atomically(folder / "thousand.ppm", std::as_bytes(std::span(of_a_thousand)));
  EXPECT_FALSE(exact("thousand.ppm"));
}

TEST(Strips, SayWhatCannotBeReadSo) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = noisy(3, 20, 30, SampleType::U8);
  write(folder / "a.webp", picture);
  EXPECT_EQ(StripReader(folder / "a.webp").obstacle(), "webp is decoded as a whole");
  StripReader webp(folder / "a.webp");
  EXPECT_CHIARO_ERROR((void)webp.next(1), Usage, "cannot be read in strips: webp is decoded");
}

/// A TIFF of 16 bits and three colours, no two pixels alike, that is to be shown turned.
test::Bytes turned_tiff(std::uint32_t width, std::uint32_t height, std::uint32_t orientation) {
  test::Bytes data;
  for (std::uint32_t i = 0; i < 3 * width * height; ++i) test::put_little(data, i * 7919, 2);
  return test::make_tiff({.width = width,
                          .height = height,
                          .bits = 16,
                          .samples = 3,
                          .photometric = 2,
                          .data = data,
                          .orientation = orientation});
}

TEST(Strips, TurnedPicturesComeUpright) {
  const chiaro::test::TemporaryFolder folder;
  // Squares of the temporary file: one, some, and a rest on each side.
  for (const auto& [width, height] : {std::pair{30U, 20U}, {64U, 128U}, {150U, 97U}}) {
    for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
      test::save(folder / "a.tif", turned_tiff(width, height, orientation));
      const Image whole = read(folder / "a.tif");
      for (const int rows : {1, 50, 64, 1000}) {
        SCOPED_TRACE(
            fmt::format("{} x {}, orientation {}, {} rows", width, height, orientation, rows));
        StripReader reader(folder / "a.tif");
        EXPECT_EQ(reader.obstacle(), "");
        ASSERT_EQ(reader.frame().width, whole.width());
        expect_same(gathered(reader, rows), whole);
        // Once more from the top, where there is a temporary file.
        const bool again = reader.restart();
        EXPECT_EQ(again, orientation > 2);
        if (again) expect_same(gathered(reader, rows), whole);
      }
    }
  }
  // Rows from the bottom, by the format.
  write(folder / "a.pfm", noisy(3, 130, 70, SampleType::F32));
  StripReader reader(folder / "a.pfm");
  expect_same(gathered(reader, 40), read(folder / "a.pfm"));
}

TEST(Strips, ATurnedJpegKeepsItsAlphaAndResolution) {
  if (!test::has_exiftool()) GTEST_SKIP() << "exiftool is not installed";
  const chiaro::test::TemporaryFolder folder;
  Image picture = noisy(3, 90, 140, SampleType::U8);
  picture.alpha.assign(picture.plane_size(), 0.5F);
  picture.alpha[17] = 0.75F;
  picture.metadata.x_pixels_per_mm = 10;
  picture.metadata.y_pixels_per_mm = 20;
  write(folder / "a.tif", picture);
  write(folder / "a.jpg", picture);
  for (const std::string name : {"a.tif", "a.jpg"}) {
    test::exiftool("-overwrite_original -n '-Orientation=6' " + (folder / name).string());
    const Image whole = read(folder / name);
    ASSERT_EQ(whole.width(), 90) << name;
    StripReader reader(folder / name);
    EXPECT_DOUBLE_EQ(reader.frame().metadata.x_pixels_per_mm, whole.metadata.x_pixels_per_mm);
    EXPECT_DOUBLE_EQ(reader.frame().metadata.y_pixels_per_mm, whole.metadata.y_pixels_per_mm);
    expect_same(gathered(reader, 33), whole);
  }
}

TEST(Strips, ATemporaryFileThatCannotBeIsSaid) {
  const chiaro::test::TemporaryFolder folder;
  test::save(folder / "a.tif", turned_tiff(150, 97, 3));
  fs::create_directory(folder / "scratch");
  ::setenv("TMPDIR", (folder / "scratch").c_str(), 1);
  const chiaro::test::LogCapture log;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{40'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  StripReader reader(folder / "a.tif");
  EXPECT_CHIARO_ERROR((void)reader.next(1), Resource, "the temporary file in");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  const std::string expected =
      "is stored turned: its pixels pass through a temporary file of 1 MB in " +
      (folder / "scratch").string();
  EXPECT_NE(log.text().find(expected), std::string::npos) << log.text();
  // Nothing is left of it, and nothing is said twice.
  EXPECT_TRUE(fs::is_empty(folder / "scratch"));
  ::unsetenv("TMPDIR");
  const chiaro::test::LogCapture silent;
  StripReader unsaid(folder / "a.tif", {}, Notes::Unsaid);
  (void)unsaid.next(1);
  EXPECT_EQ(silent.text(), "");
}

TEST(Strips, ATruncatedFileIsAnInputErrorAndLeavesNoResult) {
  const chiaro::test::TemporaryFolder folder;
  write(folder / "a.png", noisy(3, 300, 300, SampleType::U8));
  const auto bytes = read_file(folder / "a.png");
  // Between two chunks, so that it is met only while the pixels are read.
  const std::string_view chunk = "IDAT";
  const auto second_half = std::span(bytes).subspan(bytes.size() / 2);
  const auto found = std::ranges::search(second_half, std::as_bytes(std::span(chunk)));
  ASSERT_FALSE(found.empty());
  write_file_atomically(folder / "cut.png", std::span(bytes.data(), &found.front() - 4));
  StripReader reader(folder / "cut.png");
  EXPECT_CHIARO_ERROR(
      write_strips(folder / "out.tif", reader.frame(), {}, [&] { return reader.next(32); }), Input,
      "damaged or truncated");
  EXPECT_FALSE(fs::exists(folder / "out.tif"));
}

TEST(Strips, WhatGoesWrongLeavesTheTargetAsItWas) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = noisy(3, 400, 400, SampleType::U8);
  for (const std::string name : {"a.png", "a.jpg", "a.tif", "a.ppm"}) {
    write_file_atomically(folder / name, "old");
    const auto write_it = [&](const std::function<Image()>& next,
                              const std::function<void(std::span<const std::byte>)>& approve) {
      write_strips(folder / name, frame_of(picture), {}, next, approve);
    };
    auto strips = strips_of(picture, 40);
    int given = 0;
    EXPECT_CHIARO_ERROR(write_it(
                            [&] {
                              EXPECT_LE(++given, 6) << "called again after it had thrown";
                              if (given > 5) fail(ErrorCode::Interrupted, "[test] stopped");
                              return strips();
                            },
                            {}),
                        Interrupted, "stopped");
    EXPECT_CHIARO_ERROR(write_it(strips_of(picture, 40),
                                 [&](std::span<const std::byte> coded) {
                                   EXPECT_EQ(decode(coded, "coded").width(), 400);
                                   fail(ErrorCode::CheckFailed, "[test] not good enough");
                                 }),
                        CheckFailed, "not good enough");
    EXPECT_EQ(read_text(folder / name), "old") << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 4);
}

TEST(Strips, AFullDiskIsAnOutputError) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = noisy(3, 600, 600, SampleType::U8);
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const std::string name : {"a.png", "a.jpg", "a.ppm", "a.tif"}) {
    const struct rlimit small { 100'000, before.rlim_max };
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_CHIARO_ERROR(write_strips(folder / name, frame_of(picture), {}, strips_of(picture, 40)),
                        Output, "cannot write");
    ::setrlimit(RLIMIT_FSIZE, &before);
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Strips, RefuseWhatTheyCannotWrite) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = noisy(3, 20, 30, SampleType::U8);
  const auto next = strips_of(picture, 5);
  EXPECT_CHIARO_ERROR(write_strips(folder / "a.webp", frame_of(picture), {}, next), Usage,
                      "expected png, jpeg, tiff, ppm, exr or hdr");
  EXPECT_CHIARO_ERROR(write_strips(folder / "a", frame_of(picture), {}, next), Usage, "format ''");
  EXPECT_CHIARO_ERROR(write_strips("/dev/null", frame_of(picture), {.format = "png"}, next), Output,
                      "no regular file");
  Frame other = frame_of(picture);
  other.width = 31;
  EXPECT_CHIARO_ERROR(write_strips(folder / "a.png", other, {}, next), Internal, "does not fit");
}

}  // namespace
}  // namespace chiaro::image::strips_test
