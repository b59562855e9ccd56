// Codes of whole pictures, by a bundle's encoder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"

namespace chiaro::restore {

/// Takes one part of the code from encode.onnx, always in float32, as the manifest says: from the
/// whole picture reduced to a square, or as the mean over native views. Not for use from several
/// threads at once.
class PictureEncoder {
 public:
  /// `part`: name of a part, "content" or "degradation". Errors: Bundle (no encoder, no description
  /// of its codes, a graph with other doors than "input" and "code"), Usage (no such part, naming
  /// those there are; engine options).
  PictureEncoder(const bundle::Bundle& bundle, std::string_view part,
                 engine::EngineOptions options = {});

  /// The part of the picture's code, of length 1. Values outside [0,1] are limited, NaN taken as 0.
  /// Errors: Usage (empty picture), Bundle (what the encoder gives is no code), Resource.
  std::vector<float> code(const image::Image& picture);

 private:
  std::string origin_;
  bundle::CodeInfo info_;
  std::size_t part_ = 0;   // which of info_.parts
  std::size_t start_ = 0;  // of the part in a code
  engine::Engine engine_;
};

/// Of two codes of length 1. Errors: Internal (lengths that differ).
double cosine(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace chiaro::restore
