// Which tensors are averaged, and how they come back from a checkpoint.
#pragma once

#include <vector>

#include "chiaro/checkpoint/checkpoint.h"
#include "chiaro/methods/method.h"

namespace chiaro::train {

/// All distinct trainable tensors over all phases of a method, in order of first appearance: the
/// order in which checkpoints number the averages ("ema.0", "ema.1", …).
std::vector<at::Tensor> averaged_tensors(methods::Method& method);

/// Copies the averages of a checkpoint into `targets`, in that order. Errors: Bundle, naming
/// `origin`, for missing or misshapen tensors.
void load_averages(const checkpoint::Checkpoint& state, std::vector<at::Tensor>& targets,
                   const std::string& origin);

}  // namespace chiaro::train
