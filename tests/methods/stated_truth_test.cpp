#include "chiaro/methods/stated_truth.h"

#include <array>
#include <cstdint>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace chiaro::methods::stated_truth_test {
namespace {

data::Batch batch_of(const std::vector<std::int64_t>& scenes, std::uint64_t first_seed = 0) {
  data::Batch batch;
  batch.content = at::tensor(scenes, at::kLong);
  for (std::size_t i = 0; i < scenes.size(); ++i) batch.seeds.push_back(first_seed + i);
  return batch;
}

/// Row i is i.
at::Tensor numbered(std::int64_t rows) {
  return at::arange(rows, at::kFloat).unsqueeze(1);
}

TEST(CodesOfOthers, ComeFromOtherScenes) {
  const std::vector<std::int64_t> scenes{3, 3, 3, 8, 8, 9};
  const auto told = codes_of_others(numbered(6), batch_of(scenes), 1);
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const auto partner = told[static_cast<std::int64_t>(i)][0].item<std::int64_t>();
    EXPECT_NE(scenes[static_cast<std::size_t>(partner)], scenes[i]) << i;
  }
  EXPECT_TRUE(at::equal(told, codes_of_others(numbered(6), batch_of(scenes), 1)));
}

TEST(CodesOfOthers, OfOneSceneComeFromItsOtherSamples) {
  const auto told = codes_of_others(numbered(4), batch_of({5, 5, 5, 5}), 1);
  for (int i = 0; i < 4; ++i) EXPECT_NE(told[i][0].item<int>(), i);
  EXPECT_EQ(codes_of_others(numbered(1), batch_of({5}), 1)[0][0].item<int>(), 0);
}

/// Every place is as likely: a fixed one would tell a sample's own damage, because samples come in
/// a regular order.
TEST(CodesOfOthers, AreDrawnEvenly) {
  constexpr int kBatches = 900;
  std::array<int, 4> taken{};
  for (std::uint64_t b = 0; b < kBatches; ++b) {
    const auto told = codes_of_others(numbered(4), batch_of({0, 1, 2, 3}, 10 * b), 7);
    ++taken.at(static_cast<std::size_t>(told[0][0].item<std::int64_t>()));
  }
  EXPECT_EQ(taken[0], 0);
  for (std::size_t i = 1; i < taken.size(); ++i) EXPECT_NEAR(taken[i], kBatches / 3, 60) << i;
}

}  // namespace
}  // namespace chiaro::methods::stated_truth_test
