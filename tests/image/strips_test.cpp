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
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::image {
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
  for (const std::string format : {"png", "jpeg", "tiff", "ppm"}) {
    for (const SampleType type : {SampleType::U8, SampleType::U16, SampleType::F32}) {
      for (const int channels : {1, 3}) {
        Image picture = noisy(channels, 403, 61, type);
        if (format != "jpeg" && format != "ppm") picture.alpha.assign(picture.plane_size(), 0.25F);
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

TEST(Strips, SayWhatCannotBeReadSo) {
  const chiaro::test::TemporaryFolder folder;
  const Image picture = noisy(3, 20, 30, SampleType::U8);
  write(folder / "a.webp", picture);
  EXPECT_EQ(StripReader(folder / "a.webp").obstacle(), "webp is decoded as a whole");
  write(folder / "a.pfm", picture);
  EXPECT_EQ(StripReader(folder / "a.pfm").obstacle(), "pfm is decoded as a whole");
  if (!test::has_exiftool()) GTEST_SKIP() << "exiftool is not installed";
  write(folder / "a.jpg", picture);
  test::exiftool("-overwrite_original -n '-Orientation=6' " + (folder / "a.jpg").string());
  StripReader turned(folder / "a.jpg");
  EXPECT_EQ(turned.obstacle(), "it is stored turned or mirrored");
  EXPECT_CHIARO_ERROR((void)turned.next(1), Usage, "cannot be read in strips: it is stored turned");
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
  for (const std::string name : {"a.png", "a.jpg", "a.ppm"}) {
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
                      "expected png, jpeg, tiff or ppm");
  EXPECT_CHIARO_ERROR(write_strips(folder / "a", frame_of(picture), {}, next), Usage, "format ''");
  EXPECT_CHIARO_ERROR(write_strips("/dev/null", frame_of(picture), {.format = "png"}, next), Output,
                      "no regular file");
  Frame other = frame_of(picture);
  other.width = 31;
  EXPECT_CHIARO_ERROR(write_strips(folder / "a.png", other, {}, next), Internal, "does not fit");
}

}  // namespace
}  // namespace chiaro::image
