// What a restoration network is, and the catalogue of them.
//
// Letters: N batch, C channels, H, W height and width, K kinds of damage, E width of an embedding.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/base/options.h"

namespace chiaro::networks {

/// What tiling and padding must know of a network.
struct Geometry {
  std::int64_t scale = 1;         ///< output side / input side
  std::int64_t alignment_px = 1;  ///< input sides must be multiples of this
  std::int64_t receptive_field_px =
      1;  ///< full width (odd) of the input square an output pixel can depend on
  bool global_statistics = false;  ///< true: every output pixel depends on the whole picture
};

/// What a network may be told about a picture: how likely each kind of damage is, how strong it is,
/// and an embedding of what the numbers do not say.
struct Condition {
  at::Tensor code;  ///< (N,2K+E) or (1,2K+E) float32: K probabilities | K severities in [0,1] |
                    ///< embedding; all zero or undefined: nothing is known
};

/// A restoration network: picture in, picture out.
class Network : public torch::nn::Module {
 public:
  /// x: (N,3,H,W) float32, sRGB-coded, nominally [0,1], sides multiples of alignment_px.
  /// Returns (N,3,scale·H,scale·W), same coding, not clamped. A network that takes no condition
  /// ignores it.
  virtual at::Tensor forward(const at::Tensor& x, const Condition& condition = {}) = 0;
  virtual Geometry geometry() const = 0;
  /// Width 2K+E of the code it takes; 0: it takes no condition.
  virtual std::int64_t condition_width() const { return 0; }
};

/// Multiply–accumulates of one forward pass on a (1,3,height,width) picture, counted from the
/// convolutions and matrix products of the traced graph.
double multiplications(Network& network, std::int64_t height, std::int64_t width);

/// Trainable scalars.
std::int64_t parameter_count(const torch::nn::Module& module);

struct Entry {
  std::string name;  ///< filled in by the catalogue
  std::string summary;
  std::string reference;  ///< authors, year, address
  std::vector<FieldInfo> options;
  /// Errors: Usage for unknown or impossible options. Weights are drawn from torch's default
  /// generator.
  std::shared_ptr<Network> (*make)(const OptionTable& options) = nullptr;
};

/// All entries of networks.def, in its order.
const std::vector<Entry>& catalogue();

/// Errors: Usage naming the nearest entry.
const Entry& find(const std::string& name);

/// find(name).make(options).
std::shared_ptr<Network> make(const std::string& name, const OptionTable& options = {});

}  // namespace chiaro::networks
