// Tells patches of clean pictures from patches of others.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <vector>

namespace chiaro::nn {

/// The discriminator of Isola et al. 2017 (arXiv:1611.07004), with the halvings of Zhang 2019
/// (arXiv:1904.11486): convolutions of kernel 4 and stride 1, each but the last followed by
/// instance norm (not the first) and leaky ReLU 0.2; the first `halvings` then by a 1-2-1 blur of
/// stride 2. Channels width, 2·width, 4·width, … Scores are not limited. With 1, 2, 3 halvings a
/// score sees 18, 40, 84 px (70 px without the blur). With the defaults there are 2,764,737
/// parameters. He initialisation.
class PatchDiscriminator : public torch::nn::Module {
 public:
  explicit PatchDiscriminator(std::int64_t width = 64, std::int64_t halvings = 3);

  struct View {
    /// The input, then what each convolution but the last gives, before norm and activation.
    std::vector<at::Tensor> features;
    at::Tensor score;  ///< (N,1,h,w)
  };

  /// x: (N,3,H,W). Errors: Usage (sides below least_side_px).
  View look(const at::Tensor& x);

  /// Channels of View::features.
  std::vector<std::int64_t> feature_channels() const;
  /// Smallest side with a score.
  std::int64_t least_side_px() const;

 private:
  std::int64_t width_;
  std::int64_t halvings_;
  std::vector<torch::nn::Conv2d> convs_;
  at::Tensor blur_;  // (1,1,3,3)
};

}  // namespace chiaro::nn
