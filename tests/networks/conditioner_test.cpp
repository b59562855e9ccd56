#include "chiaro/networks/conditioner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace chiaro::networks::conditioner_test {
namespace {

ConditionLayout layout(std::int64_t view, std::int64_t whole) {
  ConditionLayout made;
  made.view_px = view;
  made.whole_px = whole;
  made.max_views = 9;
  made.whole_alignment_px = 4;
  return made;
}

/// Each pixel tells its place: channel 0 the row, channel 1 the column.
at::Tensor places(std::int64_t height, std::int64_t width) {
  const auto rows =
      at::arange(height, at::kFloat).view({1, 1, height, 1}).expand({1, 1, height, width});
  const auto columns =
      at::arange(width, at::kFloat).view({1, 1, 1, width}).expand({1, 1, height, width});
  return at::cat({rows, columns, at::zeros_like(rows)}, 1);
}

TEST(CutViews, LieInTheMiddleOfEqualCells) {
  // 40×100 with views of 16: ⌈40/32⌉ = 2 rows, ⌈100/32⌉ = 4 columns, of which 3 are allowed.
  const auto views = cut_views(places(40, 100), layout(16, 200)).native;
  ASSERT_EQ(views.sizes(), (at::IntArrayRef{1, 6, 3, 16, 16}));
  const auto corner = [&](std::int64_t v) {
    return std::pair{views[0][v][0][0][0].item<float>(), views[0][v][1][0][0].item<float>()};
  };
  EXPECT_EQ(corner(0), std::pair(2.0F, 9.0F));    // centres 10 and 16.67, less 8
  EXPECT_EQ(corner(1), std::pair(2.0F, 42.0F));   // centre 50
  EXPECT_EQ(corner(5), std::pair(22.0F, 75.0F));  // centres 30 and 83.33
}

TEST(CutViews, SmallPicturesAreMirrored) {
  const auto views = cut_views(places(5, 3), layout(8, 64));
  ASSERT_EQ(views.native.sizes(), (at::IntArrayRef{1, 1, 3, 8, 8}));
  const auto rows = views.native[0][0][0].select(1, 0);
  EXPECT_TRUE(at::equal(rows, at::tensor({0.F, 1.F, 2.F, 3.F, 4.F, 3.F, 2.F, 1.F})));
  const auto columns = views.native[0][0][1].select(0, 0);
  EXPECT_TRUE(at::equal(columns, at::tensor({0.F, 1.F, 2.F, 1.F, 0.F, 1.F, 2.F, 1.F})));
  EXPECT_EQ(views.whole.sizes(), (at::IntArrayRef{1, 3, 8, 4}));
  EXPECT_EQ(cut_views(at::rand({1, 3, 1, 1}), layout(8, 64)).native.size(4), 8);
}

TEST(CutViews, TheWholeIsReducedByMeans) {
  const auto x = at::rand({2, 3, 32, 64});
  const auto whole = cut_views(x, layout(16, 16)).whole;
  ASSERT_EQ(whole.sizes(), (at::IntArrayRef{2, 3, 8, 16}));
  EXPECT_TRUE(at::allclose(whole, at::avg_pool2d(x, {4, 4}), 1e-5, 1e-6));
}

}  // namespace
}  // namespace chiaro::networks::conditioner_test
