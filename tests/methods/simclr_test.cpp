#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "chiaro/methods/catalogue.h"
#include "tests/methods/noisy_batch.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::simclr_test {
namespace {

class SimclrTest : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(1);
    network_ = networks::make("dncnn", {{"depth", std::int64_t{3}}, {"width", std::int64_t{8}}});
  }
  /// Six pictures that differ in how their waves run.
  static data::Batch waves(std::uint64_t seed) {
    const auto x = at::arange(64, at::kFloat).view({1, 1, 1, 64});
    const auto y = at::arange(64, at::kFloat).view({1, 1, 64, 1});
    const auto k = at::arange(1, 7, at::kFloat).view({6, 1, 1, 1});
    const auto picture = (0.5 + 0.4 * (0.3 * k * x + 0.3 * (7 - k) * y).sin());
    return noisy_batch(picture.expand({6, 3, 64, 64}), std::vector<double>(6, 0.02), seed);
  }
  std::shared_ptr<networks::Network> network_;
};

TEST_F(SimclrTest, LearnsToTellPicturesApart) {
  const auto method = simclr().make({network_, {}, 1}, {});
  EXPECT_FALSE(method->views().needs_target);
  torch::optim::Adam optimizer(method->trainable("train"), torch::optim::AdamOptions(3e-3));
  std::vector<double> values;
  for (std::int64_t step = 0; step < 60; ++step) {
    const Losses losses =
        method->losses(waves(static_cast<std::uint64_t>(10 * step)), {.step = step});
    values.push_back(losses.terms[0].value.item<double>());
    optimizer.zero_grad();
    losses.terms[0].value.backward();
    optimizer.step();
  }
  EXPECT_LT(values.back(), values.front() - 0.3);
}

TEST_F(SimclrTest, ReportsTheHealthOfItsEmbeddings) {
  const auto method = simclr().make({network_, {}, 1}, {});
  const Losses losses = method->losses(waves(0), {});
  for (const char* name : {"contrast_collapsed", "contrast_alignment", "contrast_rank"}) {
    EXPECT_TRUE(std::ranges::any_of(losses.meters, [&](const auto& meter) {
      return meter.first == name;
    })) << name;
  }
  EXPECT_TRUE(method->losses(waves(0), {.step = 1}).meters.empty());
}

// Pictures without anything in them: no step tells them apart, and that is said. Of waves, once
// they are learned, it is not.
TEST_F(SimclrTest, IdenticalPicturesAreNoticed) {
  const auto warnings = [&](bool identical) {
    const auto method = simclr().make({network_, {}, 1}, {});
    torch::optim::Adam optimizer(method->trainable("train"), torch::optim::AdamOptions(3e-3));
    auto batch = waves(0);
    if (identical) {
      batch.input.fill_(0.5);
      batch.context.fill_(0.5);
    }
    std::size_t said = 0;
    for (int step = 0; step < 60; ++step) {
      const Losses losses = method->losses(batch, {});
      if (step >= 40) said += losses.warnings.size();
      optimizer.zero_grad();
      losses.terms[0].value.backward();
      optimizer.step();
    }
    return said;
  };
  EXPECT_EQ(warnings(true), 20U);
  EXPECT_EQ(warnings(false), 0U);
}

TEST_F(SimclrTest, SaysInWhichDamagePicturesAreFound) {
  const auto method =
      simclr().make({.network = network_, .tasks = {}, .seed = 1, .kinds = {"a", "b"}}, {});
  auto batch = waves(0);
  batch.kinds = at::eye(2, at::kBool).repeat({3, 1});
  const Losses losses = method->losses(batch, {});
  double sum = 0;
  int kinds = 0;
  for (const auto& [name, value] : losses.meters) {
    if (name.starts_with("contrast_nearest_")) sum += value;
    if (name.starts_with("contrast_nearest_")) ++kinds;
    if (name == "contrast_nearest") sum -= 2 * value;
  }
  EXPECT_EQ(kinds, 2);
  EXPECT_NEAR(sum, 0, 1e-9);
}

TEST_F(SimclrTest, CropsArePureInTheSeedsOfTheSamples) {
  const auto method = simclr().make({network_, {}, 1}, {});
  const auto batch = waves(0);
  const auto loss = [&](const data::Batch& b) {
    return method->losses(b, {.step = 1}).terms[0].value.item<double>();
  };
  EXPECT_EQ(loss(batch), loss(batch));
  auto other = batch;
  for (auto& seed : other.seeds) seed += 100;
  EXPECT_NE(loss(batch), loss(other));
}

TEST_F(SimclrTest, RefusesWindowsWithoutRoom) {
  const auto method = simclr().make({network_, {}, 1}, {});
  auto batch = waves(0);
  batch.context = batch.context.slice(2, 0, 24);
  EXPECT_CHIARO_ERROR(method->losses(batch, {}), Usage, "data.context_px");
}

}  // namespace
}  // namespace chiaro::methods::simclr_test
