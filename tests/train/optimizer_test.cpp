#include "chiaro/train/optimizer.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include "chiaro/checkpoint/optimizer_state.h"

namespace chiaro::train {
namespace {

std::vector<at::Tensor> weights_of(std::uint64_t seed) {
  torch::manual_seed(seed);
  std::vector<at::Tensor> weights{at::randn({3, 4}), at::randn({5}), at::randn({2, 2, 3, 3})};
  for (auto& weight : weights) weight.requires_grad_();
  return weights;
}

/// The last weight has a gradient in every second step only, so that its count lags.
void set_gradients(std::vector<at::Tensor>& weights, int step) {
  torch::manual_seed(100 + static_cast<std::uint64_t>(step));
  for (auto& weight : weights) weight.mutable_grad() = at::randn_like(weight);
  if (step % 2 == 1) weights.back().mutable_grad() = at::Tensor();
}

OptimizerOptions decayed(bool fused) {
  return {.learning_rate = 0.01, .weight_decay = 0.1, .fused = fused};
}

TEST(Optimizer, FusedMovesWeightsAsLibtorchDoes) {
  auto by_one = weights_of(1);
  auto fused = weights_of(1);
  const auto one_by_one = make_optimizer(by_one, decayed(false));
  const auto all_at_once = make_optimizer(fused, decayed(true));
  for (int step = 0; step < 7; ++step) {
    set_gradients(by_one, step);
    set_gradients(fused, step);
    one_by_one->step();
    all_at_once->step();
  }
  for (std::size_t i = 0; i < fused.size(); ++i)
    EXPECT_TRUE(at::allclose(fused[i], by_one[i], 1e-5, 1e-6)) << i;
  EXPECT_FALSE(at::allclose(fused[0], weights_of(1)[0])) << "nothing moved";
}

TEST(Optimizer, FusedGoesOnFromACheckpointOfTheOther) {
  auto by_one = weights_of(2);
  const auto one_by_one = make_optimizer(by_one, decayed(false));
  for (int step = 0; step < 3; ++step) {
    set_gradients(by_one, step);
    one_by_one->step();
  }
  checkpoint::Checkpoint held;
  checkpoint::put_optimizer(held, "optimizer", *one_by_one);

  auto fused = weights_of(2);
  for (std::size_t i = 0; i < fused.size(); ++i) fused[i].data().copy_(by_one[i].data());
  const auto all_at_once = make_optimizer(fused, decayed(true));
  checkpoint::take_optimizer(held, "optimizer", *all_at_once);
  for (int step = 3; step < 6; ++step) {
    set_gradients(by_one, step);
    set_gradients(fused, step);
    one_by_one->step();
    all_at_once->step();
  }
  for (std::size_t i = 0; i < fused.size(); ++i)
    EXPECT_TRUE(at::allclose(fused[i], by_one[i], 1e-5, 1e-6)) << i;
}

TEST(Optimizer, ClippingIsLibtorchs) {
  auto ours = weights_of(3);
  auto theirs = weights_of(3);
  set_gradients(ours, 1);
  set_gradients(theirs, 1);
  const double norm = clip_gradients(ours, 0.5);
  EXPECT_NEAR(norm, torch::nn::utils::clip_grad_norm_(theirs, 0.5), 1e-5);
  EXPECT_GT(norm, 0.5);
  for (std::size_t i = 0; i + 1 < ours.size(); ++i)
    EXPECT_TRUE(at::allclose(ours[i].grad(), theirs[i].grad(), 1e-5, 1e-7)) << i;
}

TEST(Optimizer, ASmallGradientIsLeftAlone) {
  auto weights = weights_of(4);
  set_gradients(weights, 0);
  const at::Tensor before = weights[0].grad().clone();
  const double norm = clip_gradients(weights, 1e6);
  EXPECT_EQ(clip_gradients(weights, 0), norm);
  EXPECT_TRUE(weights[0].grad().equal(before));
}

TEST(Optimizer, AGradientThatIsNotFiniteShowsInTheNorm) {
  auto weights = weights_of(5);
  set_gradients(weights, 0);
  weights[0].mutable_grad().fill_(std::nan(""));
  EXPECT_TRUE(std::isnan(clip_gradients(weights, 0.5)));
}

}  // namespace
}  // namespace chiaro::train
