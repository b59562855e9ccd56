// Against scikit-learn and scipy (cluster_baselines.h), closed forms and bad input.
#include "chiaro/losses/cluster_agreement.h"

#include <gtest/gtest.h>

#include <cmath>

#include "chiaro/base/rng.h"
#include "tests/losses/cluster_baselines.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::cluster_agreement_test {
namespace {

std::vector<std::int64_t> labels(std::int64_t count, std::int64_t clusters, std::int64_t step) {
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i < count; ++i) list.push_back((i * i + step * i) / 7 % clusters);
  return list;
}

Paths tree(std::int64_t count, const std::vector<std::int64_t>& sizes, std::int64_t step) {
  Paths levels = {labels(count, sizes[0], step)};
  for (std::size_t l = 1; l < sizes.size(); ++l) {
    levels.push_back(levels[0]);
    for (auto& node : levels.back()) node = node * sizes[l] / sizes[0];
  }
  return levels;
}

TEST(ClusterAgreement, AgreesWithScikitLearn) {
  for (const auto& row : kClusterBaselines) {
    const auto u = labels(row.count, row.clusters, row.cluster_step);
    const auto v = labels(row.count, row.classes, row.class_step);
    EXPECT_NEAR(normalised_information(u, v), row.nmi, 1e-12) << row.count;
    EXPECT_NEAR(adjusted_information(u, v), row.ami, 1e-10) << row.count;
    EXPECT_NEAR(purity(u, v), row.purity, 1e-12) << row.count;
  }
}

TEST(ClusterAgreement, TreesAgreeWithPairByPairCounting) {
  for (const auto& row : kTreeBaselines) {
    const std::vector<std::int64_t> sizes = {row.finest, row.middle, row.coarsest};
    const Paths levels = tree(row.count, sizes, row.step);
    EXPECT_NEAR(dendrogram_purity(levels, labels(row.count, row.classes, row.class_step)),
                row.purity, 1e-12);
    EXPECT_NEAR(tree_agreement(levels, tree(row.count, sizes, row.other_step)), row.agreement,
                1e-12);
  }
}

TEST(ClusterAgreement, DoesNotCareWhatLabelsAreCalled) {
  const std::vector<std::int64_t> u = {7, 7, -3, -3, 1000};
  const std::vector<std::int64_t> v = {0, 0, 1, 1, 2};
  EXPECT_NEAR(normalised_information(u, v), 1, 1e-12);
  EXPECT_EQ(adjusted_information(u, v), 1);
  EXPECT_EQ(purity(u, v), 1);
}

// Many random clusters look informative to NMI; AMI knows that they are not.
TEST(ClusterAgreement, OnlyAdjustedInformationSeesThroughManyClusters) {
  Rng rng(3);
  std::vector<std::int64_t> many;
  std::vector<std::int64_t> classes;
  for (int i = 0; i < 300; ++i) {
    many.push_back(rng.integer(0, 99));
    classes.push_back(rng.integer(0, 9));
  }
  EXPECT_GT(normalised_information(many, classes), 0.3);
  EXPECT_NEAR(adjusted_information(many, classes), 0, 0.05);
}

TEST(ClusterAgreement, OneClusterAndSinglesAreDefined) {
  const std::vector<std::int64_t> one = {4, 4, 4};
  const std::vector<std::int64_t> singles = {0, 1, 2};
  EXPECT_EQ(normalised_information(one, one), 1);
  EXPECT_EQ(adjusted_information(one, one), 1);
  EXPECT_EQ(adjusted_information(singles, singles), 1);
  EXPECT_NEAR(adjusted_information(one, singles), 0, 1e-12);
}

TEST(ClusterAgreement, APerfectTreeIsPure) {
  const Paths levels = {{0, 0, 1, 1, 2, 2, 3, 3}, {0, 0, 0, 0, 1, 1, 1, 1}};
  EXPECT_EQ(dendrogram_purity(levels, std::vector<std::int64_t>{5, 5, 5, 5, 6, 6, 6, 6}), 1);
  EXPECT_NEAR(tree_agreement(levels, levels), 1, 1e-12);
  // Both classes in every leaf: pairs meet in leaves of which half are theirs, or above.
  EXPECT_NEAR(dendrogram_purity(levels, std::vector<std::int64_t>{0, 1, 0, 1, 0, 1, 0, 1}), 0.5,
              1e-12);
}

TEST(ClusterAgreement, WhatHasNoValueIsNaN) {
  const Paths flat = {{0, 0, 0}};
  EXPECT_TRUE(std::isnan(dendrogram_purity(flat, std::vector<std::int64_t>{0, 1, 2})));
  EXPECT_TRUE(std::isnan(tree_agreement(flat, {{0, 1, 2}})));
  EXPECT_TRUE(std::isnan(tree_agreement({{0}}, {{0}})));
}

TEST(ClusterAgreement, RefusesCountsThatDiffer) {
  const std::vector<std::int64_t> two = {0, 1};
  const std::vector<std::int64_t> three = {0, 1, 2};
  EXPECT_CHIARO_ERROR(purity(two, three), Internal, "2 and 3 labels");
  EXPECT_CHIARO_ERROR(adjusted_information({}, {}), Internal, "at least one");
  EXPECT_CHIARO_ERROR(dendrogram_purity({two}, three), Internal, "levels of 3 samples");
  EXPECT_CHIARO_ERROR(tree_agreement({}, {two}), Internal, "levels");
}

}  // namespace
}  // namespace chiaro::losses::cluster_agreement_test
