#include "chiaro/losses/info_nce.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/utils.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "tests/support/expect_error.h"

namespace chiaro::losses::info_nce_test {
namespace {

at::Tensor mask(std::initializer_list<std::initializer_list<int>> rows) {
  std::vector<at::Tensor> list;
  for (const auto& row : rows) list.push_back(at::tensor(std::vector<int>(row)).to(at::kBool));
  return at::stack(list);
}

TEST(ContrastLogits, AreNotRoundedByAutocast) {
  torch::manual_seed(3);
  const auto a = at::randn({5, 32}).requires_grad_();
  const auto b = at::randn({7, 32});
  const auto plain = contrast_logits(a, b, 0.07);
  const auto expected = torch::autograd::grad({plain.square().sum()}, {a}).front();
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto cast = contrast_logits(a, b, 0.07);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(cast.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(cast, plain));
  EXPECT_TRUE(at::equal(torch::autograd::grad({cast.square().sum()}, {a}).front(), expected));
  EXPECT_TRUE(at::allclose(plain, at::matmul(a, b.t()) / 0.07));
  EXPECT_EQ(contrast_logits(a.to(at::kBFloat16), b.to(at::kBFloat16), 1).scalar_type(), at::kFloat);
}

TEST(InfoNce, OfEqualLogitsIsTheLogarithmOfTheCandidates) {
  const auto z = at::full({2, 5}, 3.0, at::kDouble);
  const auto positives = mask({{1, 0, 0, 0, 0}, {0, 0, 1, 0, 0}});
  EXPECT_NEAR(info_nce(z, positives, at::ones_like(positives)).item<double>(), std::log(5), 1e-12);
  const auto three = mask({{1, 1, 1, 0, 0}, {0, 0, 1, 1, 1}});
  EXPECT_NEAR(info_nce(z, positives, three).item<double>(), std::log(3), 1e-12);
}

TEST(InfoNce, WorkedByHand) {
  // Row 0: positives 0 and 2 of candidates 0, 1, 2; row 1 has no positive and does not count.
  const auto z = at::tensor({1.0, 2.0, 3.0, 9.0, 5.0, 6.0, 7.0, 8.0}, at::kDouble).view({2, 4});
  const auto positives = mask({{1, 0, 1, 0}, {0, 0, 0, 0}});
  const auto candidates = mask({{1, 1, 1, 0}, {1, 1, 1, 1}});
  const double log_sum = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0));
  EXPECT_NEAR(info_nce(z, positives, candidates).item<double>(), log_sum - (1.0 + 3.0) / 2, 1e-12);
}

TEST(InfoNce, FallsToTheFloorOfRepeatedLabels) {
  // B = 6 samples of K = 3 labels against one prototype per sample: with a perfect classifier the
  // loss that counts only the own copy as positive cannot fall below ln(B/K).
  const auto label = at::tensor({0, 1, 2, 0, 1, 2});
  const auto same = label.unsqueeze(0).eq(label.unsqueeze(1));
  const auto z = same.to(at::kDouble) * 200;
  const auto own = at::eye(6, at::kBool);
  EXPECT_NEAR(info_nce(z, own, at::ones_like(own)).item<double>(), std::log(2), 1e-12);
}

TEST(InfoNce, GradientEqualsFiniteDifferencesAndIsFiniteForEmptyRows) {
  auto z = at::tensor({0.3, -0.2, 0.9, 0.1, 0.0, 0.7, 0.2, 0.4, -0.5}, at::kDouble).view({3, 3});
  const auto positives = mask({{0, 1, 0}, {1, 0, 0}, {0, 0, 0}});
  const auto candidates = mask({{0, 1, 1}, {1, 0, 1}, {0, 0, 0}});
  auto variable = z.clone().set_requires_grad(true);
  info_nce(variable, positives, candidates).backward();
  EXPECT_TRUE(at::isfinite(variable.grad()).all().item<bool>());
  constexpr double kStep = 1e-6;
  for (std::int64_t i = 0; i < 9; ++i) {
    auto up = z.clone();
    auto down = z.clone();
    up.view(-1)[i] += kStep;
    down.view(-1)[i] -= kStep;
    const double slope = (info_nce(up, positives, candidates).item<double>() -
                          info_nce(down, positives, candidates).item<double>()) /
                         (2 * kStep);
    EXPECT_NEAR(variable.grad().view(-1)[i].item<double>(), slope, 1e-8);
  }
}

TEST(MaskedLogsumexp, GoesByWhatIsIncludedAlone) {
  // What is left out is far above, what counts far below where exp is 0.
  for (const auto type : {at::kFloat, at::kDouble}) {
    auto z = at::tensor({5e4, -1000.0, -1001.0, -1e5, -1000.5, -9e4}, type).view({2, 3});
    z.set_requires_grad(true);
    const auto included = mask({{0, 1, 1}, {0, 1, 0}});
    const auto sum = masked_logsumexp(z, included);
    EXPECT_NEAR(sum[0].item<double>(), -1000 + std::log1p(std::exp(-1)), 1e-3);
    EXPECT_EQ(sum[1].item<double>(), -1000.5);
    sum.sum().backward();
    const double first = 1 / (1 + std::exp(-1));
    const auto slope = at::tensor({0.0, first, 1 - first, 0.0, 1.0, 0.0}, type).view({2, 3});
    EXPECT_TRUE(at::allclose(z.grad(), slope, 1e-5, 1e-7)) << z.grad();
  }
}

TEST(InfoNce, WithoutAnyPositiveIsZeroWithGradient) {
  auto z = at::ones({2, 2}, at::kDouble).set_requires_grad(true);
  const auto none = at::zeros({2, 2}, at::kBool);
  const auto loss = info_nce(z, none, at::ones_like(none));
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(z.grad().abs().sum().item<double>(), 0);
}

TEST(InfoNce, RefusesMasksThatDoNotFit) {
  const auto z = at::zeros({2, 2});
  const auto own = at::eye(2, at::kBool);
  EXPECT_CHIARO_ERROR(info_nce(z, own.narrow(0, 0, 1), own), Internal, "one shape");
  EXPECT_CHIARO_ERROR(info_nce(z, own, at::logical_not(own)), Internal, "not among the candidates");
}

/// Cosines of unit vectors in the plane to one at `query`, by their angles.
at::Tensor cosines(double query, const std::vector<double>& degrees) {
  std::vector<double> list;
  for (const double angle : degrees)
    list.push_back(std::cos((angle - query) * std::numbers::pi / 180));
  return at::tensor(list, at::kDouble).unsqueeze(0);
}

// Golden values, computed apart from this program: instances at T = 0.2, query at 0 degrees, key at
// 20, a false negative at 10 that is dropped, negatives at 90 and 150.
TEST(InfoNce, DroppedInstances) {
  const auto z = cosines(0, {20, 10, 90, 150}) / 0.2;
  const auto key = mask({{1, 0, 0, 0}});
  const auto all = at::ones_like(key);
  const auto dropped = mask({{0, 1, 0, 0}});
  EXPECT_NEAR(info_nce(z, key, all).item<double>(), 0.816370, 1e-5);
  EXPECT_NEAR(info_nce_zeroed(z, key, all, dropped).item<double>(), 0.018172, 1e-5);
  EXPECT_NEAR(info_nce(z, key, dropped.logical_not()).item<double>(), 0.009187, 1e-5);
}

// Likewise prototypes: query at 10, its own at 0 (τ 0.2), others at 60 (τ 0.1) and 180 (τ 0.3,
// dropped).
TEST(InfoNce, DroppedPrototypes) {
  const auto tau = at::tensor({0.2, 0.1, 0.3}, at::kDouble);
  const auto z = cosines(10, {0, 60, 180}) / tau;
  const auto own = mask({{1, 0, 0}});
  const auto all = at::ones_like(own);
  const auto dropped = mask({{0, 0, 1}});
  EXPECT_NEAR(info_nce(z, own, dropped.logical_not()).item<double>(), 1.704552, 1e-5);
  EXPECT_NEAR(info_nce_zeroed(z, own, all, dropped).item<double>(), 1.705873, 1e-5);
  EXPECT_NEAR(info_nce(z, own, all).item<double>(), 1.704601, 1e-5);
}

TEST(InfoNce, WhatIsZeroedHasNoGradient) {
  auto z = at::tensor({1.0, 2.0, 3.0}, at::kDouble).unsqueeze(0).set_requires_grad(true);
  const auto own = mask({{1, 0, 0}});
  info_nce_zeroed(z, own, at::ones_like(own), mask({{0, 0, 1}})).backward();
  EXPECT_EQ(z.grad()[0][2].item<double>(), 0);
  EXPECT_NE(z.grad()[0][1].item<double>(), 0);
  EXPECT_CHIARO_ERROR(info_nce_zeroed(z, own, at::ones_like(own), own), Internal,
                      "drops no positive");
}

}  // namespace
}  // namespace chiaro::losses::info_nce_test
