// How much memory a graph's values need while it runs.
#pragma once

#include <cstddef>
#include <openvino/core/model.hpp>

namespace chiaro::engine {

/// The largest sum of bytes of values alive together, for a graph whose shapes are static, when
/// every value takes `element_bytes`. Operators that a runtime computes in place count once.
std::size_t peak_value_bytes(const ov::Model& graph, std::size_t element_bytes);

/// Bytes of all constants in float32.
std::size_t constant_bytes(const ov::Model& graph);

}  // namespace chiaro::engine
