#include "chiaro/nn/prototype_tree.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::nn::prototype_tree_test {
namespace {

/// Unit vectors in the plane by their angles.
at::Tensor at_degrees(const std::vector<double>& degrees) {
  const auto angle = at::tensor(degrees, at::kDouble) * (std::numbers::pi / 180);
  return at::stack({angle.cos(), angle.sin()}, 1).to(at::kFloat);
}

void expect_near(const at::Tensor& got, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(got.numel(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(got.view(-1)[static_cast<std::int64_t>(i)].item<double>(), expected[i], tolerance)
        << i;
}

// Golden values, computed apart from this program from the equations in the header.
TEST(Concentration, GoldenValues) {
  const auto distances = at::tensor({0.2, 0.3, 0.4, 0.5, 0.1, 0.2}, at::kDouble);
  const auto owner = at::tensor({0, 0, 0, 1, 2, 2}, at::kLong);
  expect_near(concentration(distances, owner, 3, 0.2), {0.229631, 0.229631, 0.140737}, 1e-6);
}

TEST(Concentration, MeanIsTheTemperature) {
  Rng rng(2);
  std::vector<double> distances;
  std::vector<std::int64_t> owner;
  for (int i = 0; i < 200; ++i) {
    owner.push_back(rng.integer(0, 14));
    distances.push_back(rng.uniform(0.1, 1));
  }
  const auto tau =
      concentration(at::tensor(distances, at::kDouble), at::tensor(owner, at::kLong), 15, 0.3);
  EXPECT_NEAR(tau.mean().item<double>(), 0.3, 1e-6);
}

TEST(Concentration, WithoutSpreadAllAreAlike) {
  const auto alone = at::arange(4, at::kLong);
  expect_near(concentration(at::zeros({4}), alone, 4, 0.2), {0.2, 0.2, 0.2, 0.2}, 1e-7);
  expect_near(concentration(at::zeros({4}), alone.div(2, "floor"), 2, 0.2), {0.2, 0.2}, 1e-7);
}

TEST(KeepProbability, GoldenValues) {
  const auto prototypes = at_degrees({0, 60, 180});
  const auto owner = at::arange(3, at::kLong);
  const auto own = at::tensor({0.2, 0.1, 0.3}, at::kFloat);
  expect_near(keep_probability(at_degrees({30}), prototypes, own, owner),
              {0.987005, 0.013004, 0.999}, 1e-5);
  expect_near(keep_probability(at_degrees({30}), prototypes, at::full({3}, 0.2), owner),
              {1 - 0.499957, 1 - 0.499957, 0.999}, 1e-5);
  // A candidate on top of the owner's prototype, beside nothing else: never below the floor.
  expect_near(keep_probability(at_degrees({0}), at_degrees({0}), at::full({1}, 0.2),
                               at::zeros({1}, at::kLong), 1e-4),
              {1e-4}, 1e-8);
}

/// Two families of two kinds each on the circle, five codes to a kind.
at::Tensor four_kinds() {
  std::vector<double> angles;
  for (const double centre : {0.0, 20.0, 180.0, 200.0})
    for (int i = -2; i <= 2; ++i) angles.push_back(centre + i);
  return at_degrees(angles);
}

PrototypeTree built_tree() {
  PrototypeTree tree({.prototypes = {4, 2}}, 2, 1);
  tree.build(four_kinds(), at::arange(20, at::kFloat).div(5, "floor").unsqueeze(1), 1);
  return tree;
}

TEST(PrototypeTree, FindsKindsAndFamilies) {
  const auto tree = built_tree();
  ASSERT_EQ(tree.prototypes(0).size(0), 4);
  ASSERT_EQ(tree.prototypes(1).size(0), 2);
  const auto path = tree.path(four_kinds());
  for (std::int64_t kind = 0; kind < 4; ++kind) {
    const auto mine = path.narrow(0, 5 * kind, 5);
    EXPECT_TRUE(mine.eq(mine[0]).all().item<bool>()) << kind;
    const auto node = mine[0][0].item<std::int64_t>();
    EXPECT_EQ(tree.attributes(0)[node][0].item<double>(), static_cast<double>(kind));
    EXPECT_EQ(tree.parents(0)[node].item<std::int64_t>(), mine[0][1].item<std::int64_t>());
  }
  EXPECT_EQ(path[0][1].item<std::int64_t>(), path[5][1].item<std::int64_t>());
  EXPECT_NE(path[0][1].item<std::int64_t>(), path[10][1].item<std::int64_t>());
  // A family has the mean attribute of its members.
  EXPECT_EQ(tree.attributes(1)[path[0][1].item<std::int64_t>()][0].item<double>(), 0.5);
}

// Mixing prototypes by closeness: between two equally close ones their mean.
TEST(PrototypeTree, SoftPathMixesPrototypes) {
  PrototypeTree tree({.prototypes = {2}, .common_temperature = true}, 2);
  tree.build(at_degrees({-30, -30, 30, 30}), at::zeros({4, 0}), 1);
  const auto soft = tree.soft_path(at_degrees({0, 30}));
  EXPECT_EQ(soft.sizes(), (at::IntArrayRef{2, 2}));
  expect_near(soft[0], {std::cos(std::numbers::pi / 6), 0}, 1e-6);
  const double cosine = std::cos(std::numbers::pi / 3);
  const double share = 1 / (1 + std::exp((cosine - 1) / 0.2));
  expect_near(soft[1], {std::cos(std::numbers::pi / 6), 0.5 * (2 * share - 1)}, 1e-6);
}

// Inside a kind: known at the finest level; between kinds of a family: at the family; elsewhere:
// not.
TEST(PrototypeTree, BacksOffFromWhatItDoesNotKnow) {
  const auto known = built_tree().known_level(at_degrees({0, 10, 100}));
  EXPECT_EQ(known[0].item<std::int64_t>(), 0);
  EXPECT_EQ(known[1].item<std::int64_t>(), 1);
  EXPECT_EQ(known[2].item<std::int64_t>(), 2);
}

TEST(PrototypeTree, FewOrEqualCodesGiveSmallTrees) {
  PrototypeTree tree({.prototypes = {80, 20, 8}}, 2);
  tree.build(at_degrees({0, 90, 180}), at::zeros({3, 0}), 1);
  for (std::int64_t l = 0; l < 3; ++l) EXPECT_EQ(tree.prototypes(l).size(0), 1) << l;
  tree.build(at_degrees(std::vector<double>(50, 30.0)), at::zeros({50, 0}), 1);
  for (std::int64_t l = 0; l < 3; ++l) EXPECT_EQ(tree.prototypes(l).size(0), 1) << l;
  EXPECT_EQ(tree.temperatures(0)[0].item<float>(), 0.2F);
  EXPECT_EQ(tree.known_level(at_degrees({120})).item<std::int64_t>(), 3);
}

TEST(PrototypeTree, DissolvesSmallClusters) {
  std::vector<double> angles = {90.0};  // alone
  for (int i = 0; i < 20; ++i) angles.push_back(i < 10 ? i : 180 + i);
  PrototypeTree all({.prototypes = {3}}, 2);
  all.build(at_degrees(angles), at::zeros({21, 0}), 1);
  EXPECT_EQ(all.prototypes(0).size(0), 3);
  PrototypeTree large({.prototypes = {3}, .least_members = 5}, 2);
  large.build(at_degrees(angles), at::zeros({21, 0}), 1);
  EXPECT_EQ(large.prototypes(0).size(0), 2);
}

TEST(PrototypeTree, SameSeedSameTree) {
  Rng rng(1);
  std::vector<double> angles;
  for (int i = 0; i < 200; ++i) angles.push_back(rng.uniform(0, 360));
  const auto made = [&](std::uint64_t seed) {
    PrototypeTree tree({.prototypes = {20, 5}}, 2);
    tree.build(at_degrees(angles), at::zeros({200, 0}), seed);
    return tree.centroids(0).clone();
  };
  EXPECT_TRUE(at::equal(made(1), made(1)));
  EXPECT_FALSE(at::equal(made(1), made(2)));
}

TEST(PrototypeTree, RefusesWhatIsNoTree) {
  EXPECT_CHIARO_ERROR(PrototypeTree({.prototypes = {}}, 2), Usage, "at least one level");
  EXPECT_CHIARO_ERROR(PrototypeTree({.prototypes = {4, 9}}, 2), Usage, "(4, 9)");
  PrototypeTree tree({.prototypes = {4}}, 2);
  EXPECT_FALSE(tree.built());
  EXPECT_CHIARO_ERROR(tree.path(at_degrees({0})), Internal, "not been built");
  EXPECT_CHIARO_ERROR(tree.build(at::ones({3, 5}), at::zeros({3, 0}), 1), Internal, "(N,2)");
}

}  // namespace
}  // namespace chiaro::nn::prototype_tree_test
