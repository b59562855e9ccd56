// The inputs of restore.onnx.
#pragma once

#include <string_view>
#include <vector>

#include "chiaro/bundle/manifest.h"
#include "chiaro/engine/engine.h"

namespace chiaro::restore {

inline constexpr std::string_view kPictureInput = "input";
inline constexpr std::string_view kConditionInput = "condition";  ///< of conditioned bundles

/// Channels of the pictures a bundle restores: 1 or 3.
int picture_channels(const bundle::Manifest& manifest);

/// The shapes of the inputs for one window.
std::vector<engine::NamedShape> window_shapes(const bundle::Manifest& manifest, int height,
                                              int width);

/// Compares a loaded restore.onnx with the manifest, as far as it states names and sizes. Errors:
/// Bundle; `origin` names the file.
void check_restore_graph(const engine::Engine& engine, const bundle::Manifest& manifest,
                         const std::string& origin);

}  // namespace chiaro::restore
