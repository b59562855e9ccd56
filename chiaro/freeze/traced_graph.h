// What a trace leaves: a straight list of operators with named weights, free of libtorch's types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "chiaro/freeze/extent.h"
#include "chiaro/freeze/onnx_file.h"

namespace chiaro::freeze {

/// Index into TracedGraph::tensors.
struct TensorId {
  std::size_t index = 0;
  bool operator==(const TensorId&) const = default;
};

/// An argument of an operator. monostate: None.
using Argument =
    std::variant<std::monostate, TensorId, std::vector<TensorId>, Extent, std::vector<Extent>,
                 double, std::vector<double>, bool, std::vector<bool>, std::string>;

struct TracedTensor {
  std::vector<Extent> shape;
  std::size_t weight = kNoWeight;  ///< index into TracedGraph::weights
  static constexpr std::size_t kNoWeight = static_cast<std::size_t>(-1);
};

struct TracedNode {
  std::string op;     ///< "aten::relu"; in-place variants under the name of the plain one
  std::string place;  ///< path of the module whose weights were used last, "down.0.conv"; "" before
                      ///< the first
  std::vector<Argument> arguments;
  std::vector<TensorId> outputs;
};

struct TracedGraph {
  std::vector<TracedTensor> tensors;
  std::vector<OnnxTensor>
      weights;  ///< parameters and buffers under their names, used or not, then nameless constants
  std::vector<TracedNode> nodes;  ///< in the order of execution
  struct Port {
    std::string name;
    TensorId id;
  };
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

}  // namespace chiaro::freeze
