// What judges a picture before it is restored, and which parts of the picture it is shown.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"

namespace chiaro::networks {

/// How a conditioner wants to see a picture, and what it says.
struct ConditionLayout {
  std::vector<std::string> types;  ///< K kinds of damage, "clean" among them
  std::vector<std::string> domains;
  std::int64_t embedding = 0;   ///< E
  std::int64_t view_px = 128;   ///< side S of a view at native resolution
  std::int64_t max_views = 9;   ///< a square number: rows times columns at most
  std::int64_t whole_px = 128;  ///< long side of the reduced view of the whole picture
  std::int64_t whole_alignment_px = 16;
  std::string text_table_sha256;  ///< of the table behind the types' prototypes
};

/// The parts of N pictures.
struct Views {
  at::Tensor native;  ///< (N,V,3,S,S)
  at::Tensor whole;   ///< (N,3,h,w), h and w multiples of whole_alignment_px
};

/// What was found.
struct Diagnosis {
  at::Tensor code;     ///< (N,2K+E), see Condition
  at::Tensor domain;   ///< (N,Nd) probabilities
  at::Tensor novelty;  ///< (N,1): 1 − the largest cosine between the embedding of damage and a
                       ///< prototype
};

/// Judges pictures by their views.
class Conditioner : public torch::nn::Module {
 public:
  virtual Diagnosis diagnose(const at::Tensor& native, const at::Tensor& whole) = 0;
  virtual ConditionLayout layout() const = 0;
};

/// The views of pictures (N,3,H,W) as the restoring program cuts them: a grid of native views with
/// rows = clamp(⌈H/2S⌉, 1, √max_views) and columns likewise, centred in equal cells; the whole
/// picture reduced to a long side of whole_px by area means, never enlarged, mirrored at the bottom
/// and right up to the alignment. Sides below S are mirrored up to it.
Views cut_views(const at::Tensor& pictures, const ConditionLayout& layout);

}  // namespace chiaro::networks
