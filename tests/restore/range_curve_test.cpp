#include "chiaro/restore/range_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "chiaro/base/rng.h"
#include "chiaro/image/light.h"
#include "chiaro/restore/region.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/tile_check.h"
#include "tests/restore/graph_restorer.h"

namespace chiaro::restore::range_curve_test {
namespace {

/// Floats up to 40 and down to -0.3, most between 0 and 1.
image::Image bright(int height, int width, bool linear = false) {
  image::Image picture(3, height, width);
  Rng rng(5);
  for (float& value : picture.pixels()) {
    const auto u = static_cast<float>(rng.uniform());
    value = u < 0.1F ? -3 * u * u : u > 0.8F ? std::exp2(26 * (u - 0.8F)) : u;
  }
  picture.sample_type = image::SampleType::F32;
  picture.metadata.linear_light = linear;
  return picture;
}

TEST(RangeCurve, IsNoneForPicturesWithinTheRange) {
  image::Image picture(1, 2, 2, 0.5F);
  picture.at(0, 0, 0) = 1.0015F;  // rounding
  picture.at(0, 0, 1) = -0.0015F;
  EXPECT_FALSE(RangeCurve(range_of(picture)).bends());
  for (const float value : {-0.2F, 0.0F, 0.01F, 0.3F, 0.77F, 1.0F, 1.7F})
    EXPECT_EQ(RangeCurve().shown(value), std::clamp(value, 0.0F, 1.0F));
}

TEST(RangeCurve, EndsAtOneRisesAndIsSmooth) {
  for (const float high : {1.01F, 1.5F, 6.0F, 64.0F}) {
    const RangeCurve curve({.low = -0.05F, .high = high});
    EXPECT_NEAR(curve.shown(high), 1, 1e-5);
    EXPECT_NEAR(curve.shown(-0.05F), 0, 1e-5);
    EXPECT_EQ(curve.shown(2 * high), curve.shown(high) < 1 ? 1.0F : curve.shown(high));
    for (const float value : {0.1F, 0.25F, 0.5F}) EXPECT_EQ(curve.shown(value), value);
    float before = curve.shown(-0.05F);
    for (float value = -0.049F; value < high; value += 0.001F) {
      EXPECT_GT(curve.shown(value), before) << value;
      before = curve.shown(value);
    }
    // Slope 1 where the bends begin.
    EXPECT_NEAR((curve.shown(0.502F) - 0.5F) / 0.002F, 1, 0.03);
    EXPECT_NEAR((0.1F - curve.shown(0.099F)) / 0.001F, 1, 0.03);
  }
  // By hand: log(1 + 1.5 s) = 0.5 s for a brightest value of 2 gives s = 3.8076.
  const RangeCurve curve({.high = 2});
  EXPECT_NEAR(curve.shown(1), 0.5 + std::log1p(0.5 * 3.8076) / 3.8076, 1e-4);
}

TEST(RangeCurve, GivesBackWhatIsLeftAloneBitByBit) {
  const image::Image picture = bright(40, 50);
  const RangeCurve curve(range_of(picture));
  ASSERT_TRUE(curve.bends());
  for (const float value : picture.pixels())
    EXPECT_EQ(curve.returned(value, curve.shown(value)), value);
  // A change is undone through the curve: what is shown of the returned value is the result.
  for (const float value : {0.02F, 0.3F, 0.9F, 3.0F, 30.0F}) {
    for (const float restored : {0.0F, 0.2F, 0.6F, 0.99F})
      EXPECT_NEAR(curve.shown(curve.returned(value, restored)), restored, 1e-5);
  }
  // What is beyond what can be seen moves along.
  EXPECT_FLOAT_EQ(curve.returned(1000.0F, 1.0F), 1000.0F);
  EXPECT_LT(curve.returned(1000.0F, 0.9F), 1000.0F);
}

TEST(RangeCurve, TakesDownLinearLightThatIsAboveWhite) {
  image::Image picture(3, 20, 20);
  Rng rng(2);
  for (float& value : picture.pixels())
    value = image::srgb_of_light(static_cast<float>(rng.uniform(400, 6000)));
  picture.sample_type = image::SampleType::F32;
  EXPECT_EQ(range_of(picture).stops, 0);  // not of light: as it is
  picture.metadata.linear_light = true;
  const SeenRange range = range_of(picture);
  EXPECT_EQ(range.stops, 12);  // 6000 is 12.6 stops above 1, though the mean is 14 above 0.18
  const RangeCurve curve(range);
  EXPECT_LT(curve.shown(image::srgb_of_light(1000)), 0.6F);
  for (const float value : picture.pixels())
    EXPECT_EQ(curve.returned(value, curve.shown(value)), value);
  const float one = picture.at(1, 4, 5);
  EXPECT_NEAR(curve.shown(curve.returned(one, 0.3F)), 0.3F, 1e-4);
  // Bright by four exposures: shown as it would have been. Within the range: as it is.
  for (float& value : picture.pixels())
    value = image::srgb_of_light(static_cast<float>(16 * std::pow(rng.uniform(), 3)));
  EXPECT_NEAR(range_of(picture).stops, 3, 1);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform(0.7, 1));
  EXPECT_EQ(range_of(picture).stops, 0);
}

TEST(RangeKept, AnIdentityChangesNothing) {
  for (const bool linear : {false, true}) {
    image::Image source = bright(70, 90, linear);
    Restorer identity = restorer_of("identity");
    for (const int tile : {0, 40}) {
      const image::Image result = identity.restore(source, {.tile_px = tile});
      EXPECT_TRUE(std::ranges::equal(result.pixels(), source.pixels()));
    }
    const image::Image part = restore_region(identity, source, {10, 20, 33, 30}, {});
    EXPECT_TRUE(std::ranges::equal(part.pixels(), image::crop(source, 20, 10, 30, 33).pixels()));
    // Alpha multiplied in: what shines where nothing covers is no hidden colour.
    source.alpha.assign(source.plane_size(), 0.0F);
    source.metadata.multiplied = true;
    EXPECT_TRUE(std::ranges::equal(identity.restore(source).pixels(), source.pixels()));
  }
}

TEST(RangeKept, ANetworkSeesAndChangesHighlights) {
  // `stack` is no identity: its result in highlights is what it makes of the shown picture.
  Restorer stack = restorer_of("stack");
  const image::Image source = bright(60, 50);
  const RangeCurve curve(range_of(source));
  image::Image shown = source;
  curve.show(shown.pixels());
  const image::Image expected = stack.restore(shown);
  const image::Image result = stack.restore(source);
  for (std::size_t i = 0; i < result.pixels().size(); ++i)
    EXPECT_NEAR(curve.shown(result.pixels()[i]), expected.pixels()[i], 1e-4);
  // Half of the way is half of the way.
  const image::Image half = stack.restore(source, {.strength = 0.5});
  for (std::size_t i = 0; i < result.pixels().size(); ++i) {
    const float middle = (source.pixels()[i] + result.pixels()[i]) / 2;
    EXPECT_NEAR(half.pixels()[i], middle, 1e-5F * (1 + std::abs(middle)));
  }
}

TEST(RangeKept, PartsAndTilesEqualTheWhole) {
  for (const char* graph : {"stack", "film", "twice"}) {
    SCOPED_TRACE(graph);
    Restorer restorer = restorer_of(graph);
    const int scale = restorer.manifest().scale;
    const image::Image source = bright(90, 80);
    const RestoreOptions options{.guard = GuardMode::Off};
    const image::Image whole = restorer.restore(source, options);
    const image::Image part = restore_region(restorer, source, {16, 30, 21, 19}, options);
    const image::Image there = image::crop(whole, 30 * scale, 16 * scale, 19 * scale, 21 * scale);
    const RangeCurve curve(range_of(source));
    for (std::size_t i = 0; i < part.pixels().size(); ++i)
      EXPECT_NEAR(curve.shown(part.pixels()[i]), curve.shown(there.pixels()[i]), 1e-4);
    RestoreOptions tiled = options;
    tiled.tile_px = 48;
    const auto plan = restorer.plan(source.height(), source.width(), tiled);
    const auto check =
        check_tiles(restorer, source, restorer.restore(source, tiled), plan, tiled, {});
    EXPECT_GT(check.probes, 0);
    EXPECT_LE(check.largest_difference, tile_bound(engine::Precision::F32));
  }
}

TEST(RangeKept, ColoursBeyondSrgbStay) {
  // 8 bits with a wide profile: red below black in sRGB, as a conversion gives it.
  image::Image source(3, 30, 30, 0.4F);
  for (int x = 0; x < 30; ++x) source.at(0, 4, x) = -0.3F;
  Restorer identity = restorer_of("identity");
  EXPECT_TRUE(std::ranges::equal(identity.restore(source).pixels(), source.pixels()));
}

TEST(RangeKept, TheControllerSeesTheSamePicture) {
  // A controller that is asked about a bright picture says what it says of the picture as shown.
  Restorer film = restorer_of("film");
  const image::Image source = bright(50, 60);
  const RangeCurve curve(range_of(source));
  image::Image shown = source;
  curve.show(shown.pixels());
  const Inspection of_bright = film.inspect(source);
  const Inspection of_shown = film.inspect(shown);
  for (std::size_t k = 0; k < of_bright.probabilities.size(); ++k)
    EXPECT_NEAR(of_bright.probabilities[k], of_shown.probabilities[k], 1e-5);
  image::Image cut = source;
  for (float& value : cut.pixels()) value = std::clamp(value, 0.0F, 1.0F);
  const Inspection of_cut = film.inspect(cut);
  double most = 0;
  for (std::size_t k = 0; k < of_cut.condition.size(); ++k)
    most = std::max(most, std::abs(double{of_cut.condition[k]} - double{of_bright.condition[k]}));
  EXPECT_GT(most, 1e-4);
}

}  // namespace
}  // namespace chiaro::restore::range_curve_test
