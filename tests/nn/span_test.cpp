#include "chiaro/nn/span.h"

#include <gtest/gtest.h>

#include "chiaro/nn/reach.h"

namespace chiaro::nn::span_test {
namespace {

TEST(Span, OfAConvolutionGrowsByItsRadius) {
  Span span{5, 7};
  span.before_conv(2);
  EXPECT_EQ(span.low, 3);
  EXPECT_EQ(span.high, 9);
}

TEST(Span, OfWindowsGrowsToTheirBorders) {
  for (std::int64_t window : {1, 3, 8}) {
    for (std::int64_t first : {0, 4, -3}) {
      for (std::int64_t low = -20; low <= 20; ++low) {
        Span span{low, low + 5};
        span.before_windows(window, first);
        // By search instead of division: borders lie where (pixel − first) is a multiple.
        std::int64_t begin = low;
        while ((begin - first) % window != 0) --begin;
        std::int64_t end = low + 6;
        while ((end - first) % window != 0) ++end;
        EXPECT_EQ(span.low, begin);
        EXPECT_EQ(span.high, end - 1);
      }
    }
  }
}

// Two convolutions between halving and doubling, as the other count of receptive fields has it.
TEST(Span, AgreesWithTheReceptiveFieldOfAUShape) {
  const auto field = receptive_field_px(4, [](Span& span) {
    span.before_conv(1);
    span.before_conv(3);
    span.before_enlarging(2);
    span.before_conv(2);
    span.before_enlarging(2);
    span.before_conv(5);
    span.before_reducing(2);
    span.before_conv(1);
    span.before_reducing(2);
    span.before_conv(4);
    span.before_conv(1);
  });
  EXPECT_EQ(
      field,
      u_shape_receptive_field_px(
          {.outer_convs = 1, .encoder_convs = {4, 1}, .middle_convs = 5, .decoder_convs = {3, 2}}));
}

// Kernel 4, stride 2, padding 1: output pixel i sees 2i − 1 … 2i + 2.
TEST(Span, OfAReducingConvolutionCoversItsKernel) {
  Span span{-3, 6};
  span.before_reducing(2, 1);
  EXPECT_EQ(span.low, -7);
  EXPECT_EQ(span.high, 14);
}

TEST(Span, OfTheReceptiveFieldIsTheWidestOfAllPositions) {
  // A pixel at the border of its window of 8 sees 7 pixels to one side.
  EXPECT_EQ(receptive_field_px(8, [](Span& span) { span.before_windows(8); }), 15);
  EXPECT_EQ(receptive_field_px(1, [](Span& span) { span.before_conv(3); }), 7);
}

}  // namespace
}  // namespace chiaro::nn::span_test
