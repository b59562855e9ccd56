#include "chiaro/methods/report_health.h"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace chiaro::methods {
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

}  // namespace
}  // namespace chiaro::methods
