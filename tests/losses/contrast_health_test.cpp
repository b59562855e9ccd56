// Built cases of which it is known what is wrong with them.
#include "chiaro/losses/contrast_health.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "chiaro/losses/info_nce.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::contrast_health_test {
namespace {

at::Tensor unit_rows(std::int64_t count, std::int64_t dimension) {
  const auto rows = at::randn({count, dimension}, at::kDouble);
  return rows / rows.norm(2, 1, true);
}

at::Tensor numbers(std::int64_t count) {
  return at::arange(count, at::kLong);
}

at::Tensor eye(std::int64_t count) {
  return at::eye(count, at::kBool);
}

/// Two views each of `count` things: embeddings (2·count,D), view k of thing i in row i + k·count.
struct Views {
  at::Tensor embeddings;
  at::Tensor labels;
  at::Tensor positives;
  at::Tensor candidates;
  at::Tensor logits;
};

Views two_views(const at::Tensor& first, const at::Tensor& second, double temperature) {
  Views views;
  const auto count = first.size(0);
  views.embeddings = at::cat({first, second});
  views.labels = numbers(count).repeat({2});
  views.candidates = eye(2 * count).logical_not();
  views.positives =
      views.labels.unsqueeze(0).eq(views.labels.unsqueeze(1)).logical_and(views.candidates);
  views.logits = at::matmul(views.embeddings, views.embeddings.t()) / temperature;
  return views;
}

ContrastHealth judged(const Views& v) {
  return contrast_health(v.logits, v.positives, v.candidates, v.labels, v.labels, v.embeddings);
}

class ContrastHealthTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

TEST_F(ContrastHealthTest, OneCaptionForTheWholeBatchIsOneLabelOnly) {
  // 784 different pictures, each with the caption of the one damage that is trained on.
  const auto pictures = unit_rows(784, 64);
  const auto captions = unit_rows(1, 64).expand({784, 64});
  const auto logits = at::matmul(pictures, captions.t()) / 0.07;
  const auto one = at::zeros({784}, at::kLong);
  const auto health = contrast_health(logits, eye(784), at::ones({784, 784}, at::kBool), one, one);
  EXPECT_NEAR(health.loss, 6.664, 5e-4);
  EXPECT_NEAR(health.collapsed, 6.664, 5e-4);
  EXPECT_NEAR(health.floor, 6.664, 5e-4);
  EXPECT_EQ(health.verdict, ContrastVerdict::OneLabel);
  EXPECT_NE(health.reason.find("one label only"), std::string::npos);
  EXPECT_NE(health.reason.find("6.664"), std::string::npos);
}

TEST_F(ContrastHealthTest, NoPreferenceAmongPrototypesIsACollapse) {
  const auto prototypes = unit_rows(512, 32);
  const auto features = 1e-5 * unit_rows(1, 32).expand({96, 32});
  const auto label = numbers(96) * 5;
  const auto logits = at::matmul(features, prototypes.t()) / 0.1;
  const auto positives = label.unsqueeze(1).eq(numbers(512).unsqueeze(0));
  const auto health =
      contrast_health(logits, positives, at::ones({96, 512}, at::kBool), label, numbers(512));
  EXPECT_NEAR(health.loss, 6.238, 5e-4);
  EXPECT_NEAR(health.collapsed, 6.238, 5e-4);
  EXPECT_NEAR(health.floor, 0, 1e-12);
  EXPECT_EQ(health.verdict, ContrastVerdict::Collapsed);
  EXPECT_NE(health.reason.find("collapsed"), std::string::npos);
}

TEST_F(ContrastHealthTest, HealthyEmbeddingsAreNotFlagged) {
  const auto things = unit_rows(64, 32);
  const auto health =
      judged(two_views(things + 0.05 * unit_rows(64, 32), things + 0.05 * unit_rows(64, 32), 0.1));
  EXPECT_EQ(health.verdict, ContrastVerdict::Healthy) << health.reason;
  EXPECT_EQ(health.nearest, 1);
  EXPECT_TRUE(at::equal(health.found, at::ones({128}, at::kDouble)));
  EXPECT_NEAR(health.chance, 1.0 / 127, 1e-12);
  EXPECT_NEAR(health.collapsed, std::log(127), 1e-12);
  EXPECT_LT(*health.alignment, 0.02);
  EXPECT_LT(*health.uniformity, -3);
  EXPECT_GT(*health.effective_rank, 25);
  EXPECT_EQ(health.meters().size(), 7U);
}

TEST_F(ContrastHealthTest, RepeatedLabelsRaiseTheFloor) {
  // Four things, each three times among the candidates, of which one copy is the positive: the
  // perfect classifier reaches the floor and no less.
  const auto label = numbers(12).remainder(4);
  const auto same = label.unsqueeze(0).eq(label.unsqueeze(1));
  const auto everything = at::ones({12, 12}, at::kBool);
  const auto perfect = 100.0 * same.to(at::kDouble);
  const auto health = contrast_health(perfect, eye(12), everything, label, label);
  EXPECT_NEAR(health.floor, std::log(3), 1e-12);
  EXPECT_NEAR(health.loss, health.floor, 1e-9);
  EXPECT_NEAR(health.collapsed, std::log(12), 1e-12);
  EXPECT_EQ(health.verdict, ContrastVerdict::Healthy) << health.reason;
}

TEST_F(ContrastHealthTest, OnePointForEverythingIsACollapse) {
  const auto point = unit_rows(1, 16).expand({20, 16});
  const auto health = judged(two_views(point, point, 0.1));
  EXPECT_EQ(health.verdict, ContrastVerdict::Collapsed) << health.reason;
  EXPECT_NEAR(health.loss, std::log(39), 1e-9);
  EXPECT_EQ(*health.effective_rank, 0);
  EXPECT_NEAR(*health.uniformity, 0, 1e-9);
  EXPECT_NEAR(*health.alignment, 0, 1e-9);
}

TEST_F(ContrastHealthTest, RankCountsTheDirectionsThatAreUsed) {
  // Six points on the three axes of a 24-dimensional space: three equal singular values.
  const auto axes = at::cat({at::eye(3, 24, at::kDouble), -at::eye(3, 24, at::kDouble)});
  const auto health = judged(two_views(axes, axes, 0.5));
  EXPECT_NEAR(*health.effective_rank, 3, 1e-9);
  // Two points: of the 12 ordered pairs of four embeddings, 4 coincide, 8 are apart by 2.
  const auto pair = at::cat({at::eye(1, 24, at::kDouble), -at::eye(1, 24, at::kDouble)});
  const auto two = judged(two_views(pair, pair, 0.5));
  EXPECT_NEAR(*two.effective_rank, 1, 1e-9);
  EXPECT_NEAR(*two.uniformity, std::log((4 + 8 * std::exp(-8)) / 12), 1e-9);
}

TEST_F(ContrastHealthTest, SaysOfEachQueryWhetherItsNearestIsRight) {
  const auto logits = at::tensor({1.0, 0.0, 2.0, 3.0, 0.0, 0.0}).view({3, 2});
  const auto positives = at::tensor({1, 0, 1, 0, 0, 0}).view({3, 2}).to(at::kBool);
  const auto found =
      contrast_health(logits, positives, at::ones_like(positives), numbers(3), numbers(2)).found;
  EXPECT_EQ(found[0].item<double>(), 1);
  EXPECT_EQ(found[1].item<double>(), 0);
  EXPECT_TRUE(std::isnan(found[2].item<double>()));  // it has no positive
}

TEST_F(ContrastHealthTest, KeysNeedNotBeTheQueries) {
  // Queries e1, e2 of any length, keys e1, e3, −e2; the own key is the one of like number.
  const auto axes = at::eye(3, at::kDouble);
  const auto queries = at::stack({3 * axes[0], 0.5 * axes[1]});
  const auto keys = at::stack({axes[0], axes[2], -axes[1]});
  const auto positives = at::eye(2, 3, at::kBool);
  const auto health =
      contrast_health(at::matmul(queries, keys.t()), positives, at::ones_like(positives),
                      numbers(2), numbers(3) + 5, {queries, keys});
  EXPECT_NEAR(*health.alignment, (0 + 2) / 2.0, 1e-12);
  EXPECT_NEAR(*health.uniformity, -2 * 2, 1e-12);  // one pair, at a squared distance of 2
  EXPECT_NEAR(*health.effective_rank, 1, 1e-9);
  EXPECT_CHIARO_ERROR(contrast_health(at::zeros({2, 3}), positives, at::ones_like(positives),
                                      numbers(2), numbers(3), queries),
                      Internal, "(K,D) of the keys");
}

TEST_F(ContrastHealthTest, ScaledTogetherLengthsCount) {
  // Two pairs on one ray: each by itself they are one point. Mean square length 5 before scaling.
  const auto rows = at::tensor({1.0, 1.0, 3.0, 3.0}, at::kDouble).view({4, 1});
  const auto positives =
      at::tensor({0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0}).view({4, 4}).to(at::kBool);
  const auto judged_by = [&](Scale scale) {
    return contrast_health(-at::cdist(rows, rows), positives, eye(4).logical_not(),
                           numbers(4).floor_divide(2), numbers(4).floor_divide(2),
                           {rows, {}, scale});
  };
  EXPECT_EQ(*judged_by(Scale::Each).effective_rank, 0);
  const auto health = judged_by(Scale::Together);
  EXPECT_NEAR(*health.alignment, 0, 1e-12);
  EXPECT_NEAR(*health.uniformity, std::log((1 + 2 * std::exp(-2 * 4.0 / 5)) / 3), 1e-12);
  EXPECT_NEAR(*health.effective_rank, 1, 1e-9);
  EXPECT_EQ(health.verdict, ContrastVerdict::Healthy) << health.reason;
}

TEST_F(ContrastHealthTest, ViewsThatShareNothingAreAtChance) {
  const auto health = judged(two_views(unit_rows(40, 64), unit_rows(40, 64), 0.5));
  EXPECT_EQ(health.verdict, ContrastVerdict::AtChance) << health.reason;
}

TEST_F(ContrastHealthTest, RightNeighboursWithALossAboveChanceMeanTooLowATemperature) {
  const auto things = unit_rows(40, 8);
  auto second = things.clone();
  second.slice(0, 0, 20) = -things.slice(0, 0, 20);  // half are found, half are far off
  const auto health = judged(two_views(things, second, 0.01));
  EXPECT_GT(health.loss, health.collapsed);
  EXPECT_EQ(health.verdict, ContrastVerdict::Overconfident) << health.reason;
}

TEST_F(ContrastHealthTest, AloneThereIsNothingToContrast) {
  const auto health = judged(two_views(unit_rows(1, 4), unit_rows(1, 4), 0.1));
  EXPECT_EQ(health.verdict, ContrastVerdict::NoNegatives);
  EXPECT_EQ(contrast_health(at::zeros({2, 2}), at::zeros({2, 2}, at::kBool),
                            at::ones({2, 2}, at::kBool), numbers(2), numbers(2))
                .verdict,
            ContrastVerdict::NoNegatives);
}

TEST_F(ContrastHealthTest, RefusesLabelsThatDoNotFit) {
  EXPECT_CHIARO_ERROR(contrast_health(at::zeros({2, 3}), at::zeros({2, 3}, at::kBool),
                                      at::ones({2, 3}, at::kBool), numbers(3), numbers(3)),
                      Internal, "a label for each query");
}

TEST_F(ContrastHealthTest, FewQueriesWithoutASignalAreAtChanceAsWell) {
  int other = 0;
  for (int i = 0; i < 40; ++i) {
    const auto health = judged(two_views(unit_rows(8, 64), unit_rows(8, 64), 0.5));
    other += health.verdict == ContrastVerdict::AtChance ? 0 : 1;
  }
  EXPECT_LE(other, 6);  // what twice the standard error lets pass, with sixteen dependent queries
}

TEST(ContrastWatch, WaitsForTheThirdFaultInARow) {
  ContrastHealth collapsed;
  collapsed.verdict = ContrastVerdict::Collapsed;
  collapsed.reason = "collapsed";
  ContrastHealth chance;
  chance.verdict = ContrastVerdict::AtChance;
  chance.reason = "at chance";
  ContrastWatch watch(3);
  EXPECT_FALSE(watch.observe(collapsed));
  EXPECT_FALSE(watch.observe(collapsed));
  EXPECT_FALSE(watch.observe({}));  // a healthy batch in between
  EXPECT_FALSE(watch.observe(collapsed));
  EXPECT_FALSE(watch.observe(collapsed));
  EXPECT_EQ(watch.observe(chance), "at chance");
  EXPECT_EQ(watch.observe(collapsed), "collapsed");
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(watch.observe({}));
  EXPECT_EQ(watch.buffers().size(), 1U);  // what a checkpoint must hold
}

}  // namespace
}  // namespace chiaro::losses::contrast_health_test
