// The table from libtorch's operators to ONNX nodes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "chiaro/freeze/onnx_builder.h"
#include "chiaro/freeze/traced_graph.h"

namespace chiaro::freeze {

/// One operator being turned into ONNX nodes: its arguments by position, as in libtorch's schema.
/// Accessors fail (Usage) with the operator's name and place where the argument is of another kind.
class Call {
 public:
  Call(OnnxBuilder& builder, const TracedGraph& graph, const TracedNode& node)
      : build(builder), graph_(graph), node_(node) {}

  OnnxBuilder& build;

  const std::string& op() const { return node_.op; }
  std::size_t count() const { return node_.arguments.size(); }
  bool has(std::size_t i) const;  ///< given and not None
  template <typename T>
  bool is(std::size_t i) const {
    return i < count() && std::holds_alternative<T>(node_.arguments[i]);
  }

  const std::string& tensor(std::size_t i) const;
  std::vector<std::string> tensors(std::size_t i) const;
  const std::vector<Extent>& shape(std::size_t i) const;  ///< of the tensor
  std::int64_t rank(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;  ///< the same for every picture
  std::vector<std::int64_t> integers(std::size_t i) const;
  Extent extent(std::size_t i) const;
  std::vector<Extent> extents(std::size_t i) const;
  double real(std::size_t i) const;  ///< a whole number too
  bool flag(std::size_t i) const;
  const std::string& text(std::size_t i) const;
  /// A tensor, or a number as a tensor.
  std::string operand(std::size_t i) const;
  /// An axis of tensor 0, counted from the front.
  std::int64_t axis(std::size_t i) const;
  std::vector<std::int64_t> axes(std::size_t i) const;  ///< None and an empty list: all

  std::size_t result_count() const { return node_.outputs.size(); }
  const std::vector<Extent>& result_shape(std::size_t i = 0) const;
  void give(const std::string& name, std::size_t i = 0) const;  ///< this is result i

  /// Fails (Usage) with the operator and its place unless the condition holds.
  void require(bool condition, const std::string& expected) const;

 private:
  template <typename T>
  const T& argument(std::size_t i, const char* expected) const;
  const TracedGraph& graph_;
  const TracedNode& node_;
};

using Emit = void (*)(Call&);
using OperatorTable = std::map<std::string, Emit, std::less<>>;

// The table's parts. Keys are operators without "aten::".
void add_arithmetic(OperatorTable& table);    ///< element by element: sums, powers, activations
void add_layers(OperatorTable& table);        ///< convolutions, pools, resizing, normalisation
void add_products(OperatorTable& table);      ///< matrix products, attention, reductions
void add_arrangements(OperatorTable& table);  ///< shapes, slices, permutations, padding

const OperatorTable& operator_table();

/// The whole graph as ONNX, without metadata. Errors: Usage, naming an operator that has no entry
/// and its place.
OnnxModel to_onnx(const TracedGraph& graph);

}  // namespace chiaro::freeze
