#include "chiaro/engine/memory_estimate.h"

#include <algorithm>
#include <functional>
#include <map>
#include <openvino/op/constant.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/shape_of_base.hpp>
#include <openvino/op/util/unary_elementwise_arithmetic.hpp>
#include <unordered_set>
#include <utility>
#include <vector>

#include "chiaro/engine/exact_start.h"

namespace chiaro::engine {
namespace {

/// A piece of memory, taken from one moment to another, both included.
struct Piece {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;

  bool meets(const Piece& other) const { return first <= other.last && other.first <= last; }
};

/// Which values lie in float32 in a graph that runs in a precision, and who reads copies of them.
class Widths {
 public:
  Widths(const ov::Model& graph, Precision precision) : half_(precision == Precision::Bf16) {
    if (half_) exact_ = exact_start(graph);
  }

  bool is_half(const ov::Output<ov::Node>& value) const {
    return half_ && !exact_.contains(value.get_node());
  }

  /// Whether what it reads in float32 comes to it as a copy in bfloat16.
  bool reads_copies(const ov::Node& reader) const {
    return half_ && !exact_.contains(&reader) && !ov::is_type<ov::op::v0::Result>(&reader);
  }

 private:
  bool half_;
  std::unordered_set<const ov::Node*> exact_;
};

bool is_constant(const ov::Node& node) {
  return ov::is_type<ov::op::v0::Constant>(&node);
}

/// Asks for a shape alone, which is done beforehand.
bool asks_for_shape(const ov::Node& node) {
  return ov::is_type<ov::op::util::ShapeOfBase>(&node);
}

/// Whether only one operator reads its values.
bool has_one_reader(const ov::Node& node) {
  std::size_t readers = 0;
  for (const auto& output : node.outputs())
    for (const auto& input : output.get_target_inputs())
      readers += asks_for_shape(*input.get_node()) ? 0 : 1;
  return readers == 1;
}

/// Whether a runtime may let it write over what it reads: nobody else reads that.
bool may_write_over(const ov::Node& node) {
  const bool elementwise =
      dynamic_cast<const ov::op::util::UnaryElementwiseArithmetic*>(&node) != nullptr ||
      dynamic_cast<const ov::op::util::BinaryElementwiseArithmetic*>(&node) != nullptr;
  return elementwise && std::ranges::all_of(node.input_values(), [](const auto& input) {
           return is_constant(*input.get_node()) || has_one_reader(*input.get_node());
         });
}

/// The pieces of memory that a run takes. Operators compute at even moments; copies are made at the
/// odd ones between.
class Pieces {
 public:
  Pieces(const ov::Model& graph, Precision precision) : widths_(graph, precision) {
    const auto operators = graph.get_ordered_ops();
    for (const auto& node : operators) moment_.emplace(node.get(), 2 * moment_.size());
    for (const auto& node : operators) {
      if (ov::is_type<ov::op::v0::Parameter>(node)) {
        add_input(node->output(0));
      } else if (ov::is_type<ov::op::v0::Result>(node)) {
        hold(ov::shape_size(node->get_output_shape(0)) * kSingle);
      } else if (!is_constant(*node)) {
        for (const auto& output : node->outputs()) add(output);
      }
    }
  }

  /// What is held during the whole run, and what the rest takes when it is packed as runtimes do
  /// it: the largest first, each as low as it fits.
  std::size_t peak_bytes() const {
    constexpr std::size_t kLittle = 1000;  // of the largest; not worth packing
    std::vector<Piece> pieces = pieces_;
    std::ranges::stable_sort(pieces, std::greater<>(), &Piece::bytes);
    std::vector<std::pair<Piece, std::size_t>> placed;       // with the place
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // from, to
    std::size_t peak = 0;
    std::size_t little = 0;
    for (const Piece& piece : pieces) {
      if (piece.bytes < pieces.front().bytes / kLittle) {
        little += piece.bytes;
        continue;
      }
      taken.clear();
      for (const auto& [other, place] : placed)
        if (piece.meets(other)) taken.emplace_back(place, place + other.bytes);
      std::ranges::sort(taken);
      std::size_t place = 0;
      for (const auto& [from, to] : taken) {
        if (place + piece.bytes <= from) break;
        place = std::max(place, to);
      }
      placed.emplace_back(piece, place);
      peak = std::max(peak, place + piece.bytes);
    }
    return held_ + peak + little;
  }

 private:
  static constexpr std::size_t kSingle = 4;
  static constexpr std::size_t kHalf = 2;

  void hold(std::size_t bytes) { held_ += bytes; }

  /// The caller's, and a copy in the layout of the processor, which whoever adds the input to the
  /// result reads, too, in bfloat16 as well.
  void add_input(const ov::Output<ov::Node>& input) {
    const std::size_t bytes = ov::shape_size(input.get_shape()) * kSingle;
    hold(bytes);
    std::size_t last = moment_.at(input.get_node());
    for (const auto& reader : input.get_target_inputs())
      if (!asks_for_shape(*reader.get_node())) last = std::max(last, moment_.at(reader.get_node()));
    piece_of_[input] = pieces_.size();
    pieces_.push_back({bytes, moment_.at(input.get_node()), last});
  }

  void add(const ov::Output<ov::Node>& value) {
    const std::size_t born = moment_.at(value.get_node());
    const std::size_t elements = ov::shape_size(value.get_shape());
    const bool half = widths_.is_half(value);
    std::size_t read = born;  // last, as it is and as a copy
    std::size_t copy_read = 0;
    for (const auto& input : value.get_target_inputs()) {
      if (asks_for_shape(*input.get_node())) continue;
      const bool copied = !half && widths_.reads_copies(*input.get_node());
      std::size_t& last = copied ? copy_read : read;
      last = std::max(last, moment_.at(input.get_node()));
    }
    // Where nobody else reads it as it is, it is let go as soon as the copy is made.
    if (copy_read > 0) read = std::max(read, born + 1);
    place({elements * (half ? kHalf : kSingle), born, read}, value);
    if (copy_read > 0) pieces_.push_back({elements * kHalf, born + 1, copy_read});
  }

  /// In the place of what its operator reads for the last time, where that can be.
  void place(const Piece& piece, const ov::Output<ov::Node>& value) {
    piece_of_[value] = pieces_.size();
    if (may_write_over(*value.get_node())) {
      for (const auto& input : value.get_node()->input_values()) {
        const auto found = piece_of_.find(input);
        if (found == piece_of_.end() || input.get_shape() != value.get_shape()) continue;
        Piece& before = pieces_[found->second];
        if (before.last != piece.first || before.bytes < piece.bytes) continue;
        before.last = piece.last;
        piece_of_[value] = found->second;
        return;
      }
    }
    pieces_.push_back(piece);
  }

  Widths widths_;
  std::map<const ov::Node*, std::size_t> moment_;
  std::vector<Piece> pieces_;
  std::map<ov::Output<ov::Node>, std::size_t> piece_of_;
  std::size_t held_ = 0;
};

}  // namespace

std::size_t peak_value_bytes(const ov::Model& graph, Precision precision) {
  return Pieces(graph, precision).peak_bytes();
}

std::size_t constant_bytes(const ov::Model& graph) {
  std::size_t bytes = 0;
  for (const auto& node : graph.get_ops()) {
    if (ov::is_type<ov::op::v0::Constant>(node))
      bytes += ov::shape_size(node->get_output_shape(0)) * sizeof(float);
  }
  return bytes;
}

std::size_t exact_weight_bytes(const ov::Model& graph) {
  const auto exact = exact_start(graph);
  std::size_t bytes = 0;
  for (const ov::Node* node : exact) {
    for (const auto& value : node->input_values()) {
      const bool computed =
          exact.contains(value.get_node()) || value.get_partial_shape().is_dynamic();
      if (!computed) bytes += ov::shape_size(value.get_shape()) * sizeof(float);
    }
  }
  return std::min(bytes, constant_bytes(graph));
}

}  // namespace chiaro::engine
