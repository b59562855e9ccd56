#include "chiaro/nn/kmeans.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::nn::kmeans_test {
namespace {

at::Tensor noise(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Rng rng(seed);
  at::Tensor values = at::empty({rows, columns}, at::kFloat);
  float* value = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) *value++ = static_cast<float>(rng.normal());
  return values;
}

TEST(Kmeans, FindsBlobsThatStandApart) {
  const auto truth = at::arange(200, at::kLong) % 5;
  const auto points = 10 * at::eye(5, 8).index_select(0, truth) + 0.1 * noise(200, 8, 1);
  const auto found = kmeans(points, {.clusters = 5, .seed = 4});
  for (std::int64_t c = 0; c < 5; ++c) {
    const auto mine = found.owner.masked_select(truth.eq(c));
    EXPECT_TRUE(mine.eq(mine[0]).all().item<bool>()) << c;
    const auto mean = points.index_select(0, truth.eq(c).nonzero().view(-1)).mean(0);
    EXPECT_LT((found.centroids[mine[0].item<std::int64_t>()] - mean).abs().max().item<double>(),
              1e-5);
  }
  EXPECT_NEAR(found.objective, 200 * 8 * 0.01, 3);
}

// Lloyd's fixed point: every point is with its nearest centroid, every centroid is a mean.
TEST(Kmeans, EndsWhereNothingMoves) {
  const auto points = noise(120, 3, 2);
  const auto found = kmeans(points, {.clusters = 6, .iterations = 200, .restarts = 1});
  EXPECT_TRUE(at::equal(found.owner, at::cdist(points, found.centroids).argmin(1)));
  for (std::int64_t c = 0; c < found.centroids.size(0); ++c) {
    const auto mine = points.index_select(0, found.owner.eq(c).nonzero().view(-1));
    EXPECT_LT((mine.mean(0) - found.centroids[c]).abs().max().item<double>(), 1e-5) << c;
  }
}

TEST(Kmeans, TheSeedAloneDecides) {
  const auto points = noise(300, 16, 3);
  const auto one = kmeans(points, {.clusters = 12, .seed = 9});
  const auto same = kmeans(points, {.clusters = 12, .seed = 9});
  EXPECT_TRUE(at::equal(one.centroids, same.centroids));
  EXPECT_TRUE(at::equal(one.owner, same.owner));
  const auto other = kmeans(points, {.clusters = 12, .seed = 10});
  EXPECT_FALSE(at::equal(one.centroids, other.centroids));
}

TEST(Kmeans, MoreRestartsAreNeverWorse) {
  const auto points = noise(200, 4, 5);
  double before = std::numeric_limits<double>::infinity();
  for (const std::int64_t restarts : {1, 3, 8}) {
    const double now = kmeans(points, {.clusters = 10, .restarts = restarts}).objective;
    EXPECT_LE(now, before);
    before = now;
  }
}

TEST(Kmeans, NoClusterIsEmpty) {
  const auto twos = at::eye(2, 3).index_select(0, at::arange(10, at::kLong) % 2);
  EXPECT_EQ(kmeans(twos, {.clusters = 7}).centroids.size(0), 2);
  EXPECT_EQ(kmeans(at::ones({9, 4}), {.clusters = 5}).centroids.size(0), 1);
  const auto few = noise(3, 4, 6);
  const auto found = kmeans(few, {.clusters = 100});
  EXPECT_EQ(found.centroids.size(0), 3);
  EXPECT_NEAR(found.objective, 0, 1e-9);
}

TEST(Kmeans, RefusesWhatCannotBeClustered) {
  EXPECT_CHIARO_ERROR(kmeans(at::ones({0, 4}), {}), Internal, "[nn.kmeans]");
  EXPECT_CHIARO_ERROR(kmeans(at::ones({4, 2}), {.clusters = 0}), Internal, "[nn.kmeans]");
  EXPECT_CHIARO_ERROR(kmeans(at::full({4, 2}, std::nan("")), {.clusters = 2}), CheckFailed,
                      "not finite");
}

}  // namespace
}  // namespace chiaro::nn::kmeans_test
