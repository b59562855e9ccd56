// Reads ONNX into the form of the runtime.
#pragma once

#include <cstddef>
#include <memory>
#include <openvino/core/model.hpp>
#include <span>
#include <string>

#include "chiaro/engine/graph_facts.h"

namespace chiaro::engine {

/// Errors: Bundle (not an ONNX graph, no input or output, an input that is not float32 of a known
/// number of sides), Internal (the reader is not installed); those of the runtime as they come.
std::shared_ptr<ov::Model> read_onnx(std::span<const std::byte> onnx, const std::string& origin);

/// Without work_bytes.
GraphFacts facts_of(const ov::Model& graph);

}  // namespace chiaro::engine
