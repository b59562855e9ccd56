#include "chiaro/restore/guard.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::restore::guard_test {
namespace {

Inspection found(double clean, double noise, double haze, double novelty = 0) {
  Inspection inspection;
  inspection.probabilities = {clean, noise, haze};
  inspection.severities = {0, 0.5, 0.5};
  inspection.novelty = novelty;
  return inspection;
}

GuardDecision judged(double clean, double noise, double haze, double novelty = 0) {
  return judge(found(clean, noise, haze, novelty), test::controller_info());
}

TEST(Guard, ACertainAndFamiliarPictureIsRestoredInFull) {
  const auto decision = judged(0.05, 0.9, 0.05);
  EXPECT_EQ(decision.strength, 1);
  EXPECT_EQ(decision.confidence, 1);
  EXPECT_FALSE(decision.clean);
  EXPECT_FALSE(decision.unlike);
  EXPECT_EQ(recommendation(decision), "restore");
  // Two damages at once are no doubt.
  EXPECT_EQ(judged(0, 0.5, 0.5).strength, 1);
}

TEST(Guard, ACleanPictureIsLeftAlone) {
  EXPECT_EQ(judged(0.81, 0.19, 0).strength, 0);
  EXPECT_TRUE(judged(0.95, 0.05, 0).clean);
  // The limit itself is not above the limit, and another certain type is not clean.
  EXPECT_EQ(judged(0.8, 0.2, 0).strength, 1);
  EXPECT_EQ(judged(0, 0.95, 0.05).strength, 1);
  EXPECT_EQ(recommendation(judged(0.95, 0.05, 0)), "leave it alone: it looks clean");
}

TEST(Guard, ADrawnPictureIsLeftAlone) {
  Inspection inspection = found(0, 1, 0);
  inspection.drawn = DrawnShares{.exact = 0.9, .grain = 0.001};
  const auto decision = judge(inspection, test::controller_info());
  EXPECT_TRUE(decision.drawn);
  EXPECT_EQ(decision.strength, 0);
  EXPECT_EQ(recommendation(decision), "leave it alone: it is drawn, not photographed");
  inspection.drawn->grain = 0.2;
  EXPECT_EQ(judge(inspection, test::controller_info()).strength, 1);
}

TEST(Guard, StrengthFallsSmoothlyWithDoubt) {
  // Probability 0.35 is half way between 0.2 and 0.5: the smooth step gives 0.5 there.
  const GuardOptions options;
  EXPECT_NEAR(judged(0.33, 0.35, 0.32).certainty, 0.5, 1e-12);
  EXPECT_NEAR(judged(0.33, 0.35, 0.32).strength,
              options.least_strength + (1 - options.least_strength) * 0.5, 1e-12);
  double last = 0;
  for (double top = 0.34; top <= 0.6; top += 0.002) {
    const double strength = judged((1 - top) / 2, top, (1 - top) / 2).strength;
    EXPECT_GE(strength, last);
    EXPECT_LE(strength - last, last == 0 ? 1 : 0.01);
    last = strength;
  }
  EXPECT_EQ(last, 1);
}

TEST(Guard, WhatIsHeldBackIsWorthAWordWhereItShows) {
  // 0.48: 0.28/0.3 of the way, a smooth step of 0.9873, a strength of 0.9905. 0.4: 0.7407, 0.8056.
  EXPECT_NEAR(judged(0.26, 0.48, 0.26).strength, 0.9905, 1e-4);
  EXPECT_EQ(recommendation(judged(0.26, 0.48, 0.26)), "restore");
  EXPECT_NEAR(judged(0.3, 0.4, 0.3).strength, 0.8056, 1e-4);
  EXPECT_EQ(recommendation(judged(0.3, 0.4, 0.3)), "restore with care: the damage is not clear");
}

TEST(Guard, StrengthFallsWhereTwoLooksDisagree) {
  // Half way between 0.3 and 0.8 the smooth step gives 0.5.
  const GuardOptions options;
  Inspection inspection = found(0.05, 0.9, 0.05);
  inspection.agreement = 0.55;
  const auto decision = judge(inspection, test::controller_info());
  EXPECT_NEAR(decision.consistency, 0.5, 1e-12);
  EXPECT_NEAR(decision.confidence, 0.5, 1e-12);
  EXPECT_NEAR(decision.strength, options.least_strength + (1 - options.least_strength) * 0.5,
              1e-12);
  inspection.agreement = 0.8;
  EXPECT_EQ(judge(inspection, test::controller_info()).strength, 1);
  inspection.agreement = 0.3;
  EXPECT_EQ(judge(inspection, test::controller_info()).strength, options.least_strength);
}

TEST(Guard, StrengthFallsSmoothlyWithNovelty) {
  // The threshold of these is 1: full strength up to it, the least from 1.2 on, half way at 1.1.
  const GuardOptions options;
  EXPECT_EQ(judged(0, 1, 0, 1).strength, 1);
  EXPECT_FALSE(judged(0, 1, 0, 1).unlike);
  EXPECT_TRUE(judged(0, 1, 0, 1.0001).unlike);
  EXPECT_NEAR(judged(0, 1, 0, 1.1).familiarity, 0.5, 1e-12);
  EXPECT_NEAR(judged(0, 1, 0, 1.2).strength, options.least_strength, 1e-12);
  EXPECT_NEAR(judged(0, 1, 0, std::numeric_limits<double>::infinity()).strength,
              options.least_strength, 1e-12);
  EXPECT_EQ(recommendation(judged(0, 1, 0, 2)),
            "restore with care: unlike anything seen in training");
}

TEST(Guard, AThresholdOfInfinityFindsNothingStrange) {
  auto info = test::controller_info();
  info.novelty_threshold = std::numeric_limits<double>::infinity();
  const auto decision = judge(found(0, 1, 0, 1e30), info);
  EXPECT_EQ(decision.strength, 1);
  EXPECT_FALSE(decision.unlike);
}

TEST(Guard, ModesHaveNames) {
  for (const auto mode : {GuardMode::Off, GuardMode::Soft, GuardMode::Strict})
    EXPECT_EQ(parse_guard_mode(guard_mode_name(mode)), mode);
  EXPECT_CHIARO_ERROR(parse_guard_mode("on"), Usage, "'on'");
}

}  // namespace
}  // namespace chiaro::restore::guard_test
