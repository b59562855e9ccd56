#include "chiaro/nn/lagged_copies.h"

#include <ATen/core/grad_mode.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "chiaro/nn/generator_scope.h"
#include "tests/support/expect_error.h"

namespace chiaro::nn::lagged_copies_test {
namespace {

std::shared_ptr<torch::nn::BatchNorm2dImpl> norm(double weight, double running_mean) {
  auto made = std::make_shared<torch::nn::BatchNorm2dImpl>(2);
  const at::NoGradGuard no_grad;
  made->weight.fill_(weight);
  made->running_mean.fill_(running_mean);
  return made;
}

TEST(LaggedCopies, BlendsParametersAndCopiesBuffers) {
  const auto network = norm(2.0, 5.0);
  const auto copy = norm(10.0, -1.0);
  LaggedCopies bank({copy});
  EXPECT_FALSE(copy->is_training());
  bank.blend(0, *network, 0.1);
  EXPECT_NEAR(copy->weight[0].item<double>(), 2.8, 1e-6);
  EXPECT_EQ(copy->running_mean[1].item<double>(), 5.0);
  network->running_mean.fill_(7.0);
  EXPECT_EQ(copy->running_mean[1].item<double>(), 5.0) << "shares no tensor";
}

TEST(LaggedCopies, RetainingNothingGivesEqualBits) {
  torch::manual_seed(1);
  const auto network = std::make_shared<torch::nn::LinearImpl>(7, 5);
  const auto copy = std::make_shared<torch::nn::LinearImpl>(7, 5);
  LaggedCopies bank({copy});
  bank.blend(0, *network, 0.0);
  EXPECT_TRUE(at::equal(copy->weight, network->weight));
  for (const auto& parameter : copy->parameters()) EXPECT_FALSE(parameter.requires_grad());
}

// The published intervals with 0.1 retained: the mean age is 0.611 of the interval.
TEST(LaggedCopies, MeanAgeIsThatOfTheGeometricSeries) {
  for (const auto& [interval, mean] : {std::pair{100, 61.1}, std::pair{200, 122.2},
                                       std::pair{500, 305.6}, std::pair{1000, 611.1}}) {
    const auto network = std::make_shared<torch::nn::LinearImpl>(1, 1);
    LaggedCopies bank({std::make_shared<torch::nn::LinearImpl>(1, 1)});
    double sum = 0;
    const int steps = 20 * interval;
    const int settled = 10 * interval;
    for (int step = 1; step <= steps; ++step) {
      bank.grow_older();
      // Between two steps of the loop; averaged over the step, the age is half a step less.
      if (step > settled) sum += bank.age_steps(0) - 0.5;
      if (step % interval == 0) bank.blend(0, *network, 0.1);
    }
    EXPECT_NEAR(sum / (steps - settled), mean, 0.1) << interval;
  }
}

TEST(LaggedCopies, TakeTurns) {
  std::vector<std::shared_ptr<torch::nn::Module>> copies;
  for (int k = 0; k < 3; ++k) copies.push_back(std::make_shared<torch::nn::LinearImpl>(1, 1));
  LaggedCopies bank(copies);
  std::vector<std::size_t> turns;
  for (int i = 0; i < 5; ++i) turns.push_back(bank.next_in_turn());
  EXPECT_EQ(turns, (std::vector<std::size_t>{0, 1, 2, 0, 1}));
}

TEST(LaggedCopies, RefusesAnotherArchitecture) {
  LaggedCopies bank({std::make_shared<torch::nn::LinearImpl>(1, 1)});
  EXPECT_CHIARO_ERROR(
      bank.blend(0, torch::nn::LinearImpl(torch::nn::LinearOptions(1, 1).bias(false)), 0.1),
      Internal, "other parameters");
  EXPECT_CHIARO_ERROR(LaggedCopies({}), Internal, "no copies");
}

TEST(LaggedCopies, RoomIsCheckedWithSizes) {
  const torch::nn::LinearImpl network(1000, 1000);  // 4.004 MB
  expect_room_for_copies(network, 4, 16'100'000);
  EXPECT_CHIARO_ERROR(expect_room_for_copies(network, 5, 16'100'000), Resource, "20 MB");
}

TEST(StretchedIntervals, KeepTheirFractionOfTheRun) {
  const std::vector<std::int64_t> published{100, 200, 500, 1000};
  EXPECT_EQ(stretched_intervals(published, 500'000, 500'000), published);
  EXPECT_EQ(stretched_intervals(published, 500'000, 250'000),
            (std::vector<std::int64_t>{50, 100, 250, 500}));
  EXPECT_EQ(stretched_intervals(published, 500'000, 1500),
            (std::vector<std::int64_t>{10, 20, 50, 100}));
  EXPECT_EQ(stretched_intervals(published, 0, 1500), published);
  EXPECT_EQ(stretched_intervals({4}, 500'000, 1500), std::vector<std::int64_t>{10});
}

TEST(GeneratorScope, LeavesNoTraceAndRepeats) {
  torch::manual_seed(3);
  const at::Tensor expected = at::rand({4});
  torch::manual_seed(3);
  at::Tensor inside;
  {
    const GeneratorScope scope(11);
    inside = at::rand({4});
  }
  EXPECT_TRUE(at::equal(at::rand({4}), expected));
  const GeneratorScope scope(11);
  EXPECT_TRUE(at::equal(at::rand({4}), inside));
  EXPECT_FALSE(at::equal(inside, expected));
}

}  // namespace
}  // namespace chiaro::nn::lagged_copies_test
