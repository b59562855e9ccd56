#include "chiaro/nn/deep_probe.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/support/expect_error.h"

namespace chiaro::nn {
namespace {

double share_right(const at::Tensor& answers, const at::Tensor& labels) {
  return answers.eq(labels).to(at::kDouble).mean().item<double>();
}

TEST(DeepProbe, FindsWhatNoLineTellsAndNothingWhereNothingIs) {
  torch::manual_seed(1);
  const auto codes = at::randn({900, 2});
  const auto corner = codes.select(1, 0).gt(0).ne(codes.select(1, 1).gt(0)).to(at::kLong);
  const auto random = at::randint(2, {900}, at::kLong);
  const auto asked = codes.slice(0, 600, 900);
  const auto right = [&](const at::Tensor& labels) {
    return share_right(deep_probe(codes.slice(0, 0, 600), labels.slice(0, 0, 600), asked, 7),
                       labels.slice(0, 600, 900));
  };
  EXPECT_GT(right(corner), 0.9);
  EXPECT_NEAR(right(random), 0.5, 0.1);
}

TEST(DeepProbe, DependsOnItsSeedAloneAndLeavesNoTrace) {
  torch::manual_seed(1);
  const auto codes = at::randn({60, 3});
  const auto labels = at::randint(3, {60}, at::kLong);
  torch::manual_seed(5);
  const auto first = deep_probe(codes, labels, codes, 7);
  const auto drawn = at::rand({1});
  torch::manual_seed(5);
  EXPECT_TRUE(at::equal(at::rand({1}), drawn));
  EXPECT_TRUE(at::equal(deep_probe(codes, labels, codes, 7), first));
  const c10::NoGradGuard no_grad;  // as in validation
  EXPECT_TRUE(at::equal(deep_probe(codes, labels, codes, 7), first));
}

TEST(DeepProbe, RefusesTooFewCodes) {
  EXPECT_CHIARO_ERROR(
      deep_probe(at::zeros({5, 2}), at::zeros({5}, at::kLong), at::zeros({5, 2}), 1), Usage,
      "20 or more");
  EXPECT_CHIARO_ERROR(
      deep_probe(at::zeros({25, 2}), at::zeros({5}, at::kLong), at::zeros({5, 2}), 1), Internal,
      "deep_probe");
}

}  // namespace
}  // namespace chiaro::nn
