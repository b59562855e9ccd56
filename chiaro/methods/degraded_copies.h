// Copies of pictures that show the same, worse: positives for a code of content.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace chiaro::methods {

/// Each window (N,3,H,W) reduced to side_px × side_px and changed in one of four ways, drawn
/// uniformly: Gaussian blur of deviation 1 (after reducing), contrast × 1.8–3, a part with half to
/// all of the area (before reducing), saturation × 1.8–3; the augmentations of Kahana & Hoshen 2022
/// (arXiv:2203.11284). They are degradations: right for a code that is to forget those, wrong for
/// any other. seeds: one for each window; the copy is pure in (method_seed, seed). In [0,1], no
/// gradient. Errors: Internal (shapes).
at::Tensor degraded_copies(const at::Tensor& windows, const std::vector<std::uint64_t>& seeds,
                           std::uint64_t method_seed, std::int64_t side_px);

}  // namespace chiaro::methods
