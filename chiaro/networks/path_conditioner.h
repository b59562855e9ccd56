// What an encoder of damage that learned without labels, and the tree over its codes, say of a
// picture: a conditioner beside the controller.
//
// Letters: N pictures, K kinds of damage, D width of a code z, L levels of the tree; c_i, τ_i, a_ik
// and σ_i: prototypes of the finest level, their temperatures, the share of kind k among their
// members in training and the mean severity of these.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/networks/conditioner.h"
#include "chiaro/networks/encoder.h"
#include "chiaro/nn/prototype_tree.h"

namespace chiaro::networks {

/// What the embedding of the condition is, E = L·D values.
enum class Telling {
  Path,  ///< the soft path, PrototypeTree::soft_path
  Code   ///< z itself, and zeros up to that width
};

struct PathConditionerOptions {
  DegradationEncoder::Options encoder;
  std::vector<std::int64_t> prototypes = {80, 20, 8};  ///< most of each level, finest first
  Telling telling = Telling::Path;
};

/// z is the mean code of the native views at length 1; the view of the whole is not looked at.
///
///   w_i = softmax_i(z·c_i/τ_i)
///   p_k = Σ_i w_i a_ik           probabilities
///   s_k = Σ_i w_i a_ik σ_i / p_k   severities
///   novelty = 1 − max_i z·c_i
///
/// Only p and s know the names of kinds; the embedding is made without them. Conditioning by the
/// path and not by numbers of prototypes keeps its meaning when a tree is built anew.
class PathConditioner : public Conditioner {
 public:
  /// types: the K kinds, as numbered in the attributes of the tree. The tree is empty at first, the
  /// encoder's weights are drawn from torch's default generator. Errors: Usage (sides of views,
  /// levels that grow).
  PathConditioner(const PathConditionerOptions& options, std::vector<std::string> types);

  /// native: (N,V,3,S,S) in [0,1]. No domains are told apart. Errors: Usage (no tree).
  Diagnosis diagnose(const at::Tensor& native, const at::Tensor& whole) override;
  ConditionLayout layout() const override { return layout_; }

  /// Errors: Usage, in one sentence that says where a tree comes from, if there is none yet.
  void check_tree() const;

  DegradationEncoder& encoder() { return *encoder_; }
  nn::PrototypeTree& tree() { return *tree_; }

 private:
  at::Tensor embedding(const at::Tensor& codes) const;

  Telling telling_;
  std::shared_ptr<DegradationEncoder> encoder_;
  std::shared_ptr<nn::PrototypeTree> tree_;
  ConditionLayout layout_;
};

}  // namespace chiaro::networks
