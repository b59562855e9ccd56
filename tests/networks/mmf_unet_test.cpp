#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/networks/network.h"
#include "chiaro/nn/token_attention.h"
#include "tests/support/expect_error.h"

namespace chiaro::networks::mmf_unet_test {
namespace {

using List = std::vector<std::int64_t>;

OptionTable small() {
  return {{"channels", List{8, 12, 16}},      {"encoder_blocks", List{1, 1}},
          {"middle_blocks", std::int64_t{1}}, {"decoder_blocks", List{1, 1}},
          {"types", std::int64_t{3}},         {"embedding", std::int64_t{8}},
          {"token_width", std::int64_t{16}},  {"vector_width", std::int64_t{12}}};
}

constexpr std::int64_t kWidth = 2 * 3 + 8;

at::Tensor code(std::int64_t count) {
  return at::cat(
      {at::softmax(at::randn({count, 3}), 1), at::rand({count, 3}), at::randn({count, 8})}, 1);
}

/// As after some training.
void stir(Network& network) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : network.parameters()) parameter.add_(at::randn_like(parameter), 0.05);
}

TEST(MmfUnet, StartsAsThePlainNetworkWhateverTheCondition) {
  torch::manual_seed(1);
  const auto network = make("mmf_unet", small());
  const auto plain = make("resunet", {{"channels", List{8, 12, 16}},
                                      {"encoder_blocks", List{1, 1}},
                                      {"middle_blocks", std::int64_t{1}},
                                      {"decoder_blocks", List{1, 1}}});
  {
    const at::NoGradGuard no_grad;
    for (auto& entry : plain->named_parameters()) {
      entry.value().copy_(at::randn_like(entry.value()) * 0.1);
      network->named_parameters()[entry.key()].copy_(entry.value());
    }
  }
  const auto x = at::rand({2, 3, 16, 24});
  const auto expected = plain->forward(x);
  EXPECT_TRUE(at::equal(network->forward(x), expected));
  EXPECT_TRUE(at::equal(network->forward(x, {code(2)}), expected));
  EXPECT_TRUE(at::equal(network->forward(x, {code(1)}), expected));
}

TEST(MmfUnet, ListensToTheConditionAfterTraining) {
  torch::manual_seed(2);
  const auto network = make("mmf_unet", small());
  stir(*network);
  const auto x = at::rand({1, 3, 16, 16});
  const auto told = code(1);
  EXPECT_GT((network->forward(x, {told}) - network->forward(x)).abs().max().item<double>(), 1e-4);
  EXPECT_TRUE(at::equal(network->forward(x), network->forward(x, {at::zeros({1, kWidth})})));
  // One condition for a whole batch is the same as the condition repeated.
  const auto both = at::rand({2, 3, 16, 16});
  EXPECT_TRUE(at::allclose(network->forward(both, {told}),
                           network->forward(both, {told.expand({2, kWidth})}), 0, 1e-6));
}

TEST(MmfUnet, GradientReachesQueriesAndKeys) {
  torch::manual_seed(3);
  const auto network = make("mmf_unet", small());
  stir(*network);
  network->forward(at::rand({2, 3, 16, 16}), {code(2)}).square().mean().backward();
  int attentions = 0;
  for (const auto& entry : network->named_parameters()) {
    if (entry.key().find(".query.weight") == std::string::npos &&
        entry.key().find(".key.weight") == std::string::npos)
      continue;
    ++attentions;
    EXPECT_GT(entry.value().grad().abs().max().item<double>(), 0) << entry.key();
  }
  EXPECT_EQ(attentions, 4);  // of the middle and the first stage of the decoder
}

// The order of tokens says nothing: what a token stands for is in its type embedding.
TEST(MmfUnet, TokensHaveNoOrder) {
  torch::manual_seed(5);
  nn::TokenAttention attention(8, 16, 4);
  {
    const at::NoGradGuard no_grad;
    for (auto& parameter : attention->parameters()) parameter.add_(at::randn_like(parameter), 0.2);
  }
  const auto features = at::randn({2, 8, 6, 5});
  const auto tokens = at::randn({2, 7, 16});
  const auto order = at::tensor({3, 0, 6, 2, 5, 1, 4}).to(at::kLong);
  const auto expected = attention->forward(features, tokens);
  EXPECT_TRUE(
      at::allclose(attention->forward(features, tokens.index_select(1, order)), expected, 0, 1e-5));
  EXPECT_FALSE(at::allclose(attention->forward(features, tokens.roll(1, 2)), expected, 0, 1e-3));
}

TEST(MmfUnet, PromptsPermutedWithTheirTypeEmbeddingsAreTheSame) {
  torch::manual_seed(6);
  const auto network = make("mmf_unet", small());
  stir(*network);
  const auto x = at::rand({2, 3, 16, 16});
  const auto told = code(2);
  const at::NoGradGuard no_grad;
  const auto expected = network->forward(x, {told});
  const auto order = at::tensor({2, 0, 3, 1}).to(at::kLong);  // of the four prompts
  auto parameters = network->named_parameters();
  // Rows of tokens, 16 values each, and where they begin.
  const auto permute = [&](const char* name, std::int64_t dim, std::int64_t width) {
    auto part = parameters[name].narrow(dim, 0, 4 * width);
    const auto rows =
        (order.unsqueeze(1) * width + at::arange(width).unsqueeze(0)).reshape({4 * width});
    part.copy_(part.index_select(dim, rows));
  };
  permute("prompt.bank.weight", 0, 16);
  EXPECT_FALSE(at::allclose(network->forward(x, {told}), expected, 0, 1e-4));
  permute("prompt.type_embedding", 0, 1);
  permute("prompt.vector.weight", 1, 16);  // the vector reads them by place
  EXPECT_TRUE(at::allclose(network->forward(x, {told}), expected, 0, 1e-5));
}

// With one condition for all, a tile gives what the whole gives: 0 dB between them, whatever the
// damage.
TEST(MmfUnet, TilesThatShareTheConditionAreExact) {
  torch::manual_seed(7);
  const auto network = make("mmf_unet", small());
  stir(*network);
  const Geometry geometry = network->geometry();
  EXPECT_FALSE(geometry.global_statistics);
  const std::int64_t margin =
      (geometry.receptive_field_px / 2 / geometry.alignment_px + 1) * geometry.alignment_px;
  constexpr std::int64_t kInside = 16;
  const auto whole = at::rand({1, 3, 16, 4 * margin + kInside});
  const auto tile = whole.narrow(3, margin, 2 * margin + kInside);
  const auto told = code(1);
  const at::NoGradGuard no_grad;
  const auto expected = network->forward(whole, {told}).narrow(3, 2 * margin, kInside);
  const auto inside = [&](const at::Tensor& condition) {
    return network->forward(tile, {condition}).narrow(3, margin, kInside);
  };
  EXPECT_TRUE(at::allclose(inside(told), expected, 0, 1e-5));
  // Tiles that are asked by themselves would not fit together.
  EXPECT_FALSE(at::allclose(inside(code(1)), expected, 0, 1e-3));
}

TEST(MmfUnet, WiringSelectsThePaths) {
  const auto names = [](const char* wiring) {
    OptionTable options = small();
    options["wiring"] = std::string(wiring);
    std::string all;
    for (const auto& entry : make("mmf_unet", options)->named_parameters())
      all += entry.key() + " ";
    return all;
  };
  EXPECT_NE(names("both").find("film0"), std::string::npos);
  EXPECT_NE(names("both").find("attention2"), std::string::npos);
  EXPECT_EQ(names("film").find("attention"), std::string::npos);
  EXPECT_EQ(names("tokens").find("film"), std::string::npos);
  EXPECT_EQ(names("none").find("prompt"), std::string::npos);
}

TEST(MmfUnet, RefusesAConditionOfAnotherWidth) {
  const auto network = make("mmf_unet", small());
  EXPECT_CHIARO_ERROR(network->forward(at::rand({1, 3, 16, 16}), {at::zeros({1, kWidth + 1})}),
                      Internal, "width 15; expected 14");
  EXPECT_CHIARO_ERROR(make("mmf_unet", {{"embedding", std::int64_t{7}}}), Usage, "even number");
}

}  // namespace
}  // namespace chiaro::networks::mmf_unet_test
