#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/methods/catalogue.h"
#include "tests/methods/noisy_batch.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::autoencoder_test {
namespace {

TEST(Autoencoder, ReturnsWhatItIsGivenAndNeedsNoTarget) {
  torch::manual_seed(1);
  const auto network =
      networks::make("dncnn", {{"depth", std::int64_t{3}}, {"width", std::int64_t{8}}});
  const auto method = autoencoder().make({network, {}, 1}, {});
  EXPECT_FALSE(method->views().needs_target);
  const auto batch = noisy_batch(at::full({1}, 0.5, at::kFloat), {0.1, 0.2});
  const Losses losses = method->losses(batch, {});
  ASSERT_EQ(losses.terms.size(), 1U);
  const double expected = (network->forward(batch.input) - batch.input).abs().mean().item<double>();
  EXPECT_NEAR(losses.terms[0].value.item<double>(), expected, 1e-7);
  EXPECT_GT(expected, 1e-4);  // it is not the identity that it would start as
}

TEST(Autoencoder, RefusesAnUnknownLoss) {
  EXPECT_CHIARO_ERROR(
      autoencoder().make({networks::make("dncnn"), {}, 1}, {{"loss", std::string("l3")}}), Usage,
      "l3");
}

}  // namespace
}  // namespace chiaro::methods::autoencoder_test
