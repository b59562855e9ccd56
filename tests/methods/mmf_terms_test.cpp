// The terms of L1 against values worked out by hand or in closed form.
#include "chiaro/methods/mmf_terms.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "chiaro/losses/contrast_health.h"
#include "chiaro/losses/info_nce.h"
#include "chiaro/networks/text_table.h"

namespace chiaro::methods::mmf_terms_test {
namespace {

constexpr std::int64_t kClasses = 7;
constexpr std::int64_t kEach = 3;  // samples of a class
constexpr double kClose = 1e-5;

/// Samples 0 to B−1, sample i of the class i mod K.
at::Tensor balanced() {
  return at::one_hot(at::arange(kEach * kClasses) % kClasses).to(at::kBool);
}

/// Embeddings of a perfect classifier: each sample on the prototype of its class, cosines of
/// different classes being −1/(K−1).
at::Tensor perfect() {
  return networks::simplex_table(kClasses).repeat({kEach, 1});
}

at::Tensor bools(std::initializer_list<int> values, at::IntArrayRef sizes) {
  return at::tensor(std::vector<int>(values)).view(sizes).to(at::kBool);
}

// The severity of a real pair is not known (−1): beside a picture of the same kind whose severity
// is near, it is neither a positive nor a negative; where nothing is near, same kinds are
// positives.
TEST(MmfTerms, UnknownSeveritiesAreNeitherNearNorFar) {
  const auto kinds = at::tensor({0, 1}, at::kLong).unsqueeze(0).expand({5, 2}).to(at::kBool);
  auto severities = at::zeros({5, 2});
  severities.select(1, 1).copy_(at::tensor({0.3, 0.4, 0.9, -1.0, -1.0}));
  const auto contrast = damage_contrast_of(at::eye(5), kinds, severities, 1);
  const auto expect_row = [&](int row, const at::Tensor& mask, std::vector<std::int64_t> expected) {
    EXPECT_TRUE(at::equal(mask[row].to(at::kLong), at::tensor(expected))) << row;
  };
  expect_row(0, contrast.positives, {0, 1, 0, 0, 0});
  expect_row(0, contrast.candidates, {0, 1, 1, 0, 0});
  expect_row(2, contrast.positives, {1, 1, 0, 1, 1});
  expect_row(2, contrast.candidates, {1, 1, 0, 1, 1});
  expect_row(3, contrast.positives, {1, 1, 1, 0, 1});
  expect_row(3, contrast.candidates, {1, 1, 1, 0, 1});
}

TEST(MmfTerms, PrototypeLossOfHandWorkedLogits) {
  const auto logits = at::tensor({1.0, 0.0, -1.0}).view({1, 3});
  const auto both = bools({1, 1, 0}, {1, 3});
  const double log_sum = std::log(std::exp(1.0) + 1 + std::exp(-1.0));  // 1.407606
  EXPECT_NEAR(prototype_loss_of(logits, both, 0).item<double>(), 0.907606, kClose);
  // ε = 0.3: the target is (0.45, 0.45, 0.1).
  EXPECT_NEAR(prototype_loss_of(logits, both, 0.3).item<double>(), 1.057606, kClose);
  EXPECT_NEAR(prototype_loss_of(logits, both, 0.3).item<double>(), log_sum - (0.45 - 0.1), kClose);
  EXPECT_NEAR(prototype_loss_of(at::zeros({4, 7}), at::eye(4, 7, at::kBool), 0.05).item<double>(),
              1.945910, kClose);  // ln 7
}

TEST(MmfTerms, ThePrototypesOfAPerfectClassifierCostNothing) {
  const auto cosines = at::matmul(perfect(), networks::simplex_table(kClasses).t());
  for (const double scale : {5.0, 1 / 0.07, 100.0}) {
    const double closed =
        std::log1p((kClasses - 1) * std::exp(-scale * kClasses / (kClasses - 1.0)));
    const double loss = prototype_loss_of(scale * cosines, balanced(), 0).item<double>();
    EXPECT_NEAR(loss, closed, kClose) << scale;
    if (scale > 10) {
      EXPECT_NEAR(loss, 0, kClose) << scale;
    }
  }
  // With smoothing the least value is the entropy of the target, where the logits are its
  // logarithm.
  const double share = 0.05 / kClasses;
  const auto target = at::where(balanced(), 0.95 + share, share);
  const double entropy = -(0.95 + share) * std::log(0.95 + share) - 6 * share * std::log(share);
  EXPECT_NEAR(prototype_loss_of(target.log(), balanced(), 0.05).item<double>(), entropy, kClose);
  EXPECT_GT(prototype_loss_of(100 * cosines, balanced(), 0.05).item<double>(), entropy + 1);
}

// The same classifier, with the words of the batch in the place of prototypes: of B words B/K are
// right, one counts as positive.
TEST(MmfTerms, TheInBatchFormOfAPerfectClassifierIsLeftWithLnBOverK) {
  const auto words = perfect();
  const auto own = at::eye(kEach * kClasses, at::kBool);
  const auto loss = [&](double scale) {
    return losses::info_nce(scale * at::matmul(perfect(), words.t()), own, at::ones_like(own))
        .item<double>();
  };
  EXPECT_NEAR(loss(100), 1.098612, kClose);  // ln(21/7)
  EXPECT_GT(loss(1), loss(100) + 0.5);
}

TEST(MmfTerms, DamageContrastOfAPerfectClassifier) {
  const auto kinds = balanced();
  const auto contrast = damage_contrast_of(perfect(), kinds, 0.5 * kinds.to(at::kFloat), 0.2);
  // Of 20 others 2 are right: ln 2 + ln(1 + 9·exp(−7/(6τ))).
  EXPECT_NEAR(value_of(contrast).item<double>(), 0.719160, kClose);
  losses::ContrastWatch watch;
  Losses result;
  report_contrast(contrast, {"a", "b", "c", "d", "e", "f", "g"}, watch, result);
  const std::map<std::string, double> meters(result.meters.begin(), result.meters.end());
  EXPECT_NEAR(meters.at("contrast_floor"), std::log(2), kClose);
  EXPECT_NEAR(meters.at("contrast_collapsed"), std::log(20), kClose);
  EXPECT_NEAR(meters.at("contrast_alignment"), 0, kClose);
  EXPECT_NEAR(meters.at("contrast_rank"), 6, kClose);  // a simplex of 7 spans 6 dimensions
  for (const char* kind : {"a", "b", "c", "d", "e", "f", "g"})
    EXPECT_EQ(meters.at(std::string("contrast_nearest_") + kind), 1) << kind;
}

TEST(MmfTerms, PositivesAreOfTheSameKindsAndOfLikeSeverity) {
  const auto kinds = bools({0, 1, 0, 1, 0, 1, 1, 1, 1, 1}, {5, 2});
  const auto severities =
      at::tensor({0.0, 0.10, 0.0, 0.30, 0.0, 0.60, 0.2, 0.5, 0.2, 0.8}).view({5, 2}).to(at::kFloat);
  const auto positives = damage_contrast_of(at::eye(5), kinds, severities, 1).positives;
  // 2 is alone at its severity: it takes all of its kind; so do 3 and 4, which have two kinds.
  const auto expected = bools({0, 1, 0, 0, 0,  //
                               1, 0, 0, 0, 0,  //
                               1, 1, 0, 0, 0,  //
                               0, 0, 0, 0, 1,  //
                               0, 0, 0, 1, 0},
                              {5, 5});
  EXPECT_TRUE(at::equal(positives, expected)) << positives;
  // Equal embeddings: ln 4, whatever the positives.
  const auto equal = damage_contrast_of(at::ones({5, 1}), kinds, severities, 0.2);
  EXPECT_NEAR(value_of(equal).item<double>(), 1.386294, kClose);
}

TEST(MmfTerms, ContentContrastOfTwoScenes) {
  const auto kinds = at::eye(4, 4, at::kBool);
  const auto scene = at::tensor({0, 0, 1, 1}).to(at::kLong);
  const auto content = at::one_hot(scene, 2).to(at::kFloat);
  const auto value = [&](const at::Tensor& clean) {
    return value_of(content_contrast_of(content, clean, scene, kinds, 0.5)).item<double>();
  };
  // Cosines 1 and 0: ln(2 + 2·exp(−2)); the other way round 2 more; of one point ln 4.
  EXPECT_NEAR(value(content), 0.820075, kClose);
  EXPECT_NEAR(value(1 - content), 2.820075, kClose);
  EXPECT_NEAR(value(at::ones({4, 2}) / std::sqrt(2.0)), 1.386294, kClose);
}

TEST(MmfTerms, SeverityLossIsQuadraticNearTheTruthAndSilentWhereItIsUnknown) {
  const auto found = at::tensor({0.5, 0.2, 0.1, 0.3, 0.05, 0.9}).view({2, 3}).to(at::kFloat);
  const auto kinds = bools({1, 0, 0, 0, 1, 1}, {2, 3});
  const auto truth = at::tensor({0.44, 0.0, 0.0, 0.0, -1.0, 0.6}).view({2, 3}).to(at::kFloat);
  // Present: 0.06²/0.2 = 0.018 and 0.3 − 0.05 = 0.25. Absent: 0.04, 0.01, 0.09.
  EXPECT_NEAR(severity_loss_of(found, kinds, truth).item<double>(),
              (0.018 + 0.25) / 2 + 0.1 * 0.14 / 3, kClose);
  const auto nothing = at::zeros({2, 3}, at::kBool);
  EXPECT_NEAR(severity_loss_of(found, nothing, truth).item<double>(),
              0.1 * (0.25 + 0.04 + 0.01 + 0.09 + 0.0025 + 0.81) / 6, kClose);
}

}  // namespace
}  // namespace chiaro::methods::mmf_terms_test
