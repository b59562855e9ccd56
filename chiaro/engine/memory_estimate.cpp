#include "chiaro/engine/memory_estimate.h"

#include <algorithm>
#include <map>
#include <openvino/op/constant.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/unary_elementwise_arithmetic.hpp>
#include <unordered_set>

#include "chiaro/engine/exact_start.h"

namespace chiaro::engine {
namespace {

/// Values that share memory form one group; a group dies after its last reader.
struct Group {
  std::size_t bytes = 0;
  std::size_t last_use = 0;
};

bool computes_in_place(const ov::Node& node) {
  return dynamic_cast<const ov::op::util::UnaryElementwiseArithmetic*>(&node) != nullptr ||
         dynamic_cast<const ov::op::util::BinaryElementwiseArithmetic*>(&node) != nullptr;
}

/// What an element of each value takes.
class ElementBytes {
 public:
  ElementBytes(const ov::Model& graph, Precision precision) : half_(precision == Precision::Bf16) {
    if (half_) exact_ = exact_start(graph);
  }

  std::size_t of(const ov::Output<ov::Node>& value) const {
    if (!half_) return kSingle;
    const bool input = ov::is_type<ov::op::v0::Parameter>(value.get_node());  // comes as it is
    if (!input && !exact_.contains(value.get_node())) return kHalf;
    const auto readers = value.get_target_inputs();
    const bool copied = std::ranges::any_of(readers, [&](const ov::Input<ov::Node>& reader) {
      return !exact_.contains(reader.get_node()) &&
             !ov::is_type<ov::op::v0::Result>(reader.get_node());
    });
    return copied ? kSingle + kHalf : kSingle;
  }

 private:
  static constexpr std::size_t kSingle = 4;
  static constexpr std::size_t kHalf = 2;
  bool half_;
  std::unordered_set<const ov::Node*> exact_;
};

}  // namespace

std::size_t peak_value_bytes(const ov::Model& graph, Precision precision) {
  const ElementBytes element_bytes(graph, precision);
  const auto operators = graph.get_ordered_ops();
  std::map<const ov::Node*, std::size_t> position;
  for (std::size_t i = 0; i < operators.size(); ++i) position[operators[i].get()] = i;

  std::vector<Group> groups;
  std::map<ov::Output<ov::Node>, std::size_t> group_of;
  std::vector<std::pair<std::size_t, std::size_t>> births;  // position, group
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const auto& node = operators[i];
    if (ov::is_type<ov::op::v0::Constant>(node) || ov::is_type<ov::op::v0::Result>(node)) continue;
    for (const auto& output : node->outputs()) {
      std::size_t last_use = i;
      for (const auto& reader : output.get_target_inputs()) {
        last_use = std::max(last_use, position.at(reader.get_node()));
      }
      const std::size_t bytes = ov::shape_size(output.get_shape()) * element_bytes.of(output);
      std::size_t group = groups.size();
      if (computes_in_place(*node)) {
        for (const auto& input : node->input_values()) {
          const auto found = group_of.find(input);
          if (found != group_of.end() && groups[found->second].last_use == i &&
              input.get_shape() == output.get_shape()) {
            group = found->second;
            groups[group].bytes = std::max(groups[group].bytes, bytes);
            break;
          }
        }
      }
      if (group == groups.size()) {
        groups.push_back({bytes, last_use});
        births.emplace_back(i, group);
      }
      groups[group].last_use = std::max(groups[group].last_use, last_use);
      group_of[output] = group;
    }
  }

  std::size_t alive = 0;
  std::size_t peak = 0;
  std::multimap<std::size_t, std::size_t> deaths;  // last use → bytes
  for (const auto& [born, group] : births) {
    while (!deaths.empty() && deaths.begin()->first < born) {
      alive -= deaths.begin()->second;
      deaths.erase(deaths.begin());
    }
    alive += groups[group].bytes;
    peak = std::max(peak, alive);
    deaths.emplace(groups[group].last_use, groups[group].bytes);
  }
  return peak;
}

std::size_t constant_bytes(const ov::Model& graph) {
  std::size_t bytes = 0;
  for (const auto& node : graph.get_ops()) {
    if (ov::is_type<ov::op::v0::Constant>(node))
      bytes += ov::shape_size(node->get_output_shape(0)) * sizeof(float);
  }
  return bytes;
}

}  // namespace chiaro::engine
