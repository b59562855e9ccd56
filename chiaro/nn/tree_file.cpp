#include "chiaro/nn/tree_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::nn {
namespace {

/// A tensor of the file, if it is what is expected.
at::Tensor stored_values(const bundle::Safetensors& file, const std::string& origin,
                         const std::string& name, at::ScalarType type, at::IntArrayRef shape) {
  const auto& stored = file.tensor(name);
  const auto dtype = type == at::kLong ? bundle::Dtype::I64 : bundle::Dtype::F32;
  CHIARO_CHECK(stored.dtype == dtype && at::IntArrayRef(stored.shape) == shape, Bundle,
               "[nn.take_tree_file] '{}': '{}' does not fit; got {} ({}); expected {} ({})", origin,
               name, bundle::dtype_name(stored.dtype), fmt::join(stored.shape, ", "),
               bundle::dtype_name(dtype), fmt::join(shape, ", "));
  at::Tensor values = at::empty(shape, at::TensorOptions(type));
  if (!stored.bytes.empty())
    std::memcpy(values.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
  CHIARO_CHECK(at::isfinite(values).all().item<bool>(), Bundle,
               "[nn.take_tree_file] '{}': '{}' has values that are not finite", origin, name);
  return values;
}

}  // namespace

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

void take_tree_file(std::vector<std::byte> file, const std::string& origin, PrototypeTree& tree) {
  const auto stored = bundle::Safetensors::parse(std::move(file), origin);
  auto buffers = tree.named_buffers();
  std::map<std::string, at::Tensor> taken;  // by the buffer's name
  const auto get = [&](const std::string& name, at::ScalarType type, at::IntArrayRef shape) {
    return stored_values(stored, origin, name, type, shape);
  };
  const auto levels = get("levels", at::kLong, {1}).item<std::int64_t>();
  CHIARO_CHECK(levels == tree.levels(), Bundle,
               "[nn.take_tree_file] '{}' holds a tree of {} levels; expected {}", origin, levels,
               tree.levels());
  taken["floors"] = get("floors", at::kFloat, {levels});
  std::int64_t above = 0;  // prototypes of the level above
  for (std::int64_t l = levels; l-- > 0;) {
    const auto part = [&](const char* what) { return fmt::format("{}.{}", l + 1, what); };
    const auto buffer = [&](const char* what) { return fmt::format("{}{}", what, l); };
    const auto& shape = stored.tensor(part("centroids")).shape;
    const std::int64_t count = shape.empty() ? 0 : shape[0];
    const std::int64_t most = buffers[buffer("centroids")].size(0);
    CHIARO_CHECK(count >= 1 && count <= most, Bundle,
                 "[nn.take_tree_file] '{}' has {} prototypes on level {}; expected 1 to {}", origin,
                 count, l + 1, most);
    const std::int64_t kinds = buffers[buffer("attributes")].size(1) - 1;
    taken[buffer("count")] = at::full({1}, count, at::TensorOptions(at::kLong));
    taken[buffer("centroids")] = get(part("centroids"), at::kFloat, {count, tree.dimension()});
    taken[buffer("temperatures")] = get(part("temperatures"), at::kFloat, {count});
    taken[buffer("attributes")] = at::cat({get(part("kinds"), at::kFloat, {count, kinds}),
                                           get(part("severity"), at::kFloat, {count}).unsqueeze(1)},
                                          1);
    if (l + 1 < levels) {
      const auto parents = get(part("parents"), at::kLong, {count});
      CHIARO_CHECK(parents.ge(0).logical_and(parents.lt(above)).all().item<bool>(), Bundle,
                   "[nn.take_tree_file] '{}': '{}' names prototypes that level {} has not", origin,
                   part("parents"), l + 2);
      taken[buffer("parents")] = parents;
    }
    above = count;
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, values] : taken)
    buffers[name].zero_().narrow(0, 0, values.size(0)).copy_(values);
}

}  // namespace chiaro::nn
