#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>
#include <map>

#include "chiaro/checkpoint/module_state.h"
#include "chiaro/losses/feature_distance.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/nn/feature_extractor.h"
#include "tests/methods/gain.h"
#include "tests/methods/named_losses.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::spn_test {
namespace {

/// A network whose output is twice as large: x enlarged by repeating pixels, times a weight.
class Doubling : public networks::Network {
 public:
  Doubling() { weight_ = register_parameter("weight", at::ones({1})); }
  at::Tensor forward(const at::Tensor& x, const networks::Condition& /*condition*/) override {
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3) * weight_;
  }
  networks::Geometry geometry() const override { return {.scale = 2}; }

 private:
  at::Tensor weight_;
};

constexpr double kFresh = 10.0;  // the weight of every further Gain that is made

Setting setting_of(const std::shared_ptr<networks::Network>& network) {
  return {.network = network, .tasks = {}, .seed = 4, .make_network = [] {
            return std::make_shared<Gain>(kFresh);
          }};
}

/// Options of an spn on pixels with the weights of copies exactly those of the network.
OptionTable plain(const OptionTable& more = {}) {
  OptionTable table{{"features", std::string("pixels")},
                    {"start_random", 0.0},
                    {"lambda", 0.25},
                    {"retained", std::vector<double>{0.1}},
                    {"meant_for_steps", std::int64_t{0}}};
  for (const auto& [key, value] : more) table[key] = value;
  return table;
}

double objective(const Losses& losses) {
  double sum = 0;
  for (const auto& one : losses.terms) sum += one.weight * one.value.item<double>();
  return sum;
}

/// The weight of copy k.
double copy_weight(Method& method, int k) {
  return method.state()
      .named_parameters()["copies." + std::to_string(k) + ".weight"]
      .item<double>();
}

StepInfo at_step(std::int64_t step, std::int64_t total_steps = 2000) {
  StepInfo info;
  info.step = step;
  info.total_steps = total_steps;
  return info;
}

/// One step of `micro_batches` equal micro-batches, as the loop makes it; the losses of the last.
Losses make_step(Method& method, std::int64_t step, std::int64_t total_steps = 2000,
                 int micro_batches = 1) {
  Losses losses;
  for (int i = 0; i < micro_batches; ++i)
    losses = method.losses(ones_and_twos(), at_step(step, total_steps));
  method.after_step(at_step(step + 1, total_steps));
  return losses;
}

TEST(Spn, SubtractsTheDistanceToItsOlderSelf) {
  const auto network = std::make_shared<Gain>(0.5);
  const auto method = spn().make(setting_of(network), plain());
  network->set(0.75);
  const Losses losses = method->losses(ones_and_twos(), {});
  EXPECT_NEAR(term(losses, "l1"), 1.25, 1e-6);
  EXPECT_NEAR(term(losses, "contrast"), 0.25, 1e-6);  // |0.75 − 0.5|
  EXPECT_NEAR(named_term(losses, "contrast").weight, -0.25, 1e-12);
  EXPECT_NEAR(objective(losses), 1.25 - 0.25 * 0.25, 1e-6);
  EXPECT_NEAR(meter(losses, "distance_3"), 0.25, 1e-6);
  EXPECT_NEAR(meter(losses, "staleness_0"), 0.25, 1e-6);
}

// Dossier value: a scalar parameter of 2 in the network and 10 in the copy, w = 0.1, gives 2.8.
TEST(Spn, BlendsWeightsAsPublished) {
  const auto network = std::make_shared<Gain>(2.0);
  const auto method = spn().make(setting_of(network), plain({{"start_random", 1.0}}));
  EXPECT_NEAR(copy_weight(*method, 0), kFresh, 1e-6);
  method->after_step(at_step(100));
  EXPECT_NEAR(copy_weight(*method, 0), 2.8, 1e-6);
  EXPECT_NEAR(copy_weight(*method, 1), kFresh, 1e-6) << "its interval is 200";
}

TEST(Spn, StartsAsTheNetworkWithAShareOfFreshWeights) {
  const auto network = std::make_shared<Gain>(2.0);
  const auto method = spn().make(setting_of(network), plain({{"start_random", 0.1}}));
  for (int k = 0; k < 4; ++k) EXPECT_NEAR(copy_weight(*method, k), 0.1 * kFresh + 0.9 * 2.0, 1e-6);
}

TEST(Spn, ARefreshThatRetainsNothingMakesAnEqualCopy) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method =
      spn().make(setting_of(network), plain({{"retained", std::vector<double>{0.0}}}));
  network->set(1.0 / 3.0);
  EXPECT_GT(term(method->losses(ones_and_twos(), {}), "contrast"), 0);
  method->after_step(at_step(1000));
  const Losses losses = method->losses(ones_and_twos(), {});
  EXPECT_EQ(term(losses, "contrast"), 0.0);
  named_term(losses, "contrast").value.backward();
  EXPECT_EQ(method->trainable("train").front().grad().item<double>(), 0.0);
}

TEST(Spn, AllFourCopiesAreRefreshedAtStepThousand) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method =
      spn().make(setting_of(network),
                 plain({{"start_random", 1.0}, {"retained", std::vector<double>{0, 0, 0, 0}}}));
  const std::map<int, int> fresh_after{{99, 0}, {100, 1}, {200, 2}, {500, 3}, {999, 3}, {1000, 4}};
  int refreshed = 0;
  for (int step = 1; step <= 1000; ++step) {
    method->after_step(at_step(step));
    refreshed = 0;
    for (int k = 0; k < 4; ++k) refreshed += copy_weight(*method, k) == 1.0 ? 1 : 0;
    if (const auto found = fresh_after.find(step); found != fresh_after.end()) {
      EXPECT_EQ(refreshed, found->second) << step;
    }
  }
}

TEST(Spn, EachCopyHasItsOwnShareRetained) {
  const auto network = std::make_shared<Gain>(0.0);
  const auto method = spn().make(
      setting_of(network),
      plain({{"start_random", 1.0}, {"retained", std::vector<double>{0.1, 0.2, 0.3, 0.4}}}));
  method->after_step(at_step(1000));
  for (int k = 0; k < 4; ++k) EXPECT_NEAR(copy_weight(*method, k), (k + 1) * 0.1 * kFresh, 1e-5);
}

TEST(Spn, EqualNegativesCountAsOne) {
  const auto loss_with = [](std::vector<std::int64_t> intervals) {
    const auto network = std::make_shared<Gain>(0.5);
    const auto method = spn().make(setting_of(network), plain({{"intervals", intervals}}));
    network->set(0.9);
    return objective(method->losses(ones_and_twos(), {}));
  };
  EXPECT_NEAR(loss_with({100}), loss_with({100, 200, 500, 1000}), 1e-6);
}

// −λ·mean|a·x − a_k·x| has the slope −λ·mean(x) in a where a > a_k.
TEST(Spn, GradientIsThatOfTheEquationAndReachesOnlyTheNetwork) {
  const auto network = std::make_shared<Gain>(0.5);
  const auto method = spn().make(setting_of(network), plain());
  network->set(0.75);
  const Losses losses = method->losses(ones_and_twos(), {});
  at::Tensor total = at::zeros({});
  for (const auto& one : losses.terms) total = total + one.value * one.weight;
  total.backward();
  EXPECT_NEAR(method->trainable("train").front().grad().item<double>(), -1.0 - 0.25, 1e-6);
  for (const auto& item : method->state().named_parameters()) {
    EXPECT_EQ(item.value().grad().defined(), item.key() == "network.weight") << item.key();
  }
}

TEST(Spn, GradientThroughFeaturesEqualsFiniteDifferences) {
  const auto network = std::make_shared<Gain>(0.5);
  const auto method = spn().make(
      setting_of(network),
      plain({{"features", std::string("random_vgg")}, {"random_width", std::int64_t{4}}}));
  data::Batch batch = ones_and_twos();
  torch::manual_seed(5);
  batch.input = at::rand({1, 3, 16, 16});
  batch.target = at::rand({1, 3, 16, 16});
  const auto contrast_at = [&](double gain) {
    network->set(gain);
    return named_term(method->losses(batch, {}), "contrast").value;
  };
  contrast_at(0.7).backward();
  const double slope = method->trainable("train").front().grad().item<double>();
  const double step = 1e-3;
  const double differences =
      (contrast_at(0.7 + step) - contrast_at(0.7 - step)).item<double>() / (2 * step);
  EXPECT_GT(slope, 0.1);
  EXPECT_NEAR(slope, differences, 0.01 * slope);
}

// All copies go through φ in one batch; what comes out is that of each by itself.
TEST(Spn, TheTermIsTheMeanOfTheDistancesToEachCopy) {
  const auto network = std::make_shared<Gain>(0.0);
  const auto method = spn().make(setting_of(network),
                                 plain({{"start_random", 1.0},
                                        {"features", std::string("random_vgg")},
                                        {"random_width", std::int64_t{4}},
                                        {"retained", std::vector<double>{0.1, 0.2, 0.3, 0.4}}}));
  method->after_step(at_step(1000));  // copies are 1, 2, 3 and 4 now
  network->set(0.7);
  data::Batch batch = ones_and_twos();
  torch::manual_seed(5);
  batch.input = at::rand({2, 3, 16, 16});
  const Losses losses = method->losses(batch, {});
  const auto phi = nn::make_feature_extractor({.width = 4, .seed = 1});
  const std::vector<double> weights{0.2, 0.3, 0.5};
  double sum = 0;
  for (int k = 0; k < 4; ++k) {
    const double expected = losses::feature_distance(phi->forward(0.7 * batch.input),
                                                     phi->forward((k + 1) * batch.input), weights)
                                .item<double>();
    EXPECT_NEAR(meter(losses, "distance_" + std::to_string(k)), expected, 1e-5 * expected) << k;
    EXPECT_NEAR(meter(losses, "staleness_" + std::to_string(k)),
                (k + 0.3) * batch.input.mean().item<double>(), 1e-5)
        << k;
    sum += expected;
  }
  EXPECT_NEAR(term(losses, "contrast"), sum / 4, 1e-5 * sum);
}

TEST(Spn, OneDrawnNegativeIsRightOnAverage) {
  const auto network = std::make_shared<Gain>(0.0);
  const auto method = spn().make(setting_of(network),
                                 plain({{"start_random", 1.0},
                                        {"negatives", std::string("one")},
                                        {"retained", std::vector<double>{0.1, 0.2, 0.3, 0.4}}}));
  method->after_step(at_step(1000));  // copies are 1, 2, 3 and 4 now
  std::map<long, int> drawn;
  double sum = 0;
  constexpr int kSteps = 2000;
  for (int step = 0; step < kSteps; ++step) {
    const Losses losses = method->losses(ones_and_twos(), at_step(step));
    const double distance = term(losses, "contrast");
    EXPECT_EQ(meter(losses, "distance_drawn"), distance);
    sum += distance;
    ++drawn[std::lround(distance)];
  }
  EXPECT_EQ(drawn.size(), 4U);
  EXPECT_NEAR(sum / kSteps, 2.5, 4 * 1.118 / std::sqrt(kSteps));  // four standard errors
  // The draw depends on seed and step alone, so that resuming repeats it.
  EXPECT_EQ(meter(method->losses(ones_and_twos(), at_step(7)), "distance_drawn"),
            meter(method->losses(ones_and_twos(), at_step(7)), "distance_drawn"));
}

// T = 0.022 of the released code is a target of 39.2 dB.
TEST(Spn, AdaptiveRefreshTakesTurnsWhileTheErrorIsLarge) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method = spn().make(setting_of(network), plain({{"start_random", 1.0},
                                                             {"refresh", std::string("adaptive")},
                                                             {"adaptive_retained", 0.0}}));
  data::Batch batch = ones_and_twos();
  const auto with_error = [&](double deviation, std::int64_t step) {
    // ±deviation, so that the standard deviation of 2·(ŷ − y) is 2·deviation.
    batch.target = batch.input + deviation;
    batch.target.slice(3, 0, 8).copy_(batch.input.slice(3, 0, 8) - deviation);
    method->losses(batch, at_step(step));
    int copied = 0;
    for (int k = 0; k < 4; ++k) copied += copy_weight(*method, k) == 1.0 ? 1 : 0;
    return copied;
  };
  EXPECT_EQ(with_error(0.0109, 0), 0);
  EXPECT_EQ(with_error(0.0111, 1), 1);
  EXPECT_EQ(with_error(0.0111, 1), 1) << "a second micro-batch of the same step";
  EXPECT_EQ(with_error(0.0111, 2), 2);
  method->after_step(at_step(1000));
  EXPECT_EQ(with_error(0.0, 3), 2) << "no intervals in this variant";
}

TEST(Spn, FrozenNegativesStay) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method =
      spn().make(setting_of(network), plain({{"objective", std::string("frozen_negative")}}));
  network->set(3.0);
  for (int step = 1; step <= 1000; ++step) method->after_step(at_step(step));
  EXPECT_EQ(copy_weight(*method, 0), 1.0);
  const Losses losses = method->losses(ones_and_twos(), {});
  EXPECT_NEAR(objective(losses), 1.0 - 0.25 * 2.0, 1e-6);
  EXPECT_EQ(meter(losses, "age_0"), 1000.0);
}

TEST(Spn, ComparedObjectivesAreTheirEquations) {
  const auto value = [](const char* name) {
    const auto network = std::make_shared<Gain>(0.5);
    return objective(spn()
                         .make(setting_of(network), plain({{"objective", std::string(name)}}))
                         ->losses(ones_and_twos(), {}));
  };
  // ŷ = 0.5, y = 2, x = 1, λ = 0.25
  EXPECT_NEAR(value("positive"), 1.5 + 0.25 * 1.5, 1e-6);
  EXPECT_NEAR(value("degraded_negative"), 1.5 - 0.25 * 0.5, 1e-6);
  EXPECT_NEAR(value("cr"), 1.5 + 0.25 * 1.5 / 0.5, 1e-5);
}

TEST(Spn, TakesNetworksThatEnlarge) {
  for (const char* name : {"spn", "cr", "degraded_negative"}) {
    const auto network = std::make_shared<Doubling>();
    Setting setting = setting_of(network);
    setting.make_network = [] { return std::make_shared<Doubling>(); };
    const auto method = spn().make(setting, plain({{"objective", std::string(name)}}));
    data::Batch batch;
    batch.input = at::rand({2, 3, 8, 8});
    batch.target = at::rand({2, 3, 16, 16});
    EXPECT_TRUE(std::isfinite(objective(method->losses(batch, {})))) << name;
  }
}

TEST(Spn, ShareHoldsLambdaAtAFractionOfTheReconstruction) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method =
      spn().make(setting_of(network),
                 plain({{"share", 0.03}, {"lambda", 1e-6}, {"share_of", std::string("value")}}));
  network->set(1.5);  // L_rec = 0.5 and L_neg = 0.5
  for (std::int64_t step = 0; step < 10; ++step) {
    EXPECT_EQ(meter(make_step(*method, step, 200), "lambda"), 1e-6);
  }
  const Losses losses = make_step(*method, 10, 200);
  EXPECT_NEAR(meter(losses, "lambda"), 0.03, 1e-9);
  EXPECT_NEAR(meter(losses, "contrast_share"), 0.03, 1e-9);
  network->set(1.0);  // L_neg = 0 from now on: λ rises, but not beyond ten times its start
  double lambda = 0;
  for (std::int64_t step = 11; step < 200; ++step)
    lambda = meter(make_step(*method, step, 200), "lambda");
  EXPECT_NEAR(lambda, 0.3, 1e-9);
}

// A distance of absolute values pushes equally hard however small it is: λ must not rise as it
// falls.
TEST(Spn, ShareOfGradientsDoesNotDependOnTheDistance) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method = spn().make(
      setting_of(network),
      plain({{"share", 0.03}, {"lambda", 1e-6}, {"intervals", std::vector<std::int64_t>{1000}}}));
  double lambda = 0;
  for (std::int64_t step = 0; step < 400; ++step) {
    network->set(step < 200 ? 1.5 : 1.0001);  // L_neg = 0.5, then 0.0001
    const Losses losses = make_step(*method, step, 400);
    lambda = meter(losses, "lambda");
    if (step <= 90) {
      EXPECT_EQ(lambda, 1e-6);
    }
    if (step == 199 || step == 399) {
      EXPECT_NEAR(lambda, 0.03, 1e-6) << step;
    }
    if (step == 390) {
      EXPECT_NEAR(meter(losses, "gradient_share"), 0.03, 1e-6);
    }
  }
}

TEST(Spn, LambdaAndTheBankCountStepsNotMicroBatches) {
  for (const char* share_of : {"value", "gradient"}) {
    std::vector<double> lambdas;
    for (const int micro_batches : {1, 4}) {
      const auto network = std::make_shared<Gain>(1.0);
      const auto method = spn().make(
          setting_of(network),
          plain({{"share", 0.03}, {"lambda", 1e-6}, {"share_of", std::string(share_of)}}));
      double lambda = 0;
      for (std::int64_t step = 0; step < 200; ++step) {
        network->set(1.1 + 0.004 * static_cast<double>(step));
        const Losses losses = make_step(*method, step, 200, micro_batches);
        lambda = meter(losses, "lambda");
        if (step == 8) {
          EXPECT_EQ(lambda, 1e-6) << share_of << " in " << micro_batches;
        }
        if (step == 199) {
          EXPECT_NEAR(meter(losses, "age_0"), 99 + 0.1 * 100, 1e-9) << "since the refresh at 100";
        }
      }
      lambdas.push_back(lambda);
    }
    EXPECT_NE(lambdas[0], 1e-6) << share_of;
    EXPECT_NEAR(lambdas[0], lambdas[1], 1e-9 * lambdas[0]) << share_of;
  }
}

TEST(Spn, AdaptiveCopiesRefuseAShareOfValues) {
  const auto make = [](const char* share_of) {
    spn().make(setting_of(std::make_shared<Gain>(1.0)),
               plain({{"share", 0.03},
                      {"refresh", std::string("adaptive")},
                      {"share_of", std::string(share_of)}}));
  };
  EXPECT_CHIARO_ERROR(make("value"), Usage, "share_of = gradient");
  make("gradient");
}

TEST(Spn, ShareRefusesALossThatIsNotPositive) {
  const auto network = std::make_shared<Gain>(1.9);
  const auto method = spn().make(
      setting_of(network),
      plain({{"share", 0.03}, {"share_of", std::string("value")}, {"loss", std::string("psnr")}}));
  EXPECT_CHIARO_ERROR(method->losses(ones_and_twos(), {}), Usage, "psnr");
}

TEST(Spn, StopsWhenTheNegativeTermTakesOver) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method =
      spn().make(setting_of(network), plain({{"lambda", 2.0}, {"guard_steps", std::int64_t{3}}}));
  network->set(1.5);  // λ·L_neg = 1 against L_rec = 0.5
  EXPECT_LT(objective(make_step(*method, 0)), 0);
  make_step(*method, 1);
  network->set(1.1);  // 0.2 against 0.9: the count starts again
  make_step(*method, 2);
  network->set(1.5);
  make_step(*method, 3);
  make_step(*method, 4);
  EXPECT_CHIARO_ERROR(make_step(*method, 5), CheckFailed, "in step 6");
}

TEST(Spn, TheGuardCountsStepsNotMicroBatches) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method =
      spn().make(setting_of(network), plain({{"lambda", 2.0}, {"guard_steps", std::int64_t{3}}}));
  network->set(1.5);
  make_step(*method, 0, 2000, 4);
  make_step(*method, 1, 2000, 4);
  // Of one step, a micro-batch above and two below: not above on the whole.
  method->losses(ones_and_twos(), at_step(2));
  network->set(1.02);
  make_step(*method, 2, 2000, 2);
  network->set(1.5);
  make_step(*method, 3, 2000, 4);
  make_step(*method, 4, 2000, 4);
  EXPECT_CHIARO_ERROR(make_step(*method, 5, 2000, 4), CheckFailed, "for 3 steps");
}

TEST(Spn, WatchesForATwentiethOfTheRunByDefault) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto method = spn().make(
      setting_of(network), plain({{"lambda", 2.0}, {"objective", std::string("frozen_negative")}}));
  network->set(1.5);
  for (std::int64_t step = 0; step < 99; ++step) make_step(*method, step);
  EXPECT_CHIARO_ERROR(make_step(*method, 99), CheckFailed, "100 steps");
}

TEST(Spn, RefusesWhatDoesNotFit) {
  const auto network = std::make_shared<Gain>(1.0);
  const auto make = [&](const OptionTable& more) {
    return spn().make(setting_of(network), plain(more));
  };
  EXPECT_CHIARO_ERROR(make({{"features", std::string("vgg16")}}), Usage, "need a file");
  EXPECT_CHIARO_ERROR(make({{"feature_file", std::string("x.safetensors")}}), Usage,
                      "take no file");
  EXPECT_CHIARO_ERROR(make({{"features", std::string("vgg16")},
                            {"feature_file", std::string("nowhere.safetensors")}}),
                      Input, "nowhere.safetensors");
  EXPECT_CHIARO_ERROR(make({{"intervals", std::vector<std::int64_t>{}}}), Usage, "intervals");
  EXPECT_CHIARO_ERROR(make({{"retained", std::vector<double>{0.1, 0.2}}}), Usage, "retained");
  EXPECT_CHIARO_ERROR(make({{"layers", std::vector<std::string>{"pixels"}}}), Usage,
                      "layer_weights");
  EXPECT_CHIARO_ERROR(make({{"objective", std::string("snp")}}), Usage, "spn");
  EXPECT_CHIARO_ERROR(make({{"lambda", -1.0}}), Usage, "lambda");
}

TEST(Spn, FreezingNeedsNoWeightsOfFeatures) {
  const auto network = std::make_shared<Gain>(1.0);
  Setting setting = setting_of(network);
  setting.inference_only = true;
  const auto method =
      spn().make(setting, plain({{"features", std::string("vgg16")},
                                 {"feature_file", std::string("nowhere.safetensors")}}));
  EXPECT_EQ(method->product().restorer, network);
}

/// A network too large to be copied, without being there: one value seen many times.
class Vast : public Gain {
 public:
  Vast() : Gain(1.0) { register_buffer("vast", at::zeros({1}).expand({std::int64_t{1} << 44})); }
};

TEST(Spn, ABankThatDoesNotFitIsRefusedBeforeItIsMade) {
  Setting setting = setting_of(std::make_shared<Vast>());
  bool made = false;
  setting.make_network = [&made] {
    made = true;
    return std::make_shared<Gain>(1.0);
  };
  EXPECT_CHIARO_ERROR(spn().make(setting, plain()), Resource, "do not fit into memory");
  EXPECT_FALSE(made);
}

// λ, its averages, the count of the guard and the bank lie in the state.
TEST(Spn, GoesOnFromItsStateAsIfNeverStopped) {
  const auto make = [](const std::shared_ptr<Gain>& network) {
    return spn().make(setting_of(network), plain({{"share", 0.03},
                                                  {"lambda", 1e-6},
                                                  {"share_of", std::string("value")},
                                                  {"intervals", std::vector<std::int64_t>{7}}}));
  };
  const auto network = std::make_shared<Gain>(1.0);
  const auto stopped = make(network);
  const auto trace = [](Method& method, Gain& gain, std::int64_t from, std::int64_t to) {
    std::vector<double> values;
    for (std::int64_t step = from; step < to; ++step) {
      gain.set(1.1 + 0.004 * static_cast<double>(step));
      const Losses losses = make_step(method, step, 200, 2);
      for (const char* name : {"lambda", "distance_0", "age_0"})
        values.push_back(meter(losses, name));
    }
    return values;
  };
  trace(*stopped, *network, 0, 25);
  checkpoint::Checkpoint kept;
  checkpoint::put_module(kept, "", stopped->state());
  const auto other = std::make_shared<Gain>(1.0);
  const auto resumed = make(other);
  checkpoint::take_module(kept, "", resumed->state());
  EXPECT_EQ(trace(*resumed, *other, 25, 50), trace(*stopped, *network, 25, 50));
}

/// Weights of a small catalogue network after a few steps of plain descent.
std::vector<at::Tensor> trained(const std::string& method_name, const OptionTable& options) {
  const OptionTable small{{"depth", std::int64_t{3}}, {"width", std::int64_t{8}}};
  torch::manual_seed(1);
  const auto network = networks::make("dncnn", small);
  Setting setting{.network = network, .tasks = {}, .seed = 9, .make_network = [&] {
                    return networks::make("dncnn", small);
                  }};
  const auto method = find(method_name).make(setting, options);
  torch::optim::SGD optimizer(method->trainable("train"), torch::optim::SGDOptions(0.05));
  for (std::int64_t step = 0; step < 5; ++step) {
    data::Batch batch;
    batch.target = at::rand({2, 3, 12, 12});  // goes on from the generator the weights came from
    batch.input = batch.target + 0.1 * at::randn({2, 3, 12, 12});
    optimizer.zero_grad();
    at::Tensor total = at::zeros({});
    for (const auto& one : method->losses(batch, at_step(step, 5)).terms)
      total = total + one.value * one.weight;
    total.backward();
    optimizer.step();
    method->after_step(at_step(step + 1, 5));
  }
  std::vector<at::Tensor> weights;
  for (const auto& weight : method->trainable("train")) weights.push_back(weight.detach().clone());
  return weights;
}

TEST(Spn, WithLambdaZeroItIsSupervisedTrainingBitForBit) {
  const auto supervised_weights = trained("supervised", {{"loss", std::string("l1")}});
  const auto spn_weights = trained("spn", {{"lambda", 0.0}});
  const auto pushed = trained("spn", {{"lambda", 0.1}});
  ASSERT_EQ(spn_weights.size(), supervised_weights.size());
  bool moved = false;
  for (std::size_t i = 0; i < spn_weights.size(); ++i) {
    EXPECT_TRUE(at::equal(spn_weights[i], supervised_weights[i])) << i;
    moved = moved || !at::equal(pushed[i], supervised_weights[i]);
  }
  EXPECT_TRUE(moved);
}

}  // namespace
}  // namespace chiaro::methods::spn_test
