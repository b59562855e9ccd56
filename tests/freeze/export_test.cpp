// A whole network: frozen = trained, at sizes the trace never saw.
#include "chiaro/freeze/export.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/utils.h>

#include "chiaro/freeze/trace.h"
#include "tests/support/expect_error.h"
#include "tests/support/onnx_graph.h"

namespace chiaro::freeze::export_test {
namespace {

// Layers start at zero in places; a graph that forgot them would pass unnoticed.
std::shared_ptr<networks::Network> network_for_tests() {
  torch::manual_seed(7);
  auto network = networks::make("resunet");
  const at::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) {
    if (!parameter.any().item<bool>()) parameter.normal_(0, 0.05);
  }
  return network;
}

TEST(Export, ResunetFrozenEqualsTrainedAtManySizes) {
  auto network = network_for_tests();
  test::OnnxGraph graph(export_onnx(*network, "resunet"));
  network->eval();
  const at::NoGradGuard no_grad;
  for (const auto& [n, h, w] :
       {std::array{1, 16, 16}, {1, 48, 16}, {2, 32, 80}, {1, 112, 64}, {3, 16, 48}}) {
    const at::Tensor x = at::rand({n, 3, h, w});
    const at::Tensor expected = network->forward(x);
    const at::Tensor got = graph.run(x);
    ASSERT_EQ(got.sizes(), expected.sizes());
    EXPECT_LT((got - expected).abs().max().item<float>(), 1e-4) << n << "×" << h << "×" << w;
    EXPECT_GT((expected - x).abs().max().item<float>(), 1e-3);  // the network does something
  }
}

TEST(Export, LeavesTheNetworkAsItWas) {
  auto network = network_for_tests();
  network->train();
  const at::Tensor state = at::detail::getDefaultCPUGenerator().get_state();
  export_onnx(*network, "resunet");
  EXPECT_TRUE(network->is_training());
  for (const auto& parameter : network->parameters()) EXPECT_TRUE(parameter.requires_grad());
  EXPECT_TRUE(at::equal(state, at::detail::getDefaultCPUGenerator().get_state()));
}

TEST(Export, InitialisersKeepTheParametersNamesAndValues) {
  auto network = network_for_tests();
  const auto tensors = read_onnx_initializers(export_onnx(*network, "resunet"), "test");
  for (const auto& entry : network->named_parameters()) {
    const auto found = std::find_if(tensors.begin(), tensors.end(),
                                    [&](const auto& t) { return t.name == entry.key(); });
    ASSERT_NE(found, tensors.end()) << entry.key();
    EXPECT_EQ(found->bytes, to_onnx_tensor(entry.value(), "").bytes);
  }
}

TEST(Export, TheSameNetworkGivesTheSameBytes) {
  auto network = network_for_tests();
  EXPECT_EQ(export_onnx(*network, "resunet"), export_onnx(*network, "resunet"));
}

}  // namespace
}  // namespace chiaro::freeze::export_test
