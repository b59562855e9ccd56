// Grows an ONNX graph node by node.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "chiaro/freeze/onnx_file.h"
#include "chiaro/freeze/traced_graph.h"

namespace chiaro::freeze {

/// Names of tensors in the ONNX graph stand for the tensors. All made here start with "/", so that
/// they never meet a parameter's name.
class OnnxBuilder {
 public:
  /// `graph` must outlive the builder.
  explicit OnnxBuilder(const TracedGraph& graph);

  /// The name of a traced tensor. Errors: Usage, if no operator gave it.
  const std::string& name(TensorId id) const;
  void bind(TensorId id, std::string name);

  /// Where the next nodes come from: path of a module, used in their names.
  void set_place(const std::string& place);

  /// Adds a node and returns the name of its result, or of its `count` results.
  std::string node(const std::string& op, std::vector<std::string> inputs,
                   std::vector<OnnxAttribute> attributes = {});
  std::vector<std::string> node_of(std::size_t count, const std::string& op,
                                   std::vector<std::string> inputs,
                                   std::vector<OnnxAttribute> attributes = {});

  std::string number(double value);                               ///< float32 scalar ()
  std::string index(std::int64_t value);                          ///< int64 scalar ()
  std::string integers(const std::vector<std::int64_t>& values);  ///< int64 (n)
  std::string numbers(const std::vector<float>& values);          ///< float32 (n)
  /// int64 (n): a constant where no value depends on the picture, else computed from the input's
  /// shape.
  std::string extents(const std::vector<Extent>& values);

  /// The finished graph with the ports of the trace; the builder is empty afterwards.
  OnnxModel finish();

 private:
  std::string constant(OnnxType type, std::vector<std::int64_t> shape, const void* data,
                       std::size_t bytes);
  std::string extent(const Extent& value);
  std::string side(const Extent& wanted);
  void name_result(const TracedGraph::Port& port);
  OnnxPort onnx_port(const TracedGraph::Port& port) const;
  std::vector<std::variant<std::int64_t, std::string>> port_shape(
      const std::vector<Extent>& shape) const;

  const TracedGraph* graph_;
  std::map<std::size_t, std::string> names_;     // by tensor index
  std::map<std::string, std::string> computed_;  // names of extents by their text
  std::map<std::pair<std::string, std::vector<std::byte>>, std::string>
      constants_;                    // by type, shape and value
  std::map<std::string, int> used_;  // how often a node's name was used
  std::string place_;
  OnnxModel model_;
};

}  // namespace chiaro::freeze
