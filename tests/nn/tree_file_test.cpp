#include "chiaro/nn/tree_file.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cstring>

#include "chiaro/bundle/safetensors.h"
#include "tests/support/expect_error.h"

namespace chiaro::nn {
namespace {

at::Tensor stored(const bundle::Safetensors& file, const char* name) {
  const auto& tensor = file.tensor(name);
  at::Tensor values =
      at::empty(tensor.shape, tensor.dtype == bundle::Dtype::I64 ? at::kLong : at::kFloat);
  std::memcpy(values.mutable_data_ptr(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

TEST(TreeFile, HoldsTheTree) {
  torch::manual_seed(1);
  const auto codes = at::randn({60, 3});
  PrototypeTree tree({.prototypes = {8, 3}}, 3, 5);
  tree.build(codes / codes.norm(2, 1, true), at::rand({60, 5}), 2);
  const auto file = bundle::Safetensors::parse(tree_file(tree, 64, 9), "tree");
  EXPECT_EQ(stored(file, "levels").item<std::int64_t>(), 2);
  EXPECT_EQ(stored(file, "view_px").item<std::int64_t>(), 64);
  EXPECT_EQ(stored(file, "max_views").item<std::int64_t>(), 9);
  EXPECT_TRUE(at::equal(stored(file, "floors"), tree.floors()));
  EXPECT_TRUE(at::equal(stored(file, "1.centroids"), tree.centroids(0)));
  EXPECT_TRUE(at::equal(stored(file, "1.parents"), tree.parents(0)));
  EXPECT_TRUE(at::equal(stored(file, "2.temperatures"), tree.temperatures(1)));
  EXPECT_TRUE(at::equal(stored(file, "2.kinds"), tree.attributes(1).narrow(1, 0, 4)));
  EXPECT_TRUE(at::equal(stored(file, "2.severity"), tree.attributes(1).select(1, 4)));
  EXPECT_EQ(file.tensors().count("2.parents"), 0U);
}

TEST(TreeFile, RefusesATreeThatIsNotThere) {
  EXPECT_CHIARO_ERROR(tree_file(PrototypeTree({}, 3, 4), 64, 9), Usage, "not been built");
}

}  // namespace
}  // namespace chiaro::nn
