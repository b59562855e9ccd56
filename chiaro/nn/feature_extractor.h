// Frozen networks that turn pictures into features, for losses that compare pictures by them.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chiaro::nn {

/// φ: a chain of stages, each ending in a named layer. Only the stages up to the deepest wanted
/// layer exist.
class FeatureExtractor : public torch::nn::Module {
 public:
  /// x: (N,3,H,W), sRGB-coded, nominally [0,1], not clamped. Returns the wanted layers, in the
  /// order they were named, (N,C,H/stride,W/stride) each. Follows x to its device. In float32 also
  /// inside autocast, unless `set_precision_of_run`. Errors: Input (a picture too small for the
  /// stages).
  std::vector<at::Tensor> forward(const at::Tensor& x);

  /// true: inside autocast the stages run in its precision.
  void set_precision_of_run(bool follow) { precision_of_run_ = follow; }

  const std::vector<std::string>& layers() const { return wanted_; }

 protected:
  using Stage = std::function<at::Tensor(const at::Tensor&)>;

  /// `known`: all layers the kind of network has, in order. Errors: Usage (no layer, an unknown
  /// one, one named twice).
  FeatureExtractor(std::string kind, std::vector<std::string> wanted,
                   const std::vector<std::string>& known);

  /// Stages that are to be made: those up to the deepest wanted layer.
  std::size_t stage_count() const { return stage_count_; }
  void add_stage(Stage stage) { stages_.push_back(std::move(stage)); }
  /// max(x, 0) of what a convolution just gave, in its place: the maps are large.
  static at::Tensor rectified(at::Tensor x);
  /// (x − mean)/deviation by channel before the first stage, as networks trained on ImageNet want.
  void normalise_as_imagenet();

 private:
  std::string kind_;
  std::vector<std::string> wanted_;
  std::vector<std::size_t> taps_;  // the stage behind which each wanted layer lies
  std::size_t stage_count_ = 0;
  std::vector<Stage> stages_;
  at::Tensor mean_;       // (1,3,1,1); undefined: pictures are taken as they are
  at::Tensor deviation_;  // (1,3,1,1)
  bool precision_of_run_ = false;
};

/// Which φ, as methods take it from a recipe.
struct FeatureOptions {
  std::string network = "random_vgg";    ///< see feature_networks()
  std::string file = {};                 ///< weights; see make_feature_extractor
  std::vector<std::string> layers = {};  ///< empty: default_layers(network)
  std::int64_t width = 16;               ///< random_vgg: channels of the first stage (VGG has 64)
  std::uint64_t seed = 1;                ///< random_vgg: of its weights
};

/// pixels, random_vgg, vgg16, vgg19, squeezenet, encoder.
const std::vector<std::string>& feature_networks();

/// Layers with their weights in a distance, where a recipe names none: for vgg16, random_vgg,
/// squeezenet and encoder the three of the published SPN configuration or those nearest to them
/// (0.2, 0.3, 0.5); for vgg19 the five of AECR-Net (1/32, 1/16, 1/8, 1/4, 1). Errors: Usage.
std::vector<std::pair<std::string, double>> default_layers(const std::string& network);

/// A frozen φ (no parameter requires a gradient).
///
///   pixels      the picture itself; takes no file
///   random_vgg  VGG-16's convolutions with random weights from `seed`; takes no file
///   vgg16, vgg19  VGG (Simonyan & Zisserman 2015, arXiv:1409.1556) with weights from a safetensors
///               file that names them as torchvision does: features.0.weight, …
///   squeezenet  SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360): a safetensors file with
///               torchvision's names, or an ncnn network (NAME.param beside NAME.bin)
///   encoder     SmallEncoder, from a safetensors file with its names
///
/// Errors: Usage (unknown network or layer, a file missing in the options or given where none is
/// taken), Input (the file cannot be read), Bundle (it is damaged, lacks a tensor, or has one in
/// another shape).
std::shared_ptr<FeatureExtractor> make_feature_extractor(const FeatureOptions& options);

}  // namespace chiaro::nn
