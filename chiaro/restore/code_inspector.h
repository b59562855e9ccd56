// Asks a bundle's encoder which known damage a picture is nearest to.
#pragma once

#include <string>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/degradation_tree.h"

namespace chiaro::restore {

/// Runs encode.onnx, always in float32, on native views of the picture. Not for use from several
/// threads at once.
class CodeInspector {
 public:
  /// Errors: Bundle (no encoder, no tree, a graph with other doors than "input" and "code"), Usage
  /// (engine options).
  explicit CodeInspector(const bundle::Bundle& bundle, engine::EngineOptions options = {});

  const DegradationTree& tree() const { return tree_; }

  /// The mean of the views' codes, of length 1. Values outside [0,1] are limited, NaN taken as 0.
  /// Errors: Usage (empty picture), Bundle (what the encoder gives is no code), Resource.
  std::vector<float> code(const image::Image& picture);

  /// Where that code lies in the tree.
  Placement inspect(const image::Image& picture) { return tree_.place(code(picture)); }

 private:
  std::string origin_;
  DegradationTree tree_;
  engine::Engine engine_;
};

}  // namespace chiaro::restore
