#include "chiaro/train/optimizer.h"

#include <cmath>
#include <memory>
#include <vector>

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

/// A network of a few weights that one optimiser moves.
struct Moved {
  std::vector<at::Tensor> weights;
  std::unique_ptr<torch::optim::Optimizer> optimizer;

  Moved(std::uint64_t seed, bool fused)
      : weights(weights_of(seed)), optimizer(make_optimizer(weights, decayed(fused))) {}
  void take_steps(int begin, int end) {
    for (int step = begin; step < end; ++step) {
      set_gradients(weights, step);
      optimizer->step();
    }
  }
};

void expect_close(const std::vector<at::Tensor>& got, const std::vector<at::Tensor>& expected) {
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(at::allclose(got[i], expected[i], 1e-5, 1e-6)) << i;
}

TEST(Optimizer, FusedMovesWeightsAsLibtorchDoes) {
  Moved by_one(1, false);
  Moved fused(1, true);
  by_one.take_steps(0, 7);
  fused.take_steps(0, 7);
  expect_close(fused.weights, by_one.weights);
  EXPECT_FALSE(at::allclose(fused.weights[0], weights_of(1)[0])) << "nothing moved";
}

TEST(Optimizer, FusedGoesOnFromACheckpointOfTheOther) {
  Moved by_one(2, false);
  by_one.take_steps(0, 3);
  checkpoint::Checkpoint held;
  checkpoint::put_optimizer(held, "optimizer", *by_one.optimizer);
  Moved fused(2, true);
  for (std::size_t i = 0; i < fused.weights.size(); ++i)
    fused.weights[i].data().copy_(by_one.weights[i].data());
  checkpoint::take_optimizer(held, "optimizer", *fused.optimizer);
  by_one.take_steps(3, 6);
  fused.take_steps(3, 6);
  expect_close(fused.weights, by_one.weights);
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
