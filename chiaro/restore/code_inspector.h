// Asks a bundle's encoder which known damage a picture is nearest to.
#pragma once

#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/degradation_tree.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::restore {

/// An encoder and the tree over its codes, which are the manifest's first part. Not for use from
/// several threads at once.
class CodeInspector {
 public:
  /// Errors: Bundle (no tree, a tree over other codes than the manifest describes; as
  /// PictureEncoder), Usage (engine options).
  explicit CodeInspector(const bundle::Bundle& bundle, engine::EngineOptions options = {});

  const DegradationTree& tree() const { return tree_; }

  /// The code that the tree is asked about. As PictureEncoder::code.
  std::vector<float> code(const image::Image& picture) { return encoder_.code(picture); }

  /// Where that code lies in the tree. Errors: as code.
  Placement inspect(const image::Image& picture) { return tree_.place(code(picture)); }

 private:
  DegradationTree tree_;
  PictureEncoder encoder_;
};

}  // namespace chiaro::restore
