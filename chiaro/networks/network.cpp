#include "chiaro/networks/network.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>

#include <set>
#include <utility>

#include "chiaro/base/text.h"

namespace chiaro::networks {

#define CHIARO_ENTRY(symbol) Entry symbol();
#include "chiaro/networks/networks.def"
#undef CHIARO_ENTRY

namespace {

Entry named(Entry entry, const char* name) {
  entry.name = name;
  return entry;
}

/// Tracing refuses parameters that require gradients; this switches them off and, at the end, on
/// again.
class FrozenParameters {
 public:
  explicit FrozenParameters(const torch::nn::Module& module) {
    for (auto& parameter : module.parameters()) {
      if (!parameter.requires_grad()) continue;
      parameter.set_requires_grad(false);
      frozen_.push_back(parameter);
    }
  }
  ~FrozenParameters() {
    for (auto& parameter : frozen_) parameter.set_requires_grad(true);
  }
  FrozenParameters(const FrozenParameters&) = delete;
  FrozenParameters& operator=(const FrozenParameters&) = delete;

 private:
  std::vector<at::Tensor> frozen_;
};

std::vector<std::int64_t> sizes_of(const torch::jit::Value& value) {
  const auto type = value.type()->cast<c10::TensorType>();
  const auto sizes = type ? type->sizes().concrete_sizes() : std::nullopt;
  CHIARO_CHECK(sizes.has_value(), Internal,
               "[networks.multiplications] the trace does not know the size of '{}'",
               value.debugName());
  return *sizes;
}

double product(const std::vector<std::int64_t>& sizes, std::size_t from = 0) {
  double result = 1;
  for (std::size_t i = from; i < sizes.size(); ++i) result *= static_cast<double>(sizes[i]);
  return result;
}

double multiplications_of(const torch::jit::Node& node) {
  static const std::set<std::string> kConvolutions = {
      "aten::conv1d", "aten::conv2d", "aten::conv3d", "aten::convolution", "aten::_convolution"};
  static const std::set<std::string> kTransposed = {
      "aten::conv_transpose1d", "aten::conv_transpose2d", "aten::conv_transpose3d"};
  static const std::set<std::string> kProducts = {"aten::matmul", "aten::mm", "aten::bmm",
                                                  "aten::linear"};
  const std::string kind = node.kind().toQualString();
  bool transposed = kTransposed.contains(kind);
  if (kind == "aten::convolution" || kind == "aten::_convolution") {
    // (input, weight, bias, stride, padding, dilation, transposed, …)
    transposed = torch::jit::constant_as<bool>(node.inputs()[6]).value_or(false);
  }
  if (transposed) {
    // The weight is (in, out/groups, k, k); every input value is multiplied with out/groups·k·k
    // weights.
    return product(sizes_of(*node.inputs()[0])) * product(sizes_of(*node.inputs()[1]), 1);
  }
  if (kConvolutions.contains(kind)) {
    return product(sizes_of(*node.outputs()[0])) * product(sizes_of(*node.inputs()[1]), 1);
  }
  if (kProducts.contains(kind)) {
    return product(sizes_of(*node.outputs()[0])) *
           static_cast<double>(sizes_of(*node.inputs()[0]).back());
  }
  return 0;
}

}  // namespace

double multiplications(Network& network, std::int64_t height, std::int64_t width) {
  CHIARO_CHECK(height > 0 && width > 0, Usage,
               "[networks.multiplications] the picture has no pixels; got {}×{}", width, height);
  const at::NoGradGuard no_grad;
  const FrozenParameters frozen(network);
  const auto device =
      network.parameters().empty() ? at::Device(at::kCPU) : network.parameters().front().device();
  torch::jit::Stack inputs{at::zeros({1, 3, height, width}, device)};
  const auto forward = [&network](const torch::jit::Stack& stack) {
    return torch::jit::Stack{network.forward(stack.front().toTensor())};
  };
  const auto no_name = [](const at::Tensor&) { return std::string(); };
  const auto traced = torch::jit::tracer::trace(inputs, forward, no_name).first;
  double total = 0;
  for (const auto* node : traced->graph->nodes()) total += multiplications_of(*node);
  return total;
}

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& parameter : module.parameters()) {
    if (parameter.requires_grad()) count += parameter.numel();
  }
  return count;
}

const std::vector<Entry>& catalogue() {
#define CHIARO_ENTRY(symbol) named(symbol(), #symbol),
  static const std::vector<Entry> entries = {
#include "chiaro/networks/networks.def"
  };
#undef CHIARO_ENTRY
  return entries;
}

const Entry& find(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& entry : catalogue()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  fail(ErrorCode::Usage, "[networks.find] unknown network; got '{}'; expected one of: {}{}", name,
       join(known), did_you_mean(name, known));
}

std::shared_ptr<Network> make(const std::string& name, const OptionTable& options) {
  return find(name).make(options);
}

}  // namespace chiaro::networks
