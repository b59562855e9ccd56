// mosaic_unet: joint demosaicking and denoising, a resunet on the samples of a camera's sensor.
//
//   x  (N,3,H,W)  a picture with one colour per pixel, RGGB from its first pixel on, the others 0
//   p  (N,4,H/2,W/2)  the samples R, G, G, B of each square as channels
//   ŷ = bilinear(x) + shuffle( U(p) )      U: resunet with 4 channels in, 12 out, at half the sides
//
// The untrained network returns the bilinear interpolation. Where a side ends, the mosaic is
// mirrored about its last pixel, which keeps the order of the colours.
//
// Reference: M. Gharbi, G. Chaurasia, S. Paris, F. Durand, "Deep joint demosaicking and denoising",
// ACM TOG 2016, doi 10.1145/2980179.2982399 (four packed channels in, twelve out, a shuffle).
#include <ATen/Functions.h>
#include <ATen/ops/pixel_shuffle.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <array>
#include <cstdint>
#include <memory>

#include "chiaro/networks/u_net.h"
#include "chiaro/nn/residual_block.h"

namespace chiaro::networks {
namespace {

constexpr UNetEnds kPackedEnds{.in = 4, .out = 12};
constexpr std::array<std::int64_t, 2> kOne{1, 1};
constexpr std::array<std::int64_t, 2> kNone{0, 0};

/// One kernel (2,2) for each sample of a square that takes it from its own channel, (4,3,2,2).
at::Tensor packing_kernels() {
  at::Tensor kernels = at::zeros({4, 3, 2, 2});
  for (std::int64_t i = 0; i < 4; ++i) kernels[i][i / 2 + i % 2][i / 2][i % 2] = 1;
  return kernels;
}

/// Means of the nearest samples of each colour, (3,1,3,3), one kernel for each channel.
at::Tensor bilinear_kernels() {
  const at::Tensor sparse = at::tensor({1.0F, 2.0F, 1.0F, 2.0F, 4.0F, 2.0F, 1.0F, 2.0F, 1.0F});
  const at::Tensor dense = at::tensor({0.0F, 1.0F, 0.0F, 1.0F, 4.0F, 1.0F, 0.0F, 1.0F, 0.0F});
  return at::stack({sparse, dense, sparse}).reshape({3, 1, 3, 3}) / 4;
}

class MosaicUNet : public UNet<nn::ResidualBlock, 2> {
 public:
  explicit MosaicUNet(const UNetOptions& options)
      : UNet(options, kPackedEnds),
        packing_(register_buffer("packing", packing_kernels())),
        bilinear_(register_buffer("bilinear", bilinear_kernels())) {}

  at::Tensor forward(const at::Tensor& x, const Condition& /*condition*/ = {}) override {
    const at::Tensor packed = at::conv2d(x, packing_, {}, /*stride=*/2);
    const auto as_they_are = [](std::size_t, const at::Tensor& features) { return features; };
    return interpolated(x) + at::pixel_shuffle(change(packed, as_they_are), 2);
  }

  std::vector<at::Tensor> taps(const at::Tensor& x) override {
    return UNet::taps(at::conv2d(x, packing_, {}, /*stride=*/2));
  }

  Geometry geometry() const override {
    Geometry geometry = UNet::geometry();
    geometry.alignment_px *= 2;
    geometry.receptive_field_px = 2 * geometry.receptive_field_px + 1;  // of either half of a cell
    return geometry;
  }

 private:
  /// In float32 also where autocast is on, as pictures are elsewhere.
  at::Tensor interpolated(const at::Tensor& x) const {
    const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
    return at::conv2d(at::reflection_pad2d(x, {1, 1, 1, 1}), bilinear_, {}, /*stride=*/kOne,
                      /*padding=*/kNone, /*dilation=*/kOne, /*groups=*/3);
  }

  at::Tensor packing_;
  at::Tensor bilinear_;
};

}  // namespace

Entry mosaic_unet() {
  return {.name = {},
          .summary =
              "joint demosaicking and denoising: a resunet on the packed samples of a sensor "
              "(RGGB, one colour per pixel)",
          .reference =
              "packing after Gharbi et al. 2016, "
              "https://doi.org/10.1145/2980179.2982399",
          .options = describe_options<UNetOptions>(),
          .make = [](const OptionTable& table) -> std::shared_ptr<Network> {
            const auto options = parse_options<UNetOptions>(table, "mosaic_unet");
            check_u_net(options, "mosaic_unet");
            return std::make_shared<MosaicUNet>(options);
          }};
}

}  // namespace chiaro::networks
