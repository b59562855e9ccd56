#include "chiaro/checkpoint/module_state.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <string>

#include "tests/support/expect_error.h"

namespace chiaro::checkpoint::module_state_test {
namespace {

/// Two layers with parameters and buffers of two types.
torch::nn::Sequential network(std::uint64_t seed, int width = 4) {
  torch::manual_seed(seed);
  torch::nn::Sequential made(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, width, 3)),
                             torch::nn::BatchNorm2d(width));
  return made;
}

void expect_equal(const torch::nn::Module& left, const torch::nn::Module& right) {
  for (const auto& item : left.named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), right.named_parameters()[item.key()])) << item.key();
  }
  for (const auto& item : left.named_buffers()) {
    EXPECT_TRUE(torch::equal(item.value(), right.named_buffers()[item.key()])) << item.key();
  }
}

Checkpoint stored(std::uint64_t seed = 1) {
  auto from = network(seed);
  from->forward(torch::rand({2, 3, 8, 8}));  // moves the statistics
  Checkpoint checkpoint;
  put_module(checkpoint, "network", *from);
  return checkpoint;
}

/// The error take_module gives for a fresh network, checking that it left the network alone.
std::string refusal(const Checkpoint& checkpoint,
                    const std::vector<std::string>& allow_missing = {}) {
  auto to = network(2);
  std::string message;
  try {
    take_module(checkpoint, "network", *to, allow_missing);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Bundle);
    message = error.what();
  }
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 0) << message;
  expect_equal(*to, *network(2));
  return message;
}

#define EXPECT_HOLDS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(ModuleState, ParametersAndBuffersComeBack) {
  auto from = network(1);
  from->forward(torch::rand({2, 3, 8, 8}));
  Checkpoint checkpoint;
  put_module(checkpoint, "network", *from);
  EXPECT_EQ(checkpoint.tensors.size(), 7U);
  EXPECT_TRUE(checkpoint.tensors.contains("network.1.running_mean"));
  auto to = network(2);
  to->to(at::kCPU);
  to[0]->as<torch::nn::Conv2d>()->weight.set_data(
      to[0]->as<torch::nn::Conv2d>()->weight.contiguous(at::MemoryFormat::ChannelsLast));
  const auto weight = to->named_parameters()["0.weight"];
  take_module(checkpoint, "network", *to);
  expect_equal(*from, *to);
  EXPECT_TRUE(weight.is_same(to->named_parameters()["0.weight"]))
      << "an optimiser would lose its parameter";
  EXPECT_TRUE(weight.is_contiguous(at::MemoryFormat::ChannelsLast) && weight.requires_grad());
}

TEST(ModuleState, TheCheckpointIsACopy) {
  auto from = network(1);
  Checkpoint checkpoint;
  put_module(checkpoint, "", *from);
  {
    const torch::NoGradGuard no_grad;
    from->named_parameters()["0.bias"].fill_(7);
  }
  EXPECT_FALSE(torch::equal(checkpoint.tensors.at("0.bias"), from->named_parameters()["0.bias"]));
  EXPECT_CHIARO_ERROR(put_module(checkpoint, "", *from), Internal, "already holds '0.bias'");
}

TEST(ModuleState, OtherPrefixesAreNoConcern) {
  auto checkpoint = stored();
  checkpoint.tensors["networks.x"] = torch::zeros({1});
  checkpoint.tensors["other"] = torch::zeros({1});
  auto to = network(2);
  take_module(checkpoint, "network", *to);
  EXPECT_CHIARO_ERROR(take_module(checkpoint, "", *to), Bundle, "more");
}

TEST(ModuleState, MissingIsAnErrorUnlessNamed) {
  auto checkpoint = stored();
  checkpoint.tensors.erase("network.0.bias");
  EXPECT_HOLDS(refusal(checkpoint), "'0.bias' is missing");
  EXPECT_HOLDS(refusal(checkpoint, {"1.*", "0.weight"}), "'0.bias' is missing");
  auto to = network(2);
  take_module(checkpoint, "network", *to, {"0.b*"});
  EXPECT_TRUE(
      torch::equal(to->named_parameters()["0.bias"], network(2)->named_parameters()["0.bias"]));
  EXPECT_TRUE(
      torch::equal(to->named_parameters()["0.weight"], network(1)->named_parameters()["0.weight"]));
}

TEST(ModuleState, ExtraIsAnErrorUnlessNamed) {
  auto checkpoint = stored();
  checkpoint.tensors["network.head.weight"] = torch::zeros({1});
  EXPECT_HOLDS(refusal(checkpoint), "'head.weight' is not part of the network");
  auto to = network(2);
  take_module(checkpoint, "network", *to, {"head.*"});
}

TEST(ModuleState, MisshapenIsAnErrorUnlessNamed) {
  auto checkpoint = stored();
  checkpoint.tensors["network.0.bias"] = torch::zeros({5});
  EXPECT_HOLDS(refusal(checkpoint), "'0.bias' is Float [5] where the network has Float [4]");
  auto to = network(2);
  take_module(checkpoint, "network", *to, {"*.bias"});
  EXPECT_TRUE(
      torch::equal(to->named_parameters()["0.bias"], network(2)->named_parameters()["0.bias"]));
}

TEST(ModuleState, OtherTypeIsAnErrorUnlessNamed) {
  auto checkpoint = stored();
  checkpoint.tensors["network.0.bias"] = checkpoint.tensors["network.0.bias"].to(at::kBFloat16);
  EXPECT_HOLDS(refusal(checkpoint), "'0.bias' is BFloat16 [4] where the network has Float [4]");
  auto to = network(2);
  take_module(checkpoint, "network", *to, {"0.?ias"});
}

TEST(ModuleState, ManyProblemsStayOneLine) {
  const auto message = refusal({});
  EXPECT_HOLDS(message, "and 3 more");
  EXPECT_LT(message.size(), 300U);
}

}  // namespace
}  // namespace chiaro::checkpoint::module_state_test
