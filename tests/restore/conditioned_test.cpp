// Restoring with a controller: one look at the picture, the same condition for every tile.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "chiaro/bundle/safetensors.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/self_test.h"
#include "tests/restore/graph_restorer.h"
#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/noise.h"

namespace chiaro::restore::conditioned_test {
namespace {

const engine::EngineOptions kF32 = {"auto", engine::Precision::F32, 1};
constexpr test::NoiseOptions kNoise = {.seed = 3, .low = 0.3, .high = 0.6};

RestoreOptions unguarded() {
  RestoreOptions options;
  options.guard = GuardMode::Off;
  return options;
}

/// What `told` adds, by tools/make_test_graphs.py.
double told_by(const std::vector<float>& condition) {
  return 0.1 * condition[1] + 0.2 * condition[2] + 0.05 * condition[4] + 0.3 * condition[6];
}

TEST(Conditioned, TheNetworkIsToldWhatTheControllerSaw) {
  auto restorer = restorer_of("told");
  RestoreReport report;
  // Constant 0.5: m = w = 0.5, s = 0; clean and haze 0.5 each, embedding 0.5, 0.
  const auto result = restorer.restore(image::Image(3, 40, 50, 0.5F), unguarded(), {}, &report);
  EXPECT_NEAR(result.at(1, 20, 30), 0.5 + 0.2 * 0.5 + 0.3 * 0.5, 1e-4);
  ASSERT_TRUE(report.inspection.has_value());
  EXPECT_TRUE(report.blind);
  EXPECT_FALSE(report.guard.has_value());
  EXPECT_EQ(report.strength, 1);
  EXPECT_NEAR(told_by(report.inspection->condition), 0.25, 1e-5);
}

TEST(Conditioned, ItsControllerCanBeAskedAlone) {
  auto restorer = restorer_of("told");
  Inspector inspector(test::graph_bundle("told"), kF32);
  auto source = test::noise(3, 60, 70, kNoise);
  source.alpha.assign(60 * 70, 1.0F);
  source.alpha[5] = 0;
  source.at(0, 0, 5) = 1;  // hidden, so not seen
  const auto found = restorer.inspect(source);
  EXPECT_EQ(found.condition, inspector.inspect(source).condition);
  EXPECT_EQ(found.novelty, inspector.inspect(source).novelty);
  RestoreReport report;
  restorer.restore(source, unguarded(), {}, &report);
  ASSERT_TRUE(report.inspection.has_value());
  EXPECT_EQ(report.inspection->condition, found.condition);
  EXPECT_CHIARO_ERROR(restorer_of("stack").inspect(source), Bundle, "has no controller");
  EXPECT_CHIARO_ERROR(restorer.inspect(image::Image()), Usage, "is empty");
}

TEST(Conditioned, WhetherItWasDrawnIsLookedAtOnlyForTheGuard) {
  auto restorer = restorer_of("told");
  for (const GuardMode guard : {GuardMode::Off, GuardMode::Soft}) {
    RestoreOptions options;
    options.guard = guard;
    RestoreReport report;
    (void)restorer.restore(test::noise(3, 60, 70, kNoise), options, {}, &report);
    ASSERT_TRUE(report.inspection.has_value());
    EXPECT_EQ(report.inspection->drawn.has_value(), guard != GuardMode::Off);
  }
}

TEST(Conditioned, EveryPictureGetsItsOwnCondition) {
  // The prepared graph is used again for the second picture of the same size.
  auto restorer = restorer_of("told");
  for (const float level : {0.5F, 0.3F, 0.4F}) {
    const auto result = restorer.restore(image::Image(3, 40, 50, level), unguarded());
    EXPECT_NEAR(result.at(0, 1, 1), level + 0.2 * level + 0.3 * level, 1e-4);
  }
}

TEST(Conditioned, TiledEqualsWhole) {
  auto restorer = restorer_of("film");
  const auto source = test::noise(3, 97, 131, kNoise);
  const auto whole = restorer.restore(source, unguarded());
  auto tiled = unguarded();
  tiled.tile_px = 32;
  ASSERT_EQ(restorer.plan(97, 131, unguarded()).tiles(), 1);
  ASSERT_GT(restorer.plan(97, 131, tiled).tiles(), 8);
  EXPECT_LE(largest_difference(restorer.restore(source, tiled), whole), 1e-5);
  EXPECT_GT(largest_difference(whole, source), 0.01);
}

TEST(Conditioned, ConditionsOfTilesWouldDiffer) {
  // What the test above guards against: the controller says other things of a part.
  Inspector inspector(test::graph_bundle("film"), kF32);
  image::Image source(3, 96, 96, 0.2F);
  for (int y = 0; y < 96; ++y) {
    for (int x = 48; x < 96; ++x) source.at(0, y, x) = 0.8F;
  }
  const auto part = inspector.inspect(image::crop(source, 0, 0, 96, 48));
  EXPECT_GT(std::abs(told_by(part.condition) - told_by(inspector.inspect(source).condition)), 0.01);
}

TEST(Conditioned, GreyAndAlphaAreTold) {
  RestoreReport report;
  const auto grey = restorer_of("told").restore(image::Image(1, 30, 30, 0.5F), unguarded());
  ASSERT_EQ(grey.channels(), 1);
  EXPECT_NEAR(grey.at(0, 9, 9), 0.75, 1e-4);

  // A grey network sees the channels one by one, the controller the colour picture.
  image::Image colour(3, 30, 30, 0.5F);
  std::fill(colour.plane(0).begin(), colour.plane(0).end(), 0.2F);
  const auto split = restorer_of("told_grey").restore(colour, unguarded(), {}, &report);
  const double told = told_by(report.inspection->condition);
  EXPECT_NEAR(split.at(0, 5, 5), 0.2 + told, 1e-4);
  EXPECT_NEAR(split.at(1, 5, 5), 0.5 + told, 1e-4);

  // Alpha is restored by what was said of the picture.
  image::Image clear(3, 30, 30, 0.5F);
  clear.alpha.assign(clear.plane_size(), 0.25F);
  auto with_alpha = unguarded();
  with_alpha.alpha = AlphaMode::Restore;
  EXPECT_NEAR(restorer_of("told").restore(clear, with_alpha).alpha[7], 0.5, 1e-4);
}

TEST(Conditioned, HiddenColoursDoNotCount) {
  RestoreReport shown;
  RestoreReport hidden;
  image::Image picture(3, 40, 40, 0.5F);
  restorer_of("told").restore(picture, unguarded(), {}, &shown);
  picture.alpha.assign(picture.plane_size(), 1.0F);
  for (int x = 0; x < 40; ++x) {
    picture.alpha[static_cast<std::size_t>(x)] = 0;
    for (int channel = 0; channel < 3; ++channel) picture.at(channel, 0, x) = 1.0F;
  }
  restorer_of("told").restore(picture, unguarded(), {}, &hidden);
  EXPECT_EQ(shown.inspection->condition, hidden.inspection->condition);
}

TEST(Conditioned, StatedDamagesReplaceTheController) {
  auto options = unguarded();
  options.stated = parse_stated_damages("noise(0.4)+haze(1)");
  RestoreReport report;
  const auto result =
      restorer_of("told").restore(image::Image(3, 20, 20, 0.5F), options, {}, &report);
  EXPECT_NEAR(result.at(2, 3, 3), 0.5 + 0.1 * 0.5 + 0.2 * 0.5 + 0.05 * 0.4, 1e-4);
  EXPECT_FALSE(report.blind);
  EXPECT_FALSE(report.inspection.has_value());
  // Soft is the default and has no say here.
  options.guard = GuardMode::Soft;
  options.stated = parse_stated_damages("clean");
  EXPECT_NEAR(restorer_of("told").restore(image::Image(3, 20, 20, 0.5F), options).at(2, 3, 3), 0.5,
              1e-4);
  options.stated = parse_stated_damages("haze(0.5)");
  EXPECT_NEAR(restorer_of("told").restore(image::Image(3, 20, 20, 0.5F), options).at(2, 3, 3), 0.7,
              1e-4);
}

TEST(Conditioned, TheGuardLeavesCleanPicturesAlone) {
  // A dark constant picture: clean with probability 0.95, and novelty 8 · 0.45² = 1.62.
  const image::Image source(3, 20, 20, 0.05F);
  RestoreReport report;
  const auto result = restorer_of("told").restore(source, {}, {}, &report);
  EXPECT_EQ(largest_difference(result, source), 0);
  EXPECT_TRUE(report.guard->clean);
  EXPECT_EQ(report.strength, 0);
  EXPECT_GT(largest_difference(restorer_of("told").restore(source, unguarded()), source), 0.01);
}

TEST(Conditioned, TheGuardLowersStrengthForStrangePictures) {
  // Level 0.9: haze 0.9, novelty 1.28 above the threshold of 1.
  const image::Image source(3, 20, 20, 0.9F);
  RestoreOptions half;
  half.strength = 0.5;
  RestoreReport report;
  const auto result = restorer_of("told").restore(source, half, {}, &report);
  const auto decision = judge(*report.inspection, test::controller_info());
  EXPECT_TRUE(decision.unlike);
  EXPECT_LT(decision.strength, 1);
  EXPECT_NEAR(report.strength, 0.5 * decision.strength, 1e-9);
  // The network gives white: 0.9 + 0.18 + 0.27, limited.
  EXPECT_NEAR(result.at(0, 4, 4), 0.9 + report.strength * 0.1, 1e-4);
}

TEST(Conditioned, TheStrictGuardRefusesStrangePictures) {
  RestoreOptions strict;
  strict.guard = GuardMode::Strict;
  EXPECT_CHIARO_ERROR(restorer_of("told").restore(image::Image(3, 20, 20, 0.9F), strict),
                      CheckFailed, "unlike anything");
  const auto familiar = test::noise(3, 20, 20, {.seed = 3, .low = 0.45, .high = 0.55});
  EXPECT_NEAR(restorer_of("told").restore(familiar, strict).at(0, 0, 0),
              familiar.at(0, 0, 0) + 0.25, 0.02);
}

TEST(Conditioned, TheGuardLeavesDrawingsAlone) {
  const image::Image flat(3, 20, 20, 0.5F);
  RestoreReport report;
  const auto kept = restorer_of("told").restore(flat, {}, {}, &report);
  EXPECT_TRUE(std::ranges::equal(kept.pixels(), flat.pixels()));
  EXPECT_TRUE(report.guard->drawn);
  EXPECT_NEAR(restorer_of("told").restore(flat, unguarded()).at(0, 0, 0), 0.75, 1e-4);
}

TEST(Conditioned, StrengthZeroDoesNotLook) {
  RestoreOptions none;
  none.strength = 0;
  none.guard = GuardMode::Strict;
  RestoreReport report;
  const image::Image source(3, 20, 20, 0.9F);
  EXPECT_EQ(largest_difference(restorer_of("told").restore(source, none, {}, &report), source), 0);
  EXPECT_FALSE(report.inspection.has_value());
}

TEST(Conditioned, OthersCannotBeTold) {
  RestoreOptions options;
  options.stated = parse_stated_damages("noise");
  const auto source = test::noise(3, 20, 20, kNoise);
  EXPECT_CHIARO_ERROR(restorer_of("stack").restore(source, options), Usage, "has no controller");
  options.stated.reset();
  options.guard = GuardMode::Strict;
  EXPECT_CHIARO_ERROR(restorer_of("stack").restore(source, options), Usage, "has no controller");
  options.stated = parse_stated_damages("noise");
  EXPECT_CHIARO_ERROR(restorer_of("told").restore(source, options), Usage,
                      "leave nothing to guard");
  options.guard = GuardMode::Soft;
  options.stated = parse_stated_damages("rain");
  EXPECT_CHIARO_ERROR(restorer_of("told").restore(source, options), Usage, "does not know 'rain'");
}

TEST(Conditioned, GraphsThatDoNotFitAreRefused) {
  auto told = test::graph_bundle("told");
  told.members[std::string(bundle::kRestoreMember)] = test::graph_bytes("stack");
  EXPECT_CHIARO_ERROR(Restorer(told, kF32), Bundle, "wrong inputs for a bundle with condition");
  auto plain = test::graph_bundle("stack");
  plain.members[std::string(bundle::kRestoreMember)] = test::graph_bytes("told");
  EXPECT_CHIARO_ERROR(Restorer(plain, kF32), Bundle, "wrong inputs for a bundle without condition");
  told = test::graph_bundle("told");
  told.manifest.condition->embedding = 5;
  EXPECT_CHIARO_ERROR(Restorer(told, kF32), Bundle, "the condition of restore.onnx does not fit");
  told = test::graph_bundle("told_grey");
  told.manifest.color = "srgb";
  EXPECT_CHIARO_ERROR(Restorer(told, kF32), Bundle, "its graph takes 1");
}

TEST(Conditioned, TheMemoryPlanKnowsTheController) {
  auto restorer = restorer_of("film");
  const auto with = restorer.plan(64, 64).predicted_peak_bytes;
  // A whole view of 2048 x 2048 takes 48 MiB more.
  auto large = test::graph_bundle("film");
  large.manifest.condition->whole_px = 2048;
  EXPECT_GE(Restorer(large, kF32).plan(64, 64).predicted_peak_bytes, with + (40 << 20));
  // A limit that a plan names suffices, also after the controller has run.
  RestoreOptions options = unguarded();
  options.max_memory_bytes = with + (1 << 20);
  EXPECT_NO_THROW(restorer.restore(test::noise(3, 64, 64, kNoise), options));
  EXPECT_NO_THROW(restorer.restore(test::noise(3, 64, 64, kNoise), options));
}

TEST(Conditioned, ImpossibleTilesAreRefusedWhateverThePicture) {
  auto restorer = restorer_of("told");
  RestoreOptions options;
  options.overlap_px = 16;
  options.tile_px = 8;
  const image::Image clean(3, 200, 200, 0.05F);
  EXPECT_CHIARO_ERROR(restorer.restore(clean, options), Usage, "too small for an overlap");
  restorer.restore(clean, {});  // the controller is warm now
  EXPECT_CHIARO_ERROR(restorer.restore(clean, options), Usage, "too small for an overlap");
}

// --- Self-test
// -----------------------------------------------------------------------------------------------------

class SelfTestOfConditioned : public testing::Test {
 protected:
  void SetUp() override {
    input_ = {{1, 3, 8, 8}, std::vector<float>(192, 0.5F)};
    condition_ = {{1, 8}, {0.25F, 0.5F, 0.25F, 0, 0.5F, 0.5F, 0.5F, 0}};
    output_ = input_;
    for (float& value : output_.values) value += static_cast<float>(told_by(condition_.values));
    views_ = {{2, 3, 16, 16}, std::vector<float>(2 * 768, 0.5F)};
    whole_ = {{1, 3, 8, 8}, std::vector<float>(192, 0.5F)};
    seen_ = {{1, 8}, {0.5F, 0, 0.5F, 0, 0, 0.5F, 0.5F, 0}};
  }

  SelfTestResult replay() {
    bundle::TensorMap tensors;
    const auto put = [&](const std::string& name, const engine::Tensor& tensor) {
      tensors[name] = {bundle::Dtype::F32, tensor.shape, std::as_bytes(std::span(tensor.values))};
    };
    put("0.input", input_);
    if (!condition_.values.empty()) put("0.condition", condition_);
    put("0.output", output_);
    if (!views_.values.empty()) {
      put("c0.views", views_);
      put("c0.whole", whole_);
      put("c0.condition", seen_);
    }
    auto made = test::graph_bundle("told");
    made.members.emplace(bundle::kSelftestMember, bundle::serialize_safetensors(tensors));
    return verify(made, 1);
  }

  engine::Tensor input_, condition_, output_, views_, whole_, seen_;
};

TEST_F(SelfTestOfConditioned, ReplaysBothGraphs) {
  const auto result = replay();
  EXPECT_EQ(result.cases, 2);
  EXPECT_EQ(result.first_difference, "");
  EXPECT_LT(result.largest_difference, 1e-5);
}

TEST_F(SelfTestOfConditioned, NamesWhatDiffers) {
  seen_.values[1] += 0.01F;
  EXPECT_EQ(replay().first_difference, "c0.condition");
  output_.values[5] += 0.01F;
  EXPECT_EQ(replay().first_difference, "0.output");
  seen_.shape = {8};
  output_.values[5] -= 0.01F;
  EXPECT_EQ(replay().first_difference, "c0.condition");
}

TEST_F(SelfTestOfConditioned, HalfATestIsRefused) {
  condition_.values.clear();
  EXPECT_CHIARO_ERROR(replay(), Bundle, "0.condition");
  SetUp();
  views_.values.clear();
  EXPECT_CHIARO_ERROR(replay(), Bundle, "without cases of condition.onnx");
  SetUp();
  condition_.shape = {1, 4};
  condition_.values.resize(4);
  EXPECT_CHIARO_ERROR(replay(), Bundle, "told");
}

}  // namespace
}  // namespace chiaro::restore::conditioned_test
