// Which samples of a batch show the same scene under another damage.
#pragma once

#include <ATen/core/Tensor.h>

#include "chiaro/data/batch.h"

namespace chiaro::methods {

/// (N,N) bool: samples of equal Batch::content whose kinds differ, or whose severities do by more
/// than 0.05 for some kind. Two that are damaged alike are no rivals: nothing but content could
/// tell them apart. Where no damage is known, that of two samples counts as different. Errors:
/// Usage, naming data.variants, if no two samples show the same scene.
at::Tensor scene_rivals(const data::Batch& batch);

}  // namespace chiaro::methods
