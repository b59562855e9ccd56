#include "chiaro/freeze/export.h"

#include "chiaro/base/version.h"
#include "chiaro/freeze/half_weights.h"
#include "chiaro/freeze/operators.h"
#include "chiaro/freeze/trace.h"

namespace chiaro::freeze {
namespace {

using Tensors = std::vector<at::Tensor>;

std::vector<std::byte> serialized(const TracedGraph& graph, const std::string& name,
                                  const Metadata& metadata, bool half_weights) {
  OnnxModel model = to_onnx(graph);
  if (half_weights) store_weights_as_half(model);
  model.graph_name = name;
  model.producer_version = version();
  model.metadata = metadata;
  return serialize_onnx(model);
}

}  // namespace

std::vector<std::byte> export_onnx(networks::Network& network, const std::string& name,
                                   const Metadata& metadata, bool conditioned, bool half_weights) {
  std::vector<InputPort> inputs = {
      {"input", {Extent::batch(), Extent::of(3), Extent::height(), Extent::width()}}};
  if (conditioned)
    inputs.push_back({"condition", {Extent::of(1), Extent::of(network.condition_width())}});
  const auto forward = [&](const Tensors& given) {
    return Tensors{conditioned ? network.forward(given[0], {given[1]}) : network.forward(given[0])};
  };
  return serialized(trace(network, forward, inputs, {"output"}, network.geometry().alignment_px),
                    name, metadata, half_weights);
}

std::vector<std::byte> export_onnx(networks::Conditioner& conditioner, const std::string& name,
                                   const Metadata& metadata, bool half_weights) {
  const auto layout = conditioner.layout();
  const Extent side = Extent::of(layout.view_px);
  const std::vector<InputPort> inputs = {
      {"views", {Extent::batch(), Extent::of(3), side, side}},
      {"whole", {Extent::of(1), Extent::of(3), Extent::height(), Extent::width()}}};
  const auto forward = [&](const Tensors& given) {
    const auto found = conditioner.diagnose(given[0].unsqueeze(0), given[1]);
    return Tensors{found.code, found.novelty, found.domain};
  };
  return serialized(trace(conditioner, forward, inputs, {"condition", "novelty", "domain"},
                          layout.whole_alignment_px),
                    name, metadata, half_weights);
}

std::vector<std::byte> export_onnx(networks::Encoder& encoder, const std::string& name,
                                   const Metadata& metadata, bool half_weights) {
  const std::vector<InputPort> inputs = {
      {"input", {Extent::batch(), Extent::of(3), Extent::height(), Extent::width()}}};
  const auto forward = [&](const Tensors& given) { return Tensors{encoder.encode(given[0])}; };
  return serialized(trace(encoder, forward, inputs, {"code"}, networks::kEncoderAlignmentPx), name,
                    metadata, half_weights);
}

}  // namespace chiaro::freeze
