// Codes of whole pictures, by a bundle's encoder.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"

namespace chiaro::restore {

/// What an encoder is shown of a picture: a part of its code is taken from one or the other.
struct CodeViews {
  image::Image square;               ///< whole_px x whole_px; empty where no part is taken from it
  std::vector<image::Image> native;  ///< view_px x view_px each; likewise
  image::Image whole = {};           ///< for a controller (damage_code.h); else empty
};

/// The views that the parts are taken from, of the picture with its values limited to [0,1] and NaN
/// taken as 0. Called from any thread. Errors: Usage (empty picture).
CodeViews code_views(image::Image picture, const bundle::CodeInfo& info);

/// How an encoder's bundle makes codes. Errors: Bundle (no encoder, no description of its codes).
const bundle::CodeInfo& code_info(const bundle::Manifest& manifest, const std::string& origin);

/// The number of the part of this name. Errors: Usage, naming those there are; `origin` is the
/// bundle's.
std::size_t find_code_part(const bundle::CodeInfo& info, std::string_view name,
                           const std::string& origin);

/// Takes codes from encode.onnx, always in float32, as the manifest says: from the whole picture
/// reduced to a square, or as the mean over native views. Not for use from several threads at once.
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

  /// All parts in the manifest's order, each of length 1, of what code_views gave. Errors: as code;
  /// Internal (views that a part needs are missing).
  std::vector<float> codes(const CodeViews& views);

 private:
  std::vector<float> run(std::span<const image::Image> views);
  std::vector<float> part_of(std::span<const float> rows, std::size_t part) const;

  std::string origin_;
  bundle::CodeInfo info_;
  std::size_t part_ = 0;  // which of info_.parts
  engine::Engine engine_;
};

/// Of two codes of length 1, summed in float64. Errors: Internal (lengths that differ).
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace chiaro::restore
