#include "chiaro/engine/graph_reader.h"

#include <algorithm>
#include <istream>
#include <openvino/frontend/manager.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/mvn.hpp>
#include <openvino/op/softmax.hpp>
#include <streambuf>

#include "chiaro/base/error.h"
#include "chiaro/engine/in_place.h"
#include "chiaro/engine/memory_estimate.h"

namespace chiaro::engine {
namespace {

/// Reads from memory without copying it.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::span<const std::byte> bytes) {
    auto* begin =
        reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()));  // streambuf takes no const
    setg(begin, begin, begin + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    char* base = from == std::ios_base::beg   ? eback()
                 : from == std::ios_base::cur ? gptr()
                                              : egptr();
    char* target = base + offset;
    if (target < eback() || target > egptr()) return {off_type(-1)};
    setg(eback(), target, egptr());
    return {target - eback()};
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
    return seekoff(off_type(position), std::ios_base::beg, which);
  }
};

void check_doors(const ov::Model& graph, const std::string& origin) {
  CHIARO_CHECK(!graph.inputs().empty() && !graph.outputs().empty(), Bundle,
               "[engine.open] graph '{}' has {} inputs and {} outputs; expected at least one of "
               "each",
               origin, graph.inputs().size(), graph.outputs().size());
  for (const auto& input : graph.inputs()) {
    CHIARO_CHECK(
        input.get_partial_shape().rank().is_static() && input.get_partial_shape().size() > 0 &&
            input.get_element_type() == ov::element::f32,
        Bundle,
        "[engine.open] graph '{}' takes {} of shape {}; expected float32 of a known number of "
        "sides",
        origin, input.get_element_type().get_type_name(), input.get_partial_shape().to_string());
  }
}

/// 0 stands for a free side.
std::vector<std::int64_t> stated_shape(const ov::PartialShape& shape) {
  std::vector<std::int64_t> sides;
  if (shape.rank().is_dynamic()) return sides;
  for (const auto& side : shape) sides.push_back(side.is_static() ? side.get_length() : 0);
  return sides;
}

template <typename Ports>
std::vector<GraphFacts::Port> ports_of_graph(const Ports& ports) {
  std::vector<GraphFacts::Port> facts;
  for (const auto& port : ports) {
    GraphFacts::Port fact{{}, stated_shape(port.get_partial_shape())};
    if (!port.get_names().empty()) {
      const std::string usual = port.get_any_name();
      fact.names.push_back(usual);
      for (const std::string& name : port.get_names())
        if (name != usual) fact.names.push_back(name);
    }
    facts.push_back(std::move(fact));
  }
  return facts;
}

}  // namespace

std::shared_ptr<ov::Model> read_onnx(std::span<const std::byte> onnx, const std::string& origin) {
  // Naming the frontend loads one library instead of all that lie beside the runtime.
  ov::frontend::FrontEndManager frontends;
  const auto frontend = frontends.load_by_framework("onnx");
  CHIARO_CHECK(frontend != nullptr, Internal,
               "[engine.open] the ONNX part of the engine is not installed");
  MemoryBuffer buffer(onnx);
  std::istream stream(&buffer);
  std::istream* source = &stream;
  const auto loaded = frontend->load(source);
  CHIARO_CHECK(loaded != nullptr, Bundle, "[engine.open] '{}' is not an ONNX graph", origin);
  auto graph = frontend->convert(loaded);
  check_doors(*graph, origin);
  return graph;
}

GraphFacts facts_of(const ov::Model& graph) {
  std::size_t chains = 0;
  std::size_t products = 0;
  std::size_t convolutions = 0;
  for (const auto& node : graph.get_ops()) {
    const bool is_chain = ov::is_type<ov::op::v1::Softmax>(node) ||
                          ov::is_type<ov::op::v8::Softmax>(node) ||
                          ov::is_type<ov::op::v6::MVN>(node);
    chains += is_chain ? 1 : 0;
    // Those of a condition have one size, whatever the picture's.
    const bool is_product =
        ov::is_type<ov::op::v0::MatMul>(node) && node->get_output_partial_shape(0).is_dynamic();
    products += is_product ? 1 : 0;
    convolutions += ov::is_type<ov::op::v1::Convolution>(node) ? 1 : 0;
  }
  return {.inputs = ports_of_graph(graph.inputs()),
          .outputs = ports_of_graph(graph.outputs()),
          .weight_bytes = constant_bytes(graph),
          .exact_weight_bytes = exact_weight_bytes(graph),
          .work_bytes = {},
          .chains = 8 * chains > convolutions,
          .products = 8 * products > convolutions,
          .in_place = can_give_in_place(graph)};
}

}  // namespace chiaro::engine
