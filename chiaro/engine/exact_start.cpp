#include "chiaro/engine/exact_start.h"

#include <algorithm>
#include <array>
#include <memory>
#include <openvino/core/node.hpp>
#include <string_view>
#include <unordered_map>

// Part of the library, but no header of the package declares it.
namespace ov {
OPENVINO_API void disable_conversion(const std::shared_ptr<Node>& node, const element::Type& to);
}

namespace chiaro::engine {
namespace {

constexpr std::size_t kSidesOfPictures = 4;  // N, C, H, W

bool is_heavy(const ov::Node& node) {
  constexpr std::array<std::string_view, 4> kHeavy{"Convolution", "ConvolutionBackpropData",
                                                   "GroupConvolution", "MatMul"};
  return std::ranges::find(kHeavy, node.get_type_name()) != kHeavy.end();
}

/// What the value of a node is made of.
struct Origin {
  bool input = false;    // not of constants alone
  bool picture = false;  // an input of four sides among others
  int heavy = 0;  // convolutions and products since then, on the longest way, itself included

  void add(const Origin& before) {
    input |= before.input;
    picture |= before.picture;
    if (before.picture) heavy = std::max(heavy, before.heavy);
  }
};

}  // namespace

std::unordered_set<const ov::Node*> exact_start(const ov::Model& graph) {
  std::unordered_set<const ov::Node*> exact;
  std::unordered_map<const ov::Node*, Origin> origins;
  for (const auto& node : graph.get_ordered_ops()) {
    Origin& origin = origins[node.get()];
    if (std::string_view(node->get_type_name()) == "Parameter") {
      origin.input = true;
      origin.picture = node->get_output_partial_shape(0).size() == kSidesOfPictures;
      continue;
    }
    for (std::size_t i = 0; i < node->get_input_size(); ++i)
      origin.add(origins[node->get_input_node_ptr(i)]);
    if (origin.picture && is_heavy(*node)) ++origin.heavy;
    if (origin.input && origin.heavy <= 1) exact.insert(node.get());
  }
  return exact;
}

void keep_start_exact(const ov::Model& graph) {
  const auto exact = exact_start(graph);
  // The runtime asks for f16 where it means "lower than float32".
  for (const auto& node : graph.get_ordered_ops())
    if (exact.contains(node.get())) ov::disable_conversion(node, ov::element::f16);
}

}  // namespace chiaro::engine
