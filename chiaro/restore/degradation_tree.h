// The tree of prototypes in an encoder's bundle: which known damage a code is nearest to, and how
// far down the tree that can be said. docs/bundle_format.md, "Encoder bundles".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "chiaro/bundle/bundle.h"

namespace chiaro::restore {

/// One node on the way of a code through the tree.
struct TreeStep {
  std::int64_t node = 0;      ///< number of the prototype on its level
  double cosine = 0;          ///< of the code to the prototype
  double floor = 0;           ///< what 95 of 100 codes of training exceed on this level
  std::vector<double> kinds;  ///< share of each kind among the node's members of training
  double severity = 0;        ///< their mean severity
};

/// The way of one code, finest level first.
struct Placement {
  std::vector<TreeStep> path;
  /// The finest level at which the cosine reaches the floor; path.size(): none does.
  std::size_t known_level = 0;

  bool unknown() const { return known_level == path.size(); }
  /// The step at the known level; of unknown codes the coarsest.
  const TreeStep& known() const { return path[unknown() ? path.size() - 1 : known_level]; }
  /// The most frequent kind of known(); of equal ones the first.
  std::size_t kind() const;
};

class DegradationTree {
 public:
  /// Errors: Bundle (no tree, or tensors that do not fit each other).
  explicit DegradationTree(const bundle::Bundle& bundle);

  /// code: dimension() finite values, of length 1.
  Placement place(std::span<const float> code) const;

  std::size_t levels() const { return levels_.size(); }
  std::int64_t dimension() const { return dimension_; }
  int view_px() const { return view_px_; }
  int max_views() const { return max_views_; }
  const std::vector<std::string>& kinds() const { return kinds_; }

 private:
  struct Level {
    std::vector<float> centroids;       // M × D
    std::vector<std::int64_t> parents;  // M; empty at the coarsest level
    std::vector<float> kinds;           // M × K
    std::vector<float> severity;        // M
    double floor = 0;
  };
  std::span<const float> centroid(const Level& level, std::int64_t node) const;

  std::vector<std::string> kinds_;
  std::vector<Level> levels_;
  std::int64_t dimension_ = 0;
  int view_px_ = 0;
  int max_views_ = 0;
};

}  // namespace chiaro::restore
