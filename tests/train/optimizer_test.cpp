#include "chiaro/train/optimizer.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include "chiaro/checkpoint/optimizer_state.h"

namespace chiaro::train::optimizer_test {
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
  for (auto& weight : weights) weight.mutable_grad() = at::randn(weight.sizes());
  if (step % 2 == 1) weights.back().mutable_grad() = at::Tensor();
}

/// libtorch's own optimiser for the same weights, which decays those of two dimensions or more.
template <typename Optimizer, typename Options>
std::unique_ptr<torch::optim::Optimizer> libtorchs(const std::vector<at::Tensor>& weights) {
  const auto group = [](std::vector<at::Tensor> members, double decay) {
    auto options = std::make_unique<Options>(0.01);
    options->betas({0.9, 0.99}).weight_decay(decay);
    return torch::optim::OptimizerParamGroup(std::move(members), std::move(options));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.push_back(group({weights[0], weights[2]}, 0.1));
  groups.push_back(group({weights[1]}, 0));
  return std::make_unique<Optimizer>(std::move(groups), Options(0.01));
}

/// A network of a few weights that one optimiser moves.
struct Moved {
  std::vector<at::Tensor> weights;
  std::unique_ptr<torch::optim::Optimizer> optimizer;

  void take_steps(int begin, int end) {
    for (int step = begin; step < end; ++step) {
      set_gradients(weights, step);
      optimizer->step();
    }
  }
};

class Kinds : public testing::TestWithParam<std::string> {
 protected:
  static Moved ours(std::uint64_t seed) {
    auto weights = weights_of(seed);
    auto optimizer = make_optimizer(
        weights, {.kind = GetParam(), .learning_rate = 0.01, .beta2 = 0.99, .weight_decay = 0.1});
    return {std::move(weights), std::move(optimizer)};
  }
  static Moved reference(std::uint64_t seed) {
    auto weights = weights_of(seed);
    auto optimizer = GetParam() == "adam"
                         ? libtorchs<torch::optim::Adam, torch::optim::AdamOptions>(weights)
                         : libtorchs<torch::optim::AdamW, torch::optim::AdamWOptions>(weights);
    return {std::move(weights), std::move(optimizer)};
  }
};

void expect_close(const std::vector<at::Tensor>& got, const std::vector<at::Tensor>& expected) {
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(at::allclose(got[i], expected[i], 1e-5, 1e-6)) << i;
}

/// `from`'s weights and state, through a checkpoint.
void go_on_from(const Moved& from, Moved& to) {
  checkpoint::Checkpoint held;
  checkpoint::put_optimizer(held, "optimizer", *from.optimizer);
  for (std::size_t i = 0; i < to.weights.size(); ++i)
    to.weights[i].data().copy_(from.weights[i].data());
  checkpoint::take_optimizer(held, "optimizer", *to.optimizer);
}

TEST_P(Kinds, MoveWeightsAsLibtorchDoes) {
  Moved theirs = reference(1);
  Moved moved = ours(1);
  theirs.take_steps(0, 7);
  moved.take_steps(0, 7);
  expect_close(moved.weights, theirs.weights);
  EXPECT_FALSE(at::allclose(moved.weights[0], weights_of(1)[0])) << "nothing moved";
}

TEST_P(Kinds, GoOnFromLibtorchsStateAndGiveItBack) {
  Moved theirs = reference(2);
  Moved moved = ours(2);
  theirs.take_steps(0, 3);
  go_on_from(theirs, moved);
  theirs.take_steps(3, 6);
  moved.take_steps(3, 6);
  expect_close(moved.weights, theirs.weights);
  Moved back = reference(2);
  go_on_from(moved, back);
  theirs.take_steps(6, 8);
  back.take_steps(6, 8);
  expect_close(back.weights, theirs.weights);
}

/// Weights in channels-last, whose gradients and restored state lie in memory as they please.
TEST_P(Kinds, LayoutsInMemoryDoNotMatter) {
  Moved theirs = reference(3);
  Moved moved = ours(3);
  const auto last = at::MemoryFormat::ChannelsLast;
  theirs.take_steps(0, 2);
  go_on_from(theirs, moved);
  moved.weights[2].set_data(moved.weights[2].contiguous(last));
  theirs.take_steps(2, 5);
  moved.take_steps(2, 5);
  ASSERT_TRUE(moved.weights[2].is_contiguous(last));
  expect_close(moved.weights, theirs.weights);
}

INSTANTIATE_TEST_SUITE_P(Optimizer, Kinds, testing::Values("adam", "adamw"),
                         [](const auto& kind) { return kind.param; });

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
}  // namespace chiaro::train::optimizer_test
