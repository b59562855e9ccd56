#include "chiaro/methods/crop_pairs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/support/expect_error.h"

namespace chiaro::methods::crop_pairs_test {
namespace {

/// Windows of random pixels; inputs of `crop` are asked of them.
data::Batch windows(std::int64_t height, std::int64_t width, std::int64_t crop,
                    std::uint64_t count) {
  data::Batch batch;
  const auto samples = static_cast<std::int64_t>(count);
  batch.context = at::rand({samples, 3, height, width});
  batch.input = at::zeros({samples, 3, crop, crop});
  for (std::uint64_t i = 0; i < count; ++i) batch.seeds.push_back(i);
  return batch;
}

CropPairs pairs_of(const data::Batch& batch, Overlap overlap = Overlap::Forbidden,
                   std::uint64_t method_seed = 1) {
  return CropPairs(batch, 1, method_seed, overlap);
}

TEST(CropPairs, ShareNoPixelWhereThatIsForbidden) {
  for (const std::int64_t side : {16, 19, 40}) {
    const CropPairs pairs = pairs_of(windows(side, side, 8, 300));
    std::set<std::int64_t> rows;
    for (const auto& [a, b] : pairs.places()) {
      EXPECT_TRUE(std::abs(a.y - b.y) >= 8 || std::abs(a.x - b.x) >= 8);
      for (const auto& place : {a, b}) {
        EXPECT_GE(std::min(place.y, place.x), 0);
        EXPECT_LE(std::max(place.y, place.x), side - 8);
        rows.insert(place.y);
      }
    }
    EXPECT_EQ(rows.size(), static_cast<std::size_t>(side - 8 + 1));  // no row is left out
  }
}

TEST(CropPairs, MayOverlapWhereThatIsAllowed) {
  bool differ = false;
  const auto pairs = pairs_of(windows(12, 12, 8, 100), Overlap::Allowed);
  for (const auto& [a, b] : pairs.places()) differ |= a.y != b.y || a.x != b.x;
  EXPECT_TRUE(differ);
}

TEST(CropPairs, ArePureInTheSeedsOfMethodAndSample) {
  data::Batch batch = windows(24, 24, 8, 2);
  const auto cut = [&](std::vector<std::uint64_t> seeds, std::uint64_t method) {
    batch.seeds = std::move(seeds);
    return pairs_of(batch, Overlap::Forbidden, method).cut(batch.context);
  };
  EXPECT_TRUE(at::equal(cut({7, 9}, 1), cut({7, 9}, 1)));
  EXPECT_FALSE(at::equal(cut({7, 9}, 1), cut({7, 9}, 2)));
  // A sample's crops do not depend on its neighbours in the batch.
  EXPECT_TRUE(at::equal(cut({7, 9}, 1)[0], cut({7, 5}, 1)[0]));
  EXPECT_FALSE(at::equal(cut({7, 9}, 1)[1], cut({7, 5}, 1)[1]));
}

TEST(CropPairs, AreCutWhereTheySay) {
  const data::Batch batch = windows(24, 30, 8, 2);
  const CropPairs pairs = pairs_of(batch);
  const auto crops = pairs.cut(pairs.windows());
  ASSERT_EQ(crops.sizes(), (at::IntArrayRef{4, 3, 8, 8}));
  const auto& place = pairs.places()[0][1];
  EXPECT_TRUE(at::equal(
      crops[2], batch.context[0].slice(1, place.y, place.y + 8).slice(2, place.x, place.x + 8)));
}

TEST(CropPairs, HaveHalfTheSidesOfTheInputWhereThereIsNoMore) {
  data::Batch batch = windows(1, 1, 1, 3);
  batch.input = at::rand({3, 3, 17, 26});
  batch.context = at::Tensor();
  EXPECT_EQ(pairs_of(batch).cut(batch.input).sizes(), (at::IntArrayRef{6, 3, 8, 13}));
  const CropPairs aligned(batch, 4, 1, Overlap::Forbidden);
  EXPECT_EQ(aligned.cut(batch.input).sizes(), (at::IntArrayRef{6, 3, 8, 12}));
  EXPECT_CHIARO_ERROR(CropPairs(batch, 16, 1, Overlap::Forbidden), Usage, "at least 32");
}

TEST(CropPairs, RefuseAWindowWithoutRoomForTwo) {
  EXPECT_CHIARO_ERROR(pairs_of(windows(15, 15, 8, 1)), Usage, "data.context_px of at least 16");
  EXPECT_CHIARO_ERROR(pairs_of(windows(8, 9, 8, 1), Overlap::Allowed), Usage,
                      "data.context_px of at least 9");
}

TEST(PairMasks, LeaveOutOtherSamplesOfThePicture) {
  const auto content = at::tensor({5, 6, 5}, at::kLong);
  const PairMasks masks = pair_masks(content, false);
  // Row 0: crop one of sample 0. Candidates: its sister in row 3, sample 1 in rows 1 and 4.
  EXPECT_TRUE(at::equal(masks.positives[0], at::tensor({0, 0, 0, 1, 0, 0}).to(at::kBool)));
  EXPECT_TRUE(at::equal(masks.candidates[0], at::tensor({0, 1, 0, 1, 1, 0}).to(at::kBool)));
  const PairMasks all = pair_masks(content, true);
  EXPECT_TRUE(at::equal(all.candidates[0], at::tensor({0, 1, 1, 1, 1, 1}).to(at::kBool)));
}

}  // namespace
}  // namespace chiaro::methods::crop_pairs_test
