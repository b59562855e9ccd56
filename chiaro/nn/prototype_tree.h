// Prototypes on several levels: clusters of codes, clusters of these clusters, and so on.
//
// Letters: N codes, D their width, L levels (0 the finest), M_l prototypes c_i of level l, τ_i
// their temperatures.
//
// Reference: Y. Guo, M. Xu, J. Li, B. Ni, X. Zhu, Z. Sun, Y. Xu, "HCSC: Hierarchical Contrastive
// Selective Coding", CVPR 2022, arXiv:2202.00455; concentration after J. Li, P. Zhou, C. Xiong, S.
// Hoi, "Prototypical Contrastive Learning", ICLR 2021, arXiv:2005.04966.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <vector>

namespace chiaro::nn {

struct TreeOptions {
  std::vector<std::int64_t> prototypes = {80, 20, 8};  ///< most of each level, finest first
  double temperature = 0.2;                            ///< T: the mean of the τ of a level
  bool common_temperature = false;                     ///< τ_i = T for all
  std::int64_t least_members = 0;  ///< finest clusters with fewer are dissolved; 0: none
  std::int64_t iterations = 20;    ///< of k-means
  std::int64_t restarts = 5;
};

/// Temperatures (M) from the distances (n) of members to their centroids and the centroid
/// `owner` (n) of each:
///
///   φ_i = mean_j d_ij / ln(n_i + 10), for n_i <= 1 the largest φ of the others,
///   clipped to the 10 % and 90 % quantiles of the level,   τ_i = T φ_i / mean φ.
///
/// Where no cluster has two members, or all distances are 0: τ_i = T.
at::Tensor concentration(const at::Tensor& distances, const at::Tensor& owner,
                         std::int64_t clusters, double temperature);

/// How probably candidates (K,D) stay negatives of queries that belong to prototype `owner` (N):
/// 1 − softmax_i(q·c_i/τ_i) at the owner, limited to [lowest, 0.999]; (N,K). A candidate that
/// seems to live where the query lives is kept rarely.
at::Tensor keep_probability(const at::Tensor& candidates, const at::Tensor& prototypes,
                            const at::Tensor& temperatures, const at::Tensor& owner,
                            double lowest = 0);

/// All of it lies in buffers of fixed size, so that a checkpoint holds it and a tree can be loaded
/// over another one.
class PrototypeTree : public torch::nn::Module {
 public:
  /// attributes: what members carry beside their code, averaged over the members of a node; it has
  /// no influence on the tree. Errors: Usage (no level, levels that grow).
  PrototypeTree(TreeOptions options, std::int64_t dimension, std::int64_t attributes = 0);

  /// Clusters codes (N,D) of length 1, then the normalised centroids of each level. A level has at
  /// most half as many prototypes as what it clusters, at least one. attributes: (N,A) float32.
  /// Errors: Internal (shapes).
  void build(const at::Tensor& codes, const at::Tensor& attributes, std::uint64_t seed);

  bool built() const;
  std::int64_t levels() const { return static_cast<std::int64_t>(level_.size()); }
  std::int64_t dimension() const { return dimension_; }

  at::Tensor centroids(std::int64_t level) const;     ///< (M,D), as k-means left them
  at::Tensor prototypes(std::int64_t level) const;    ///< (M,D), of length 1
  at::Tensor temperatures(std::int64_t level) const;  ///< (M)
  at::Tensor parents(std::int64_t level) const;       ///< (M) int64, of all levels but the last
  at::Tensor attributes(std::int64_t level) const;    ///< (M,A)

  /// The lowest cosine of a code to its own prototype of each level that 95 % of the codes which
  /// the tree was built of exceed; (L).
  at::Tensor floors() const;

  /// The nearest finest centroid of each code and its ancestors: (N,L) int64.
  at::Tensor path(const at::Tensor& codes) const;

  /// softmax_i(z·c_i/τ_i) over the prototypes of a level: (N,M). Differentiable in the codes.
  /// Errors: Internal (not built).
  at::Tensor membership(const at::Tensor& codes, std::int64_t level) const;

  /// Σ_i softmax_i(z·c_i/τ_i) c_i of every level, side by side: (N,L·D). Unlike numbers of
  /// prototypes it keeps its meaning when the tree is built anew. Differentiable in the codes.
  at::Tensor soft_path(const at::Tensor& codes) const;

  /// The finest level at which the cosine to the own prototype reaches the floor; L where none
  /// does: unlike everything the tree was built of. (N) int64.
  at::Tensor known_level(const at::Tensor& codes) const;

 private:
  struct Level {
    at::Tensor count;         // () int64: live rows
    at::Tensor centroids;     // (M,D)
    at::Tensor temperatures;  // (M)
    at::Tensor parents;       // (M) int64
    at::Tensor attributes;    // (M,A)
  };
  std::int64_t rows(std::int64_t level) const;
  const Level& at_level(std::int64_t level) const;

  TreeOptions options_;
  std::int64_t dimension_;
  std::vector<Level> level_;
  at::Tensor floors_;  // (L)
};

}  // namespace chiaro::nn
