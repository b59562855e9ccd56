#include "chiaro/nn/tree_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <map>
#include <string>

#include "chiaro/base/error.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::nn {

std::vector<std::byte> tree_file(const PrototypeTree& tree, std::int64_t view_px,
                                 std::int64_t max_views) {
  CHIARO_CHECK(tree.built() && tree.attributes(0).size(1) >= 2, Usage,
               "[nn.tree_file] the tree has not been built yet, or knows no kinds; train further");
  std::map<std::string, at::Tensor> values;  // own the bytes that are viewed below
  const auto number = [](std::int64_t value) {
    return at::full({1}, value, at::TensorOptions(at::kLong));
  };
  values["levels"] = number(tree.levels());
  values["view_px"] = number(view_px);
  values["max_views"] = number(max_views);
  values["floors"] = tree.floors();
  for (std::int64_t l = 0; l < tree.levels(); ++l) {
    const auto name = [&](const char* what) { return fmt::format("{}.{}", l + 1, what); };
    const at::Tensor attributes = tree.attributes(l);
    const std::int64_t kinds = attributes.size(1) - 1;
    values[name("centroids")] = tree.centroids(l);
    values[name("temperatures")] = tree.temperatures(l);
    values[name("kinds")] = attributes.narrow(1, 0, kinds);
    values[name("severity")] = attributes.select(1, kinds);
    if (l + 1 < tree.levels()) values[name("parents")] = tree.parents(l);
  }
  bundle::TensorMap tensors;
  for (auto& [name, tensor] : values) {
    tensor = tensor.to(at::kCPU).contiguous();
    const auto dtype = tensor.scalar_type() == at::kLong ? bundle::Dtype::I64 : bundle::Dtype::F32;
    tensors[name] = {dtype,
                     tensor.sizes().vec(),
                     {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}};
  }
  return bundle::serialize_safetensors(tensors);
}

}  // namespace chiaro::nn
