// How much memory a graph's values need while it runs.
#pragma once

#include <cstddef>
#include <openvino/core/model.hpp>

#include "chiaro/engine/engine.h"

namespace chiaro::engine {

/// The largest sum of bytes of values alive together, for a graph whose shapes are static. In
/// bfloat16 values take half, but for the exact start (see exact_start), of which the others
/// read copies. Operators that a runtime computes in place count once.
std::size_t peak_value_bytes(const ov::Model& graph, Precision precision);

/// Bytes of all constants in float32.
std::size_t constant_bytes(const ov::Model& graph);

}  // namespace chiaro::engine
