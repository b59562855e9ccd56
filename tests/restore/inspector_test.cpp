#include "chiaro/restore/inspector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::restore::inspector_test {
namespace {

/// Columns alternate between level - swing and level + swing: mean `level`, deviation `swing`.
image::Image striped(int height, int width, float level, float swing, int channels = 3) {
  image::Image picture(channels, height, width);
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        picture.at(channel, y, x) = x % 2 == 0 ? level - swing : level + swing;
    }
  }
  return picture;
}

Inspector make() {
  return Inspector(test::graph_bundle("told"), {.threads = 1});
}

TEST(Inspector, GivesWhatTheControllerComputes) {
  // tools/make_test_graphs.py: m = 0.5, s = 0.1, w = 0.5.
  Inspector inspector = make();
  const auto found = inspector.inspect(striped(48, 64, 0.5F, 0.1F));
  const double noise = 4 * 0.1;
  ASSERT_EQ(found.probabilities.size(), 3U);
  EXPECT_NEAR(found.probabilities[0], (1 - noise) * 0.5, 1e-5);
  EXPECT_NEAR(found.probabilities[1], noise, 1e-5);
  EXPECT_NEAR(found.probabilities[2], (1 - noise) * 0.5, 1e-5);
  EXPECT_EQ(found.top(), 1U);
  EXPECT_NEAR(found.severities[0], 0, 1e-6);
  EXPECT_NEAR(found.severities[1], 0.2, 1e-5);
  EXPECT_NEAR(found.severities[2], 0.5, 1e-5);
  EXPECT_NEAR(found.novelty, 0, 1e-6);
  ASSERT_EQ(found.domains.size(), 2U);
  EXPECT_NEAR(found.domains[1], 0.5, 1e-5);
  ASSERT_EQ(found.condition.size(), 8U);
  EXPECT_NEAR(found.condition[6], 0.5, 1e-5);
  EXPECT_NEAR(found.condition[7], 0.1, 1e-5);
}

TEST(Inspector, ShowsCalibratedProbabilitiesAndTellsThemAsTrained) {
  auto bundle = test::graph_bundle("told");
  bundle.manifest.condition->temperature = 0.5;
  Inspector inspector(bundle, {.threads = 1});
  const auto picture = striped(48, 64, 0.5F, 0.1F);
  const auto found = inspector.inspect(picture);
  // As trained 0.3, 0.4, 0.3; their squares rescaled to sum 1.
  EXPECT_NEAR(found.probabilities[0], 0.09 / 0.34, 1e-5);
  EXPECT_NEAR(found.probabilities[1], 0.16 / 0.34, 1e-5);
  EXPECT_NEAR(found.probabilities[2], 0.09 / 0.34, 1e-5);
  EXPECT_NEAR(found.condition[0], 0.3, 1e-5);
  EXPECT_NEAR(found.condition[1], 0.4, 1e-5);
  const auto map = inspector.map(striped(16, 16, 0.5F, 0.1F));
  EXPECT_NEAR(map.probabilities[1].front(), 0.16 / 0.34, 1e-5);
}

/// The first column of the whole is `left`, the last `right`, on a square that is its own whole.
image::Image lopsided(float left, float right) {
  image::Image picture(3, 32, 32, 0.5F);
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 32; ++y) {
      picture.at(c, y, 0) = left;
      picture.at(c, y, 31) = right;
    }
  }
  return picture;
}

bundle::Bundle lopsided_bundle() {
  // tools/make_test_graphs.py: the probability of noise is the mean of the first column.
  auto bundle = test::graph_bundle("told");
  bundle.members[std::string(bundle::kConditionMember)] = test::graph_bytes("lopsided_controller");
  return bundle;
}

TEST(Inspector, LooksAtTheMirrorImageWhereItIsUnsure) {
  Inspector inspector(lopsided_bundle(), {.threads = 1});
  const auto found = inspector.inspect(lopsided(0.2F, 0.7F));
  EXPECT_EQ(found.looks, 2);
  EXPECT_NEAR(found.probabilities[0], 0.55, 1e-5);  // of 0.8 and 0.3
  EXPECT_NEAR(found.probabilities[1], 0.45, 1e-5);
  EXPECT_NEAR(found.severities[1], 0.45, 1e-5);
  EXPECT_NEAR(found.domains[0], 0.45, 1e-5);
  EXPECT_NEAR(found.novelty, 0.45, 1e-5);
  EXPECT_NEAR(found.condition[6], 0.45, 1e-5);
  // 1 - (|0.8 - 0.3| + |0.2 - 0.7|) / 2.
  EXPECT_NEAR(found.agreement, 0.5, 1e-5);
  // What the mirror image is taken for is the same, whichever of the two comes first.
  EXPECT_EQ(inspector.inspect(lopsided(0.7F, 0.2F)).probabilities, found.probabilities);
}

TEST(Inspector, OneLookIsEnoughWhereItIsSure) {
  Inspector inspector(lopsided_bundle(), {.threads = 1});
  const auto sure = inspector.inspect(lopsided(0.96F, 0.2F));
  EXPECT_EQ(sure.looks, 1);
  EXPECT_EQ(sure.agreement, 1);
  EXPECT_NEAR(sure.probabilities[1], 0.96, 1e-5);
  EXPECT_EQ(inspector.inspect(lopsided(0.94F, 0.2F)).looks, 2);
}

TEST(Inspector, TheMapLooksOnce) {
  Inspector inspector(lopsided_bundle(), {.threads = 1});
  const auto map = inspector.map(lopsided(0.2F, 0.7F));
  for (const float probability : map.probabilities[1]) EXPECT_NEAR(probability, 0.2F, 1e-5F);
}

TEST(Inspector, AnySizeAndGreyAlike) {
  Inspector inspector = make();
  for (const auto& [height, width] : {std::pair{1, 1}, {16, 16}, {7, 90}, {200, 33}}) {
    const auto found = inspector.inspect(image::Image(1, height, width, 0.9F));
    EXPECT_NEAR(found.probabilities[2], 0.9, 1e-5) << height << " x " << width;
    EXPECT_NEAR(found.novelty, 8 * 0.4 * 0.4, 1e-4);
  }
}

TEST(Inspector, ValuesOutsideTheRangeAreLimited) {
  Inspector inspector = make();
  image::Image wild(3, 20, 20, 7.0F);
  EXPECT_NEAR(inspector.inspect(wild).domains[0], 1, 1e-6);
  wild = image::Image(3, 20, 20, std::numeric_limits<float>::quiet_NaN());
  EXPECT_NEAR(inspector.inspect(wild).domains[0], 0, 1e-6);
}

TEST(Inspector, HiddenColoursDoNotCount) {
  // The right half is hidden; what shows is as plain as the opaque picture.
  const image::Image opaque(3, 40, 56, 0.5F);
  const auto hiding = [&](std::uint64_t seed) {
    image::Image picture = opaque;
    picture.alpha.assign(picture.plane_size(), 1.0F);
    Rng rng(seed);
    for (int y = 0; y < 40; ++y) {
      for (int x = 28; x < 56; ++x) {
        picture.alpha[static_cast<std::size_t>(y * 56 + x)] = 0;
        for (int channel = 0; channel < 3; ++channel)
          picture.at(channel, y, x) = static_cast<float>(rng.uniform(0, 1));
      }
    }
    return picture;
  };
  Inspector inspector = make();
  const auto expected = inspector.inspect(opaque);
  const auto map = inspector.map(opaque);
  for (const std::uint64_t seed : {1U, 2U}) {
    const auto picture = hiding(seed);
    const auto found = inspector.inspect(picture);
    EXPECT_EQ(found.condition, expected.condition);
    EXPECT_EQ(found.domains, expected.domains);
    EXPECT_EQ(found.novelty, expected.novelty);
    EXPECT_EQ(inspector.map(picture).probabilities, map.probabilities);
    // Without alpha the same colours are seen.
    auto shown = picture;
    shown.alpha.clear();
    EXPECT_NE(inspector.inspect(shown).condition, expected.condition);
  }
}

TEST(Inspector, MapsWhereTheDamageIs) {
  // Smooth on the left, striped on the right; windows of 16 by steps of 8.
  auto picture = striped(32, 64, 0.5F, 0.2F);
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) picture.at(channel, y, x) = 0.5F;
    }
  }
  Inspector inspector = make();
  double last = 0;
  const auto map = inspector.map(picture, [&](double done) {
    EXPECT_GT(done, last);
    last = done;
    return true;
  });
  EXPECT_EQ(last, 1);
  EXPECT_EQ(map.view_px, 16);
  EXPECT_EQ(map.tops, (std::vector<int>{0, 8, 16}));
  EXPECT_EQ(map.lefts, (std::vector<int>{0, 8, 16, 24, 32, 40, 48}));
  ASSERT_EQ(map.probabilities.size(), 3U);
  ASSERT_EQ(map.probabilities[1].size(), 21U);
  EXPECT_NEAR(map.probabilities[1][0], 0, 1e-3);
  EXPECT_NEAR(map.probabilities[1][6], 0.8, 1e-3);
  // Half of the fourth window is striped: s = 0.2 sqrt(1/2).
  EXPECT_NEAR(map.probabilities[1][3], 4 * 0.2 * std::sqrt(0.5), 1e-3);
  EXPECT_CHIARO_ERROR(inspector.map(picture, [](double) { return false; }), Interrupted, "stopped");
}

TEST(Inspector, SaysWhatItsFirstRunWillTake) {
  Inspector inspector = make();
  // At least the largest inputs: four views of 16 x 16 and a whole of 32 x 32.
  EXPECT_GE(inspector.pending_bytes(), 4 * 3 * (4 * 16 * 16 + 32 * 32));
  EXPECT_LE(inspector.pending_bytes(), 1 << 20);
  inspector.inspect(image::Image(3, 20, 20, 0.5F));
  EXPECT_EQ(inspector.pending_bytes(), 0);
}

TEST(Inspector, BundlesThatDoNotFitAreRefused) {
  EXPECT_CHIARO_ERROR(Inspector(test::graph_bundle("stack")), Bundle, "has no controller");
  const auto with = [](auto change) {
    auto bundle = test::graph_bundle("told");
    change(*bundle.manifest.condition);
    return bundle;
  };
  EXPECT_CHIARO_ERROR(
      Inspector(with([](bundle::ConditionInfo& info) { info.types.emplace_back("rain"); })), Bundle,
      "'condition' of condition.onnx does not fit");
  EXPECT_CHIARO_ERROR(Inspector(with([](bundle::ConditionInfo& info) { info.embedding = 3; })),
                      Bundle, "expected (1, 9)");
  EXPECT_CHIARO_ERROR(Inspector(with([](bundle::ConditionInfo& info) { info.view_px = 32; })),
                      Bundle, "'views' of condition.onnx does not fit");
  EXPECT_CHIARO_ERROR(
      Inspector(with([](bundle::ConditionInfo& info) { info.domains.emplace_back("third"); })),
      Bundle, "'domain' of condition.onnx does not fit");
  auto bundle = test::graph_bundle("told");
  bundle.members[std::string(bundle::kConditionMember)] = test::graph_bytes("identity");
  EXPECT_CHIARO_ERROR(Inspector{bundle}, Bundle, "wrong inputs");
  bundle = test::graph_bundle("told");
  bundle.members[std::string(bundle::kConditionMember)] = test::graph_bytes("quiet_controller");
  EXPECT_CHIARO_ERROR(Inspector{bundle}, Bundle, "wrong outputs");
}

TEST(Inspector, WhatIsNoConditionIsRefused) {
  // Read as two types and an embedding of four, the first two values sum to 1 - haze.
  auto bundle = test::graph_bundle("told");
  bundle.manifest.condition->types = {"clean", "noise"};
  bundle.manifest.condition->embedding = 4;
  Inspector inspector(bundle);
  EXPECT_NO_THROW(inspector.inspect(image::Image(3, 20, 20, 0.0F)));
  EXPECT_CHIARO_ERROR(inspector.inspect(image::Image(3, 20, 20, 0.5F)), Bundle, "is no condition");
}

TEST(Inspector, DomainsMayBeUnnamed) {
  auto bundle = test::graph_bundle("told");
  bundle.manifest.condition->domains.clear();
  Inspector inspector(bundle);
  EXPECT_TRUE(inspector.inspect(image::Image(3, 20, 20, 0.5F)).domains.empty());
}

TEST(Descending, EqualValuesKeepTheirOrder) {
  EXPECT_EQ(descending(std::vector<double>{0.25, 0.5, 0, 0.25, 0.5}),
            (std::vector<std::size_t>{1, 4, 0, 3, 2}));
  EXPECT_TRUE(descending({}).empty());
}

TEST(Inspector, AnEmptyPictureIsRefused) {
  Inspector inspector = make();
  EXPECT_CHIARO_ERROR(inspector.inspect(image::Image()), Usage, "empty");
  EXPECT_CHIARO_ERROR(inspector.map(image::Image()), Usage, "empty");
}

}  // namespace
}  // namespace chiaro::restore::inspector_test
