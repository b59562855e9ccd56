#include "chiaro/methods/crop_pairs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/support/expect_error.h"

namespace chiaro::methods {
namespace {

std::vector<std::uint64_t> seeds(std::uint64_t count) {
  std::vector<std::uint64_t> list(count);
  for (std::uint64_t i = 0; i < count; ++i) list[i] = i;
  return list;
}

TEST(CropPairs, ShareNoPixelWhereThatIsForbidden) {
  for (const std::int64_t window : {16, 19, 40}) {
    const CropPairs pairs(window, 8, seeds(300), 1, Overlap::Forbidden);
    std::set<std::int64_t> rows;
    for (const auto& [a, b] : pairs.places()) {
      EXPECT_TRUE(std::abs(a.y - b.y) >= 8 || std::abs(a.x - b.x) >= 8);
      for (const auto& place : {a, b}) {
        EXPECT_GE(std::min(place.y, place.x), 0);
        EXPECT_LE(std::max(place.y, place.x), window - 8);
        rows.insert(place.y);
      }
    }
    EXPECT_EQ(rows.size(), static_cast<std::size_t>(window - 8 + 1));  // no row is left out
  }
}

TEST(CropPairs, MayOverlapWhereThatIsAllowed) {
  const CropPairs pairs(12, 8, seeds(100), 1, Overlap::Allowed);
  bool differ = false;
  for (const auto& [a, b] : pairs.places()) differ |= a.y != b.y || a.x != b.x;
  EXPECT_TRUE(differ);
}

TEST(CropPairs, ArePureInTheSeedsOfMethodAndSample) {
  const auto windows = at::rand({2, 3, 24, 24});
  const auto cut = [&](std::vector<std::uint64_t> samples, std::uint64_t method) {
    return CropPairs(24, 8, samples, method, Overlap::Forbidden).cut(windows);
  };
  EXPECT_TRUE(at::equal(cut({7, 9}, 1), cut({7, 9}, 1)));
  EXPECT_FALSE(at::equal(cut({7, 9}, 1), cut({7, 9}, 2)));
  // A sample's crops do not depend on its neighbours in the batch.
  EXPECT_TRUE(at::equal(cut({7, 9}, 1)[0], cut({7, 5}, 1)[0]));
  EXPECT_FALSE(at::equal(cut({7, 9}, 1)[1], cut({7, 5}, 1)[1]));
}

TEST(CropPairs, AreCutWhereTheySay) {
  const auto windows = at::rand({2, 3, 24, 24});
  const CropPairs pairs(24, 8, {4, 5}, 1, Overlap::Forbidden);
  const auto crops = pairs.cut(windows);
  ASSERT_EQ(crops.sizes(), (at::IntArrayRef{4, 3, 8, 8}));
  const auto& second_of_first = pairs.places()[0][1];
  EXPECT_TRUE(at::equal(crops[2], windows[0]
                                      .slice(1, second_of_first.y, second_of_first.y + 8)
                                      .slice(2, second_of_first.x, second_of_first.x + 8)));
}

TEST(CropPairs, RefuseAWindowWithoutRoomForTwo) {
  EXPECT_CHIARO_ERROR(CropPairs(15, 8, {1}, 1, Overlap::Forbidden), Usage,
                      "data.context_px of at least 16");
  EXPECT_CHIARO_ERROR(CropPairs(8, 8, {1}, 1, Overlap::Allowed), Usage,
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
}  // namespace chiaro::methods
