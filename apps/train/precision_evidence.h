// What running a frozen network in bf16 costs.
#pragma once

#include <cstdint>
#include <filesystem>

#include "chiaro/base/recipe.h"
#include "chiaro/bundle/bundle.h"

namespace chiaro::apps {

/// Runs restore.onnx in f32 and bf16 on held-out samples of the recipe's data and compares both
/// with the clean targets and with each other. Errors: Input (no data), Resource (a processor
/// without bf16).
bundle::PrecisionEvidence measure_bf16(const bundle::Bundle& bundle, const Recipe& recipe,
                                       const std::filesystem::path& data_root,
                                       std::int64_t pictures, std::int64_t crop_px);

}  // namespace chiaro::apps
