// What turns pictures into codes, for methods whose product is a representation.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/code_head.h"
#include "chiaro/nn/statistics_tower.h"

namespace chiaro::networks {

/// Which parts of a picture a part of its code is taken from.
enum class CodeView {
  Native,  ///< crops at native resolution, cut as for a conditioner (see cut_views); their codes
           ///< are averaged
  Whole    ///< the whole picture, reduced to a square by area means
};

/// A stretch of a code that stands for something of its own.
struct CodePart {
  std::string name;  ///< "content", "degradation"
  std::int64_t width = 0;
  CodeView view = CodeView::Native;
};

/// How an encoder wants to see a picture that is larger than what it was trained on.
struct EncoderLayout {
  std::int64_t dimension = 64;  ///< D
  std::int64_t view_px = 64;    ///< side of a crop
  std::int64_t max_views = 9;
  std::int64_t whole_px = 64;        ///< side of the reduced square
  std::vector<CodePart> parts = {};  ///< in order, their widths sum to D; none: one part,
                                     ///< "degradation", of native crops
};

/// The parts, the one part spelled out where none is named.
std::vector<CodePart> parts_of(const EncoderLayout& layout);

/// One step on the way from pictures to a code.
struct EncoderStage {
  std::string name;  ///< "stage1", "content.stage2", …
  /// Maps (N,C,H,W) of the stage before, or pictures where the part begins → maps of half the side,
  /// with gradient.
  std::function<at::Tensor(const at::Tensor&)> run;
};

/// Pictures → unit vectors.
class Encoder : public torch::nn::Module {
 public:
  /// (N,3,H,W) in [0,1], sRGB-coded, sides multiples of kEncoderAlignmentPx → (N,D) float32, rows
  /// of length 1.
  virtual at::Tensor encode(const at::Tensor& pictures) = 0;
  virtual EncoderLayout layout() const = 0;
  /// The convolutional stages of each part, whose order is the layout's; the weights are the
  /// encoder's own. The names of a part's stages begin with its name where there are several.
  virtual std::vector<std::vector<EncoderStage>> stages() = 0;
};

inline constexpr std::int64_t kEncoderAlignmentPx = 16;

/// Codes of whole pictures (N,3,H,W), each part as the layout wants it seen and of length 1, side
/// by side: (N,D). As the restoring program makes them, except that pictures below view_px are
/// taken as cut_views mirrors them.
at::Tensor encode_pictures(Encoder& encoder, const at::Tensor& pictures);

/// What was done to a picture rather than what it shows: the tower of the controller, whose pooled
/// statistics keep little of where things are, and a head of two layers.
class DegradationEncoder : public Encoder {
 public:
  struct Options {
    std::int64_t width = 16;    ///< channels of the first convolution
    std::int64_t hidden = 128;  ///< width of the head
    EncoderLayout layout;
  };

  /// Weights are drawn from torch's default generator. Errors: Usage (sides of views, see encode).
  explicit DegradationEncoder(const Options& options);

  at::Tensor encode(const at::Tensor& pictures) override;
  EncoderLayout layout() const override { return layout_; }
  std::vector<std::vector<EncoderStage>> stages() override;

 private:
  EncoderLayout layout_;
  std::shared_ptr<nn::StatisticsTower> tower_;
  std::shared_ptr<CodeHead> head_;
};

}  // namespace chiaro::networks
