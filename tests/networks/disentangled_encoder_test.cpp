#include "chiaro/networks/disentangled_encoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "tests/support/expect_error.h"

namespace chiaro::networks::disentangled_encoder_test {
namespace {

DisentangledEncoder small() {
  torch::manual_seed(1);
  return DisentangledEncoder(
      {.width = 4, .hidden = 16, .content = 6, .degradation = 4, .view_px = 32, .whole_px = 48});
}

TEST(DisentangledEncoder, IsBothCodesSideBySide) {
  auto encoder = small();
  const at::NoGradGuard no_grad;
  const auto pictures = at::rand({3, 3, 32, 64});
  const auto codes = encoder.encode(pictures);
  ASSERT_EQ(codes.sizes(), (at::IntArrayRef{3, 10}));
  EXPECT_TRUE(at::allclose(codes.norm(2, 1), at::ones({3}), 1e-5));
  EXPECT_TRUE(
      at::allclose(codes.narrow(1, 0, 6) * std::sqrt(2.0), encoder.content(pictures), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(codes.narrow(1, 6, 4) * std::sqrt(2.0), encoder.degradation(pictures),
                           1e-5, 1e-6));
}

TEST(EncodePictures, ShowsEachPartWhatItIsToSee) {
  auto encoder = small();
  const at::NoGradGuard no_grad;
  // Twice as large by repeating pixels: the same to who sees it reduced, another to who sees it
  // pixel by pixel.
  const auto picture = at::rand({1, 3, 48, 48});
  const auto large = picture.repeat_interleave(2, 2).repeat_interleave(2, 3);
  const auto a = encode_pictures(encoder, picture);
  const auto b = encode_pictures(encoder, large);
  EXPECT_TRUE(at::allclose(a.narrow(1, 0, 6), b.narrow(1, 0, 6), 1e-4, 1e-5));
  EXPECT_FALSE(at::allclose(a.narrow(1, 6, 4), b.narrow(1, 6, 4), 1e-2, 1e-3));
  // One view of 32 px lies in the middle of 48.
  const auto middle = encoder.degradation(picture.narrow(2, 8, 32).narrow(3, 8, 32));
  EXPECT_TRUE(at::allclose(a.narrow(1, 6, 4), middle, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(a.narrow(1, 0, 6), encoder.content(picture), 1e-4, 1e-5));
}

TEST(EncodePictures, OfAnEncoderWithOnePartIsTheMeanOfItsViews) {
  torch::manual_seed(1);
  DegradationEncoder encoder({4, 16, {.dimension = 8, .view_px = 32}});
  EXPECT_EQ(parts_of(encoder.layout()).size(), 1U);
  const at::NoGradGuard no_grad;
  const auto picture = at::rand({1, 3, 32, 128});  // two views, 16 px and 80 px from the left
  const auto views = at::cat({picture.narrow(3, 16, 32), picture.narrow(3, 80, 32)});
  const auto mean = encoder.encode(views).mean(0, true);
  EXPECT_TRUE(
      at::allclose(encode_pictures(encoder, picture), mean / mean.norm(2, 1, true), 1e-4, 1e-5));
}

TEST(CodeGenerator, PaintsByCodeAndStyle) {
  torch::manual_seed(1);
  CodeGenerator generator(6, 4, 32);
  const auto code = at::randn({2, 6});
  const auto style = at::randn({2, 4});
  const auto painted = generator.forward(code, style);
  ASSERT_EQ(painted.sizes(), (at::IntArrayRef{2, 3, 32, 32}));
  EXPECT_GT(painted.min().item<double>(), 0);
  EXPECT_LT(painted.max().item<double>(), 1);
  const auto differs = [&](const at::Tensor& other) {
    return (other - painted).abs().max().item<double>() > 1e-4;
  };
  EXPECT_TRUE(differs(generator.forward(code.flip(0), style)));
  EXPECT_TRUE(differs(generator.forward(code, style.flip(0))));
  EXPECT_CHIARO_ERROR(CodeGenerator(6, 4, 40), Usage, "multiple of 16");
}

}  // namespace
}  // namespace chiaro::networks::disentangled_encoder_test
