#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/methods/catalogue.h"
#include "tests/methods/noisy_batch.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::neighbor2neighbor_test {
namespace {

/// y = a·x; keeps what it was shown.
class Witness : public networks::Network {
 public:
  explicit Witness(double gain) {
    gain_ = register_parameter("gain", at::full({1}, gain, at::kFloat));
  }
  at::Tensor forward(const at::Tensor& x, const networks::Condition& /*condition*/) override {
    shown.push_back(x.detach().clone());
    return x * gain_;
  }
  networks::Geometry geometry() const override { return {.alignment_px = 4}; }
  std::vector<at::Tensor> shown;

 private:
  at::Tensor gain_;
};

class Neighbor2neighborTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
  std::unique_ptr<Method> make(const std::shared_ptr<Witness>& network) {
    return neighbor2neighbor().make({network, {}, 1}, {});
  }
};

TEST_F(Neighbor2neighborTest, PairsAdjacentPixelsOfEachCell) {
  // Red is the row, green the column: the difference of the pair tells how it lies.
  data::Batch batch = noisy_batch(at::zeros({1, 3, 64, 64}), {0.0}, 7, 64);
  batch.input.select(1, 0).copy_(at::arange(64, at::kFloat).view({1, 64, 1}).expand({1, 64, 64}));
  batch.input.select(1, 1).copy_(at::arange(64, at::kFloat).view({1, 1, 64}).expand({1, 64, 64}));
  const auto network = std::make_shared<Witness>(1.0);
  const auto method = make(network);
  EXPECT_FALSE(method->views().needs_target);
  const Losses losses = method->losses(batch, {});
  const auto& first = network->shown[0];
  ASSERT_EQ(first.sizes(), (at::IntArrayRef{1, 3, 32, 32}));
  // Each pixel comes from its own cell, and all four places of a cell are used.
  const auto row = first[0][0] - 2 * at::arange(32, at::kFloat).view({32, 1});
  const auto column = first[0][1] - 2 * at::arange(32, at::kFloat).view({1, 32});
  EXPECT_EQ(row.min().item<double>(), 0);
  EXPECT_EQ(row.max().item<double>(), 1);
  for (const double place : {0.0, 1.0, 2.0, 3.0}) {
    EXPECT_NEAR((2 * row + column).eq(place).to(at::kFloat).mean().item<double>(), 0.25, 0.06);
  }
  // Adjacent: of the three channels exactly one differs, by one.
  EXPECT_NEAR(losses.terms[0].value.item<double>(), 1.0 / 3, 1e-6);
}

TEST_F(Neighbor2neighborTest, TheIdentityHasNothingLeftToRegularize) {
  const auto batch = noisy_batch(at::rand({1, 3, 64, 64}), {0.1, 0.1}, 7, 32);
  const Losses losses = make(std::make_shared<Witness>(1.0))->losses(batch, {});
  EXPECT_NEAR(losses.terms[1].value.item<double>(), 0, 1e-12);
  // With f = a·x: g1·a − g2 − a·(g1 − g2) = (a − 1)·g2.
  const auto network = std::make_shared<Witness>(0.5);
  const Losses half = make(network)->losses(batch, {});
  EXPECT_NEAR(half.terms[1].value.item<double>(), 0.25 * batch.input.square().mean().item<double>(),
              0.02);
}

TEST_F(Neighbor2neighborTest, RegularizationRisesWithTheStep) {
  const auto batch = noisy_batch(at::rand({1, 3, 64, 64}), {0.1}, 7, 32);
  const auto method = make(std::make_shared<Witness>(0.5));
  EXPECT_EQ(method->losses(batch, {.phase_step = 0, .phase_steps = 10}).terms[1].weight, 0);
  EXPECT_EQ(method->losses(batch, {.phase_step = 5, .phase_steps = 10}).terms[1].weight, 1);
}

TEST_F(Neighbor2neighborTest, TrimsCropsWhoseHalvesDoNotSuitTheNetwork) {
  const auto network = std::make_shared<Witness>(1.0);
  make(network)->losses(noisy_batch(at::rand({1, 3, 64, 64}), {0.1}, 7, 28), {});
  EXPECT_EQ(network->shown[0].sizes(), (at::IntArrayRef{1, 3, 12, 12}));
  EXPECT_CHIARO_ERROR(make(network)->losses(noisy_batch(at::rand({1, 3, 64, 64}), {0.1}, 7, 7), {}),
                      Usage, "at least 8");
}

}  // namespace
}  // namespace chiaro::methods::neighbor2neighbor_test
