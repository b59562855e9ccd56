#include "chiaro/methods/report_health.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace chiaro::methods::report_health_test {
namespace {

losses::ContrastHealth collapsed() {
  losses::ContrastHealth health;
  health.loss = 2;
  health.collapsed = 3;
  health.effective_rank = 0;
  health.verdict = losses::ContrastVerdict::Collapsed;
  health.reason = "collapsed: …";
  return health;
}

TEST(ReportHealth, NamesMetersAfterTheContrast) {
  losses::ContrastWatch watch;
  Losses result;
  result.meters = {{"other", 7}};
  report_health(collapsed(), watch, result);
  report_health(collapsed(), watch, result, "layer");
  ASSERT_EQ(result.meters.size(), 11U);
  EXPECT_EQ(result.meters[0].first, "other");
  EXPECT_EQ(result.meters[1], std::make_pair(std::string("contrast_loss"), 2.0));
  EXPECT_EQ(result.meters[6], std::make_pair(std::string("layer_loss"), 2.0));
  EXPECT_EQ(result.meters[7], std::make_pair(std::string("layer_collapsed"), 3.0));
  EXPECT_EQ(result.meters[10].first, "layer_rank");
}

TEST(ReportHealth, LastingFaultsAreSaidBesideOtherWarnings) {
  losses::ContrastWatch watch(/*patience=*/2);
  Losses result;
  result.warnings = {"another"};
  report_health(collapsed(), watch, result, "layer", "contrast of layer: ");
  EXPECT_EQ(result.warnings.size(), 1U);
  report_health(collapsed(), watch, result, "layer", "contrast of layer: ");
  EXPECT_EQ(result.warnings,
            (std::vector<std::string>{"another", "contrast of layer: collapsed: …"}));
}

losses::ContrastHealth without_negatives() {
  losses::ContrastHealth health;
  health.verdict = losses::ContrastVerdict::NoNegatives;
  health.reason = "no negatives: …";
  return health;
}

TEST(ReportHealth, WhatTheFirstBatchLacksIsSaidAtOnce) {
  losses::ContrastWatch watch;
  Losses result;
  report_health(without_negatives(), watch, result, "layer", "contrast of layer: ");
  ASSERT_EQ(result.remarks.size(), 1U);
  EXPECT_EQ(result.remarks[0].find("contrast of layer: no negatives: … (in the first batch;"), 0U);
  EXPECT_TRUE(result.warnings.empty());
  for (int i = 0; i < 3; ++i) report_health(without_negatives(), watch, result);
  EXPECT_EQ(result.remarks.size(), 1U);
  EXPECT_EQ(result.warnings, std::vector<std::string>{"no negatives: …"});  // the fourth in a row
}

TEST(ReportHealth, WhatTheFirstBatchCannotKnowYetIsNotSaid) {
  losses::ContrastWatch watch;
  Losses result;
  report_health(collapsed(), watch, result);
  report_health(without_negatives(), watch, result);  // chance, in a later one
  EXPECT_TRUE(result.remarks.empty());
}

TEST(ReportHealth, HeldOutBatchesAreMeasuredAndNotWatched) {
  losses::ContrastWatch watch(/*patience=*/2);
  Losses result;
  {
    const c10::NoGradGuard no_grad;
    for (int i = 0; i < 5; ++i) report_health(collapsed(), watch, result);
  }
  EXPECT_EQ(result.meters.size(), 25U);
  EXPECT_TRUE(result.warnings.empty());
  report_health(collapsed(), watch, result);  // the first one that counts
  EXPECT_TRUE(result.warnings.empty());
}

TEST(ReportNearest, IsTheShareOfRightNeighboursAmongTheQueriesWithAKind) {
  losses::ContrastHealth health;
  health.found = at::tensor({1.0, 0.0, 1.0, std::nan("")}, at::kDouble);
  const auto kinds =
      at::tensor({1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1}).view({4, 4}).to(at::kBool);
  const std::vector<std::string> names = {"noise", "rain", "haze", "blur"};
  Losses result;
  report_nearest(health, kinds, names, result, "content");
  using Meter = std::pair<std::string, double>;
  // Haze nobody has; blur only a query that does not count.
  EXPECT_EQ(result.meters, (std::vector<Meter>{{"content_nearest_noise", 2.0 / 3},
                                               {"content_nearest_rain", 1.0}}));
  report_nearest(health, {}, names, result);
  report_nearest(health, kinds.narrow(1, 0, 1), {"clean"}, result);
  EXPECT_EQ(result.meters.size(), 2U);
}

TEST(ReportContrast, JudgesWhatItIsGivenByNameAndKind) {
  // Two queries, three keys; the first finds its own key, the second another one.
  const auto queries = at::eye(2, 3);
  const auto keys = at::tensor({1, 0, 0, 0, 0, 1, 0, 1, 0}).view({3, 3}).to(at::kFloat);
  const Contrast contrast{.logits = at::matmul(queries, keys.t()),
                          .positives = at::eye(2, 3, at::kBool),
                          .candidates = at::ones({2, 3}, at::kBool),
                          .embedded = {queries, keys},
                          .kinds = at::eye(2, at::kBool)};
  losses::ContrastWatch watch;
  Losses result;
  report_contrast(contrast, {"noise", "rain"}, watch, result, "damage");
  const std::map<std::string, double> meters(result.meters.begin(), result.meters.end());
  ASSERT_EQ(meters.size(), 9U);
  const double e = std::exp(1.0);
  EXPECT_NEAR(meters.at("damage_loss"), std::log(e + 2) - 0.5, 1e-6);
  EXPECT_NEAR(value_of(contrast).item<double>(), meters.at("damage_loss"), 1e-6);
  EXPECT_NEAR(meters.at("damage_collapsed"), std::log(3), 1e-12);
  EXPECT_NEAR(meters.at("damage_floor"), 0, 1e-12);  // no two labels are alike
  EXPECT_NEAR(meters.at("damage_nearest"), 0.5, 1e-12);
  EXPECT_NEAR(meters.at("damage_alignment"), 1, 1e-6);
  EXPECT_NEAR(meters.at("damage_nearest_noise"), 1, 1e-12);
  EXPECT_NEAR(meters.at("damage_nearest_rain"), 0, 1e-12);
}

}  // namespace
}  // namespace chiaro::methods::report_health_test
