// spn with an encoder that was trained here as φ.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/losses/feature_distance.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/networks/encoder_features.h"
#include "tests/methods/named_losses.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::spn_encoder_test {
namespace {

/// Loads one encoder, whatever the file; a seed makes it another.
struct Shelf {
  std::shared_ptr<networks::Encoder> load(const std::string& file) {
    asked.push_back(file);
    encoder = std::make_shared<networks::DegradationEncoder>(
        networks::DegradationEncoder::Options{4, 16, {.dimension = 8, .view_px = 32}});
    return encoder;
  }
  std::vector<std::string> asked;
  std::shared_ptr<networks::Encoder> encoder;
};

Setting setting_with(Shelf& shelf) {
  const auto make = [] {
    return networks::make("dncnn", {{"depth", std::int64_t{3}}, {"width", std::int64_t{8}}});
  };
  torch::manual_seed(1);
  const auto network = make();
  {
    const at::NoGradGuard no_grad;  // not the identity, as which it starts
    for (auto& weight : network->parameters()) weight.add_(0.1 * at::randn_like(weight));
  }
  return {.network = network,
          .tasks = {},
          .seed = 9,
          .make_network = make,
          .load_encoder = [&shelf](const std::string& file) { return shelf.load(file); }};
}

OptionTable with_encoder(const OptionTable& more = {}) {
  OptionTable table{{"features", std::string("encoder")},
                    {"feature_file", std::string("damage.chiaro")}};
  for (const auto& [key, value] : more) table[key] = value;
  return table;
}

data::Batch noisy() {
  data::Batch batch;
  batch.target = at::rand({2, 3, 48, 48});
  batch.input = batch.target + 0.1 * at::randn({2, 3, 48, 48});
  return batch;
}

TEST(SpnEncoder, MeasuresWithTheStagesOfTheBundlesEncoder) {
  Shelf shelf;
  const Setting setting = setting_with(shelf);
  const auto method = find("spn").make(
      setting, with_encoder({{"objective", std::string("degraded_negative")},
                             {"layers", std::vector<std::string>{"stage1", "stage2"}},
                             {"layer_weights", std::vector<double>{0.25, 0.75}}}));
  EXPECT_EQ(shelf.asked, (std::vector<std::string>{"damage.chiaro"}));
  const data::Batch batch = noisy();
  const Losses losses = method->losses(batch, {});
  const auto& term = named_term(losses, "contrast");
  const auto stages = shelf.encoder->stages().front();
  const auto maps = [&](const at::Tensor& pictures) {
    const at::Tensor first = stages[0].run(pictures);
    return losses::Features{first, stages[1].run(first)};
  };
  const at::Tensor expected = losses::feature_distance(maps(setting.network->forward(batch.input)),
                                                       maps(batch.input), {0.25, 0.75});
  EXPECT_NEAR(term.value.item<double>(), expected.item<double>(), 1e-5);
  EXPECT_GT(term.value.item<double>(), 0);
}

TEST(SpnEncoder, TheNetworkLearnsAndTheEncoderStays) {
  Shelf shelf;
  const auto method = find("spn").make(setting_with(shelf), with_encoder());
  named_term(method->losses(noisy(), {}), "contrast").value.backward();
  double largest = 0;
  for (const auto& weight : method->trainable("train")) {
    if (weight.grad().defined())
      largest = std::max(largest, weight.grad().abs().max().item<double>());
  }
  EXPECT_GT(largest, 0);
  for (const auto& parameter : shelf.encoder->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
    EXPECT_FALSE(parameter.grad().defined());
  }
  for (const auto& item : method->state().named_parameters())
    EXPECT_EQ(item.key().find("encoder"), std::string::npos) << "φ is made again from the options";
}

TEST(SpnEncoder, LoadingDrawsNothingFromTheRunsGenerator) {
  Shelf shelf;
  const Setting setting = setting_with(shelf);
  torch::manual_seed(7);
  const at::Tensor expected = at::rand({3});
  torch::manual_seed(7);
  find("spn").make(setting, with_encoder());
  EXPECT_TRUE(at::equal(at::rand({3}), expected));
}

TEST(SpnEncoder, IsNotLookedForWhenFreezing) {
  Shelf shelf;
  Setting setting = setting_with(shelf);
  setting.inference_only = true;
  find("spn").make(setting, with_encoder());
  EXPECT_TRUE(shelf.asked.empty());
}

TEST(SpnEncoder, LayersOfAnotherNetworkAreNamed) {
  Shelf shelf;
  EXPECT_CHIARO_ERROR(
      find("spn").make(setting_with(shelf),
                       with_encoder({{"layers", std::vector<std::string>{"relu1_2"}},
                                     {"layer_weights", std::vector<double>{1.0}}})),
      Usage, "expected some of: stage1");
}

}  // namespace
}  // namespace chiaro::methods::spn_encoder_test
