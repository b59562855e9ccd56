#include "chiaro/losses/probes.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "tests/losses/angles.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::probes_test {
namespace {

TEST(RidgeRegression, FindsALinearRuleAndShrinksByHand) {
  torch::manual_seed(1);
  const auto x = at::randn({40, 3}, at::kDouble);
  const auto rule = at::tensor({1.0, -2.0, 0.5, 3.0, 0.0, 4.0}, at::kDouble).view({3, 2});
  const auto asked = at::randn({7, 3}, at::kDouble);
  const auto found = ridge_regression(x, at::matmul(x, rule) + 5, asked, 0);
  EXPECT_TRUE(at::allclose(found, at::matmul(asked, rule) + 5, 1e-9, 1e-9));
  // One value, −1 and 1, targets −1 and 1: Σa² = n, so the weight is 1/(1 + ridge).
  const auto line = at::tensor({-1.0, 1.0}, at::kDouble).view({2, 1});
  const auto shrunk = ridge_regression(line, line, line, 0.25);
  EXPECT_NEAR(shrunk[1].item<double>(), 1 / 1.25, 1e-12);
}

TEST(RidgeRegression, TakesValuesThatNeverChange) {
  const auto x =
      at::cat({at::arange(6, at::kDouble).view({6, 1}), at::ones({6, 1}, at::kDouble)}, 1);
  const auto found = ridge_regression(x, x.narrow(1, 0, 1), x, 1e-9);
  EXPECT_TRUE(at::allclose(found, x.narrow(1, 0, 1), 1e-6, 1e-6));
}

TEST(LinearProbe, AnswersWhatALineCanTellAndNotWhatItCannot) {
  torch::manual_seed(2);
  const auto codes = at::randn({400, 2}, at::kDouble);
  const auto side = codes.select(1, 0).gt(0).to(at::kLong);
  const auto corner = codes.select(1, 0).gt(0).ne(codes.select(1, 1).gt(0)).to(at::kLong);
  const auto asked = codes.slice(0, 200, 400);
  const auto right = [&](const at::Tensor& labels) {
    const auto answers = linear_probe(codes.slice(0, 0, 200), labels.slice(0, 0, 200), asked);
    return normalised_accuracy(answers, labels.slice(0, 200, 400), 2);
  };
  EXPECT_GT(right(side), 0.9);
  EXPECT_NEAR(right(corner), 0, 0.24);  // the exclusive or
}

TEST(LinearProbe, RefusesWhatIsNoData) {
  const auto none = at::zeros({0, 2});
  EXPECT_CHIARO_ERROR(linear_probe(none, at::zeros({0}, at::kLong), none), Usage, "no codes");
  EXPECT_CHIARO_ERROR(ridge_regression(at::zeros({3, 2}), at::zeros({2, 1}), at::zeros({1, 2})),
                      Internal, "ridge_regression");
}

TEST(RetrievalAtOne, AsksTheNearestOfThoseAllowed) {
  // Two domains of the same three directions, the second turned by 10°.
  const auto codes = at_angles({0, 90, 180, 10, 100, 190});
  const auto labels = at::tensor({0, 1, 2, 0, 1, 2}).to(at::kLong);
  const auto domains = at::tensor({0, 0, 0, 1, 1, 1});
  const auto same_domain = domains.unsqueeze(0).eq(domains.unsqueeze(1));
  EXPECT_EQ(retrieval_at_one(codes, labels, at::ones_like(same_domain)), 1);
  EXPECT_EQ(retrieval_at_one(codes, labels, same_domain.logical_not()), 1);  // leave one out
  EXPECT_TRUE(std::isnan(retrieval_at_one(codes, labels, same_domain)));
  // With another label the last one misses; its twin, the only one of its label now, does not
  // count.
  const auto wrong = at::tensor({0, 1, 2, 0, 1, 1}).to(at::kLong);
  EXPECT_NEAR(retrieval_at_one(codes, wrong, at::ones_like(same_domain)), 4.0 / 5, 1e-12);
}

TEST(RetrievalAtOne, LeavesOutWhoCannotBeAnswered) {
  const auto codes = at_angles({0, 5, 60});
  const auto everyone = at::ones({3, 3}, at::kBool);
  EXPECT_EQ(retrieval_at_one(codes, at::tensor({0, 0, 1}).to(at::kLong), everyone), 1);
  EXPECT_TRUE(std::isnan(retrieval_at_one(codes, at::arange(3), everyone)));
  EXPECT_CHIARO_ERROR(retrieval_at_one(codes, at::arange(3), at::ones({2, 3}, at::kBool)), Internal,
                      "retrieval_at_one");
}

TEST(NormalisedAccuracy, IsZeroByGuessing) {
  const auto labels = at::arange(100) % 4;
  const auto half = at::where(at::arange(100).lt(50), labels, (labels + 1) % 4);
  EXPECT_NEAR(normalised_accuracy(half, labels, 4), (0.5 - 0.25) / 0.75, 1e-12);
  EXPECT_NEAR(normalised_accuracy(labels, labels, 4), 1, 1e-12);
  EXPECT_NEAR(normalised_accuracy(at::zeros({100}, at::kLong), labels, 4), 0, 1e-12);
  EXPECT_CHIARO_ERROR(normalised_accuracy(half, labels, 1), Usage, "2 or more");
  const auto none = at::zeros({0}, at::kLong);
  EXPECT_CHIARO_ERROR(normalised_accuracy(none, none, 2), Usage, "nobody was asked");
  EXPECT_CHIARO_ERROR(normalised_accuracy(half, none, 2), Internal, "answers and labels");
}

}  // namespace
}  // namespace chiaro::losses::probes_test
