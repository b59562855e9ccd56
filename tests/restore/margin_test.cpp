#include "chiaro/restore/margin.h"

#include <gtest/gtest.h>

namespace chiaro::restore {
namespace {

TEST(Margin, SharesWhatTheAlignmentMisses) {
  bundle::Manifest manifest;
  manifest.receptive_field_px = 399;
  manifest.alignment_px = 16;
  const Margin margin = margin_of(manifest, 321, 481);
  EXPECT_EQ(margin.top, 7);
  EXPECT_EQ(margin.bottom, 8);
  EXPECT_EQ(margin.left, 7);
  EXPECT_EQ(margin.right, 8);
}

TEST(Margin, IsNoneWhereNothingIsMissing) {
  bundle::Manifest manifest;
  manifest.receptive_field_px = 399;
  manifest.alignment_px = 16;
  const Margin margin = margin_of(manifest, 1024, 1023);
  EXPECT_EQ(margin.top, 0);
  EXPECT_EQ(margin.bottom, 0);
  EXPECT_EQ(margin.left, 0);
  EXPECT_EQ(margin.right, 1);
}

TEST(Margin, IsNoLargerThanTheNetworkSeesOrThanHelps) {
  bundle::Manifest manifest;
  manifest.receptive_field_px = 7;
  EXPECT_EQ(margin_of(manifest, 1, 1).top, 3);
  EXPECT_EQ(margin_of(manifest, 1, 1).bottom, 3);
  manifest.global_statistics = true;
  EXPECT_EQ(margin_of(manifest, 1, 1).top, 7);
  manifest.alignment_px = 64;
  EXPECT_EQ(margin_of(manifest, 1, 1).top, 8);
  EXPECT_EQ(margin_of(manifest, 1, 1).bottom, 8);
}

}  // namespace
}  // namespace chiaro::restore
