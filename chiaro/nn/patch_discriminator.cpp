#include "chiaro/nn/patch_discriminator.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "chiaro/base/error.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"

namespace chiaro::nn {
namespace {

constexpr double kDiscriminatorSlope = 0.2;
constexpr double kGain = 1.386750490563073;  // √(2 / (1 + slope²)): keeps variance through the ReLU

}  // namespace

PatchDiscriminator::PatchDiscriminator(std::int64_t width, std::int64_t halvings)
    : width_(width), halvings_(halvings) {
  const auto add = [&](std::int64_t in, std::int64_t out, double gain) {
    const auto shape = torch::nn::Conv2dOptions(in, out, 4).padding(1);
    convs_.push_back(
        register_module("conv" + std::to_string(convs_.size()), torch::nn::Conv2d(shape)));
    init_conv(*convs_.back(), gain);
  };
  const auto channels = feature_channels();
  for (std::size_t i = 1; i < channels.size(); ++i) add(channels[i - 1], channels[i], kGain);
  add(channels.back(), 1, 1.0);
  const auto row = at::tensor({1.0F, 2.0F, 1.0F});
  blur_ = register_buffer("blur", at::outer(row, row).div(16).view({1, 1, 3, 3}));
}

std::vector<std::int64_t> PatchDiscriminator::feature_channels() const {
  std::vector<std::int64_t> list{3};
  for (std::int64_t i = 0; i <= halvings_; ++i) list.push_back(width_ << i);
  return list;
}

std::int64_t PatchDiscriminator::least_side_px() const {
  // A convolution takes one pixel off, a halving leaves ⌊(side + 1)/2⌋, so together they halve an
  // even side. The last norm needs two pixels behind a convolution.
  return std::int64_t{3} << halvings_;
}

PatchDiscriminator::View PatchDiscriminator::look(const at::Tensor& x) {
  CHIARO_CHECK(std::min(x.size(2), x.size(3)) >= least_side_px(), Usage,
               "[nn.patch_discriminator] the crops are too small to be judged after {} halvings; "
               "got {}x{} px; expected data.crop_px of at least {}, or fewer halvings",
               halvings_, x.size(2), x.size(3), least_side_px());
  View view;
  view.features.push_back(x);
  at::Tensor features = x;
  for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
    features = convs_[i]->forward(features);
    view.features.push_back(features);
    if (i > 0) features = instance_norm(features);
    features = at::leaky_relu(features, kDiscriminatorSlope);
    if (static_cast<std::int64_t>(i) == halvings_) continue;
    const std::int64_t channels = features.size(1);
    features = at::conv2d(at::reflection_pad2d(features, {1, 1, 1, 1}),
                          blur_.to(features.scalar_type()).expand({channels, 1, 3, 3}), {}, {2, 2},
                          at::IntArrayRef{0, 0}, {1, 1}, channels);
  }
  view.score = convs_.back()->forward(features).to(at::kFloat);
  return view;
}

}  // namespace chiaro::nn
