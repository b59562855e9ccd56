#include "chiaro/restore/strip_restoration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "chiaro/base/files.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/rng.h"
#include "tests/restore/graph_restorer.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"
#include "tests/support/noise.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::restore::strip_restoration_test {
namespace {

/// A picture and its file, of 16 bits, so that what is read is what was written.
class StripRestorationTest : public testing::Test {
 protected:
  image::Image store(int channels, int height, int width, bool alpha = false,
                     const std::string& name = "picture.tif") {
    image::Image picture = test::noise(channels, height, width, {.seed = 5});
    if (alpha) picture.alpha.assign(picture.plane_size(), 0.5F);
    picture.sample_type = image::SampleType::U16;
    file_ = folder_ / name;
    image::write(file_, picture);
    return image::read(file_);
  }

  StripRestoration::Opener opener() const {
    return [file = file_] { return image::StripReader(file); };
  }

  /// All strips together.
  image::Image joined(StripRestoration& strips) {
    const image::Frame& frame = strips.frame();
    image::Image all(frame.channels, frame.height, frame.width);
    int y = 0;
    for (image::Image strip = strips.next(); !strip.empty(); strip = strips.next()) {
      EXPECT_TRUE(strip.alpha.empty());
      for (int c = 0; c < frame.channels; ++c)
        std::ranges::copy(strip.plane(c), all.plane(c).begin() + std::ptrdiff_t{y} * frame.width);
      y += strip.height();
    }
    EXPECT_EQ(y, frame.height);
    return all;
  }

  void expect_equal_to_whole(const std::string& graph, const image::Image& picture,
                             const RestoreOptions& options) {
    Restorer restorer = restorer_of(graph);
    StripRestoration strips(restorer, opener(), options);
    const image::Image got = joined(strips);
    const image::Image whole = restorer.restore(picture, options);
    ASSERT_EQ(got.height(), whole.height());
    ASSERT_EQ(got.width(), whole.width());
    ASSERT_EQ(got.channels(), whole.channels());
    EXPECT_GT(strips.plan().rows, 2) << graph;
    for (std::size_t i = 0; i < got.pixels().size(); ++i)
      ASSERT_NEAR(got.pixels()[i], whole.pixels()[i], 1e-6) << graph << " at " << i;
  }

  chiaro::test::TemporaryFolder folder_;
  std::filesystem::path file_;
};

TEST_F(StripRestorationTest, EqualsTheWholePicture) {
  for (const auto& [height, width] : {std::pair{211, 90}, {97, 160}, {160, 61}}) {
    for (const int channels : {1, 3}) {
      const image::Image picture = store(channels, height, width);
      for (const std::string graph : {"stack", "unet", "twice", "grey", "identity"})
        expect_equal_to_whole(graph, picture, {.tile_px = 44});
      for (const double strength : {0.4, 0.0})
        expect_equal_to_whole("stack", picture, {.tile_px = 44, .strength = strength});
      expect_equal_to_whole("unet", picture, {.tile_px = 60, .keep_grain = 0.5});
    }
  }
}

TEST_F(StripRestorationTest, TheControllerSeesTheWholePicture) {
  for (const GuardMode guard : {GuardMode::Off, GuardMode::Soft}) {
    const image::Image picture = store(3, 211, 90);
    expect_equal_to_whole("film", picture, {.tile_px = 44, .guard = guard});
    Restorer restorer = restorer_of("film");
    RestoreReport whole;
    (void)restorer.restore(picture, {.tile_px = 44, .guard = guard}, {}, &whole);
    const StripRestoration strips(restorer, opener(), {.tile_px = 44, .guard = guard});
    ASSERT_TRUE(strips.report().inspection.has_value());
    EXPECT_EQ(strips.report().inspection->condition, whole.inspection->condition);
    EXPECT_EQ(strips.report().strength, whole.strength);
  }
}

TEST_F(StripRestorationTest, ALowerCeilingGivesLowerBands) {
  (void)store(3, 900, 1200);
  Restorer restorer = restorer_of("unet");
  const std::int64_t now = resident_bytes();
  const auto rows_with = [&](std::int64_t more) {
    const StripRestoration strips(restorer, opener(), {.max_memory_bytes = now + (more << 20)});
    EXPECT_LE(strips.plan().predicted_peak_bytes, now + (more << 20));
    return strips.plan().rows;
  };
  EXPECT_GT(rows_with(110), rows_with(180));
  EXPECT_CHIARO_ERROR(StripRestoration(restorer, opener(), {.max_memory_bytes = now / 2}), Resource,
                      "even in strips");
}

// Kept as the file stores them, four times as many rows fit as of floats: larger tiles, less work.
TEST_F(StripRestorationTest, RowsOfEightBitsLeaveRoomForLargerTiles) {
  const Restorer restorer = restorer_of("unet");
  image::Frame frame{3, 20000, 20000, false, image::SampleType::U8, {}};
  RestoreOptions options{.max_memory_bytes = resident_bytes() + (std::int64_t{180} << 20),
                         .written_as = image::SampleType::U8};
  const auto work = [&] {
    const RestorePlan plan = StripRestoration::planned(restorer, frame, options);
    EXPECT_LE(plan.predicted_peak_bytes, options.max_memory_bytes);
    return double{1} * plan.tiles() * plan.window_height_px * plan.window_width_px;
  };
  const double as_floats = work();
  frame.exact = true;
  EXPECT_LT(work(), 0.9 * as_floats);
  options.written_as = std::nullopt;
  EXPECT_LT(work(), as_floats) << "what is read, though not what is written";
}

// What is written as 8 or 16 bits need not be kept in more: the file is the same.
TEST_F(StripRestorationTest, WhatIsWrittenAsSamplesIsRoundedOnce) {
  for (const auto type : {image::SampleType::U8, image::SampleType::U16}) {
    image::Image picture = store(3, 211, 90);
    picture.sample_type = type;
    image::write(file_, picture);
    picture = image::read(file_);
    for (const std::string graph : {"unet", "twice", "grey"}) {
      Restorer restorer = restorer_of(graph);
      StripRestoration strips(restorer, opener(), {.tile_px = 44, .written_as = type});
      image::Image got = joined(strips);
      const image::Image whole = restorer.restore(picture, {.tile_px = 44});
      const float largest = type == image::SampleType::U8 ? 255.0F : 65535.0F;
      ASSERT_EQ(got.pixels().size(), whole.pixels().size());
      std::size_t off = 0;  // tiled and whole may differ by 1e-6, and then be rounded apart
      for (std::size_t i = 0; i < got.pixels().size(); ++i) {
        const float level = std::round(got.pixels()[i] * largest);
        EXPECT_EQ(got.pixels()[i], level / largest) << i;
        const float expected = std::floor(whole.pixels()[i] * largest + 0.5F);
        ASSERT_NEAR(level, expected, 1) << graph << " at " << i;
        off += level == expected ? 0U : 1U;
      }
      EXPECT_LT(off, got.pixels().size() / 100) << graph;
    }
  }
}

TEST_F(StripRestorationTest, WhatExceedsMemoryIsKnownBeforeDecoding) {
  const Restorer restorer = restorer_of("stack");
  const image::Frame frame{3, 20000, 20000, false, image::SampleType::U8, {}};
  const image::Frame small{3, 200, 200, false, image::SampleType::U8, {}};
  constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;
  const std::int64_t now = restorer.plan(64, 64).predicted_peak_bytes;  // of the whole process
  EXPECT_TRUE(exceeds_memory(restorer, frame, {.max_memory_bytes = now + kGibibyte}));
  EXPECT_FALSE(exceeds_memory(restorer, frame, {.max_memory_bytes = now + 16 * kGibibyte}));
  EXPECT_FALSE(exceeds_memory(restorer, small, {.max_memory_bytes = now + kGibibyte}));
  EXPECT_FALSE(exceeds_memory(restorer, small, {}));
}

TEST_F(StripRestorationTest, WhatFitsOnlyWithSmallTilesGoesInStrips) {
  CHIARO_SKIP_WHERE_SANITIZED();
  const Restorer restorer = restorer_of("unet");
  const image::Frame frame{3, 4000, 4000, false, image::SampleType::U8, {}};
  constexpr std::int64_t kHeld = std::int64_t{3} * 4000 * 4000 * 6;
  const std::int64_t now = restorer.plan(64, 64).predicted_peak_bytes;
  const auto choice = [&](std::int64_t more) {
    const RestoreOptions options{.max_memory_bytes = now + kHeld + more};
    EXPECT_FALSE(exceeds_memory(restorer, frame, options));
    return less_work_in_strips(restorer, frame, options);
  };
  EXPECT_TRUE(choice(std::int64_t{2} << 20));
  EXPECT_FALSE(choice(std::int64_t{8} << 30));
}

TEST_F(StripRestorationTest, AnEnlargedResultCountsOnce) {
  const Restorer restorer = restorer_of("twice");
  const image::Frame frame{3, 4000, 4000, false, image::SampleType::U8, {}};
  // 16 bytes of the enlarged floats, 4 of the source's and 8 of the coded result for each sample.
  constexpr std::int64_t kSamples = std::int64_t{3} * 4000 * 4000;
  const std::int64_t now = restorer.plan(64, 64).predicted_peak_bytes;
  EXPECT_FALSE(exceeds_memory(restorer, frame, {.max_memory_bytes = now + 34 * kSamples}));
  EXPECT_TRUE(exceeds_memory(restorer, frame, {.max_memory_bytes = now + 26 * kSamples}));
  EXPECT_FALSE(exceeds_memory(restorer, frame, {}, 40 * kSamples));
  EXPECT_TRUE(exceeds_memory(restorer, frame, {}, 36 * kSamples));
  EXPECT_FALSE(exceeds_memory(restorer, frame, {}, 0));  // unknown
}

TEST_F(StripRestorationTest, WithoutALimitWhatCannotGoInStripsIsTriedAsAWhole) {
  const Restorer stack = restorer_of("stack");
  const Restorer pooled = restorer_of("pooled");
  constexpr std::int64_t kLittle = 1000;
  const auto chosen = [&](const Restorer& restorer, const std::string& format,
                          const RestoreOptions& options) {
    return choose_passage(restorer, image::StripReader(file_), format, options, kLittle);
  };
  (void)store(3, 60, 50);
  EXPECT_TRUE(chosen(stack, "tiff", {}).in_strips);
  EXPECT_EQ(chosen(stack, "tiff", {}).obstacle, "");
  EXPECT_FALSE(chosen(stack, "webp", {}).in_strips);
  EXPECT_EQ(chosen(stack, "webp", {}).obstacle, "webp cannot be written in strips");
  EXPECT_FALSE(chosen(pooled, "tiff", {}).in_strips);
  EXPECT_NE(chosen(pooled, "tiff", {}).obstacle, "");
  // A limit that somebody set is kept to: strips then say what keeps them from it.
  EXPECT_TRUE(chosen(stack, "webp", {.max_memory_bytes = 1}).in_strips);
  EXPECT_FALSE(choose_passage(stack, image::StripReader(file_), "webp", {}).in_strips);
  EXPECT_EQ(choose_passage(stack, image::StripReader(file_), "webp", {}).obstacle, "");
  (void)store(3, 60, 50, true);
  EXPECT_FALSE(chosen(stack, "tiff", {}).in_strips);
  EXPECT_TRUE(chosen(stack, "tiff", {.alpha = AlphaMode::Drop}).in_strips);
}

TEST_F(StripRestorationTest, NotesAreSaidOnce) {
  // Values that are not finite, and some above white, in every band.
  image::Image picture(3, 211, 90, 0.5F);
  for (int y = 0; y < picture.height(); ++y) {
    picture.at(0, y, 3) = std::numeric_limits<float>::quiet_NaN();
    picture.at(1, y, 5) = 2.5F;
  }
  picture.sample_type = image::SampleType::F32;
  file_ = folder_ / "bright.tif";
  image::write(file_, picture);
  const auto lines = [&](bool in_strips, double strength) {
    const test::LogCapture log;
    Restorer restorer = restorer_of("stack");
    const RestoreOptions options{.tile_px = 44, .strength = strength};
    if (in_strips) {
      StripRestoration strips(restorer, opener(), options);
      EXPECT_GT(strips.plan().rows, 2);
      (void)joined(strips);
    } else {
      (void)restorer.restore(image::read(file_), options);
    }
    return log.text();
  };
  const std::string said = lines(true, 1);
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  EXPECT_NE(said.find("211 values of the picture were not finite"), std::string::npos) << said;
  EXPECT_EQ(lines(false, 1), said);
  EXPECT_EQ(lines(true, 0), said);
}

TEST_F(StripRestorationTest, ValuesBeyondWhiteAreRestoredAsInTheWhole) {
  image::Image picture(3, 190, 60);
  Rng rng(4);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform(-0.02, 1.1));
  picture.at(1, 180, 7) = 30;  // in the last band: the first ones must know of it
  picture.sample_type = image::SampleType::F32;
  file_ = folder_ / "bright.tif";
  image::write(file_, picture);
  for (const char* graph : {"stack", "film", "twice"})
    expect_equal_to_whole(graph, image::read(file_), {.tile_px = 44, .guard = GuardMode::Off});
}

TEST_F(StripRestorationTest, SaysWhatCannotBeDoneSo) {
  (void)store(3, 60, 50, true);
  Restorer stack = restorer_of("stack");
  EXPECT_CHIARO_ERROR(StripRestoration(stack, opener(), {}), Resource, "it has transparency");
  StripRestoration without(stack, opener(), {.alpha = AlphaMode::Drop});
  EXPECT_FALSE(without.frame().has_alpha);
  (void)joined(without);
  (void)store(3, 60, 50, false, "picture.webp");
  EXPECT_CHIARO_ERROR(StripRestoration(stack, opener(), {}), Resource,
                      "webp is decoded as a whole");
  (void)store(3, 60, 50);
  Restorer pooled = restorer_of("pooled");
  EXPECT_CHIARO_ERROR(StripRestoration(pooled, opener(), {}), Resource, "looks at the whole");
  EXPECT_CHIARO_ERROR(StripRestoration(stack, opener(), {.strength = 2}), Usage, "strength");
}

TEST_F(StripRestorationTest, CanBeStopped) {
  (void)store(3, 211, 90);
  Restorer restorer = restorer_of("stack");
  double before = -1;
  StripRestoration strips(restorer, opener(), {.tile_px = 44}, [&](double done) {
    EXPECT_GE(done, before);
    before = done;
    return done < 0.5;
  });
  EXPECT_CHIARO_ERROR((void)joined(strips), Interrupted, "stopped");
  EXPECT_GE(before, 0.5);
  Restorer film = restorer_of("film");
  EXPECT_CHIARO_ERROR(
      StripRestoration(film, opener(), {.tile_px = 44}, [](double) { return false; }), Interrupted,
      "stopped");
}

TEST_F(StripRestorationTest, ValuesThatAreNotFiniteAreReplaced) {
  image::Image picture(3, 150, 40, 0.5F);
  picture.sample_type = image::SampleType::F32;
  picture.at(1, 120, 7) = std::numeric_limits<float>::quiet_NaN();
  picture.at(2, 3, 7) = std::numeric_limits<float>::infinity();
  file_ = folder_ / "float.tif";
  image::write(file_, picture);
  expect_equal_to_whole("identity", image::read(file_), {.tile_px = 44});
}

}  // namespace
}  // namespace chiaro::restore::strip_restoration_test
