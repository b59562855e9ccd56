#include "chiaro/losses/deep_probe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "chiaro/losses/probes.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::deep_probe_test {
namespace {

double share_right(const at::Tensor& answers, const at::Tensor& labels) {
  return answers.eq(labels).to(at::kDouble).mean().item<double>();
}

/// Codes of which the first `learned` are learned from and the others asked about.
struct Question {
  at::Tensor codes, labels;
  std::int64_t learned;

  std::pair<at::Tensor, at::Tensor> parts(const at::Tensor& whole) const {
    return {whole.slice(0, 0, learned), whole.slice(0, learned)};
  }
  double by_line() const {
    const auto [train, asked] = parts(codes);
    const auto [known, wanted] = parts(labels);
    return share_right(linear_probe(train, known, asked), wanted);
  }
  double by_networks(const at::Tensor& groups) const {
    const auto [train, asked] = parts(codes);
    const auto [known, wanted] = parts(labels);
    return share_right(deep_probe(train, known, groups, asked, 7), wanted);
  }
  double by_networks() const { return by_networks(at::arange(learned)); }
};

at::Tensor corners(const at::Tensor& codes) {
  return codes.select(1, 0).gt(0).ne(codes.select(1, 1).gt(0)).to(at::kLong);
}

TEST(DeepProbe, ReadsTheExclusiveOr) {
  torch::manual_seed(1);
  for (const std::int64_t width : {2, 8}) {
    const auto codes = at::randn({1300, width});
    const Question question{codes, corners(codes), 300};
    EXPECT_LT(question.by_line(), 0.7) << width;
    EXPECT_GT(question.by_networks(), width == 2 ? 0.93 : 0.8) << width;
  }
}

TEST(DeepProbe, ReadsRings) {
  torch::manual_seed(2);
  const auto codes = at::randn({1300, 2});
  const auto radius = codes.norm(2, 1);
  const auto ring = radius.gt(0.7).to(at::kLong) + radius.gt(1.1) + radius.gt(1.6);
  const Question question{codes, ring, 300};
  EXPECT_LT(question.by_line(), 0.4);
  EXPECT_GT(question.by_networks(), 0.88);
}

TEST(DeepProbe, ReadsSpiralsAndStripes) {
  torch::manual_seed(3);
  const auto arm = at::randint(2, {1600, 1}, at::kLong);
  const auto along = at::rand({1600, 1}).sqrt();
  const auto angle = along * (4 * std::numbers::pi) + arm * std::numbers::pi;
  const Question spiral{at::cat({along * angle.cos(), along * angle.sin()}, 1), arm.squeeze(1),
                        600};
  EXPECT_LT(spiral.by_line(), 0.7);
  EXPECT_GT(spiral.by_networks(), 0.93);
  const auto places = at::rand({1600, 3});
  const auto stripe = at::sin(places.select(1, 0) * (4 * std::numbers::pi)).gt(0).to(at::kLong);
  const Question stripes{places, stripe, 600};
  EXPECT_LT(stripes.by_line(), 0.7);
  EXPECT_GT(stripes.by_networks(), 0.93);
}

// Any three of the signs tell nothing.
TEST(DeepProbe, ReadsTheParityOfFourSigns) {
  torch::manual_seed(12);
  const auto codes = at::randn({2500, 4});
  const auto odd = corners(codes).ne(corners(codes.slice(1, 2))).to(at::kLong);
  const Question question{codes, odd, 1500};
  EXPECT_LT(question.by_line(), 0.65);
  EXPECT_GT(question.by_networks(), 0.8);
}

// Two clouds about the same point, the second twice as wide, in four dimensions: the best rule is
// |x|² against 8/3·4·ln 2, and P(χ²₄ < t) = 1 − (1 + t/2)·exp(−t/2).
TEST(DeepProbe, ComesNearTheBestRuleAndNotAboveIt) {
  torch::manual_seed(4);
  const auto wide = at::randint(2, {5000}, at::kLong);
  const Question question{at::randn({5000, 4}) * (1 + wide).unsqueeze(1), wide, 1000};
  const auto below = [](double t) { return 1 - (1 + t / 2) * std::exp(-t / 2); };
  const double edge = 8.0 / 3 * 4 * std::numbers::ln2;
  const double best = 0.5 * (below(edge) + 1 - below(edge / 4));
  ASSERT_NEAR(best, 0.8236, 1e-3);
  EXPECT_LT(question.by_line(), 0.6);
  EXPECT_NEAR(question.by_networks(), best, 0.035);
}

TEST(DeepProbe, ReadsWhatStandsInDirectionsThatHardlyVary) {
  torch::manual_seed(5);
  const auto hidden = at::randn({1600, 8});
  const auto axes = std::get<0>(at::linalg_qr(at::randn({32, 32}))).slice(0, 0, 8);
  const auto sizes = at::logspace(-2, 0, 8);
  const Question question{at::matmul(hidden * sizes, axes) + 3, corners(hidden), 600};
  EXPECT_GT(question.by_networks(), 0.85);
}

TEST(DeepProbe, ReadsValuesOfAnySize) {
  torch::manual_seed(14);
  const auto codes = at::randn({1300, 2});
  const auto sizes = at::logspace(-3, 3, 2);
  const Question question{(codes + 4) * sizes, corners(codes), 300};
  EXPECT_GT(question.by_networks(), 0.93);
}

TEST(DeepProbe, FindsNothingWhereNothingIs) {
  torch::manual_seed(6);
  double sum = 0;
  for (const std::int64_t learned : {40, 180, 180, 600}) {
    const Question question{at::randn({learned + 1000, 48}),
                            at::randint(4, {learned + 1000}, at::kLong), learned};
    const double right = question.by_networks();
    EXPECT_NEAR(right, 0.25, 0.06) << learned;
    sum += right;
  }
  EXPECT_NEAR(sum / 4, 0.25, 0.03);
}

TEST(DeepProbe, IsAsGoodAsALineWhereALineTells) {
  torch::manual_seed(7);
  double sum = 0;
  int problems = 0;
  for (const std::int64_t learned : {40, 100, 200}) {
    for (int turn = 0; turn < 6; ++turn) {
      const std::int64_t kinds = 2 + turn % 4 * 2;
      const auto codes = at::randn({learned + 1000, 32}) * at::logspace(0, -turn % 3, 32);
      const auto rule = at::randn({32, kinds}) / at::logspace(0, -turn % 3, 32).unsqueeze(1);
      const auto said = at::matmul(codes, rule) + 2 * at::randn({learned + 1000, kinds});
      const Question question{codes, said.argmax(1), learned};
      const double gained = question.by_networks() - question.by_line();
      EXPECT_GT(gained, -0.05) << learned << ", " << kinds << " kinds";
      sum += gained;
      ++problems;
    }
  }
  EXPECT_GT(sum / problems, -0.005);
}

TEST(DeepProbe, AnswersByTheLineWhereNetworksLearnNothing) {
  torch::manual_seed(13);
  const auto codes = at::randn({160, 8});
  const auto labels = codes.select(1, 0).gt(0).to(at::kLong) + codes.select(1, 1).gt(0);
  const auto [train, asked] = Question{codes, labels, 60}.parts(codes);
  DeepProbeOptions options;
  options.learning_rate = 0;
  const auto known = labels.slice(0, 0, 60);
  EXPECT_TRUE(at::equal(deep_probe(train, known, at::arange(60), asked, 7, options),
                        linear_probe(train, known, asked)));
}

// Twenty groups to learn from, each at a place of its own; in a group nearly all labels are the
// same, which tells nothing of the groups that are asked about.
TEST(DeepProbe, IsNotChosenForWhatItRemembersOfGroups) {
  double together = 0;
  double each = 0;
  double line = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    torch::manual_seed(seed);
    const auto group = at::arange(60).repeat_interleave(20);
    const auto usual = at::randint(2, {60}, at::kLong).index_select(0, group);
    const auto labels = at::where(at::rand({1200}).lt(0.95), usual, 1 - usual);
    const auto signal = at::randn({1200, 2}) + 0.6 * (2 * labels - 1).unsqueeze(1);
    const auto place = at::randn({60, 2}).index_select(0, group);
    const Question question{at::cat({signal, place}, 1), labels, 400};
    together += question.by_networks(group.slice(0, 0, 400)) / 4;
    each += question.by_networks() / 4;
    line += question.by_line() / 4;
  }
  EXPECT_GT(together, line - 0.02);
  EXPECT_GT(together, each + 0.03);
}

TEST(DeepProbe, LearnsFromAllCodesWhereTheyAreMoreThanABatch) {
  torch::manual_seed(9);
  const auto codes = at::randn({700, 2});
  const auto order = corners(codes).argsort();  // so that a batch of the first shows one label
  const auto train = codes.index_select(0, order);
  DeepProbeOptions options;
  options.batch = 100;
  const auto asked = at::randn({1000, 2});
  const auto answers = deep_probe(train, corners(train), at::arange(700), asked, 7, options);
  EXPECT_GT(share_right(answers, corners(asked)), 0.93);
}

TEST(DeepProbe, TakesOneClassAndFewCodes) {
  torch::manual_seed(10);
  const auto codes = at::randn({20, 64});
  const auto third = at::full({20}, 3, at::kLong);
  EXPECT_TRUE(at::equal(deep_probe(codes, third, at::arange(20), codes, 7), third));
  const auto side = codes.select(1, 0).gt(0).to(at::kLong);
  const auto far = 8 * (2 * side - 1).unsqueeze(1) + at::randn({20, 64});
  EXPECT_TRUE(at::equal(deep_probe(far, side, at::arange(20) % 2, far, 7), side));
}

TEST(DeepProbe, LooksAtNoValueThatNeverChangesInWhatIsLearned) {
  torch::manual_seed(11);
  const auto codes = at::randn({1300, 2});
  const auto [train, asked] = Question{codes, codes, 300}.parts(codes);
  const auto extra = at::full({300, 1}, 0.3) * (1 + 1e-7 * at::randn({300, 1}));
  const auto answers = deep_probe(at::cat({train, extra}, 1), corners(train), at::arange(300),
                                  at::cat({asked, at::randn({1000, 1})}, 1), 7);
  EXPECT_GT(share_right(answers, corners(asked)), 0.93);
}

TEST(DeepProbe, DependsOnItsSeedAloneAndLeavesNoTrace) {
  torch::manual_seed(1);
  const auto codes = at::randn({200, 3});
  const auto labels = corners(codes);
  const auto asked = at::randn({2000, 3});
  const auto asked_by = [&](std::uint64_t seed) {
    return deep_probe(codes, labels, at::arange(200), asked, seed);
  };
  torch::manual_seed(5);
  const auto first = asked_by(7);
  const auto drawn = at::rand({1});
  torch::manual_seed(5);
  EXPECT_TRUE(at::equal(at::rand({1}), drawn));
  EXPECT_TRUE(at::equal(asked_by(7), first));
  EXPECT_FALSE(at::equal(asked_by(8), first));
  const c10::NoGradGuard no_grad;  // as in validation
  EXPECT_TRUE(at::equal(asked_by(7), first));
}

TEST(DeepProbe, RefusesWhatItCannotLearnFrom) {
  const auto codes = at::zeros({25, 2});
  const auto labels = at::zeros({25}, at::kLong);
  const auto each = at::arange(25);
  const auto few = each.slice(0, 0, 5);
  EXPECT_CHIARO_ERROR(deep_probe(codes.slice(0, 0, 5), few, few, codes, 1), Usage, "20 or more");
  EXPECT_CHIARO_ERROR(deep_probe(codes, labels, labels, codes, 1), Usage, "2 groups or more");
  EXPECT_CHIARO_ERROR(deep_probe(codes / 0, labels, each, codes, 1), Usage, "not finite");
  EXPECT_CHIARO_ERROR(
      deep_probe(codes, labels, each, at::full({1, 2}, std::numeric_limits<float>::infinity()), 1),
      Usage, "not finite");
  EXPECT_CHIARO_ERROR(deep_probe(codes, few, each, codes, 1), Internal, "deep_probe");
  EXPECT_CHIARO_ERROR(deep_probe(codes, labels, few, codes, 1), Internal, "deep_probe");
}

}  // namespace
}  // namespace chiaro::losses::deep_probe_test
