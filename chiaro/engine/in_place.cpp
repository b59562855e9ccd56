#include "chiaro/engine/in_place.h"

#include <algorithm>
#include <limits>
#include <openvino/op/parameter.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/shape_of_base.hpp>
#include <openvino/op/util/unary_elementwise_arithmetic.hpp>
#include <string_view>
#include <unordered_map>

namespace chiaro::engine {
namespace {

constexpr int kApart = 2;  // convolutions
constexpr int kNoWay = std::numeric_limits<int>::max() - 1;

/// One by groups does not count: a runtime may make it a part of the one before.
bool is_convolution(const ov::Node& node) {
  const std::string_view name = node.get_type_name();
  return name == "Convolution" || name == "ConvolutionBackpropData";
}

bool is_elementwise(const ov::Node& node) {
  const std::string_view name = node.get_type_name();
  return dynamic_cast<const ov::op::util::UnaryElementwiseArithmetic*>(&node) != nullptr ||
         dynamic_cast<const ov::op::util::BinaryElementwiseArithmetic*>(&node) != nullptr ||
         name == "Identity" || name == "Result";
}

/// The ways on which the picture comes to a value.
struct Ways {
  bool in_place = false;  ///< one of sums and the like alone
  int least = kNoWay;     ///< convolutions on the others, on the one that has the fewest

  void add(const Ways& before) {
    in_place |= before.in_place;
    least = std::min(least, before.least);
  }
  void pass(const ov::Node& node) {
    if (is_elementwise(node)) return;
    if (in_place) least = 0;
    in_place = false;
    if (is_convolution(node) && least != kNoWay) ++least;
  }
};

bool is_picture(const ov::Node& node) {
  return ov::is_type<ov::op::v0::Parameter>(&node) &&
         node.get_output_partial_shape(0).size() == 4;  // N, C, H, W
}

}  // namespace

bool can_give_in_place(const ov::Model& graph) {
  if (graph.outputs().size() != 1) return false;
  std::unordered_map<const ov::Node*, Ways> ways;
  int pictures = 0;
  for (const auto& node : graph.get_ordered_ops()) {
    Ways& here = ways[node.get()];
    if (is_picture(*node)) {
      here.in_place = true;
      ++pictures;
      continue;
    }
    if (ov::is_type<ov::op::util::ShapeOfBase>(node)) continue;
    for (std::size_t i = 0; i < node->get_input_size(); ++i)
      here.add(ways[node->get_input_node_ptr(i)]);
    here.pass(*node);
  }
  const Ways& whole = ways[graph.output().get_node()];
  return pictures == 1 && whole.in_place && whole.least >= kApart;
}

}  // namespace chiaro::engine
