#include "chiaro/freeze/export.h"

#include "chiaro/base/version.h"
#include "chiaro/freeze/operators.h"
#include "chiaro/freeze/trace.h"

namespace chiaro::freeze {

std::vector<std::byte> export_onnx(networks::Network& network, const std::string& name,
                                   const Metadata& metadata) {
  const auto forward = [&](const at::Tensor& x) { return network.forward(x); };
  OnnxModel model = to_onnx(trace(network, forward, 3, network.geometry().alignment_px));
  model.graph_name = name;
  model.producer_version = version();
  model.metadata = metadata;
  return serialize_onnx(model);
}

}  // namespace chiaro::freeze
