#include "chiaro/nn/block_matching.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "tests/support/expect_error.h"

namespace chiaro::nn::block_matching_test {
namespace {

using Place = std::pair<std::int64_t, std::int64_t>;

std::vector<Place> list(const Places& places) {
  std::vector<Place> result;
  for (std::int64_t k = 0; k < places.centres.size(0); ++k)
    result.emplace_back(places.centres[k][0].item<std::int64_t>(),
                        places.centres[k][1].item<std::int64_t>());
  return result;
}

std::set<Place> set_of(const Places& places) {
  const auto all = list(places);
  return {all.begin(), all.end()};
}

class BlockMatchingTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(4); }
};

// Six copies of one texture in noise, all within the window: all six are found, the reference
// first.
TEST_F(BlockMatchingTest, FindsPlantedPatches) {
  auto picture = at::rand({3, 96, 96});
  const auto texture = at::rand({3, 16, 16});
  const std::set<Place> planted{{40, 40}, {40, 58}, {57, 31}, {58, 50}, {22, 59}, {56, 66}};
  for (const auto& [row, column] : planted)
    picture.slice(1, row - 8, row + 8).slice(2, column - 8, column + 8).copy_(texture);
  // One with a little noise of its own: what counts is the rank.
  picture.slice(1, 14, 22).slice(2, 51, 67).add_(at::randn({3, 8, 16}), 0.02);
  for (const Reference reference : {Reference{40, 40}, Reference{56, 66}}) {
    const auto found = match_blocks(picture, {.window_px = 90, .count = 6}, reference);
    EXPECT_EQ(list(found).front(), (Place{reference.row, reference.column}));
    EXPECT_EQ(set_of(found), planted);
  }
}

// Against two loops, for a picture with several channels and a window cut off by its border.
TEST_F(BlockMatchingTest, EqualsAnExhaustiveSearch) {
  const auto picture = at::rand({2, 24, 30});
  const BlockMatching options{.patch_px = 6, .window_px = 14, .count = 12};
  const auto patch = [&](std::int64_t i, std::int64_t j) {
    return picture.slice(1, i - 3, i + 3).slice(2, j - 3, j + 3);
  };
  for (const Reference reference : {Reference{6, 6}, Reference{12, 15}, Reference{18, 24}}) {
    std::vector<std::pair<double, Place>> order;
    const auto end = [](std::int64_t centre, std::int64_t side) {
      return centre + 7 + 3 > side ? side - 3 : centre + 7;
    };
    const auto start = [](std::int64_t centre) { return centre - 7 - 3 < 0 ? 3 : centre - 7; };
    for (auto i = start(reference.row); i < end(reference.row, 24); ++i) {
      for (auto j = start(reference.column); j < end(reference.column, 30); ++j) {
        const auto apart = patch(i, j) - patch(reference.row, reference.column);
        order.push_back({apart.norm().item<double>(), {i, j}});
      }
    }
    std::ranges::sort(order);
    std::set<Place> nearest;
    std::set<Place> farthest;
    for (std::size_t k = 0; k < 12; ++k) {
      nearest.insert(order[k].second);
      farthest.insert(order[order.size() - 1 - k].second);
    }
    EXPECT_EQ(set_of(match_blocks(picture, options, reference)), nearest);
    auto reverse = options;
    reverse.match = Match::Farthest;
    EXPECT_EQ(set_of(match_blocks(picture, reverse, reference)), farthest);
  }
}

TEST_F(BlockMatchingTest, OnASmoothPictureTheNearestAreNeighbours) {
  const auto across = at::linspace(0, 1, 64).view({1, 1, 64}).expand({1, 64, 64});
  const auto ramp = at::cat({across, across.transpose(1, 2)});  // no two places alike
  const auto reach = [](const std::vector<Place>& places) {
    std::int64_t furthest = 0;
    for (const auto& [i, j] : places)
      furthest = std::max({furthest, std::abs(i - 32), std::abs(j - 32)});
    return furthest;
  };
  EXPECT_LE(reach(list(match_blocks(ramp, {}, {32, 32}))), 4);
  const auto spread = list(match_blocks(ramp, {.spacing_px = 5}, {32, 32}));
  ASSERT_EQ(spread.size(), 8u);
  EXPECT_GT(reach(spread), 4);
  for (std::size_t a = 0; a < spread.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_GE(std::max(std::abs(spread[a].first - spread[b].first),
                         std::abs(spread[a].second - spread[b].second)),
                5);
    }
  }
}

// No damage at all: every distance is zero.
TEST_F(BlockMatchingTest, TiesAreResolvedAlike) {
  const auto nothing = at::zeros({3, 48, 48});
  const auto places = list(match_blocks(nothing, {.count = 3}, {20, 20}));
  EXPECT_EQ(places, (std::vector<Place>{{20, 20}, {8, 8}, {8, 9}}));
}

TEST_F(BlockMatchingTest, ReferencesKeepAPatchFromTheBorder) {
  Rng rng(3);
  std::int64_t low = 1000;
  std::int64_t high = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto place = draw_reference(64, 48, {}, rng);
    low = std::min(low, place.row);
    high = std::max(high, place.row);
    EXPECT_TRUE(place.column >= 16 && place.column <= 32) << place.column;
  }
  EXPECT_EQ(low, 16);
  EXPECT_EQ(high, 48);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(draw_reference(17, 64, {}, rng).row, 8);
}

TEST_F(BlockMatchingTest, SamplesArePureInTheGenerator) {
  const auto picture = at::rand({3, 64, 64});
  for (const Match match : {Match::Nearest, Match::Farthest, Match::Random}) {
    const auto once = [&](std::uint64_t seed) {
      Rng rng(seed);
      return list(sample_places(picture, {.match = match}, rng));
    };
    EXPECT_EQ(once(1), once(1));
    EXPECT_NE(once(1), once(2));
  }
}

TEST_F(BlockMatchingTest, RandomPlacesAreDifferentAndEverywhere) {
  Rng rng(1);
  const auto places = sample_places(at::rand({3, 20, 24}),
                                    {.patch_px = 4, .count = 16 * 20, .match = Match::Random}, rng);
  EXPECT_EQ(set_of(places).size(), 16u * 20u);  // all there are
}

TEST_F(BlockMatchingTest, RefusesWhatHasNoRoom) {
  Rng rng(1);
  EXPECT_CHIARO_ERROR(draw_reference(16, 64, {}, rng), Usage, "no room for patches");
  EXPECT_EQ(fewest_candidates(256, 256, {}), 28 * 28);
  EXPECT_CHIARO_ERROR(match_blocks(at::rand({3, 64, 64}), {.count = 785}, {32, 32}), Usage,
                      "785 wanted places");
  EXPECT_EQ(list(match_blocks(at::rand({3, 64, 64}), {.count = 784}, {32, 32})).size(), 784u);
  EXPECT_CHIARO_ERROR(match_blocks(at::rand({3, 64, 64}), {}, {4, 32}), Internal, "no patch");
}

TEST_F(BlockMatchingTest, VectorsComeFromTheCellUnderThePlace) {
  const Places places{at::tensor({0, 0, 31, 63, 32, 10}).to(at::kLong).view({3, 2}), 64, 64};
  const auto map = at::arange(2 * 7 * 7, at::kFloat).view({2, 7, 7}).requires_grad_(true);
  const auto vectors = vectors_at(map, places);
  ASSERT_EQ(vectors.sizes(), (at::IntArrayRef{3, 2}));
  EXPECT_EQ(vectors[0][0].item<double>(), 0);
  EXPECT_EQ(vectors[1][1].item<double>(), 49 + 3 * 7 + 6);  // ⌊31·7/64⌋ = 3, ⌊63·7/64⌋ = 6
  EXPECT_EQ(vectors[2][0].item<double>(), 3 * 7 + 1);
  vectors.sum().backward();
  EXPECT_EQ(map.grad().sum().item<double>(), 6);
}

}  // namespace
}  // namespace chiaro::nn::block_matching_test
