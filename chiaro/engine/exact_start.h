// In bfloat16 the picture itself would be rounded before any layer sees it.
#pragma once

#include <openvino/core/model.hpp>
#include <unordered_set>

namespace chiaro::engine {

/// What is kept in float32 of a graph that runs in bfloat16: what reads its pictures (inputs of
/// four sides), the first convolution or product of matrices and what follows up to the second; and
/// what is made of its other inputs alone, which is short. bfloat16 has eight significant bits: a
/// bright pixel loses half a level of 8 bits, nothing later gives it back, and a network that
/// clears haze multiplies it.
std::unordered_set<const ov::Node*> exact_start(const ov::Model& graph);

/// Marks these. Call it on a graph that is about to be prepared in bfloat16.
void keep_start_exact(const ov::Model& graph);

}  // namespace chiaro::engine
