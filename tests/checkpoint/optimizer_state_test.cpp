#include "chiaro/checkpoint/optimizer_state.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstring>
#include <memory>
#include <vector>

#include "chiaro/checkpoint/module_state.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::checkpoint::optimizer_state_test {
namespace {

using torch::optim::Adam;
using torch::optim::AdamOptions;
using torch::optim::AdamW;
using torch::optim::AdamWOptions;

/// A toy training in two parameter groups, in channels-last layout, with a rate that changes every
/// step.
template <typename Optimizer, typename Options>
class Toy {
 public:
  explicit Toy(std::uint64_t seed, bool amsgrad) {
    torch::manual_seed(seed);
    network = torch::nn::Sequential(
        torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 7, 3).padding(1)), torch::nn::BatchNorm2d(7),
        torch::nn::ReLU(), torch::nn::Conv2d(torch::nn::Conv2dOptions(7, 3, 3).padding(1)));
    for (auto& parameter : network->parameters()) {
      if (parameter.dim() == 4)
        parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
    std::vector<at::Tensor> weights;
    std::vector<at::Tensor> rest;
    for (auto& parameter : network->parameters())
      (parameter.dim() == 4 ? weights : rest).push_back(parameter);
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(
        weights, std::make_unique<Options>(Options(1e-2).weight_decay(0.1).amsgrad(amsgrad)));
    groups.emplace_back(rest,
                        std::make_unique<Options>(Options(1e-2).betas({0.8, 0.95}).eps(1e-6)));
    optimizer = std::make_unique<Optimizer>(groups, Options(1e-2));
  }

  void train(int from, int to) {
    for (int step = from; step < to; ++step) {
      for (auto& group : optimizer->param_groups()) group.options().set_lr(0.01 / (step + 1));
      torch::manual_seed(1000 + static_cast<std::uint64_t>(step));
      const auto x = torch::rand({2, 3, 9, 11}).contiguous(at::MemoryFormat::ChannelsLast);
      optimizer->zero_grad();
      (network->forward(x) - x).abs().mean().backward();
      optimizer->step();
    }
  }

  Checkpoint state() const {
    Checkpoint checkpoint;
    put_module(checkpoint, "network", *network);
    put_optimizer(checkpoint, "optimizer", *optimizer);
    return checkpoint;
  }

  torch::nn::Sequential network{nullptr};
  std::unique_ptr<Optimizer> optimizer;
};

void expect_same_bytes(const Checkpoint& left, const Checkpoint& right) {
  ASSERT_EQ(left.tensors.size(), right.tensors.size());
  for (const auto& [name, tensor] : left.tensors) {
    const auto a = tensor.contiguous();
    const auto b = right.tensors.at(name).contiguous();
    ASSERT_EQ(a.nbytes(), b.nbytes());
    EXPECT_EQ(std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()), 0) << name;
  }
  EXPECT_EQ(left.texts, right.texts);
  EXPECT_EQ(left.integers, right.integers);
  EXPECT_EQ(left.numbers, right.numbers);
}

/// 2N steps straight = N steps, save, load into fresh objects, N steps.
template <typename Optimizer, typename Options>
void prove_resume(bool amsgrad) {
  constexpr int kHalf = 6;
  using Training = Toy<Optimizer, Options>;
  Training straight(1, amsgrad);
  straight.train(0, 2 * kHalf);

  const test::TemporaryFolder folder;
  {
    Training first(1, amsgrad);
    first.train(0, kHalf);
    save(folder / "c", first.state());
  }
  Training second(99, amsgrad);
  second.train(0, 1);  // state that must not survive
  const auto checkpoint = load(folder / "c");
  take_module(checkpoint, "network", *second.network);
  take_optimizer(checkpoint, "optimizer", *second.optimizer);
  expect_same_bytes(second.state(), checkpoint);
  second.train(kHalf, 2 * kHalf);
  expect_same_bytes(second.state(), straight.state());
}

TEST(OptimizerState, AdamWResumesBitForBit) {
  prove_resume<AdamW, AdamWOptions>(false);
}
TEST(OptimizerState, AdamWWithAmsgradResumesBitForBit) {
  prove_resume<AdamW, AdamWOptions>(true);
}
TEST(OptimizerState, AdamResumesBitForBit) {
  prove_resume<Adam, AdamOptions>(false);
}
TEST(OptimizerState, AdamWithAmsgradResumesBitForBit) {
  prove_resume<Adam, AdamOptions>(true);
}

using AdamWToy = Toy<AdamW, AdamWOptions>;

TEST(OptimizerState, OptionsComeBack) {
  AdamWToy from(1, true);
  Checkpoint checkpoint;
  put_optimizer(checkpoint, "o", *from.optimizer);
  EXPECT_TRUE(checkpoint.tensors.empty()) << "no step was taken";
  AdamW to({torch::optim::OptimizerParamGroup({torch::zeros({1}), torch::zeros({1})}),
            torch::optim::OptimizerParamGroup(
                {torch::zeros({1}), torch::zeros({1}), torch::zeros({1}), torch::zeros({1})})},
           AdamWOptions(5.0));
  take_optimizer(checkpoint, "o", to);
  for (std::size_t g = 0; g < 2; ++g) {
    EXPECT_TRUE(static_cast<const AdamWOptions&>(to.param_groups()[g].options()) ==
                static_cast<const AdamWOptions&>(from.optimizer->param_groups()[g].options()));
  }
}

TEST(OptimizerState, ParametersWithoutStepHaveNoState) {
  const auto used = torch::ones({2}, torch::requires_grad());
  const auto unused = torch::ones({2}, torch::requires_grad());
  AdamW from({unused, used});
  used.sum().backward();
  from.step();
  Checkpoint checkpoint;
  put_optimizer(checkpoint, "", from);
  EXPECT_FALSE(checkpoint.integers.contains("0.0.step"));
  AdamW to({unused, used});
  take_optimizer(checkpoint, "", to);
  EXPECT_EQ(to.state().size(), 1U);
  EXPECT_EQ(to.state().count(used.unsafeGetTensorImpl()), 1U);
}

TEST(OptimizerState, MisfitsAreRefusedAndChangeNothing) {
  AdamWToy from(1, false);
  from.train(0, 2);
  const auto whole = from.state();
  const auto refuse = [&](const auto& damage, const char* part) {
    auto checkpoint = whole;
    damage(checkpoint);
    AdamWToy to(2, false);
    to.train(0, 1);
    const auto before = to.state();
    EXPECT_CHIARO_ERROR(take_optimizer(checkpoint, "optimizer", *to.optimizer), Bundle, part);
    expect_same_bytes(to.state(), before);
  };
  refuse([](Checkpoint& c) { c.tensors.erase("optimizer.1.3.exp_avg_sq"); },
         "'optimizer.1.3.exp_avg_sq' is missing");
  refuse([](Checkpoint& c) { c.tensors["optimizer.0.0.exp_avg"] = torch::zeros({2}); },
         "shape and type");
  refuse([](Checkpoint& c) { c.tensors["optimizer.1.3.exp_avg"] = torch::zeros({3}, at::kDouble); },
         "shape and type");
  refuse([](Checkpoint& c) { c.tensors["optimizer.1.4.exp_avg"] = torch::zeros({3}); }, "entries");
  refuse([](Checkpoint& c) { c.integers["optimizer.1.params"] = 5; }, "got 5; expected 4");
  refuse([](Checkpoint& c) { c.integers["optimizer.groups"] = 1; }, "got 1; expected 2");
  refuse([](Checkpoint& c) { c.numbers.erase("optimizer.0.lr"); }, "'optimizer.0.lr' is missing");
  refuse([](Checkpoint& c) { c.texts["optimizer.kind"] = "adam"; }, "got 'adam'; expected 'adamw'");
  refuse([](Checkpoint& c) { c = {}; }, "'optimizer.kind' is missing");
}

TEST(OptimizerState, OtherOptimisersAreRefused) {
  torch::optim::SGD other({torch::zeros({1})}, torch::optim::SGDOptions(0.1));
  Checkpoint checkpoint;
  EXPECT_CHIARO_ERROR(put_optimizer(checkpoint, "o", other), Internal, "neither Adam nor AdamW");
  EXPECT_CHIARO_ERROR(take_optimizer(checkpoint, "o", other), Internal, "neither Adam nor AdamW");
}

}  // namespace
}  // namespace chiaro::checkpoint::optimizer_state_test
