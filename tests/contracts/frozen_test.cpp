// Law for every network of the catalogue: frozen = trained, at every size. Leaves the bundles, with
// more test vectors beside them, in the build folder, where tools/check_onnx.py compares them with
// ONNX Runtime.
#include <ATen/core/grad_mode.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "chiaro/freeze/freeze.h"
#include "tests/contracts/kept_vectors.h"
#include "tests/support/onnx_graph.h"

namespace chiaro::freeze::frozen_test {
namespace {

constexpr double kTolerance = 1e-4;

/// Options of a smaller network of the same make, where the defaults would take long.
OptionTable lighter(const std::string& name) {
  using List = std::vector<std::int64_t>;
  static const std::map<std::string, OptionTable> table{
      {"ffa_net", {{"blocks", std::int64_t{2}}}},
      {"nafnet",
       {{"width", std::int64_t{16}},
        {"encoder_blocks", List{1, 1, 1, 2}},
        {"middle_blocks", std::int64_t{2}}}},
      {"swinir", {{"blocks", List{2, 2}}}},
      {"dehazeformer", {{"blocks", List{2, 2, 2, 1, 1}}, {"attention", List{0, 1, 2, 0, 0}}}},
      {"idt",
       {{"width", std::int64_t{4}},
        {"window", std::int64_t{2}},
        {"blocks", List(9, 1)},
        {"heads", List{1, 2, 2, 4, 4, 4, 2, 2, 1}}}}};
  const auto found = table.find(name);
  return found == table.end() ? OptionTable{} : found->second;
}

// What starts at zero (last convolutions, scales of residual branches) would hide faults behind it.
std::shared_ptr<networks::Network> awake_network(const std::string& name) {
  torch::manual_seed(7);
  auto network = networks::make(name, lighter(name));
  const at::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) {
    if (!parameter.any().item<bool>()) parameter.normal_(0, 0.05);
  }
  return network;
}

class Frozen : public ::testing::TestWithParam<std::string> {};

TEST_P(Frozen, EqualsTrainedAtEverySize) {
  const auto network = awake_network(GetParam());
  bundle::Manifest manifest;
  manifest.name = GetParam();
  manifest.network = GetParam();
  manifest.network_options = lighter(GetParam());
  const bundle::Bundle frozen = freeze(*network, manifest);
  test::OnnxGraph graph(frozen.member(bundle::kRestoreMember));

  network->eval();
  const at::NoGradGuard no_grad;
  const std::int64_t step = network->geometry().alignment_px;
  const std::int64_t near = (16 + step - 1) / step * step;
  const std::array<std::array<std::int64_t, 3>, 5> sizes = {{{1, near, near},
                                                             {1, near + step, 3 * near},
                                                             {1, 5 * step + near, near},
                                                             {2, 2 * near, near},
                                                             {1, 4 * near, 7 * step + near}}};
  KeptVectors vectors;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto [batch, height, width] = sizes[i];
    const at::Tensor input = at::rand({batch, 3, height, width});
    const at::Tensor trained = network->forward(input);
    const at::Tensor got = graph.run(input);
    ASSERT_EQ(got.sizes(), trained.sizes());
    EXPECT_LT((got - trained).abs().max().item<double>(), kTolerance)
        << batch << "×" << height << "×" << width;
    if (network->geometry().scale == 1) {
      EXPECT_GT((trained - input).abs().max().item<double>(), 1e-3) << "the network is asleep";
    }
    if (i == 0) {
      const auto thawed = thaw(frozen);
      thawed->eval();
      EXPECT_TRUE(at::equal(thawed->forward(input), trained)) << "thawed from the bundle";
    }
    vectors.keep(bundle::self_test_name(static_cast<int>(i), "input"), input);
    vectors.keep(bundle::self_test_name(static_cast<int>(i), "output"), trained);
  }
  vectors.leave(GetParam(), frozen);
}

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const auto& entry : networks::catalogue()) names.push_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Frozen, ::testing::ValuesIn(network_names()),
                         [](const auto& item) { return item.param; });

}  // namespace
}  // namespace chiaro::freeze::frozen_test
