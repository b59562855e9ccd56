// Two codes of one picture: what it shows, and what was done to it; and the network that paints a
// picture from the two.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "chiaro/networks/code_head.h"
#include "chiaro/networks/encoder.h"

namespace chiaro::networks {

/// What a picture shows: four convolutional stages, each of which halves the sides, residual blocks
/// between them, mean over places, and a head of two layers.
class ContentEncoder : public torch::nn::Module {
 public:
  /// width: channels of the first stage; the following have 2, 4 and 4 times as many. Weights are
  /// drawn from torch's default generator.
  ContentEncoder(std::int64_t width, std::int64_t hidden, std::int64_t dimension);

  /// (N,3,H,W) in [0,1], sides of at least 16 → (N,D) float32, rows of length 1.
  at::Tensor encode(const at::Tensor& pictures);

  /// "stage1" to "stage4", see EncoderStage; the first takes pictures.
  std::vector<EncoderStage> stages();

 private:
  struct Stages;
  std::shared_ptr<Stages> stages_;
  std::shared_ptr<CodeHead> head_;
};

/// Both codes behind one door: the code is [z_content | z_degradation]/√2, of length 1, its parts
/// of length 1/√2.
class DisentangledEncoder : public Encoder {
 public:
  struct Options {
    std::int64_t width = 16;        ///< of both first convolutions
    std::int64_t hidden = 128;      ///< of both heads
    std::int64_t content = 64;      ///< width of z_content
    std::int64_t degradation = 32;  ///< width of z_degradation
    std::int64_t view_px = 64;      ///< side of the crops that z_degradation is taken from
    std::int64_t whole_px = 64;     ///< side of the reduced picture z_content is taken from
  };

  /// Weights are drawn from torch's default generator. Errors: Usage (view_px, whole_px that are no
  /// multiples of kEncoderAlignmentPx).
  explicit DisentangledEncoder(const Options& options);

  at::Tensor encode(const at::Tensor& pictures) override;
  EncoderLayout layout() const override { return layout_; }
  /// "content.stage1" to "content.stage4", "degradation.stage1" to "degradation.stage4".
  std::vector<std::vector<EncoderStage>> stages() override;

  /// The parts, of length 1. What they are given is up to the caller: see layout().parts.
  at::Tensor content(const at::Tensor& pictures) { return content_->encode(pictures); }
  at::Tensor degradation(const at::Tensor& pictures) { return degradation_->encode(pictures); }

 private:
  EncoderLayout layout_;
  std::shared_ptr<ContentEncoder> content_;
  std::shared_ptr<DegradationEncoder> degradation_;
};

/// Code and style → picture, after Kahana & Hoshen 2022 (arXiv:2203.11284), narrower: a map of
/// S/16 × S/16 from the code, then four times nearest enlarging, 3×3 convolution, LeakyReLU, AdaIN
/// (Huang & Belongie 2017, arXiv:1703.06868) whose scale and shift come from the style; sigmoid.
class CodeGenerator : public torch::nn::Module {
 public:
  /// side_px: S, a multiple of 16. Weights are drawn from torch's default generator. Errors: Usage.
  CodeGenerator(std::int64_t code, std::int64_t style, std::int64_t side_px);

  /// code (N,Dc), style (N,Ds) → (N,3,S,S) in (0,1).
  at::Tensor forward(const at::Tensor& code, const at::Tensor& style);

 private:
  struct Layers;
  std::int64_t start_px_;
  std::shared_ptr<Layers> layers_;
};

}  // namespace chiaro::networks
