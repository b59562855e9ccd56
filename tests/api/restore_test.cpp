// libchiaro through its C interface: the results are those of the program and of the rooms.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "tests/api/callers.h"
#include "tests/support/process.h"

namespace chiaro::test::restore_test {
namespace {

constexpr int kWidth = 53;
constexpr int kHeight = 38;
constexpr std::size_t kBytes = std::size_t{3} * kWidth * kHeight;

image::Image as_picture(const std::vector<std::uint8_t>& rgb, int width, int height) {
  image::Image picture(3, height, width);
  for (int c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < picture.plane_size(); ++i)
      picture.plane(c)[i] = static_cast<float>(rgb[3 * i + static_cast<std::size_t>(c)]) / 255;
  }
  return picture;
}

std::vector<std::uint8_t> as_bytes(const image::Image& picture) {
  std::vector<std::uint8_t> rgb(3 * picture.plane_size());
  for (int c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < picture.plane_size(); ++i)
      rgb[3 * i + static_cast<std::size_t>(c)] =
          static_cast<std::uint8_t>(std::lround(picture.plane(c)[i] * 255));
  }
  return rgb;
}

class ApiRestore : public Callers {
 protected:
  std::vector<std::uint8_t> restored(chiaro_restorer* restorer, std::vector<std::uint8_t> rgb,
                                     const chiaro_restore_options* options = nullptr) {
    const auto picture = rgb8(rgb, kWidth, kHeight);
    EXPECT_EQ(chiaro_restore(restorer, &picture, &picture, options, nullptr), CHIARO_OK)
        << chiaro_last_error();
    return rgb;
  }

  /// What `chiaro restore` makes of the same pixels.
  std::vector<std::uint8_t> by_program(const std::string& graph,
                                       const std::vector<std::uint8_t>& rgb) {
    image::write(folder_ / "in.png", as_picture(rgb, kWidth, kHeight));
    const auto said = run_process({CHIARO_PROGRAM, "restore", folder_ / "in.png", "-o",
                                   folder_ / "program.png", "--bundle", bundle_file(graph),
                                   "--precision", "f32", "--threads", "1", "--overwrite"});
    EXPECT_EQ(said.status, 0) << said.err;
    return as_bytes(image::read(folder_ / "program.png"));
  }
};

TEST_F(ApiRestore, PixelsAreThoseOfTheProgram) {
  const auto source = random_bytes(kBytes);
  for (const char* graph : {"stack", "unet", "film"}) {
    const auto restorer = open(graph);
    const auto result = restored(restorer.get(), source);
    EXPECT_NE(result, source) << graph;
    EXPECT_EQ(result, by_program(graph, source)) << graph;
  }
}

TEST_F(ApiRestore, AFileIsThatOfTheProgram) {
  const auto restorer = open("stack");
  const auto source = random_bytes(kBytes);
  const auto expected = by_program("stack", source);
  const std::string input = folder_ / "in.png";
  const std::string output = folder_ / "api.png";
  ASSERT_EQ(
      chiaro_restore_file(restorer.get(), input.c_str(), output.c_str(), nullptr, nullptr, nullptr),
      CHIARO_OK)
      << chiaro_last_error();
  EXPECT_EQ(as_bytes(image::read(output)), expected);
  EXPECT_EQ(read_file(output), read_file(folder_ / "program.png"));
}

/// Writes the pixels of `rgb` where a chiaro_picture says, byte by byte, and reads them back.
struct Scattered {
  chiaro_picture picture;
  int channel_of[3];  // place of red, green, blue

  std::uint8_t* at(std::size_t x, std::size_t y, int colour) const {
    return static_cast<std::uint8_t*>(picture.data) +
           static_cast<std::ptrdiff_t>(y) * picture.row_bytes +
           static_cast<std::ptrdiff_t>(x) * picture.pixel_bytes +
           channel_of[colour] * picture.plane_bytes;
  }
};

TEST_F(ApiRestore, EveryLayoutGivesTheSamePixels) {
  const auto restorer = open("stack");
  const auto source = random_bytes(kBytes);
  const auto expected = restored(restorer.get(), source);
  std::vector<std::uint8_t> memory(8 * kBytes, 77);
  constexpr std::ptrdiff_t kRow = 4 * kWidth + 11;
  constexpr std::ptrdiff_t kPlane = std::ptrdiff_t{kWidth} * kHeight;
  const std::vector<Scattered> ways{
      {{memory.data(), kWidth, kHeight, CHIARO_RGB, CHIARO_U8, kRow, 3, 1}, {0, 1, 2}},
      {{memory.data(), kWidth, kHeight, CHIARO_BGR, CHIARO_U8, kRow, 4, 1}, {2, 1, 0}},
      {{memory.data(), kWidth, kHeight, CHIARO_RGB, CHIARO_U8, kWidth, 1, kPlane}, {0, 1, 2}},
      {{memory.data(), kWidth, kHeight, CHIARO_RGB, CHIARO_U8, 3 * kWidth, 1, kWidth}, {0, 1, 2}},
      // Bottom-up, as bitmaps are.
      {{memory.data() + (kHeight - 1) * kRow, kWidth, kHeight, CHIARO_BGR, CHIARO_U8, -kRow, 3, 1},
       {2, 1, 0}}};
  for (const Scattered& way : ways) {
    std::fill(memory.begin(), memory.end(), std::uint8_t{77});
    const auto visit = [&](const auto& visitor) {
      for (std::size_t i = 0; i < source.size(); ++i) {
        const std::size_t pixel = i / 3;
        visitor(*way.at(pixel % kWidth, pixel / kWidth, static_cast<int>(i % 3)), i);
      }
    };
    visit([&](std::uint8_t& byte, std::size_t i) { byte = source[i]; });
    ASSERT_EQ(chiaro_restore(restorer.get(), &way.picture, &way.picture, nullptr, nullptr),
              CHIARO_OK)
        << chiaro_last_error();
    visit([&](const std::uint8_t& byte, std::size_t i) {
      ASSERT_EQ(byte, expected[i]) << "way " << (&way - ways.data()) << ", sample " << i;
    });
    // Nothing else was touched: gaps keep what they had.
    visit([&](std::uint8_t& byte, std::size_t) { byte = 77; });
    EXPECT_TRUE(std::all_of(memory.begin(), memory.end(), [](int byte) { return byte == 77; }));
  }
}

TEST_F(ApiRestore, SixteenBitsFloatsAndAlpha) {
  const auto restorer = open("identity");
  std::vector<std::uint16_t> wide{0, 1, 32768, 65535, 40000, 123, 9, 500};  // two RGBA pixels
  std::vector<float> floats(8, -1.0F);
  const chiaro_picture source{wide.data(), 2, 1, CHIARO_RGBA, CHIARO_U16, 0, 0, 0};
  const chiaro_picture target{floats.data(), 2, 1, CHIARO_BGRA, CHIARO_F32, 0, 0, 0};
  ASSERT_EQ(chiaro_restore(restorer.get(), &source, &target, nullptr, nullptr), CHIARO_OK)
      << chiaro_last_error();
  const std::size_t order[] = {2, 1, 0, 3, 6, 5, 4, 7};
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(floats[i], static_cast<double>(wide[order[i]]) / 65535, 1e-6) << i;
  }
  // Back, into fewer bits and without alpha; then alpha where the source has none.
  std::vector<std::uint8_t> narrow(8, 7);
  const chiaro_picture plain{narrow.data(), 2, 1, CHIARO_RGB, CHIARO_U8, 0, 0, 0};
  ASSERT_EQ(chiaro_restore(restorer.get(), &target, &plain, nullptr, nullptr), CHIARO_OK);
  EXPECT_EQ(narrow, (std::vector<std::uint8_t>{0, 0, 128, 156, 0, 0, 7, 7}));
  const chiaro_picture clear{wide.data(), 2, 1, CHIARO_RGBA, CHIARO_U16, 0, 0, 0};
  ASSERT_EQ(chiaro_restore(restorer.get(), &plain, &clear, nullptr, nullptr), CHIARO_OK);
  EXPECT_EQ(wide[3], 65535);
  EXPECT_EQ(wide[7], 65535);
  EXPECT_EQ(wide[4], 156 * 257);
}

TEST_F(ApiRestore, GreyStaysGrey) {
  const auto restorer = open("identity");
  std::vector<std::uint8_t> grey{0, 50, 100, 150, 200, 255};
  const auto before = grey;
  const chiaro_picture picture{grey.data(), 3, 2, CHIARO_GREY, CHIARO_U8, 0, 0, 0};
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, nullptr, nullptr), CHIARO_OK);
  EXPECT_EQ(grey, before);
}

TEST_F(ApiRestore, LargerResults) {
  const auto restorer = open("twice");
  std::vector<std::uint8_t> small = random_bytes(std::size_t{3} * 10 * 6);
  std::vector<std::uint8_t> large(4 * small.size());
  const auto from = rgb8(small, 10, 6);
  auto to = rgb8(large, 20, 12);
  EXPECT_EQ(chiaro_restore(restorer.get(), &from, &to, nullptr, nullptr), CHIARO_OK)
      << chiaro_last_error();
  expect_refused(chiaro_restore(restorer.get(), &from, &from, nullptr, nullptr), CHIARO_USAGE,
                 "got 10 x 6; expected 20 x 12");
}

TEST_F(ApiRestore, ARegionIsThatPartOfTheWhole) {
  const auto restorer = open("unet");
  auto source = random_bytes(kBytes);
  const auto whole = restored(restorer.get(), source);
  std::vector<std::uint8_t> part(std::size_t{3} * 12 * 9);
  const auto from = rgb8(source, kWidth, kHeight);
  const auto to = rgb8(part, 12, 9);
  ASSERT_EQ(chiaro_restore_region(restorer.get(), &from, 20, 11, &to, nullptr), CHIARO_OK)
      << chiaro_last_error();
  for (std::size_t y = 0; y < 9; ++y) {
    EXPECT_EQ(std::memcmp(&part[3 * 12 * y], &whole[3 * ((y + 11) * kWidth + 20)], 3 * 12), 0) << y;
  }
  expect_refused(chiaro_restore_region(restorer.get(), &from, 50, 11, &to, nullptr), CHIARO_USAGE,
                 "region");
}

TEST_F(ApiRestore, OptionsReachTheNetwork) {
  const auto restorer = open("told");
  std::vector<std::uint8_t> source(kBytes, 100);
  auto options = restore_options();
  options.as = "noise(0.4)+haze(1)";
  chiaro_report report{};
  report.size = sizeof(report);
  const auto picture = rgb8(source, kWidth, kHeight);
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, &options, &report), CHIARO_OK)
      << chiaro_last_error();
  // The graph adds 0.1, 0.2 times the probabilities and 0.05 times a severity (told_sum in
  // tools/make_test_graphs.py): 0.17 of 255.
  EXPECT_NEAR(source[0], 100 + 0.17 * 255, 1.0);
  EXPECT_EQ(report.blind, 0);
  EXPECT_EQ(report.strength, 1.0);

  std::fill(source.begin(), source.end(), std::uint8_t{100});
  options.strength = 0;
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, &options, &report), CHIARO_OK);
  EXPECT_EQ(source[0], 100);
  EXPECT_EQ(report.strength, 0.0);
}

TEST_F(ApiRestore, MemoryIsPredictedAndLimited) {
  const auto restorer = open("stack");
  std::int64_t peak = 0;
  ASSERT_EQ(chiaro_predict_memory(restorer.get(), 400, 300, nullptr, &peak), CHIARO_OK);
  EXPECT_GT(peak, 1 << 20);
  auto options = restore_options();
  options.max_memory_bytes = 1 << 20;
  expect_refused(chiaro_predict_memory(restorer.get(), 400, 300, &options, &peak), CHIARO_RESOURCE,
                 "memory limit is too small");
  EXPECT_EQ(chiaro_release_memory(restorer.get()), CHIARO_OK);

  // The picture itself, as floats, is part of it.
  options.max_memory_bytes = 0;
  options.tile_px = 64;
  std::int64_t larger = 0;
  ASSERT_EQ(chiaro_predict_memory(restorer.get(), 400, 300, &options, &peak), CHIARO_OK);
  ASSERT_EQ(chiaro_predict_memory(restorer.get(), 4000, 3000, &options, &larger), CHIARO_OK);
  EXPECT_GT(larger - peak, std::int64_t{3} * 4 * (4000 * 3000 - 400 * 300));
}

TEST_F(ApiRestore, APictureAboveTheLimitIsRefusedBeforeItIsCopied) {
  const auto restorer = open("stack");
  std::vector<std::uint8_t> source(std::size_t{3} * 6000 * 4000, 100);
  const chiaro_picture picture{source.data(), 6000, 4000, CHIARO_RGB, CHIARO_U8, 0, 0, 0};
  auto options = restore_options();
  ASSERT_EQ(chiaro_predict_memory(restorer.get(), 64, 64, nullptr, &options.max_memory_bytes),
            CHIARO_OK);
  const std::int64_t before = peak_resident_bytes();
  expect_refused(chiaro_restore(restorer.get(), &picture, &picture, &options, nullptr),
                 CHIARO_RESOURCE, "memory limit is too small");
  EXPECT_LT(peak_resident_bytes() - before, std::int64_t{100} << 20);
}

TEST_F(ApiRestore, WarningsBecomeNotesAndAreNotPrinted) {
  const auto restorer = open("identity");
  std::vector<float> values{0.5F, std::nanf(""), 0.25F};
  const chiaro_picture picture{values.data(), 1, 1, CHIARO_RGB, CHIARO_F32, 0, 0, 0};
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, nullptr, nullptr), CHIARO_OK);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_NE(std::string(chiaro_last_notes()).find("not finite"), std::string::npos)
      << chiaro_last_notes();
  EXPECT_EQ(values[1], 0.0F);
  // The next call begins with none, and what the program itself logs is no note.
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, nullptr, nullptr), CHIARO_OK);
  EXPECT_STREQ(chiaro_last_notes(), "");
}

TEST_F(ApiRestore, PagesThatAreLeftOutAreNoted) {
  const auto restorer = open("identity");
  const image::Image page(3, 8, 9, 0.5F);
  const std::vector<image::Frame> frames(3, image::frame_of(page));
  const std::string input = folder_ / "scan.tif";
  image::PageWriter writer(input, frames, {.format = "tiff"});
  for (std::size_t i = 0; i < frames.size(); ++i) writer.add(page);
  writer.commit();
  const std::string output = folder_ / "first.tif";
  ASSERT_EQ(
      chiaro_restore_file(restorer.get(), input.c_str(), output.c_str(), nullptr, nullptr, nullptr),
      CHIARO_OK)
      << chiaro_last_error();
  EXPECT_EQ(image::PageReader(output).count(), 1);
  EXPECT_NE(std::string(chiaro_last_notes()).find("holds 3 pictures; only the first is read"),
            std::string::npos)
      << chiaro_last_notes();
}

TEST_F(ApiRestore, WhatACallbackLogsIsTheProgramsOwn) {
  const auto restorer = open("identity");
  auto source = random_bytes(kBytes);
  const auto picture = rgb8(source, kWidth, kHeight);
  auto options = restore_options();
  options.progress = [](double, void*) {
    spdlog::warn("of the program");
    return 0;
  };
  testing::internal::CaptureStdout();
  const auto status = chiaro_restore(restorer.get(), &picture, &picture, &options, nullptr);
  const std::string printed = testing::internal::GetCapturedStdout();
  ASSERT_EQ(status, CHIARO_OK) << chiaro_last_error();
  EXPECT_NE(printed.find("of the program"), std::string::npos) << printed;
  EXPECT_STREQ(chiaro_last_notes(), "");
}

TEST_F(ApiRestore, ProgressRisesAndCancels) {
  const auto restorer = open("stack");
  auto source = random_bytes(kBytes);
  const auto before = source;
  const auto picture = rgb8(source, kWidth, kHeight);
  auto options = restore_options();
  options.tile_px = 24;
  std::vector<double> heard;
  options.user = &heard;
  options.progress = [](double done, void* user) {
    auto& list = *static_cast<std::vector<double>*>(user);
    list.push_back(done);
    return list.size() == 2 ? 1 : 0;
  };
  expect_refused(chiaro_restore(restorer.get(), &picture, &picture, &options, nullptr),
                 CHIARO_CANCELLED, "[");
  EXPECT_EQ(heard.size(), 2U);
  EXPECT_EQ(source, before) << "a cancelled call left something behind";

  // The restorer works on; this time nobody cancels.
  heard.assign(2, 0.0);
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, &options, nullptr), CHIARO_OK);
  EXPECT_GT(heard.size(), 4U);
  EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
  EXPECT_DOUBLE_EQ(heard.back(), 1.0);
}

TEST_F(ApiRestore, ACancelledFileIsNotThere) {
  const auto restorer = open("stack");
  image::write(folder_ / "in.png", as_picture(random_bytes(kBytes), kWidth, kHeight));
  auto options = restore_options();
  options.progress = [](double, void*) { return 1; };
  const std::string input = folder_ / "in.png";
  const std::string output = folder_ / "out.png";
  EXPECT_EQ(chiaro_restore_file(restorer.get(), input.c_str(), output.c_str(), &options, nullptr,
                                nullptr),
            CHIARO_CANCELLED);
  EXPECT_FALSE(std::filesystem::exists(output));
}

TEST_F(ApiRestore, ThreadsOnOneAndOnSeveralRestorers) {
  const auto shared = open("unet");
  const auto expected = restored(shared.get(), random_bytes(kBytes));
  const auto file = bundle_file("unet");
  std::vector<std::thread> threads;
  std::vector<int> wrong(6, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      const OwnedRestorer own = t % 2 == 0 ? OwnedRestorer() : open_file(file);
      for (int round = 0; round < 3; ++round) {
        auto rgb = random_bytes(kBytes);
        const auto picture = rgb8(rgb, kWidth, kHeight);
        const auto status =
            chiaro_restore(own ? own.get() : shared.get(), &picture, &picture, nullptr, nullptr);
        wrong[t] += status != CHIARO_OK || rgb != expected ? 1 : 0;
        // Errors are each thread's own.
        const std::string name = "/nowhere/" + std::to_string(t) + ".chiaro";
        chiaro_restorer* none = nullptr;
        wrong[t] += chiaro_open(name.c_str(), nullptr, &none) != CHIARO_INPUT;
        wrong[t] += std::string(chiaro_last_error()).find(name) == std::string::npos;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(6, 0));
}

TEST_F(ApiRestore, InspectionSaysWhatTheControllerSays) {
  const auto restorer = open("told");
  EXPECT_STREQ(chiaro_bundle_text(restorer.get(), CHIARO_TEXT_TYPES), "clean,noise,haze");
  auto rgb = random_bytes(kBytes);
  const auto picture = rgb8(rgb, kWidth, kHeight);
  chiaro_inspection* seen = nullptr;
  ASSERT_EQ(chiaro_inspect(restorer.get(), &picture, &seen), CHIARO_OK) << chiaro_last_error();
  const OwnedInspection owned(seen);
  std::size_t count = 0;
  const chiaro_finding* findings = chiaro_inspection_findings(seen, &count);
  ASSERT_EQ(count, 3U);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += findings[i].probability;
    if (i > 0) {
      EXPECT_LE(findings[i].probability, findings[i - 1].probability);
    }
  }
  EXPECT_NEAR(sum, 1.0, 1e-3);

  // The program says the same.
  image::write(folder_ / "in.png", as_picture(rgb, kWidth, kHeight));
  const auto said = run_process({CHIARO_PROGRAM, "inspect", folder_ / "in.png", "--bundle",
                                 bundle_file("told"), "--threads", "1"});
  ASSERT_EQ(said.status, 0) << said.err;
  EXPECT_NE(said.out.find(findings[0].type), std::string::npos) << said.out;
  EXPECT_NE(said.out.find(chiaro_inspection_advice(seen)), std::string::npos) << said.out;
  const std::string file = folder_ / "in.png";
  chiaro_inspection* from_file = nullptr;
  ASSERT_EQ(chiaro_inspect_file(restorer.get(), file.c_str(), &from_file), CHIARO_OK);
  const OwnedInspection owned_too(from_file);
  chiaro_verdict one{};
  chiaro_verdict other{};
  one.size = other.size = sizeof(chiaro_verdict);
  ASSERT_EQ(chiaro_inspection_verdict(seen, &one), CHIARO_OK);
  ASSERT_EQ(chiaro_inspection_verdict(from_file, &other), CHIARO_OK);
  EXPECT_EQ(one.novelty, other.novelty);
  EXPECT_EQ(one.confidence, other.confidence);
}

TEST_F(ApiRestore, LooksAgainAsTheProgramDoes) {
  const std::string shipped = CHIARO_SOURCE_DIR "/models/default.chiaro";
  const std::string clean = CHIARO_SOURCE_DIR "/examples/photos/clean/mountains.jpg";
  const std::string bad = folder_ / "bad.png";
  const auto run = [](std::vector<std::string> words) {
    const auto said = run_process(words);
    ASSERT_EQ(said.status, 0) << said.err;
  };
  run({CHIARO_PROGRAM, "degrade", clean, "-o", bad, "--spec",
       "haze(beta=1.6,airlight=0.9)+noise(sigma_u8=15)"});
  run({CHIARO_PROGRAM, "restore", bad, "-o", folder_ / "program.png", "--again", "--bundle",
       shipped, "--precision", "f32", "--threads", "1"});

  const auto restorer = open_file(shipped);
  auto options = restore_options();
  options.again = 1;
  chiaro_report report{};
  report.size = sizeof(report);
  const std::string out = folder_ / "library.png";
  ASSERT_EQ(
      chiaro_restore_file(restorer.get(), bad.c_str(), out.c_str(), &options, nullptr, &report),
      CHIARO_OK)
      << chiaro_last_error();
  ASSERT_NE(report.below, nullptr);
  EXPECT_STREQ(report.below, "haze");
  const auto library = image::read(out);
  EXPECT_EQ(as_bytes(library), as_bytes(image::read(folder_ / "program.png")));

  // In memory the same, and of a part nobody can tell.
  std::vector<std::uint8_t> rgb = as_bytes(image::read(bad));
  const auto picture = rgb8(rgb, library.width(), library.height());
  expect_refused(chiaro_restore_region(restorer.get(), &picture, 0, 0, &picture, &options),
                 CHIARO_USAGE, "a region is not looked at again");
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, &options, &report), CHIARO_OK)
      << chiaro_last_error();
  EXPECT_STREQ(report.below, "haze");
  EXPECT_EQ(rgb, as_bytes(library));
  options.again = 0;
  ASSERT_EQ(chiaro_restore(restorer.get(), &picture, &picture, &options, &report), CHIARO_OK);
  EXPECT_EQ(report.below, nullptr);
}

}  // namespace
}  // namespace chiaro::test::restore_test
