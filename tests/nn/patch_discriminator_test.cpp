#include "chiaro/nn/patch_discriminator.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/nn/frozen_scope.h"
#include "chiaro/nn/projection_heads.h"
#include "tests/nn/scalars.h"
#include "tests/support/expect_error.h"

namespace chiaro::nn::patch_discriminator_test {
namespace {

class PatchDiscriminatorTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(2); }
};

// Number of parameters and sides as of the released network at 256 px.
TEST_F(PatchDiscriminatorTest, HasThePublishedShape) {
  EXPECT_EQ(scalars(PatchDiscriminator()), 2764737);
  PatchDiscriminator small(2);
  const at::NoGradGuard no_grad;
  const auto view = small.look(at::rand({1, 3, 256, 256}));
  std::vector<std::int64_t> sides;
  std::vector<std::int64_t> channels;
  for (const auto& map : view.features) {
    sides.push_back(map.size(2));
    channels.push_back(map.size(1));
  }
  EXPECT_EQ(sides, (std::vector<std::int64_t>{256, 255, 127, 63, 31}));
  EXPECT_EQ(channels, small.feature_channels());
  EXPECT_EQ(channels, (std::vector<std::int64_t>{3, 2, 4, 8, 16}));
  EXPECT_EQ(view.score.sizes(), (at::IntArrayRef{1, 1, 30, 30}));
}

TEST_F(PatchDiscriminatorTest, LooksAtTheInputAndItsConvolution) {
  PatchDiscriminator d(4, 1);
  const auto x = at::rand({2, 3, 20, 20});
  const auto view = d.look(x);
  EXPECT_TRUE(at::equal(view.features[0], x));
  const auto weights = d.named_parameters();
  const auto first = at::conv2d(x, weights["conv0.weight"], weights["conv0.bias"], 1, 1);
  EXPECT_TRUE(at::allclose(view.features[1], first, 1e-5, 1e-6));
  // The blur with stride 2 of what is constant is the constant; a checkerboard it removes.
  const auto smooth = at::leaky_relu(first, 0.2);
  const auto padded = at::reflection_pad2d(smooth, {1, 1, 1, 1});
  at::Tensor halved = at::zeros_like(padded.slice(2, 0, -2, 2).slice(3, 0, -2, 2));
  const double row[] = {0.25, 0.5, 0.25};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      halved +=
          row[i] * row[j] *
          padded.slice(2, i, padded.size(2) - 2 + i, 2).slice(3, j, padded.size(3) - 2 + j, 2);
    }
  }
  const auto second = at::conv2d(halved, weights["conv1.weight"], weights["conv1.bias"], 1, 1);
  EXPECT_TRUE(at::allclose(view.features[2], second, 1e-4, 1e-5));
}

TEST_F(PatchDiscriminatorTest, SaysTheSmallestCrop) {
  for (const std::int64_t halvings : {1, 2, 3}) {
    PatchDiscriminator d(2, halvings);
    const auto least = d.least_side_px();
    const auto view = d.look(at::rand({1, 3, least, least + 3}));
    EXPECT_TRUE(at::isfinite(view.score).all().item<bool>());
    EXPECT_EQ(view.score.size(2), 1);
    EXPECT_CHIARO_ERROR(d.look(at::rand({1, 3, least - 1, least})), Usage,
                        "data.crop_px of at least " + std::to_string(least));
  }
}

TEST_F(PatchDiscriminatorTest, IsLookedThroughWithoutBeingTaught) {
  PatchDiscriminator d(2, 1);
  d.parameters()[0].set_requires_grad(false);  // as its owner wants it
  const auto x = at::rand({1, 3, 12, 12}).requires_grad_(true);
  at::Tensor score;
  {
    const FrozenScope fixed(d);
    score = d.look(x).score;
  }
  score.sum().backward();
  EXPECT_GT(x.grad().abs().max().item<double>(), 0);
  for (const auto& parameter : d.parameters()) EXPECT_FALSE(parameter.grad().defined());
  d.look(x).score.sum().backward();
  for (std::size_t i = 0; i < d.parameters().size(); ++i)
    EXPECT_EQ(d.parameters()[i].grad().defined(), i > 0) << i;
}

TEST_F(PatchDiscriminatorTest, HeadsGiveUnitVectorsAlsoOfNothing) {
  ProjectionHeads heads({3, 8}, 16);
  EXPECT_EQ(heads.count(), 2u);
  const auto vectors = at::cat({at::randn({5, 8}), at::zeros({1, 8})}).requires_grad_(true);
  const auto embedded = heads.project(1, vectors);
  ASSERT_EQ(embedded.sizes(), (at::IntArrayRef{6, 16}));
  EXPECT_TRUE(at::allclose(embedded.norm(2, 1), at::ones({6}), 0, 1e-5));
  embedded.select(1, 0).sum().backward();
  EXPECT_TRUE(at::isfinite(vectors.grad()).all().item<bool>());
  EXPECT_CHIARO_ERROR(heads.project(2, vectors), Internal, "layer 2 of 2");
}

}  // namespace
}  // namespace chiaro::nn::patch_discriminator_test
