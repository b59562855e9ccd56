#include "chiaro/freeze/trace.h"

#include <ATen/core/grad_mode.h>
#include <ATen/Functions.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>

#include "chiaro/base/error.h"
#include "chiaro/freeze/evaluation_mode.h"

namespace chiaro::freeze {
namespace {

namespace jit = torch::jit;

constexpr std::size_t kSizes = 9;  // eight corners for the formulas, the ninth checks them

// One run, with values numbered in the order of their making.
struct RawNode {
  std::string kind;
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
  std::optional<c10::IValue> constant;
};
struct RawGraph {
  std::vector<RawNode> nodes;
  std::vector<std::optional<std::vector<std::int64_t>>> shapes;  // of tensors
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
};
using RawGraphs = std::array<RawGraph, kSizes>;

// Corners of the grid in the order fit_extent wants, then a batch of one with sides off the grid.
// Where the alignment is coarse, as few of its steps as make the sides differ.
std::array<PictureSize, kSizes> probe_sizes(std::int64_t alignment_px) {
  constexpr std::int64_t kCoarse = 32;
  const bool coarse = alignment_px >= kCoarse;
  const std::int64_t step =
      (std::max<std::int64_t>(alignment_px, 8) + alignment_px - 1) / alignment_px * alignment_px;
  const PictureSize small{2, (coarse ? 1 : 2) * step, (coarse ? 2 : 4) * step};
  const PictureSize large{3, (coarse ? 2 : 3) * step, (coarse ? 3 : 5) * step};
  std::array<PictureSize, kSizes> sizes;
  for (std::size_t k = 0; k < 8; ++k) {
    sizes[k] = {k & 1U ? large.batch : small.batch, k & 2U ? large.height : small.height,
                k & 4U ? large.width : small.width};
  }
  sizes[8] = coarse ? PictureSize{1, 3 * step, step}
                    : PictureSize{1, 4 * step + alignment_px, 3 * step + alignment_px};
  return sizes;
}

// Smooth, never constant values; made without random numbers, because the training's must not move.
at::Tensor probe_values(const InputPort& port, const PictureSize& size) {
  std::vector<std::int64_t> sides;
  std::int64_t count = 1;
  for (const Extent& side : port.shape) {
    sides.push_back(side.at(size).value());
    count *= sides.back();
  }
  return at::arange(count, at::kFloat).mul_(0.37).sin_().mul_(0.4).add_(0.5).view(sides);
}

RawGraph record(const Forward& forward, const std::vector<InputPort>& ports,
                const PictureSize& size) {
  const auto run = [&](jit::Stack stack) {
    std::vector<at::Tensor> given;
    for (const auto& value : stack) given.push_back(value.toTensor());
    jit::Stack results;
    for (const auto& tensor : forward(given)) results.emplace_back(tensor);
    return results;
  };
  jit::Stack probes;
  for (const InputPort& port : ports) probes.emplace_back(probe_values(port, size));
  const auto no_names = [](const at::Tensor&) { return std::string(); };
  const auto state =
      jit::tracer::trace(probes, run, no_names, /*strict=*/true, /*force_outplace=*/true).first;
  const std::shared_ptr<jit::Graph> graph = state->graph;
  jit::EliminateDeadCode(graph);

  RawGraph raw;
  std::unordered_map<const jit::Value*, std::size_t> numbers;
  const auto number = [&](const jit::Value* value) {
    numbers.emplace(value, raw.shapes.size());
    std::optional<std::vector<std::int64_t>> shape;
    if (const auto type = value->type()->cast<c10::TensorType>()) {
      if (const auto sides = type->sizes().concrete_sizes())
        shape.emplace(sides->begin(), sides->end());
    }
    raw.shapes.push_back(std::move(shape));
    return raw.shapes.size() - 1;
  };
  for (const jit::Value* value : graph->inputs()) raw.inputs.push_back(number(value));
  for (const jit::Node* node : graph->nodes()) {
    RawNode step;
    step.kind = node->kind().toQualString();
    if (step.kind.size() > 1 && step.kind.back() == '_' && step.kind[step.kind.size() - 2] != '_')
      step.kind.pop_back();
    for (const jit::Value* value : node->inputs()) step.inputs.push_back(numbers.at(value));
    for (const jit::Value* value : node->outputs()) step.outputs.push_back(number(value));
    if (node->kind() == c10::prim::Constant) step.constant = jit::toIValue(node->output());
    raw.nodes.push_back(std::move(step));
  }
  for (const jit::Value* value : graph->outputs()) raw.outputs.push_back(numbers.at(value));
  return raw;
}

// Puts the runs together into one graph that holds for every size.
class Merger {
 public:
  Merger(const RawGraphs& runs, const std::array<PictureSize, kSizes>& sizes,
         const torch::nn::Module& module)
      : runs_(runs), sizes_(sizes) {
    for (const auto& [name, tensor] : named_state(module)) {
      state_.push_back(tensor);
      graph_.weights.push_back(to_onnx_tensor(tensor, name));
    }
    arguments_.resize(runs[0].shapes.size());
  }

  TracedGraph merge(const std::vector<InputPort>& inputs, const std::vector<std::string>& outputs) {
    CHIARO_CHECK(runs_[0].outputs.size() == outputs.size(), Usage,
                 "[freeze.trace] expected {} results; got {}", outputs.size(),
                 runs_[0].outputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i)
      graph_.inputs.push_back({inputs[i].name, tensor_at(runs_[0].inputs.at(i))});
    for (std::size_t i = 0; i < runs_[0].nodes.size(); ++i) add(i);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto* output = std::get_if<TensorId>(&arguments_[runs_[0].outputs[i]]);
      CHIARO_CHECK(output != nullptr, Usage, "[freeze.trace] result '{}' is not a tensor",
                   outputs[i]);
      graph_.outputs.push_back({outputs[i], *output});
    }
    return std::move(graph_);
  }

 private:
  void add(std::size_t i) {
    const RawNode& node = runs_[0].nodes[i];
    for (const RawGraph& run : runs_) {
      const bool same = run.nodes.size() == runs_[0].nodes.size() &&
                        run.nodes[i].kind == node.kind && run.nodes[i].inputs == node.inputs &&
                        run.nodes[i].outputs == node.outputs;
      CHIARO_CHECK(same, Usage,
                   "[freeze.trace] what the network computes depends on the size of the picture; "
                   "got another operator "
                   "than {}{} at another size; expected the same operators at every size",
                   node.kind, where());
    }
    if (node.kind == "prim::Constant") {
      arguments_[node.outputs.at(0)] = constant(i);
    } else if (node.kind == "prim::ListConstruct") {
      arguments_[node.outputs.at(0)] = list(node);
    } else if (node.kind == "prim::ListUnpack") {
      // The producer of the list stands directly before; its results are the parts.
      CHIARO_CHECK(
          !graph_.nodes.empty() && graph_.nodes.back().outputs.empty() && i > 0 &&
              runs_[0].nodes[i - 1].outputs == node.inputs,
          Internal,
          "[freeze.trace] a list of tensors is unpacked away from the operator that made it{}",
          where());
      for (const std::size_t value : node.outputs)
        graph_.nodes.back().outputs.push_back(tensor_at(value));
    } else {
      add_operator(node);
    }
  }

  void add_operator(const RawNode& node) {
    TracedNode step;
    step.op = node.kind;
    for (const std::size_t value : node.inputs) {
      step.arguments.push_back(arguments_[value]);
      if (const auto* id = std::get_if<TensorId>(&arguments_[value])) {
        const std::size_t weight = graph_.tensors[id->index].weight;
        if (weight < state_.size()) {
          const std::string& name = graph_.weights[weight].name;
          const std::size_t dot = name.rfind('.');
          place_ = dot == std::string::npos ? "" : name.substr(0, dot);
        }
      }
    }
    step.place = place_;
    for (const std::size_t value : node.outputs) {
      if (runs_[0].shapes[value]) step.outputs.push_back(tensor_at(value));
    }
    graph_.nodes.push_back(std::move(step));
  }

  TensorId tensor_at(std::size_t value) {
    TracedTensor tensor;
    const std::size_t rank = runs_[0].shapes[value].value().size();
    for (std::size_t axis = 0; axis < rank; ++axis) {
      tensor.shape.push_back(formula([&](const RawGraph& run) {
        const auto& shape = run.shapes[value];
        CHIARO_CHECK(
            shape && shape->size() == rank, Usage,
            "[freeze.trace] the number of a tensor's axes depends on the size of the picture{}",
            where());
        return (*shape)[axis];
      }));
    }
    graph_.tensors.push_back(std::move(tensor));
    const TensorId id{graph_.tensors.size() - 1};
    arguments_[value] = id;
    return id;
  }

  Argument constant(std::size_t i) {
    const auto in = [i](const RawGraph& run) -> const c10::IValue& {
      return run.nodes[i].constant.value();
    };
    const c10::IValue& first = in(runs_[0]);
    if (first.isInt()) return formula([&](const RawGraph& run) { return in(run).toInt(); });
    if (first.isIntList()) {
      std::vector<Extent> list;
      for (std::size_t k = 0; k < first.toIntList().size(); ++k) {
        list.push_back(formula([&](const RawGraph& run) { return in(run).toIntVector().at(k); }));
      }
      return list;
    }
    for (const RawGraph& run : runs_) {
      const bool same =
          first.isTensor()
              ? in(run).isTensor() && equal(first.toTensor(), in(run).toTensor())
              : first.tagKind() == in(run).tagKind() && (first.isNone() || first == in(run));
      CHIARO_CHECK(
          same, Usage,
          "[freeze.trace] a constant depends on the size of the picture{}; only whole numbers may",
          where());
    }
    if (first.isNone()) return std::monostate{};
    if (first.isTensor()) return weight(first.toTensor());
    if (first.isDouble()) return first.toDouble();
    if (first.isDoubleList()) return first.toDoubleVector();
    if (first.isBool()) return first.toBool();
    if (first.isString()) return first.toStringRef();
    if (first.isDevice()) return first.toDevice().str();
    fail(ErrorCode::Usage, "[freeze.trace] a constant of type {} cannot be frozen{}",
         first.tagKind(), where());
  }

  static bool equal(const at::Tensor& a, const at::Tensor& b) {
    return a.is_same(b) ||
           (a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && at::equal(a, b));
  }

  Argument weight(const at::Tensor& tensor) {
    TracedTensor traced;
    for (const std::int64_t side : tensor.sizes()) traced.shape.push_back(Extent::of(side));
    const auto found = std::find_if(state_.begin(), state_.end(), [&](const at::Tensor& candidate) {
      return candidate.data_ptr() == tensor.data_ptr() && candidate.sizes() == tensor.sizes() &&
             candidate.strides() == tensor.strides();
    });
    traced.weight = static_cast<std::size_t>(found - state_.begin());
    if (found == state_.end()) {
      traced.weight = graph_.weights.size();
      const bool number =
          tensor.scalar_type() == at::kDouble && tensor.dim() == 0;  // a number beside a tensor
      graph_.weights.push_back(
          to_onnx_tensor(number ? tensor.to(at::kFloat) : tensor,
                         "/constant/" + std::to_string(graph_.weights.size() - state_.size())));
    }
    graph_.tensors.push_back(std::move(traced));
    return TensorId{graph_.tensors.size() - 1};
  }

  template <typename T>
  std::optional<Argument> list_of(const RawNode& node) const {
    std::vector<T> items;
    for (const std::size_t value : node.inputs) {
      const T* item = std::get_if<T>(&arguments_[value]);
      if (item == nullptr) return std::nullopt;
      items.push_back(*item);
    }
    return items;
  }

  Argument list(const RawNode& node) const {
    if (auto items = list_of<Extent>(node)) return *items;
    if (auto items = list_of<TensorId>(node)) return *items;
    if (auto items = list_of<double>(node)) return *items;
    if (auto items = list_of<bool>(node)) return *items;
    fail(ErrorCode::Usage, "[freeze.trace] a list of mixed or missing items cannot be frozen{}",
         where());
  }

  template <typename Get>
  Extent formula(const Get& get) const {
    std::array<std::int64_t, 8> samples{};
    for (std::size_t k = 0; k < 8; ++k) samples[k] = get(runs_[k]);
    const Extent extent = fit_extent(samples, sizes_[0], sizes_[7]);
    const std::int64_t seen = get(runs_[8]);
    CHIARO_CHECK(extent.at(sizes_[8]) == seen, Usage,
                 "[freeze.trace] a number depends on the size of the picture in a way that is no "
                 "product or quotient of its sides{}; got {} for batch {}, height {}, width {}; "
                 "expected {}",
                 where(), seen, sizes_[8].batch, sizes_[8].height, sizes_[8].width, extent.text());
    return extent;
  }

  std::string where() const {
    return place_.empty() ? std::string() : " near module '" + place_ + "'";
  }

  const RawGraphs& runs_;
  const std::array<PictureSize, kSizes>& sizes_;
  std::vector<at::Tensor> state_;
  std::vector<Argument> arguments_;  // by value number
  std::string place_;
  TracedGraph graph_;
};

}  // namespace

std::vector<std::pair<std::string, at::Tensor>> named_state(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> state;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    const bool known = std::any_of(state.begin(), state.end(),
                                   [&](const auto& entry) { return entry.second.is_same(tensor); });
    if (!known) state.emplace_back(name, tensor);
  };
  for (const auto& entry : module.named_parameters()) add(entry.key(), entry.value());
  for (const auto& entry : module.named_buffers()) add(entry.key(), entry.value());
  return state;
}

OnnxTensor to_onnx_tensor(const at::Tensor& tensor, std::string name) {
  OnnxTensor out;
  out.name = std::move(name);
  switch (tensor.scalar_type()) {
    case at::kFloat:
      out.type = OnnxType::Float;
      break;
    case at::kLong:
      out.type = OnnxType::Int64;
      break;
    case at::kBool:
      out.type = OnnxType::Bool;
      break;
    default:
      fail(ErrorCode::Usage,
           "[freeze.trace] tensor '{}' has an element type that cannot be frozen; got {}; expected "
           "float32, int64 or bool",
           out.name, c10::toString(tensor.scalar_type()));
  }
  out.shape = tensor.sizes().vec();
  const at::Tensor values = tensor.detach().contiguous();
  out.bytes.resize(values.nbytes());
  if (!out.bytes.empty()) std::memcpy(out.bytes.data(), values.data_ptr(), out.bytes.size());
  return out;
}

TracedGraph trace(torch::nn::Module& module, const Forward& forward,
                  const std::vector<InputPort>& inputs, const std::vector<std::string>& outputs,
                  std::int64_t alignment_px) {
  for (const auto& [name, tensor] : named_state(module)) {
    CHIARO_CHECK(tensor.device().is_cpu(), Usage,
                 "[freeze.trace] '{}' lies on {}; expected the CPU", name, tensor.device().str());
  }
  const at::NoGradGuard no_grad;
  const EvaluationMode evaluation(module);
  const auto sizes = probe_sizes(alignment_px);
  RawGraphs runs;
  for (std::size_t k = 0; k < kSizes; ++k) runs[k] = record(forward, inputs, sizes[k]);
  return Merger(runs, sizes, module).merge(inputs, outputs);
}

TracedGraph trace(torch::nn::Module& module,
                  const std::function<at::Tensor(const at::Tensor&)>& forward,
                  std::int64_t channels, std::int64_t alignment_px) {
  const InputPort picture{
      "input", {Extent::batch(), Extent::of(channels), Extent::height(), Extent::width()}};
  const auto listed = [&](const std::vector<at::Tensor>& inputs) {
    return std::vector<at::Tensor>{forward(inputs.front())};
  };
  return trace(module, listed, {picture}, {"output"}, alignment_px);
}

}  // namespace chiaro::freeze
