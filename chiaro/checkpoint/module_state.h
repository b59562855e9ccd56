// Parameters and buffers of modules ⇄ tensors of a checkpoint.
#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "chiaro/checkpoint/checkpoint.h"

namespace chiaro::checkpoint {

/// Copies all named parameters and buffers of the module to "prefix.<name>". Errors: Internal (a
/// name is taken).
void put_module(Checkpoint& checkpoint, const std::string& prefix, const torch::nn::Module& module);

/// Copies "prefix.<name>" into the module's parameters and buffers: in place, without gradient, to
/// the device and memory layout they have. Everything is checked before anything is changed.
/// Errors: Bundle, in one line, for every tensor of the module that the checkpoint lacks, tensor
/// below the prefix that the module lacks, and other shape or type, unless its <name> (without
/// prefix) matches a pattern of `allow_missing`; such tensors stay as they are. Patterns are shell
/// globs: * and ? match any characters, dots too.
void take_module(const Checkpoint& checkpoint, const std::string& prefix, torch::nn::Module& module,
                 const std::vector<std::string>& allow_missing = {});

}  // namespace chiaro::checkpoint
