// The state of optimisers ⇄ entries of a checkpoint, so that training goes on bit for bit.
#pragma once

#include <torch/optim/optimizer.h>

#include <string>

#include "chiaro/checkpoint/checkpoint.h"

namespace chiaro::checkpoint {

/// Copies options and state of an Adam or AdamW optimiser. With group g and parameter p counted
/// from 0, in order:
///   prefix.kind (text: "adam" or "adamw"), prefix.groups, prefix.g.params, prefix.g.amsgrad
///   (integers), prefix.g.{lr,beta1,beta2,eps,weight_decay} (numbers), prefix.g.p.step (integer),
///   prefix.g.p.{exp_avg,exp_avg_sq,max_exp_avg_sq} (tensors).
/// A parameter that never took a step has no state and no entry. Errors: Internal (another kind of
/// optimiser).
void put_optimizer(Checkpoint& checkpoint, const std::string& prefix,
                   const torch::optim::Optimizer& optimizer);

/// Restores options and state into an optimiser built over the same parameters in the same order;
/// state tensors get the device and memory layout of their parameters. Everything is checked before
/// anything is changed. Errors: Bundle, in one line (another kind, other numbers of groups or
/// parameters, missing, extra or misshapen entries), Internal (not Adam or AdamW).
void take_optimizer(const Checkpoint& checkpoint, const std::string& prefix,
                    torch::optim::Optimizer& optimizer);

}  // namespace chiaro::checkpoint
