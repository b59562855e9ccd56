// The catalogue and the counts, apart from any one network. (Laws for every network:
// tests/contracts.)
#include "chiaro/networks/network.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/expect_error.h"

namespace chiaro::networks::network_test {
namespace {

/// One layer of each kind that is counted.
class Counted : public Network {
 public:
  explicit Counted(std::string kind) : kind_(std::move(kind)) {
    grouped_ =
        register_module("grouped", torch::nn::Conv2d(torch::nn::Conv2dOptions(6, 4, 3).groups(2)));
    transposed_ = register_module(
        "transposed",
        torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(3, 5, 2).stride(2)));
    linear_ = register_module("linear", torch::nn::Linear(3, 7));
  }
  at::Tensor forward(const at::Tensor& x, const Condition& /*condition*/) override {
    if (kind_ == "grouped") return grouped_->forward(at::cat({x, x}, 1));
    if (kind_ == "transposed") return transposed_->forward(x);
    if (kind_ == "linear") return linear_->forward(x.permute({0, 2, 3, 1}));
    if (kind_ == "matmul") return at::matmul(x, x.transpose(2, 3));
    return at::relu(x) * x;
  }
  Geometry geometry() const override { return {}; }

 private:
  std::string kind_;
  torch::nn::Conv2d grouped_{nullptr};
  torch::nn::ConvTranspose2d transposed_{nullptr};
  torch::nn::Linear linear_{nullptr};
};

double counted(const std::string& kind) {
  Counted network(kind);
  return multiplications(network, 8, 10);
}

TEST(Multiplications, CountConvolutionsAndProducts) {
  EXPECT_EQ(counted("grouped"), 6 * 8 * 4 * (3 * 9));
  EXPECT_EQ(counted("transposed"), 8 * 10 * 3 * (5 * 4));
  EXPECT_EQ(counted("linear"), 8 * 10 * 3 * 7);
  EXPECT_EQ(counted("matmul"), 3 * 8 * 8 * 10);
  EXPECT_EQ(counted("elementwise"), 0);
}

TEST(Multiplications, LeaveTheNetworkTrainable) {
  Counted network("grouped");
  network.parameters().front().set_requires_grad(false);
  multiplications(network, 8, 10);
  const auto parameters = network.parameters();
  EXPECT_FALSE(parameters.front().requires_grad());
  for (std::size_t i = 1; i < parameters.size(); ++i) EXPECT_TRUE(parameters[i].requires_grad());
}

TEST(Multiplications, RefuseAPictureWithoutPixels) {
  Counted network("grouped");
  EXPECT_CHIARO_ERROR(multiplications(network, 0, 10), Usage, "no pixels");
}

TEST(ParameterCount, CountsTrainableScalars) {
  Counted network("grouped");
  const std::int64_t all = (4 * 3 * 9 + 4) + (3 * 5 * 4 + 5) + (3 * 7 + 7);
  EXPECT_EQ(parameter_count(network), all);
  network.named_parameters()["grouped.weight"].set_requires_grad(false);
  EXPECT_EQ(parameter_count(network), all - 4 * 3 * 9);
}

TEST(Catalogue, FindsByNameAndSuggestsTheNearest) {
  EXPECT_EQ(find("nafnet").name, "nafnet");
  EXPECT_CHIARO_ERROR(find("resnet"), Usage, "did you mean 'resunet'?");
  EXPECT_CHIARO_ERROR(make("zzz"), Usage, "expected one of: resunet, nafnet, dncnn");
}

}  // namespace
}  // namespace chiaro::networks::network_test
