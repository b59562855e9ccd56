#include "chiaro/freeze/onnx_builder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::freeze {
OnnxBuilder::OnnxBuilder(const TracedGraph& graph) : graph_(&graph) {
  model_.initializers = graph.weights;
  for (const auto& port : graph.inputs) names_[port.id.index] = port.name;
}

const std::string& OnnxBuilder::name(TensorId id) const {
  const std::size_t weight = graph_->tensors[id.index].weight;
  if (weight != TracedTensor::kNoWeight) return graph_->weights[weight].name;
  const auto found = names_.find(id.index);
  CHIARO_CHECK(found != names_.end(), Usage,
               "[freeze.export] a result is used that the operator does not give in ONNX (a second "
               "result of a "
               "normalisation, say)");
  return found->second;
}

void OnnxBuilder::bind(TensorId id, std::string name) {
  names_[id.index] = std::move(name);
}

void OnnxBuilder::set_place(const std::string& place) {
  place_ = place.empty() ? "" : "/" + place;
  std::replace(place_.begin(), place_.end(), '.', '/');
}

std::string OnnxBuilder::node(const std::string& op, std::vector<std::string> inputs,
                              std::vector<OnnxAttribute> attributes) {
  return node_of(1, op, std::move(inputs), std::move(attributes)).front();
}

std::vector<std::string> OnnxBuilder::node_of(std::size_t count, const std::string& op,
                                              std::vector<std::string> inputs,
                                              std::vector<OnnxAttribute> attributes) {
  OnnxNode node;
  node.op = op;
  node.name = place_ + "/" + op;
  const int used = used_[node.name]++;
  if (used > 0) node.name += "_" + std::to_string(used);
  node.inputs = std::move(inputs);
  for (std::size_t i = 0; i < count; ++i)
    node.outputs.push_back(node.name + ":" + std::to_string(i));
  node.attributes = std::move(attributes);
  model_.nodes.push_back(std::move(node));
  return model_.nodes.back().outputs;
}

std::string OnnxBuilder::constant(OnnxType type, std::vector<std::int64_t> shape, const void* data,
                                  std::size_t bytes) {
  OnnxTensor tensor;
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.bytes.resize(bytes);
  if (bytes > 0) std::memcpy(tensor.bytes.data(), data, bytes);
  std::string kind = std::to_string(static_cast<int>(type));
  for (const std::int64_t length : tensor.shape) kind.append(",").append(std::to_string(length));
  auto [entry, is_new] = constants_.try_emplace({kind, tensor.bytes});
  if (is_new) {
    entry->second = "/made/" + std::to_string(constants_.size() - 1);
    tensor.name = entry->second;
    model_.initializers.push_back(std::move(tensor));
  }
  return entry->second;
}

std::string OnnxBuilder::number(double value) {
  const auto single = static_cast<float>(value);
  return constant(OnnxType::Float, {}, &single, sizeof single);
}

std::string OnnxBuilder::index(std::int64_t value) {
  return constant(OnnxType::Int64, {}, &value, sizeof value);
}

std::string OnnxBuilder::integers(const std::vector<std::int64_t>& values) {
  return constant(OnnxType::Int64, {static_cast<std::int64_t>(values.size())}, values.data(),
                  values.size() * sizeof(std::int64_t));
}

std::string OnnxBuilder::numbers(const std::vector<float>& values) {
  return constant(OnnxType::Float, {static_cast<std::int64_t>(values.size())}, values.data(),
                  values.size() * sizeof(float));
}

std::string OnnxBuilder::side(const Extent& wanted) {
  auto [entry, is_new] = computed_.try_emplace("side " + wanted.text());
  if (!is_new) return entry->second;
  for (const auto& port : graph_->inputs) {
    const auto& shape = graph_->tensors[port.id.index].shape;
    const auto axis = std::find(shape.begin(), shape.end(), wanted);
    if (axis == shape.end()) continue;
    auto [known, is_first] = computed_.try_emplace("shape of " + port.name);
    if (is_first) known->second = node("Shape", {port.name});
    entry->second = node("Gather", {known->second, integers({std::int64_t{axis - shape.begin()}})},
                         {{"axis", std::int64_t{0}}});
    return entry->second;
  }
  fail(ErrorCode::Usage, "[freeze.export] a number depends on {}, which no input of the graph has",
       wanted.text());
}

std::string OnnxBuilder::extent(const Extent& value) {
  if (value.is_constant()) return integers({value.constant()});
  auto [entry, is_new] = computed_.try_emplace(value.text());
  if (!is_new) return entry->second;
  const std::array<Extent, 3> sides = {Extent::batch(), Extent::height(), Extent::width()};
  std::string sum;
  for (std::size_t k = 0; k < value.numerators.size(); ++k) {
    if (value.numerators[k] == 0) continue;
    std::string term;
    const auto times = [&](const std::string& factor) {
      term = term.empty() ? factor : node("Mul", {term, factor});
    };
    if (k == 0 || value.numerators[k] != 1) times(integers({value.numerators[k]}));
    for (std::size_t bit = 0; bit < 3; ++bit) {
      if ((k >> bit) & 1U) times(side(sides[bit]));
    }
    sum = sum.empty() ? term : node("Add", {sum, term});
  }
  if (value.denominator != 1) sum = node("Div", {sum, integers({value.denominator})});
  return computed_[value.text()] = sum;
}

std::string OnnxBuilder::extents(const std::vector<Extent>& values) {
  if (std::all_of(values.begin(), values.end(), [](const Extent& e) { return e.is_constant(); })) {
    std::vector<std::int64_t> known;
    for (const Extent& value : values) known.push_back(value.constant());
    return integers(known);
  }
  std::vector<std::string> parts;
  for (const Extent& value : values) parts.push_back(extent(value));
  if (parts.size() == 1) return parts.front();
  return node("Concat", parts, {{"axis", std::int64_t{0}}});
}

std::vector<std::variant<std::int64_t, std::string>> OnnxBuilder::port_shape(
    const std::vector<Extent>& shape) const {
  const std::vector<std::string> names = {"batch_size", "", "height", "width"};
  std::vector<std::variant<std::int64_t, std::string>> sides;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis].is_constant()) {
      sides.emplace_back(shape[axis].constant());
    } else if (shape[axis] == Extent::batch()) {
      sides.emplace_back("batch_size");
    } else if (shape[axis] == Extent::height()) {
      sides.emplace_back("height");
    } else if (shape[axis] == Extent::width()) {
      sides.emplace_back("width");
    } else {
      sides.emplace_back("output_" + (axis < names.size() ? names[axis] : std::to_string(axis)));
    }
  }
  return sides;
}

OnnxModel OnnxBuilder::finish() {
  place_.clear();
  for (const auto& port : graph_->outputs) name_result(port);
  for (const auto& port : graph_->inputs) model_.inputs.push_back(onnx_port(port));
  for (const auto& port : graph_->outputs) model_.outputs.push_back(onnx_port(port));
  return std::move(model_);
}

void OnnxBuilder::name_result(const TracedGraph::Port& port) {
  const std::string last = name(port.id);
  const bool from_node =
      std::any_of(model_.nodes.begin(), model_.nodes.end(), [&](const OnnxNode& n) {
        return std::find(n.outputs.begin(), n.outputs.end(), last) != n.outputs.end();
      });
  if (!from_node) {
    node("Identity", {last});
    model_.nodes.back().outputs = {port.name};
    return;
  }
  for (OnnxNode& n : model_.nodes) {
    std::replace(n.inputs.begin(), n.inputs.end(), last, port.name);
    std::replace(n.outputs.begin(), n.outputs.end(), last, port.name);
  }
  names_[port.id.index] = port.name;
}

OnnxPort OnnxBuilder::onnx_port(const TracedGraph::Port& port) const {
  const std::vector<std::string> axes = {"DATA_BATCH", "DATA_CHANNEL", "DATA_FEATURE",
                                         "DATA_FEATURE"};
  OnnxPort made{port.name, port_shape(graph_->tensors[port.id.index].shape), "", {}};
  if (made.shape.size() == axes.size()) {
    made.denotation = "IMAGE";
    made.axis_denotations = axes;
  }
  return made;
}

}  // namespace chiaro::freeze
