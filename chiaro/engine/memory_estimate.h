// How much memory a graph's values need while it runs.
#pragma once

#include <cstddef>
#include <openvino/core/model.hpp>

#include "chiaro/engine/engine.h"

namespace chiaro::engine {

/// The bytes that a graph whose shapes are static takes while it runs: its inputs and outputs,
/// which the caller sees; copies of the inputs in the layout of the processor; and what lives of
/// all values, packed as runtimes pack them. In bfloat16 values take half, but for the exact start
/// (see exact_start), of which the others read copies: made at once, and where nothing else reads
/// it in float32 the value is let go then. Elementwise operators write over what only they read.
std::size_t peak_value_bytes(const ov::Model& graph, Precision precision);

/// Bytes of all constants in float32.
std::size_t constant_bytes(const ov::Model& graph);

/// Of these, what the start of the graph reads, which stays in float32 (exact_start).
std::size_t exact_weight_bytes(const ov::Model& graph);

}  // namespace chiaro::engine
