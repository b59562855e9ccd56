#include "chiaro/nn/tree_file.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <cstring>

#include "chiaro/bundle/safetensors.h"
#include "tests/support/expect_error.h"

namespace chiaro::nn::tree_file_test {
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

PrototypeTree grown(const std::vector<std::int64_t>& prototypes, std::int64_t dimension,
                    std::int64_t attributes) {
  torch::manual_seed(1);
  const auto codes = at::randn({60, dimension});
  PrototypeTree tree({.prototypes = prototypes}, dimension, attributes);
  tree.build(codes / codes.norm(2, 1, true), at::rand({60, attributes}), 2);
  return tree;
}

// Into a tree with more room, over what was in it.
TEST(TreeFile, GivesTheTreeBack) {
  const PrototypeTree tree = grown({8, 3}, 3, 5);
  PrototypeTree other = grown({20, 6}, 3, 5);
  take_tree_file(tree_file(tree, 64, 9), "tree", other);
  torch::manual_seed(6);
  const auto codes = at::randn({7, 3});
  const auto rows = codes / codes.norm(2, 1, true);
  EXPECT_TRUE(at::equal(tree.soft_path(rows), other.soft_path(rows)));
  EXPECT_TRUE(at::equal(tree.path(rows), other.path(rows)));
  EXPECT_TRUE(at::equal(tree.known_level(rows), other.known_level(rows)));
  for (std::int64_t l = 0; l < 2; ++l)
    EXPECT_TRUE(at::equal(tree.attributes(l), other.attributes(l))) << l;
}

TEST(TreeFile, RefusesWhatDoesNotFitAndChangesNothing) {
  const auto file = tree_file(grown({8, 3}, 3, 5), 64, 9);
  const auto refused = [&](const std::vector<std::int64_t>& prototypes, std::int64_t dimension,
                           std::int64_t attributes, const char* part) {
    PrototypeTree tree({.prototypes = prototypes}, dimension, attributes);
    EXPECT_CHIARO_ERROR(take_tree_file(file, "some.chiaro", tree), Bundle, part);
    EXPECT_FALSE(tree.built());
  };
  refused({8, 4, 2}, 3, 5, "a tree of 2 levels; expected 3");
  refused({6, 3}, 3, 5, "8 prototypes on level 1; expected 1 to 6");
  refused({8, 3}, 4, 5, "'2.centroids' does not fit; got F32 (3, 3); expected F32 (3, 4)");
  refused({8, 3}, 3, 6, "'2.kinds'");
  PrototypeTree tree({.prototypes = {8, 3}}, 3, 5);
  EXPECT_CHIARO_ERROR(take_tree_file({file.begin(), file.end() - 4}, "some.chiaro", tree), Bundle,
                      "some.chiaro");
}

// Parents that the level above has not, values that are no numbers.
TEST(TreeFile, RefusesDamagedValues) {
  PrototypeTree tree = grown({8, 3}, 3, 5);
  PrototypeTree other({.prototypes = {8, 3}}, 3, 5);
  tree.named_buffers()["parents0"][0] = 3;
  EXPECT_CHIARO_ERROR(take_tree_file(tree_file(tree, 64, 9), "t", other), Bundle, "'1.parents'");
  tree = grown({8, 3}, 3, 5);
  tree.named_buffers()["temperatures1"][0] = std::nan("");
  EXPECT_CHIARO_ERROR(take_tree_file(tree_file(tree, 64, 9), "t", other), Bundle, "not finite");
}

TEST(TreeFile, RefusesATreeThatIsNotThere) {
  EXPECT_CHIARO_ERROR(tree_file(PrototypeTree({}, 3, 4), 64, 9), Usage, "not been built");
}

}  // namespace
}  // namespace chiaro::nn::tree_file_test
