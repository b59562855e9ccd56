#include "chiaro/nn/windows.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <set>

#include "tests/support/expect_error.h"

namespace chiaro::nn::windows_test {
namespace {

TEST(Windows, AreCutPictureByPictureRowByRow) {
  // The value of a pixel is its place: picture·10000 + row·100 + column.
  const at::Tensor row = at::arange(6, at::kFloat).view({1, 6, 1, 1}) * 100;
  const at::Tensor column = at::arange(9, at::kFloat).view({1, 1, 9, 1});
  const at::Tensor map = at::arange(2, at::kFloat).view({2, 1, 1, 1}) * 10000 + row + column;
  const at::Tensor windows = to_windows(map, 3);
  ASSERT_EQ(windows.sizes(), (at::IntArrayRef{2 * 2 * 3, 9, 1}));
  // The last window of the first row of the second picture, its token in row 1, column 2.
  EXPECT_EQ((windows[6 + 2][3 + 2][0].item<float>()), 10000 + 100 + 8);
  EXPECT_TRUE(at::equal(from_windows(windows, 3, 6, 9), map));
}

TEST(Windows, RefuseAMapThatTheyDoNotCover) {
  EXPECT_CHIARO_ERROR(to_windows(at::zeros({1, 8, 9, 2}), 4), Usage,
                      "windows of 4 x 4 pixels; got 9 x 8; expected multiples");
}

TEST(Attend, ComputesTheSoftmaxOfEveryHeadByItself) {
  torch::manual_seed(3);
  const at::Tensor query = at::randn({6, 4, 6});
  const at::Tensor key = at::randn({6, 4, 6});
  const at::Tensor value = at::randn({6, 4, 6});
  const at::Tensor bias = at::randn({3, 2, 4, 4});  // three windows a picture, two heads
  const at::Tensor got = attend(query, key, value, 2, bias);
  for (std::int64_t b = 0; b < 6; ++b) {
    for (std::int64_t head = 0; head < 2; ++head) {
      const auto of = [&](const at::Tensor& x) { return x[b].narrow(1, 3 * head, 3); };
      const at::Tensor weights =
          (at::mm(of(query), of(key).t()) / std::sqrt(3.0) + bias[b % 3][head]).exp();
      const at::Tensor expected = at::mm(weights / weights.sum(1, true), of(value));
      EXPECT_TRUE(at::allclose(of(got), expected, 1e-4, 1e-5));
    }
  }
  const at::Tensor one = attend(query, key, value, 2, bias[1]);
  EXPECT_TRUE(at::allclose(one[4], got[4], 1e-5, 1e-6));
  EXPECT_FALSE(at::allclose(one[3], got[3], 1e-3, 1e-3));
}

TEST(RelativeBias, DependsOnTheDifferenceOfPlacesAlone) {
  torch::manual_seed(3);
  RelativeBias bias(3, 2);
  EXPECT_NEAR(bias->named_parameters()["table"].std().item<double>(), 0.02, 0.01);
  const at::Tensor all = bias->forward();
  ASSERT_EQ(all.sizes(), (at::IntArrayRef{2, 9, 9}));
  std::set<float> values;
  for (std::int64_t from = 0; from < 9; ++from) {
    for (std::int64_t to = 0; to < 9; ++to) {
      values.insert(all[0][from][to].item<float>());
      // The table is (Δrow, Δcolumn) from (−2,−2) on.
      const std::int64_t row = (from / 3 - to / 3 + 2) * 5 + from % 3 - to % 3 + 2;
      for (std::int64_t head = 0; head < 2; ++head)
        EXPECT_EQ(all[head][from][to].item<float>(),
                  bias->named_parameters()["table"][row][head].item<float>());
    }
  }
  EXPECT_EQ(values.size(), 25U);
}

}  // namespace
}  // namespace chiaro::nn::windows_test
