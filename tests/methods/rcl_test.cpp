#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "chiaro/losses/earth_movers.h"
#include "chiaro/losses/info_nce.h"
#include "chiaro/methods/awaken.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/crop_pairs.h"
#include "tests/methods/noisy_batch.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::rcl_test {
namespace {

constexpr std::int64_t kSamples = 6;

/// y = a·x + b: residuals and gradients can be worked out.
class Affine : public networks::Network {
 public:
  Affine(double gain, double offset) {
    gain_ = register_parameter("gain", at::full({1}, gain, at::kFloat));
    offset_ = register_parameter("offset", at::full({1}, offset, at::kFloat));
  }
  at::Tensor forward(const at::Tensor& x, const networks::Condition& /*condition*/) override {
    return x * gain_ + offset_;
  }
  networks::Geometry geometry() const override { return {}; }

 private:
  at::Tensor gain_;
  at::Tensor offset_;
};

/// Knows that every clean picture is grey: its residual is the noise.
std::shared_ptr<networks::Network> oracle() {
  return std::make_shared<Affine>(0.0, 0.5);
}

/// Grey windows, to be cut into crops of 24 px.
data::Batch noisy_grey(const std::vector<double>& sigmas, std::uint64_t first_seed = 0) {
  return noisy_batch(at::full({1}, 0.5, at::kFloat), sigmas, first_seed);
}

data::Batch varied(std::uint64_t first_seed = 0) {
  return noisy_grey({0.02, 0.05, 0.08, 0.11, 0.14, 0.17}, first_seed);
}

double value(const Losses& losses, const std::string& name) {
  for (const auto& term : losses.terms) {
    if (term.name == name) return term.value.item<double>();
  }
  for (const auto& [meter, number] : losses.meters) {
    if (meter == name) return number;
  }
  ADD_FAILURE() << "no '" << name << "'";
  return std::nan("");
}

std::unique_ptr<Method> make_rcl(std::shared_ptr<networks::Network> network,
                                 OptionTable options = {}) {
  return find("rcl").make({std::move(network), {}, 3}, options);
}

class RclTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(2); }
};

TEST_F(RclTest, EqualsItsDefinition) {
  const auto network = std::make_shared<Affine>(0.9, 0.02);
  const auto method =
      make_rcl(network, {{"consistency", 0.5}, {"consistency_with", std::string("input")}});
  const auto batch = varied();
  const Losses losses = method->losses(batch, {});
  ASSERT_EQ(losses.terms.size(), 2U);

  const CropPairs pairs(batch, 1, 3, Overlap::Forbidden);
  const auto crops = pairs.cut(batch.context);
  auto residual = (crops - (0.9 * crops + 0.02)).detach().requires_grad_(true);
  // InfoNCE with one positive, written out.
  const auto values = residual.flatten(2);
  const auto logits = losses::earth_movers(values - values.mean(2, true)) / -0.01;
  auto contrast = at::zeros({}, at::kFloat);
  for (int i = 0; i < 2 * kSamples; ++i) {
    const int sister = (i + kSamples) % (2 * kSamples);
    auto sum = at::zeros({}, at::kFloat);
    for (int k = 0; k < 2 * kSamples; ++k) {
      if (k != i) sum = sum + logits[i][k].exp();
    }
    contrast = contrast + (sum.log() - logits[i][sister]) / (2.0 * kSamples);
  }
  EXPECT_NEAR(losses.terms[0].value.item<double>(), contrast.item<double>(), 1e-4);
  EXPECT_EQ(losses.terms[0].weight, 1.0);
  const auto consistency = residual.square().mean();
  EXPECT_NEAR(losses.terms[1].value.item<double>(), consistency.item<double>(), 1e-8);

  contrast.backward();
  const double pull = residual.grad().norm().item<double>();
  residual.mutable_grad().zero_();
  consistency.backward();
  const double expected = 0.5 * pull / residual.grad().norm().item<double>();
  EXPECT_NEAR(losses.terms[1].weight, expected, 1e-3 * expected);

  // The weight stays, and is part of what a checkpoint holds.
  const Losses later = method->losses(varied(50), {.step = 7});
  EXPECT_EQ(later.terms[1].weight, losses.terms[1].weight);
  EXPECT_TRUE(method->state().named_buffers().contains("balance"));
  EXPECT_TRUE(method->state().named_buffers().contains("watch.in_a_row"));
}

TEST_F(RclTest, WithoutContrastTheConsistencyStandsAlone) {
  const auto method =
      make_rcl(std::make_shared<Affine>(0.5, 0.1), {{"contrast", 0.0}, {"consistency", 0.5}});
  const Losses losses = method->losses(varied(), {});
  ASSERT_EQ(losses.terms.size(), 1U);
  EXPECT_EQ(losses.terms[0].name, "consistency");
  EXPECT_EQ(losses.terms[0].weight, 0.5);
}

TEST_F(RclTest, HoldsTheOutputToTheMeanOfThreeByThreePixels) {
  const auto batch = varied();
  const auto method = make_rcl(std::make_shared<Affine>(0.5, 0.1));
  const CropPairs pairs(batch, 1, 3, Overlap::Forbidden);
  const auto crops = pairs.cut(batch.context);
  auto mean = at::zeros_like(crops.slice(2, 1, -1).slice(3, 1, -1));
  for (std::int64_t dy = 0; dy < 3; ++dy)
    for (std::int64_t dx = 0; dx < 3; ++dx)
      mean += crops.narrow(2, dy, mean.size(2)).narrow(3, dx, mean.size(3)) / 9;
  const auto inside = 0.5 * crops.slice(2, 1, -1).slice(3, 1, -1) + 0.1 - mean;
  const double expected = inside.square().mean().item<double>();
  // The rim, mirrored, is a sixth of a crop of 24 pixels and much like the rest.
  EXPECT_NEAR(value(method->losses(batch, {}), "consistency"), expected, 0.05 * expected);
}

/// Writes how much noise there is into the brightness of its residual.
class BrightnessCode : public Affine {
 public:
  BrightnessCode() : Affine(1.0, 0.0) {}
  at::Tensor forward(const at::Tensor& x, const networks::Condition& condition) override {
    return Affine::forward(x, condition) - x.std({1, 2, 3}, true, /*keepdim=*/true);
  }
};

TEST_F(RclTest, ACodeInTheBrightnessEarnsNothing) {
  const double chance = std::log(2.0 * kSamples - 1);
  const auto contrast = [](OptionTable options) {
    return value(
        make_rcl(std::make_shared<BrightnessCode>(), std::move(options))->losses(varied(), {}),
        "contrast");
  };
  EXPECT_LT(contrast({{"centred", false}}), 0.5 * chance);
  EXPECT_NEAR(contrast({}), chance, 1e-3);
}

TEST_F(RclTest, IsPureInBatchStepAndState) {
  for (const char* distance : {"w1", "w2", "gaussian", "sliced"}) {
    const auto batch = varied();
    const auto once = [&](std::int64_t step) {
      const auto method = make_rcl(oracle(), {{"distance", std::string(distance)}});
      return value(method->losses(batch, {.step = step}), "contrast");
    };
    EXPECT_EQ(once(0), once(0)) << distance;
    EXPECT_LT(once(0), 1.6) << distance;  // the noise tells pictures apart; ln 11 is 2.4
  }
}

TEST_F(RclTest, NeedsNoTarget) {
  const auto method = make_rcl(oracle());
  EXPECT_FALSE(method->views().needs_target);
  auto batch = varied();
  batch.context_target = at::Tensor();
  const Losses losses = method->losses(batch, {});
  EXPECT_TRUE(std::isfinite(value(losses, "contrast")));
  EXPECT_TRUE(std::ranges::none_of(
      losses.meters, [](const auto& meter) { return meter.first == "residual_is_noise"; }));
  EXPECT_NEAR(value(losses, "residual_u8"), 255 * 0.095, 1);
}

TEST_F(RclTest, ZeroResidualsGiveTheValueOfChanceNoGradientAndAWarning) {
  const auto network = std::make_shared<Affine>(1.0, 0.0);
  const auto method = make_rcl(network, {{"health_every", std::int64_t{2}}});
  std::vector<std::string> warnings;
  for (std::int64_t step = 0; step < 7; ++step) {
    const Losses losses = method->losses(varied(), {.step = step});
    EXPECT_NEAR(value(losses, "contrast"), std::log(2.0 * kSamples - 1), 1e-6);
    losses.terms[0].value.backward();
    EXPECT_EQ(losses.terms[1].weight, 0);
    warnings.insert(warnings.end(), losses.warnings.begin(), losses.warnings.end());
  }
  EXPECT_EQ(network->parameters()[0].grad().item<double>(), 0);
  ASSERT_EQ(warnings.size(), 1U);  // examined at 0, 2, 4 and 6
  EXPECT_NE(warnings[0].find("collapsed"), std::string::npos);
}

/// Warnings of ten examinations.
std::vector<std::string> warnings_of(Method& method,
                                     const std::function<data::Batch(std::uint64_t)>& make) {
  std::vector<std::string> all;
  for (std::int64_t step = 0; step < 10; ++step) {
    const Losses losses = method.losses(make(static_cast<std::uint64_t>(step)), {.step = step});
    all.insert(all.end(), losses.warnings.begin(), losses.warnings.end());
  }
  return all;
}

TEST_F(RclTest, OneNoiseLevelForAllPicturesIsFoundOut) {
  const OptionTable often{{"health_every", std::int64_t{1}}};
  const auto fixed = make_rcl(oracle(), often);
  const auto warnings = warnings_of(*fixed, [](std::uint64_t seed) {
    return noisy_grey(std::vector<double>(kSamples, 0.1), 10 * seed);
  });
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings[0].find("at chance"), std::string::npos) << warnings[0];
  const auto healthy = make_rcl(oracle(), often);
  EXPECT_TRUE(warnings_of(*healthy, [](std::uint64_t seed) { return varied(10 * seed); }).empty());
}

TEST_F(RclTest, SaysHowResidualsLieAndInWhichDamageTheyAreFound) {
  auto batch = varied();
  batch.kinds = at::eye(2, at::kBool).repeat({3, 1});
  const auto method =
      find("rcl").make({.network = oracle(), .tasks = {}, .seed = 3, .kinds = {"a", "b"}}, {});
  const Losses losses = method->losses(batch, {});
  // Residuals are noise of six strengths: two crops of a window lie together, windows on a line.
  EXPECT_LT(value(losses, "contrast_alignment"), 0.02);
  EXPECT_LT(value(losses, "contrast_uniformity"), -0.3);
  EXPECT_GT(value(losses, "contrast_rank"), 1);
  EXPECT_NEAR((value(losses, "contrast_nearest_a") + value(losses, "contrast_nearest_b")) / 2,
              value(losses, "contrast_nearest"), 1e-9);
}

TEST_F(RclTest, OnePictureAloneHasNoNegatives) {
  const auto method = make_rcl(oracle(), {{"health_every", std::int64_t{1}}});
  const auto warnings = warnings_of(*method, [](std::uint64_t seed) {
    auto batch = varied(10 * seed);
    batch.content.zero_();
    return batch;
  });
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings[0].find("no negatives"), std::string::npos);
}

TEST_F(RclTest, HeldOutBatchesChangeNothingThatIsRemembered) {
  const auto method = make_rcl(std::make_shared<Affine>(1.0, 0.0));
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> before;
  for (const auto& buffer : method->state().buffers()) before.push_back(buffer.clone());
  method->losses(varied(), {});
  const auto after = method->state().buffers();
  ASSERT_FALSE(after.empty());
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(at::equal(after[i], before[i])) << i;
}

TEST_F(RclTest, MeasuresWhatTheResidualIs) {
  const auto losses = make_rcl(oracle())->losses(varied(), {});
  EXPECT_NEAR(value(losses, "residual_is_noise"), 1, 1e-5);
  auto batch = varied();
  // The oracle's residual of a ramp is the ramp, of which the noise is a small part.
  const auto ramp = at::linspace(0, 1, 64).square().view({1, 1, 1, 64});
  batch.context_target = batch.context_target + ramp;
  batch.context = batch.context + ramp;
  EXPECT_LT(value(make_rcl(oracle())->losses(batch, {}), "residual_is_noise"), 0.6);
  EXPECT_GT(value(make_rcl(oracle())->losses(batch, {}), "residual_is_picture"), 0.5);
}

TEST_F(RclTest, WakesANetworkThatReturnsItsInput) {
  const OptionTable small{{"depth", std::int64_t{3}}, {"width", std::int64_t{8}}};
  const auto network = networks::make("dncnn", small);
  const auto picture = at::rand({1, 3, 16, 16});
  ASSERT_TRUE(at::equal(network->forward(picture), picture));
  const auto method = make_rcl(network);
  EXPECT_FALSE(at::equal(network->forward(picture), picture));
  const Losses losses = method->losses(varied(), {});
  losses.terms[0].value.backward();
  for (const auto& parameter : method->trainable("train")) {
    if (parameter.dim() < 2) continue;  // a shift common to all residuals changes no distance
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0);
  }
  // What is awake, or trained, is left alone.
  const auto before = network->forward(picture);
  EXPECT_FALSE(awaken(*network, 9));
  EXPECT_TRUE(at::equal(network->forward(picture), before));
}

TEST_F(RclTest, LearnsToTellPicturesApart) {
  const auto network =
      networks::make("dncnn", {{"depth", std::int64_t{3}}, {"width", std::int64_t{12}}});
  const auto method = make_rcl(network);
  torch::optim::Adam optimizer(method->trainable("train"), torch::optim::AdamOptions(3e-3));
  double first = 0;
  double last = 0;
  double noise = 0;
  for (std::int64_t step = 0; step <= 100; ++step) {
    const Losses losses =
        method->losses(varied(static_cast<std::uint64_t>(10 * step)), {.step = step});
    if (step == 0) first = value(losses, "contrast");
    if (step == 100) last = value(losses, "contrast");
    if (step == 100) noise = value(losses, "residual_is_noise");
    at::Tensor total = at::zeros({}, at::kFloat);
    for (const auto& term : losses.terms) total = total + term.weight * term.value;
    optimizer.zero_grad();
    total.backward();
    optimizer.step();
  }
  EXPECT_LT(last, 0.7 * first) << first;
  EXPECT_GT(noise, 0.5) << "told apart by something else than their noise";
}

TEST_F(RclTest, RefusesWhatCannotWork) {
  auto batch = varied();
  batch.context = batch.context.slice(2, 0, 40).slice(3, 0, 40);
  EXPECT_CHIARO_ERROR(make_rcl(oracle())->losses(batch, {}), Usage,
                      "data.context_px of at least 48");
  EXPECT_CHIARO_ERROR(make_rcl(oracle(), {{"temperature", 0.0}}), Usage, "temperature");
  EXPECT_CHIARO_ERROR(make_rcl(oracle(), {{"distance", std::string("w3")}}), Usage, "distance");
  EXPECT_CHIARO_ERROR(make_rcl(oracle(), {{"temprature", 0.1}}), Usage,
                      "did you mean 'temperature'");
  class Twice : public Affine {
   public:
    Twice() : Affine(1, 0) {}
    networks::Geometry geometry() const override { return {.scale = 2}; }
  };
  EXPECT_CHIARO_ERROR(make_rcl(std::make_shared<Twice>()), Usage, "scale 2");
}

}  // namespace
}  // namespace chiaro::methods::rcl_test
