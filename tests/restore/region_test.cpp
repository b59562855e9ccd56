#include "chiaro/restore/region.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "chiaro/base/rng.h"
#include "chiaro/restore/tile_check.h"
#include "tests/restore/graph_restorer.h"
#include "tests/support/expect_error.h"
#include "tests/support/log_capture.h"

namespace chiaro::restore::region_test {
namespace {

image::Image noise(int channels, int height, int width, bool with_alpha = false) {
  image::Image picture(channels, height, width);
  Rng rng(5);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform(-0.1, 1.1));
  if (with_alpha) {
    picture.alpha.resize(picture.plane_size());
    for (float& value : picture.alpha) value = rng.chance(0.3) ? 0.0F : 1.0F;
  }
  return picture;
}

bool same(const image::Image& left, const image::Image& right) {
  return left.height() == right.height() && left.width() == right.width() &&
         std::ranges::equal(left.pixels(), right.pixels()) && left.alpha == right.alpha;
}

TEST(Region, IsReadFromText) {
  const Region region = parse_region(" 1, 2,30,4");
  EXPECT_EQ(region.x, 1);
  EXPECT_EQ(region.y, 2);
  EXPECT_EQ(region.width, 30);
  EXPECT_EQ(region.height, 4);
  for (const char* wrong : {"", "1,2,3", "1,2,3,4,5", "-1,2,3,4", "1,2,0,4", "1,2,3,x", "1.5,2,3,4",
                            "1,2,3,99999999999"})
    test::expect_error(ErrorCode::Usage, "no region", [&] { parse_region(wrong); });
}

TEST(Region, ContextIsAlignedAndStaysInside) {
  bundle::Manifest manifest;
  manifest.receptive_field_px = 27;
  manifest.alignment_px = 4;
  // 112 × 208 is seen: 4 and 5 rows more, 3 and 3 columns. Windows begin 3 left of the picture, or
  // 1, 5, 9 …, and 4 above it.
  const auto [inner, none] = with_context({50, 21, 10, 7}, 103, 202, manifest, 13);
  EXPECT_EQ(inner.x, 37);  // 50 - 13
  EXPECT_EQ(inner.width, 73 - 37);
  EXPECT_EQ(inner.y, 8);
  EXPECT_EQ(inner.height, 44 - 8);
  EXPECT_TRUE(none.left == 0 && none.right == 0 && none.top == 0 && none.bottom == 0);
  const auto [corner, margin] = with_context({198, 0, 4, 103}, 103, 202, manifest, 13);
  EXPECT_EQ(corner.x + corner.width, 202);
  EXPECT_EQ(corner.y, 0);
  EXPECT_EQ(corner.height, 103);
  EXPECT_TRUE(margin.left == 0 && margin.right == 3 && margin.top == 4 && margin.bottom == 5);

  // With a margin of 1, windows begin at -1, 7, 15 …; enough stays to mirror at the far side.
  manifest.receptive_field_px = 3;
  manifest.alignment_px = 8;
  const auto odd = with_context({40, 60, 1, 1}, 100, 100, manifest, 1);
  EXPECT_EQ(odd.region.x, 39);
  EXPECT_EQ(odd.region.width, 8);
  EXPECT_EQ(odd.region.y, 55);
  const auto end = with_context({99, 0, 1, 100}, 100, 100, manifest, 1);
  EXPECT_EQ(end.region.x, 87);
  EXPECT_EQ(with_context({16, 0, 1, 17}, 17, 17, manifest, 1).region.x, 7);
}

TEST(Region, EqualsThatPartOfTheWhole) {
  for (const char* graph : {"stack", "unet", "twice", "grey", "pooled", "film"}) {
    auto restorer = restorer_of(graph);
    const int scale = restorer.manifest().scale;
    for (const double strength : {0.0, 0.4, 1.0}) {
      if (scale != 1 && strength != 1) continue;
      for (const AlphaMode alpha : {AlphaMode::Keep, AlphaMode::Restore, AlphaMode::Drop}) {
        const RestoreOptions options{.strength = strength, .alpha = alpha};
        const image::Image source = noise(3, 61, 90, true);
        const image::Image whole = restorer.restore(source, options);
        Rng rng(11);
        for (int i = 0; i < 4; ++i) {
          const int width = static_cast<int>(rng.integer(1, 40));
          const int height = static_cast<int>(rng.integer(1, 40));
          const Region region{static_cast<int>(rng.integer(0, 90 - width)),
                              static_cast<int>(rng.integer(0, 61 - height)), width, height};
          EXPECT_TRUE(same(restore_region(restorer, source, region, options),
                           image::crop(whole, region.y * scale, region.x * scale, height * scale,
                                       width * scale)))
              << graph << ", strength " << strength << ", " << region.x << "," << region.y << ","
              << width << "," << height;
        }
      }
    }
  }
}

TEST(Region, GrainIsThatOfTheWhole) {
  for (const char* graph : {"stack", "unet", "film"}) {
    auto restorer = restorer_of(graph);
    const RestoreOptions options{.keep_grain = 0.7};
    const image::Image source = noise(3, 73, 90, false);
    const image::Image whole = restorer.restore(source, options);
    EXPECT_FALSE(same(whole, restorer.restore(source))) << graph;
    for (const Region& region : {Region{30, 25, 20, 17}, Region{0, 50, 9, 23}})
      EXPECT_TRUE(same(restore_region(restorer, source, region, options),
                       image::crop(whole, region.y, region.x, region.height, region.width)))
          << graph << ", " << region.x;
  }
}

TEST(Region, TheControllerSeesTheWholePicture) {
  auto restorer = restorer_of("film");
  // Dark on the left, bright on the right: the controller would say other things of each.
  image::Image source = noise(3, 64, 96);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 96; ++x)
      for (int c = 0; c < 3; ++c) source.at(c, y, x) *= x < 48 ? 0.2F : 1.0F;
  RestoreReport whole;
  const image::Image restored = restorer.restore(source, {}, {}, &whole);
  for (const Region& region : {Region{4, 8, 20, 30}, Region{70, 20, 20, 30}}) {
    EXPECT_NE(restorer.inspect(image::crop(source, region.y, region.x, region.height, region.width))
                  .condition,
              whole.inspection->condition);
    RestoreReport report;
    EXPECT_TRUE(same(restore_region(restorer, source, region, {}, {}, &report),
                     image::crop(restored, region.y, region.x, region.height, region.width)));
    EXPECT_EQ(report.inspection->condition, whole.inspection->condition);
    EXPECT_EQ(report.guard->confidence, whole.guard->confidence);
    EXPECT_EQ(report.strength, whole.strength);
    RestoreReport first;
    restore_region_ensemble(restorer, source, region, {}, {}, &first);
    EXPECT_EQ(first.inspection->condition, whole.inspection->condition);
  }
  // A picture that is left alone is left alone in part, also outside [0,1] and under transparency.
  image::Image drawn(3, 40, 40, 1.25F);
  drawn.alpha.assign(drawn.plane_size(), 0.0F);
  drawn.alpha[7] = 1;
  RestoreReport report;
  EXPECT_TRUE(same(restore_region(restorer, drawn, {3, 5, 9, 11}, {}, {}, &report),
                   image::crop(drawn, 5, 3, 11, 9)));
  EXPECT_TRUE(report.guard->drawn);
  EXPECT_EQ(report.strength, 0);
}

TEST(Region, TilesWithTooLittleOverlapAreFollowedToo) {
  auto restorer = restorer_of("stack");
  const RestoreOptions options{.tile_px = 24, .overlap_px = 0};
  EXPECT_FALSE(is_local(restorer, options));
  const auto source = noise(3, 60, 60);
  EXPECT_TRUE(same(restore_region(restorer, source, {10, 10, 30, 30}, options),
                   image::crop(restorer.restore(source, options), 10, 10, 30, 30)));
}

TEST(Region, OutsideOfThePictureIsRefused) {
  auto restorer = restorer_of("stack");
  for (const Region& wrong : {Region{30, 0, 11, 5}, Region{0, 16, 5, 5}, Region{0, 0, 41, 5},
                              Region{-1, 0, 5, 5}, Region{2147483647, 0, 5, 5}, Region{0, 0, 0, 5}})
    test::expect_error(ErrorCode::Usage, "leaves the picture",
                       [&] { restore_region(restorer, noise(3, 20, 40), wrong); });
}

/// Noise of floats with values that networks do not see, in one corner.
image::Image bright_corner() {
  image::Image source(3, 60, 70, 0.5F);
  source.sample_type = image::SampleType::F32;
  source.at(0, 1, 2) = 1.5F;
  source.at(1, 1, 2) = -2.0F;
  source.at(2, 3, 4) = std::nanf("");
  return source;
}

std::string said_of(const std::function<void()>& work) {
  const test::LogCapture log;
  work();
  return log.text();
}

TEST(Region, SaysWhatIsReplacedAsTheWholeDoes) {
  auto local = restorer_of("stack");
  auto whole = restorer_of("pooled");
  for (auto* restorer : {&local, &whole}) {
    const std::string expected = said_of([&] { restorer->restore(bright_corner()); });
    EXPECT_NE(expected.find("1 values of the picture were not finite"), std::string::npos);
    const Region region{40, 40, 8, 9};
    EXPECT_EQ(said_of([&] { restore_region(*restorer, bright_corner(), region); }), expected);
    EXPECT_EQ(said_of([&] { restore_region_ensemble(*restorer, bright_corner(), region); }),
              expected);
    const auto restore = [&](image::Image picture, const ProgressCallback& progress) {
      return restorer->restore(std::move(picture), {}, progress);
    };
    EXPECT_EQ(said_of([&] { restore_ensemble(bright_corner(), restore); }), expected);
  }
}

TEST(Region, OnceMoreGivesTheSamePixelsInSilence) {
  auto restorer = restorer_of("stack");
  const Region region{0, 0, 20, 21};
  const image::Image expected = restore_region(restorer, bright_corner(), region);
  image::Image again;
  EXPECT_EQ(
      said_of([&] { again = restore_region(restorer, already_noted(bright_corner()), region); }),
      "");
  EXPECT_TRUE(same(again, expected));
  const image::Image as_it_was = already_noted(bright_corner());
  EXPECT_EQ(as_it_was.at(0, 1, 2), 1.5F);
}

TEST(Ensemble, KeepsTheSampleType) {
  const auto restore = [](image::Image picture, const ProgressCallback&) { return picture; };
  EXPECT_EQ(restore_ensemble(bright_corner(), restore).sample_type, image::SampleType::F32);
}

TEST(Ensemble, IsTheMeanOfEightTurnedBack) {
  // By hand: a "network" that adds its input's x to every pixel, so that each symmetry gives
  // another result; turned back, the mean of the eight at (y,x) of an h × w picture is that of x,
  // w-1-x, y, h-1-y, each twice.
  const image::Image source = noise(1, 5, 8, true);
  const auto ramp = [](image::Image picture, const ProgressCallback&) {
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x) picture.at(0, y, x) += static_cast<float>(x);
    return picture;
  };
  const image::Image mean = restore_ensemble(source, ramp);
  EXPECT_EQ(mean.alpha, source.alpha);
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 8; ++x)
      EXPECT_NEAR(mean.at(0, y, x) - source.at(0, y, x), (7 + 4) / 4.0, 1e-5);
  }
}

TEST(Ensemble, TellsItsProgressAndStops) {
  auto restorer = restorer_of("stack");
  double last = 0;
  const auto restore = [&](image::Image picture, const ProgressCallback& progress) {
    return restorer.restore(std::move(picture), {}, progress);
  };
  restore_ensemble(noise(3, 20, 20), restore, [&](double done) {
    EXPECT_GE(done, last);
    last = done;
    return true;
  });
  EXPECT_EQ(last, 1.0);
  test::expect_error(ErrorCode::Interrupted, "stopped", [&] {
    restore_ensemble(noise(3, 20, 20), restore, [](double done) { return done < 0.5; });
  });
}

TEST(Ensemble, OfARegionEqualsThatPartOfTheWhole) {
  for (const char* graph : {"unet", "twice"}) {
    auto restorer = restorer_of(graph);
    const int scale = restorer.manifest().scale;
    const image::Image source = noise(3, 50, 71);  // no multiples of the alignment
    const auto whole = restore_ensemble(source, [&](image::Image picture, const auto& progress) {
      return restorer.restore(std::move(picture), {}, progress);
    });
    for (const Region& region : {Region{3, 20, 17, 11}, Region{60, 40, 11, 10}})
      EXPECT_TRUE(same(restore_region_ensemble(restorer, source, region),
                       image::crop(whole, region.y * scale, region.x * scale, region.height * scale,
                                   region.width * scale)))
          << graph;
  }
}

TileCheck checked(const std::string& graph, const RestoreOptions& options) {
  auto restorer = restorer_of(graph);
  const auto source = noise(3, 97, 130);
  const auto plan = restorer.plan(97, 130, options);
  return check_tiles(restorer, source, restorer.restore(source, options), plan, options);
}

TEST(TileCheck, SoundTilesPassAndAShortOverlapIsFound) {
  for (const char* graph : {"stack", "unet", "twice"}) {
    const TileCheck sound = checked(graph, {.tile_px = 64});
    EXPECT_GT(sound.tiles, 1) << graph;
    EXPECT_GT(sound.probes, 4) << graph;
    EXPECT_LE(sound.largest_difference, kTileBoundF32) << graph;
  }
  const TileCheck seams = checked("stack", {.tile_px = 64, .overlap_px = 0});
  EXPECT_GT(seams.largest_difference, 1e-3);
}

TEST(TileCheck, APlantedSeamIsFoundWhereItIs) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 97, 130);
  image::sanitize(source);  // within the range, differences are what they are
  const RestoreOptions options{.tile_px = 64};
  const auto plan = restorer.plan(97, 130, options);
  auto result = restorer.restore(source, options);
  const auto windows = border_windows(97, 130, plan, restorer.manifest(), 32, 16);
  const Region& last = windows.back();
  result.at(1, last.y + 3, last.x + 4) += 0.25F;
  const TileCheck check = check_tiles(restorer, source, result, plan, options);
  EXPECT_NEAR(check.largest_difference, 0.25, 1e-3);
  EXPECT_EQ(check.x, last.x + 4);
  EXPECT_EQ(check.y, last.y + 3);
}

TEST(TileCheck, ColoursUnderTransparencyAreNoSeams) {
  auto restorer = restorer_of("stack");
  auto source = noise(3, 97, 130);
  source.alpha.assign(source.plane_size(), 0.0F);
  for (int y = 20; y < 70; ++y)
    for (int x = 30; x < 110; ++x) source.alpha[static_cast<std::size_t>(y * 130 + x)] = 1;
  for (const AlphaMode alpha : {AlphaMode::Keep, AlphaMode::Restore, AlphaMode::Drop}) {
    const RestoreOptions options{.tile_px = 64, .alpha = alpha};
    const auto plan = restorer.plan(97, 130, options);
    const auto check =
        check_tiles(restorer, source, restorer.restore(source, options), plan, options);
    EXPECT_GT(check.probes, 4);
    EXPECT_LE(check.largest_difference, kTileBoundF32) << static_cast<int>(alpha);
  }
}

TEST(TileCheck, NetworksThatSeeTheWholeAreComparedWithTheWhole) {
  const TileCheck check = checked("pooled", {.tile_px = 96, .overlap_px = 16});
  EXPECT_EQ(check.probes, 1);
  EXPECT_GT(check.largest_difference, 0);
}

TEST(TileCheck, OneTileHasNoBorders) {
  EXPECT_EQ(checked("stack", {}).probes, 0);
}

TEST(TileCheck, WindowsLieAcrossEveryKindOfBorder) {
  const RestorePlan plan{.window_height_px = 40, .window_width_px = 60, .rows = 3, .columns = 3};
  bundle::Manifest manifest;
  manifest.receptive_field_px = 1;
  manifest.alignment_px = 1;
  const auto windows = border_windows(100, 150, plan, manifest, 16, 100);
  EXPECT_EQ(windows.size(), 4U + 6U + 6U);  // crossings, and the pieces of border between them
  for (const Region& window : windows) {
    EXPECT_TRUE(window.x >= 0 && window.y >= 0 && window.x + 16 <= 150 && window.y + 16 <= 100);
  }
  EXPECT_EQ(border_windows(100, 150, plan, manifest, 16, 5).size(), 5U);
}

}  // namespace
}  // namespace chiaro::restore::region_test
