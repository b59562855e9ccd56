// The files that learned metrics need, in a folder that the user names. None is part of chiaro
// (docs/metrics.md says which they are and why).
#pragma once

#include <filesystem>
#include <span>

#include "chiaro/engine/engine.h"
#include "chiaro/metrics/score.h"

namespace chiaro::eval {

/// Reads what these measures need, and nothing else: for LPIPS squeezenet_v1.1.ncnn.param and .bin
/// with squeeze.pth, for NIQE niqe_pris_params.npz, for BRISQUE allmodel with allrange. LPIPS's
/// network runs with `options`, in float32. Errors: Usage (a measure needs files and `folder` is
/// empty), Input (naming all files that are missing; a file that is not what it should be).
metrics::Learned read_metric_files(std::span<const metrics::Measure> measures,
                                   const std::filesystem::path& folder,
                                   const engine::EngineOptions& options = {});

}  // namespace chiaro::eval
