#include "chiaro/restore/margin.h"

#include <gtest/gtest.h>

namespace chiaro::restore::margin_test {
namespace {

Margin margin(int receptive_field_px, int alignment_px, int height, int width,
              bool global_statistics = false) {
  bundle::Manifest manifest;
  manifest.receptive_field_px = receptive_field_px;
  manifest.alignment_px = alignment_px;
  manifest.global_statistics = global_statistics;
  return margin_of(manifest, height, width);
}

void expect_margin(const Margin& margin, int top, int bottom, int left, int right) {
  EXPECT_EQ(margin.top, top);
  EXPECT_EQ(margin.bottom, bottom);
  EXPECT_EQ(margin.left, left);
  EXPECT_EQ(margin.right, right);
}

TEST(Margin, SharesWhatTheAlignmentMisses) {
  expect_margin(margin(399, 16, 321, 481), 7, 8, 7, 8);
}

TEST(Margin, IsNoneWhereNothingIsMissing) {
  expect_margin(margin(399, 16, 1024, 1023), 0, 0, 0, 1);
}

TEST(Margin, IsNoLargerThanTheNetworkSeesOrThanHelps) {
  expect_margin(margin(7, 1, 1, 1), 3, 3, 3, 3);
  expect_margin(margin(7, 1, 1, 1, true), 7, 8, 7, 8);
  expect_margin(margin(7, 64, 1, 1, true), 8, 8, 8, 8);
}

}  // namespace
}  // namespace chiaro::restore::margin_test
