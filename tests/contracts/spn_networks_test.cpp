// Method `spn` on every network of the catalogue: any network, whatever it enlarges.
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>
#include <memory>
#include <string>

#include "chiaro/checkpoint/module_state.h"
#include "chiaro/methods/catalogue.h"
#include "tests/contracts/light_networks.h"
#include "tests/methods/named_losses.h"

namespace chiaro::methods::spn_networks_test {
namespace {

struct Case {
  std::string name;
  OptionTable more = {};  ///< beside the light options
  std::string label = {};
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const auto& name : networks::names()) {
    // Those that are told what is wrong belong to methods that tell them.
    if (networks::make(name, networks::light(name))->condition_width() == 0)
      result.push_back({name, {}, name});
  }
  for (const char* name : {"edsr", "swinir"}) {
    for (const std::int64_t scale : {2, 3, 4})
      result.push_back({name, {{"scale", scale}}, fmt::format("{}_times_{}", name, scale)});
  }
  return result;
}

class SpnOnNetworks : public testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<networks::Network> network(std::uint64_t seed) const {
    torch::manual_seed(seed);
    OptionTable options = networks::light(GetParam().name);
    for (const auto& [key, value] : GetParam().more) options[key] = value;
    return networks::make(GetParam().name, options);
  }
  std::unique_ptr<Method> method(std::uint64_t seed) const {
    return spn().make({.network = network(seed),
                       .tasks = {},
                       .seed = 4,
                       .make_network = [this] { return network(99); }},
                      {{"features", std::string("pixels")},
                       {"lambda", 0.1},
                       {"intervals", std::vector<std::int64_t>{2, 3}},
                       {"retained", std::vector<double>{0.1}},
                       {"meant_for_steps", std::int64_t{0}}});
  }
  data::Batch batch(std::uint64_t seed) const {
    const auto shape = network(1)->geometry();
    const std::int64_t side =
        (12 + shape.alignment_px - 1) / shape.alignment_px * shape.alignment_px;
    torch::manual_seed(seed);
    data::Batch batch;
    batch.input = at::rand({2, 3, side, side});
    batch.target = at::rand({2, 3, side * shape.scale, side * shape.scale});
    return batch;
  }
};

INSTANTIATE_TEST_SUITE_P(Catalogue, SpnOnNetworks, testing::ValuesIn(cases()),
                         [](const auto& row) { return row.param.label; });

/// Steps first, first + 1, … and what the last one logged.
Losses train(Method& method, const std::vector<data::Batch>& batches, std::int64_t first) {
  torch::optim::SGD optimizer(method.trainable("train"), torch::optim::SGDOptions(1e-2));
  Losses losses;
  for (std::int64_t step = first; step < first + std::ssize(batches); ++step) {
    losses = method.losses(batches[static_cast<std::size_t>(step - first)], {.step = step});
    optimizer.zero_grad();
    total(losses).backward();
    optimizer.step();
    method.after_step({.step = step + 1, .total_steps = 100});
  }
  return losses;
}

TEST_P(SpnOnNetworks, EveryWeightLearnsAndTheCopiesLagBehind) {
  const auto spn = method(1);
  const Losses losses = train(*spn, {batch(5), batch(6)}, 0);
  EXPECT_TRUE(std::isfinite(total(losses).item<double>()));
  for (const auto& weight : spn->trainable("train")) {
    ASSERT_TRUE(weight.grad().defined());
    EXPECT_TRUE(weight.grad().isfinite().all().item<bool>());
  }
  for (const auto& item : spn->state().named_parameters()) {
    if (!item.key().starts_with("network.")) {
      EXPECT_FALSE(item.value().grad().defined()) << item.key();
    }
  }
  bool apart = false;
  for (const auto& [name, value] : losses.meters) apart |= name == "staleness_0" && value > 0;
  EXPECT_TRUE(apart);
}

TEST_P(SpnOnNetworks, ResumesExactly) {
  const auto whole = method(1);
  train(*whole, {batch(5), batch(6), batch(7)}, 0);
  checkpoint::Checkpoint kept;
  checkpoint::put_module(kept, "method", whole->state());
  const auto resumed = method(2);
  checkpoint::take_module(kept, "method", resumed->state());
  const Losses a = train(*whole, {batch(8), batch(9)}, 3);
  const Losses b = train(*resumed, {batch(8), batch(9)}, 3);
  EXPECT_EQ(total(a).item<double>(), total(b).item<double>());
}

}  // namespace
}  // namespace chiaro::methods::spn_networks_test
