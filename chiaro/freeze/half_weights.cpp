#include "chiaro/freeze/half_weights.h"

#include <ATen/ATen.h>

#include <cstring>
#include <map>
#include <numeric>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::freeze {
namespace {

bool is_kept_as_half(const OnnxTensor& tensor) {
  const std::int64_t count = std::accumulate(tensor.shape.begin(), tensor.shape.end(),
                                             std::int64_t{1}, std::multiplies<>());
  return tensor.type == OnnxType::Float && !tensor.name.starts_with('/') &&
         count >= kLeastHalfElements;
}

}  // namespace

void round_weights_to_half(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  const auto round = [](const std::string& name, at::Tensor tensor) {
    if (tensor.scalar_type() != at::kFloat || tensor.numel() < kLeastHalfElements) return;
    const at::Tensor rounded = tensor.to(at::kHalf).to(at::kFloat);
    CHIARO_CHECK(at::isfinite(rounded).all().item<bool>(), Usage,
                 "[freeze.half] '{}' has values that float16 cannot hold; largest {}", name,
                 tensor.abs().max().item<double>());
    tensor.copy_(rounded);
  };
  for (const auto& entry : module.named_parameters()) round(entry.key(), entry.value());
  for (const auto& entry : module.named_buffers()) round(entry.key(), entry.value());
}

void store_weights_as_half(OnnxModel& model) {
  std::map<std::string, std::string> widened;  // by the initialiser's name
  std::vector<OnnxNode> nodes;
  for (OnnxTensor& tensor : model.initializers) {
    if (!is_kept_as_half(tensor)) continue;
    const std::size_t count = tensor.bytes.size() / sizeof(float);
    std::vector<std::byte> halves(count * sizeof(at::Half));
    for (std::size_t i = 0; i < count; ++i) {
      float value = 0;
      std::memcpy(&value, tensor.bytes.data() + i * sizeof(float), sizeof(float));
      const at::Half half(value);
      std::memcpy(halves.data() + i * sizeof(at::Half), &half, sizeof(at::Half));
    }
    tensor.type = OnnxType::Half;
    tensor.bytes = std::move(halves);
    widened[tensor.name] = "/half/" + tensor.name;
    nodes.push_back({"Cast",
                     "/half/Cast/" + tensor.name,
                     {tensor.name},
                     {widened[tensor.name]},
                     {{"to", static_cast<std::int64_t>(OnnxType::Float)}}});
  }
  for (OnnxNode& node : model.nodes) {
    for (std::string& input : node.inputs) {
      if (const auto found = widened.find(input); found != widened.end()) input = found->second;
    }
    nodes.push_back(std::move(node));
  }
  model.nodes = std::move(nodes);
}

}  // namespace chiaro::freeze
