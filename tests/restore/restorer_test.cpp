#include "chiaro/restore/restorer.h"
#include "chiaro/restore/region.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "chiaro/engine/processor.h"
#include "tests/restore/graph_restorer.h"
#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/noise.h"

namespace chiaro::restore::restorer_test {
namespace {

using test::noise;

constexpr engine::EngineOptions kF32 = {"auto", engine::Precision::F32, 2};

bool same_pixels(const image::Image& left, const image::Image& right) {
  return std::equal(left.pixels().begin(), left.pixels().end(), right.pixels().begin(),
                    right.pixels().end());
}

// --- Tiles
// ---------------------------------------------------------------------------------------------------------

using SeamCase = std::tuple<std::string, int, int, int>;

class Seams : public testing::TestWithParam<SeamCase> {};

TEST_P(Seams, TiledEqualsWhole) {
  const auto& [graph, height, width, tile] = GetParam();
  auto restorer = restorer_of(graph);
  const auto source = noise(3, height, width);
  const auto whole = restorer.restore(source);
  ASSERT_EQ(restorer.plan(height, width).tiles(), 1);
  ASSERT_GT(restorer.plan(height, width, {.tile_px = tile}).tiles(), 3);
  EXPECT_LE(largest_difference(restorer.restore(source, {.tile_px = tile}), whole), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Graphs, Seams,
                         testing::Combine(testing::Values("stack", "unet", "twice"),
                                          testing::Values(97, 130), testing::Values(101, 160, 211),
                                          testing::Values(48, 64)),
                         [](const auto& test_case) {
                           return std::get<0>(test_case.param) + "_" +
                                  std::to_string(std::get<1>(test_case.param)) + "x" +
                                  std::to_string(std::get<2>(test_case.param)) + "_tile" +
                                  std::to_string(std::get<3>(test_case.param));
                         });

TEST(Tiles, GrainHasNoSeams) {
  auto restorer = restorer_of("stack");
  const auto source = noise(3, 97, 130);
  const RestoreOptions whole{.keep_grain = 0.6};
  const RestoreOptions tiled{.tile_px = 64, .keep_grain = 0.6};
  ASSERT_GT(restorer.plan(97, 130, tiled).tiles(), 3);
  EXPECT_LE(largest_difference(restorer.restore(source, tiled), restorer.restore(source, whole)),
            1e-6);
  EXPECT_CHIARO_ERROR(restorer.restore(source, {.keep_grain = 1.5}), Usage, "share of grain");
  EXPECT_CHIARO_ERROR(restorer_of("twice").restore(source, {.keep_grain = 0.5}), Usage, "scale 1");
  EXPECT_CHIARO_ERROR(restorer_of("grey").restore(source, {.keep_grain = 0.5}), Usage,
                      "colour noise");
  EXPECT_NO_THROW(restorer_of("grey").restore(noise(1, 40, 50), {.keep_grain = 0.5}));
}

TEST(Tiles, AlphaHasNoGrain) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 40, 50);
  source.alpha.assign(source.plane_size(), 0.5F);
  for (std::size_t i = 0; i < source.alpha.size(); i += 3) source.alpha[i] = 0.7F;
  const auto plain = restorer.restore(source, {.alpha = AlphaMode::Restore});
  const auto grainy = restorer.restore(source, {.keep_grain = 0.5, .alpha = AlphaMode::Restore});
  EXPECT_FALSE(same_pixels(plain, grainy));
  EXPECT_EQ(plain.alpha, grainy.alpha);
}

TEST(Edges, AreRestoredAsIfThePictureWentOnMirrored) {
  for (const char* graph : {"stack", "twice", "grey"}) {  // see no further than the margin
    auto restorer = restorer_of(graph);
    const auto source = noise(3, 55, 70);
    const Margin margin = margin_of(restorer.manifest(), source.height(), source.width());
    const int sees = restorer.manifest().receptive_field_px / 2;
    ASSERT_TRUE(margin.top == sees && margin.bottom == sees && margin.left == sees &&
                margin.right == sees)
        << graph;
    constexpr int kAround = 8;  // a multiple of every alignment
    const auto larger =
        restorer.restore(image::pad_reflect(source, kAround, kAround, kAround, kAround));
    const auto alone = restorer.restore(source);
    const int scale = restorer.manifest().scale;
    const auto middle =
        image::crop(larger, kAround * scale, kAround * scale, alone.height(), alone.width());
    EXPECT_LE(largest_difference(alone, middle), 1e-5) << graph;
  }
}

TEST(Tiles, AShortOverlapShows) {
  auto restorer = restorer_of("stack");
  const auto source = noise(3, 97, 101);
  const auto whole = restorer.restore(source);
  EXPECT_GT(largest_difference(restorer.restore(source, {.tile_px = 48, .overlap_px = 2}), whole),
            1e-3);
  EXPECT_LE(largest_difference(restorer.restore(source, {.tile_px = 48, .overlap_px = 3}), whole),
            1e-4);
}

TEST(Tiles, ShareNoMoreThanTheNetworkReachesAndItsAlignmentAsks) {
  auto bundle = test::graph_bundle("stack");
  bundle.manifest.alignment_px = 16;
  bundle.manifest.receptive_field_px = 9;  // 4 on each side; neighbours share 16
  const Restorer restorer(std::move(bundle));
  EXPECT_EQ(restorer.plan(200, 200, {.tile_px = 64}).overlap_px, 8);
}

TEST(Tiles, NetworksOfGlobalStatisticsAreFeathered) {
  auto restorer = restorer_of("pooled");
  image::Image source(3, 200, 200);  // dark left, bright right: tiles see different means
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < 200; ++y) {
      for (int x = 0; x < 200; ++x) source.at(channel, y, x) = x < 100 ? 0.3F : 0.7F;
    }
  }
  const auto tiled = restorer.restore(source, {.tile_px = 140, .overlap_px = 32});
  ASSERT_GT(restorer.plan(200, 200, {.tile_px = 140, .overlap_px = 32}).tiles(), 1);
  // Within each half the result changes only gently from column to column.
  for (int x = 1; x < 200; ++x) {
    if (x == 100) continue;
    EXPECT_NEAR(tiled.at(0, 50, x), tiled.at(0, 50, x - 1), 0.01) << "column " << x;
  }
}

/// The widest distance (in pixels, either side) at which a changed input pixel changes the output.
int measured_reach(const std::string& graph, int side, int y0, int x0) {
  auto restorer = restorer_of(graph);
  const auto source = noise(3, side, side);
  auto changed = source;
  for (int channel = 0; channel < 3; ++channel) changed.at(channel, y0, x0) += 0.08F;
  const auto before = restorer.restore(source);
  const auto after = restorer.restore(changed);
  const int scale = restorer.manifest().scale;
  int reach = 0;
  for (int y = 0; y < side * scale; ++y) {
    for (int x = 0; x < side * scale; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        if (before.at(channel, y, x) == after.at(channel, y, x)) continue;
        reach = std::max({reach, std::abs(y / scale - y0), std::abs(x / scale - x0)});
      }
    }
  }
  return reach;
}

TEST(ReceptiveField, IsTheMeasuredOne) {
  EXPECT_EQ(measured_reach("identity", 32, 15, 16), 0);
  EXPECT_EQ(measured_reach("stack", 32, 15, 16), 7 / 2);
  EXPECT_EQ(measured_reach("twice", 32, 15, 16), 3 / 2);
  int reach = 0;  // depends on where in the 4x4 cell the pixel lies
  for (int phase = 0; phase < 4; ++phase)
    reach = std::max(reach, measured_reach("unet", 48, 20 + phase, 20 + phase));
  EXPECT_EQ(reach, test::facts_of("unet").receptive_field_px / 2);
}

TEST(Tiles, TooSmallATileIsRefused) {
  auto restorer = restorer_of("stack");
  EXPECT_CHIARO_ERROR(restorer.restore(noise(3, 64, 64), {.tile_px = 7}), Usage,
                      "expected at least 8");
  EXPECT_CHIARO_ERROR(restorer.restore(noise(3, 64, 64), {.tile_px = -1}), Usage,
                      "impossible tile");
}

// --- Sizes and channels
// --------------------------------------------------------------------------------------------

class AnySize : public testing::TestWithParam<std::tuple<std::string, int, int>> {};

TEST_P(AnySize, KeepsItsSize) {
  const auto& [graph, height, width] = GetParam();
  auto restorer = restorer_of(graph);
  const int scale = restorer.manifest().scale;
  for (const int channels : {1, 3}) {
    const auto result = restorer.restore(noise(channels, height, width));
    EXPECT_EQ(result.channels(), channels);
    EXPECT_EQ(result.height(), height * scale);
    EXPECT_EQ(result.width(), width * scale);
    for (const float value : result.pixels()) ASSERT_TRUE(value >= 0 && value <= 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, AnySize,
                         testing::Combine(testing::Values("identity", "stack", "unet", "twice",
                                                          "pooled", "grey"),
                                          testing::Values(1, 7, 30), testing::Values(1, 5, 33)));

TEST(Restorer, AnIdentityGraphGivesThePictureBack) {
  auto restorer = restorer_of("identity");
  const auto source = noise(3, 31, 47);
  EXPECT_TRUE(same_pixels(restorer.restore(source), source));
  EXPECT_TRUE(same_pixels(restorer.restore(source, {.tile_px = 8}), source));
}

TEST(Restorer, GreyEqualsTheAverageOfAGreyRgbPicture) {
  auto restorer = restorer_of("stack");
  const auto grey = noise(1, 40, 50);
  const auto as_rgb = restorer.restore(image::to_rgb(grey));
  const auto result = restorer.restore(grey);
  ASSERT_EQ(result.channels(), 1);
  // Limiting to [0,1] happens before averaging there and after it here: compare where no channel
  // was limited.
  int compared = 0;
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 50; ++x) {
      float mean = 0;
      bool limited = false;
      for (int channel = 0; channel < 3; ++channel) {
        const float value = as_rgb.at(channel, y, x);
        mean += value / 3;
        limited = limited || value <= 0 || value >= 1;
      }
      if (limited) continue;
      ++compared;
      ASSERT_NEAR(result.at(0, y, x), mean, 1e-5);
    }
  }
  EXPECT_GT(compared, 500);
}

TEST(Restorer, AGreyGraphTreatsChannelsAlike) {
  auto restorer = restorer_of("grey");
  const auto grey = noise(1, 24, 31);
  const auto colour = restorer.restore(image::to_rgb(grey));
  const auto single = restorer.restore(grey);
  ASSERT_EQ(colour.channels(), 3);
  for (int channel = 0; channel < 3; ++channel) {
    EXPECT_TRUE(
        std::equal(single.pixels().begin(), single.pixels().end(), colour.plane(channel).begin()));
  }
}

TEST(Restorer, OtherInputRangesAreHonoured) {
  auto bundle = test::graph_bundle("identity");
  bundle.manifest.range_low = -1;
  bundle.manifest.range_high = 1;
  Restorer restorer(std::move(bundle), kF32);
  const auto source = noise(3, 16, 16);
  EXPECT_LE(largest_difference(restorer.restore(source), source), 1e-6);
}

// --- Strength, alpha, odd values
// -----------------------------------------------------------------------------------

TEST(Restorer, StrengthZeroReturnsTheInputExactly) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 33, 21);
  source.at(0, 3, 4) = 1.7F;  // floats may exceed the range
  source.at(1, 3, 4) = -0.2F;
  EXPECT_TRUE(same_pixels(restorer.restore(source, {.strength = 0}), source));
}

TEST(Restorer, TheOutputMovesMonotonicallyWithStrength) {
  auto restorer = restorer_of("stack");
  const auto source = noise(3, 33, 47);
  const auto full = restorer.restore(source);
  double last = 0;
  for (const double strength : {0.25, 0.5, 0.75}) {
    const auto result = restorer.restore(source, {.tile_px = 16, .strength = strength});
    const double distance = largest_difference(result, source);
    EXPECT_GT(distance, last);
    last = distance;
    for (std::size_t i = 0; i < result.pixels().size(); ++i) {
      const double expected =
          source.pixels()[i] + strength * (double{full.pixels()[i]} - source.pixels()[i]);
      ASSERT_NEAR(result.pixels()[i], expected, 1e-5);
    }
  }
}

TEST(Restorer, ImpossibleStrengthIsRefused) {
  auto restorer = restorer_of("identity");
  EXPECT_CHIARO_ERROR(restorer.restore(noise(3, 8, 8), {.strength = 1.1}), Usage, "got 1.1");
  EXPECT_CHIARO_ERROR(restorer.restore(noise(3, 8, 8), {.strength = -0.1}), Usage, "strength");
  EXPECT_CHIARO_ERROR(restorer.restore(noise(3, 8, 8), {.strength = std::nan("")}), Usage,
                      "strength");
  auto twice = restorer_of("twice");
  EXPECT_CHIARO_ERROR(twice.restore(noise(3, 8, 8), {.strength = 0.5}), Usage, "scale 1");
  EXPECT_CHIARO_ERROR(twice.restore(image::Image()), Usage, "empty");
}

TEST(Restorer, NotFiniteValuesAreReplaced) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 20, 20);
  source.at(0, 2, 2) = std::numeric_limits<float>::quiet_NaN();
  source.at(1, 5, 5) = std::numeric_limits<float>::infinity();
  source.at(2, 7, 7) = -std::numeric_limits<float>::infinity();
  source.at(2, 9, 9) = 1e30F;
  for (const double strength : {0.0, 0.5, 1.0}) {
    const auto result = restorer.restore(source, {.strength = strength});
    for (const float value : result.pixels()) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST(Restorer, NotFiniteResultsGiveWayToTheInput) {
  auto restorer = restorer_of("shifted");  // 0/0 where the picture is exactly a quarter
  image::Image source(3, 8, 8, 0.5F);
  source.at(1, 4, 4) = 0.25F;
  EXPECT_TRUE(same_pixels(restorer.restore(source), source));
}

TEST(Alpha, IsKeptRestoredOrDropped) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 20, 30);
  source.alpha = std::vector<float>(600, 0.5F);
  source.alpha[17] = 0.25F;
  const auto kept = restorer.restore(source);
  EXPECT_EQ(kept.alpha, source.alpha);
  EXPECT_TRUE(restorer.restore(source, {.alpha = AlphaMode::Drop}).alpha.empty());
  const auto restored = restorer.restore(source, {.alpha = AlphaMode::Restore});
  ASSERT_EQ(restored.alpha.size(), source.alpha.size());
  EXPECT_NE(restored.alpha, source.alpha);
  EXPECT_TRUE(same_pixels(restored, kept));
  EXPECT_EQ(parse_alpha_mode("restore"), AlphaMode::Restore);
  EXPECT_CHIARO_ERROR(parse_alpha_mode("kep"), Usage, "kep");
}

TEST(Alpha, GrowsWithThePicture) {
  auto restorer = restorer_of("twice");
  auto source = noise(3, 6, 9);
  source.alpha = std::vector<float>(54, 1.0F);
  source.alpha[0] = 0;
  const auto result = restorer.restore(source);
  ASSERT_EQ(result.alpha.size(), 4U * 54U);
  EXPECT_FLOAT_EQ(result.alpha[0], 0);
  EXPECT_FLOAT_EQ(result.alpha.back(), 1);
}

TEST(Alpha, HiddenColoursDoNotBleed) {
  auto restorer = restorer_of("stack");
  image::Image source(3, 24, 24, 0.5F);
  source.alpha = std::vector<float>(24 * 24, 1.0F);
  auto hidden = source;
  for (int y = 0; y < 24; ++y) {
    for (int x = 12; x < 24; ++x) {
      hidden.alpha[static_cast<std::size_t>(y * 24 + x)] = 0;
      for (int channel = 0; channel < 3; ++channel) hidden.at(channel, y, x) = 0.0F;
    }
  }
  const auto clean = restorer.restore(source);
  const auto result = restorer.restore(hidden);
  for (int x = 0; x < 12; ++x) EXPECT_FLOAT_EQ(result.at(0, 12, x), clean.at(0, 12, x)) << x;
}

TEST(Alpha, HiddenColoursAreThereAfterwards) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 20, 30);
  source.alpha = std::vector<float>(600, 1.0F);
  for (std::size_t i = 0; i < 600; i += 3) source.alpha[i] = 0;
  const auto result = restorer.restore(source);
  const Region region{7, 5, 11, 9};
  const auto part = restore_region(restorer, source, region, {});
  for (int channel = 0; channel < 3; ++channel) {
    for (std::size_t i = 0; i < 600; i += 3)
      ASSERT_EQ(result.plane(channel)[i], source.plane(channel)[i]) << i;
    EXPECT_NE(result.plane(channel)[1], source.plane(channel)[1]);
    for (int y = 0; y < region.height; ++y)
      for (int x = 0; x < region.width; ++x)
        ASSERT_EQ(part.at(channel, y, x), result.at(channel, region.y + y, region.x + x));
  }
}

// --- Progress, memory, precision
// -----------------------------------------------------------------------------------

TEST(Restorer, ReportsRisingProgressAndCanBeStopped) {
  auto restorer = restorer_of("stack");
  std::vector<double> seen;
  restorer.restore(noise(3, 100, 100), {.tile_px = 40}, [&](double done) {
    seen.push_back(done);
    return true;
  });
  EXPECT_GT(seen.size(), 5U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_DOUBLE_EQ(seen.back(), 1.0);
  EXPECT_CHIARO_ERROR(
      restorer.restore(noise(3, 100, 100), {.tile_px = 40}, [](double) { return false; }),
      Interrupted, "stopped");
}

TEST(Memory, ALowerCeilingGivesSmallerTilesAndTheSamePicture) {
  auto restorer = restorer_of("unet");
  const auto source = noise(3, 600, 800);
  const auto whole = restorer.restore(source);
  restorer.release_memory();
  const auto free_plan = restorer.plan(600, 800);
  const std::int64_t ceiling = free_plan.predicted_peak_bytes - (12 << 20);
  EXPECT_LT(free_plan.repetition(600, 800), 1.2) << "edges alone";
  const auto tight_plan = restorer.plan(600, 800, {.max_memory_bytes = ceiling});
  EXPECT_DOUBLE_EQ(tight_plan.repetition(600, 800), double{1} * tight_plan.tiles() *
                                                        tight_plan.window_height_px *
                                                        tight_plan.window_width_px / (600 * 800));
  EXPECT_GT(tight_plan.repetition(600, 800), free_plan.repetition(600, 800));
  EXPECT_LT(tight_plan.window_height_px * tight_plan.window_width_px, 600 * 800);
  EXPECT_LE(tight_plan.predicted_peak_bytes, ceiling);
  EXPECT_LE(largest_difference(restorer.restore(source, {.max_memory_bytes = ceiling}), whole),
            1e-4);
}

TEST(Memory, AnImpossibleCeilingNamesTheSmallestThatWorks) {
  auto restorer = restorer_of("unet");
  try {
    restorer.restore(noise(3, 64, 64), {.max_memory_bytes = 1 << 20});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Resource);
    const std::string message = error.what();
    const auto at = message.find("expected at least ");
    ASSERT_NE(at, std::string::npos) << message;
    // Some pages come and go between two calls.
    const std::int64_t named = std::stoll(message.substr(at + 18)) + 2;
    EXPECT_NO_THROW(restorer.restore(noise(3, 64, 64), {.max_memory_bytes = named << 20}));
  }
}

TEST(Precision, AutoFollowsTheEvidence) {
  const auto precision_with = [](double cost_db, double levels, std::int64_t pictures) {
    auto bundle = test::graph_bundle("stack");
    bundle.manifest.precision = bundle::PrecisionEvidence{cost_db, 3, levels, 0.1, pictures};
    return Restorer(std::move(bundle)).precision();
  };
  const auto fast = engine::has_bf16() ? engine::Precision::Bf16 : engine::Precision::F32;
  EXPECT_EQ(precision_with(0.01, 2, 5), fast);
  EXPECT_EQ(precision_with(0.02, 2, 5), engine::Precision::F32);
  EXPECT_EQ(precision_with(0.01, 2.1, 5), engine::Precision::F32);
  EXPECT_EQ(precision_with(0.01, 2, 0), engine::Precision::F32);
  EXPECT_EQ(Restorer(test::graph_bundle("stack")).precision(), engine::Precision::F32);
}

TEST(Restorer, WrongBundlesAreRefused) {
  auto wrong_channels = test::graph_bundle("grey");
  wrong_channels.manifest.color = "srgb";
  EXPECT_CHIARO_ERROR(Restorer{std::move(wrong_channels)}, Bundle, "its graph takes 1");
  auto encoder = test::graph_bundle("stack");
  encoder.manifest.kind = "encode";
  EXPECT_CHIARO_ERROR(Restorer{std::move(encoder)}, Bundle, "its kind is 'encode'");
  auto lying = test::graph_bundle("unet");
  lying.manifest.alignment_px = 1;
  lying.manifest.receptive_field_px = 3;  // or the margin fills up to a size that works
  EXPECT_CHIARO_ERROR(Restorer(std::move(lying)).restore(noise(3, 7, 7)), Bundle, "unet");
}

}  // namespace
}  // namespace chiaro::restore::restorer_test
