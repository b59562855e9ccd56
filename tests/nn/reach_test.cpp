#include "chiaro/nn/reach.h"

#include <gtest/gtest.h>

namespace chiaro::nn::reach_test {
namespace {

TEST(UShapeReceptiveField, OfAChainIsOnePlusTwoPerConvolution) {
  EXPECT_EQ(u_shape_receptive_field_px({.outer_convs = 1, .middle_convs = 5}), 1 + 2 * (1 + 5 + 1));
  EXPECT_EQ(u_shape_receptive_field_px({.outer_convs = 0, .middle_convs = 0}), 1);
}

TEST(UShapeReceptiveField, OfHalvingAndDoublingAlone) {
  // Pixel 0 sees 0 and 1; pixel 1 sees 0 and 1: one to each side.
  EXPECT_EQ(
      u_shape_receptive_field_px({.outer_convs = 0, .encoder_convs = {0}, .decoder_convs = {0}}),
      3);
  // Two levels: blocks of four.
  EXPECT_EQ(u_shape_receptive_field_px(
                {.outer_convs = 0, .encoder_convs = {0, 0}, .decoder_convs = {0, 0}}),
            7);
}

TEST(UShapeReceptiveField, OfOneLevelByHand) {
  // Pixel 1: behind the outro convolution 0…2, behind the decoder's −1…3, coarse −1…1, middle −2…2,
  // fine −4…5, encoder −5…6, intro −6…7: 7 to the left. Pixel 0: −1…1, −2…2, −1…1, −2…2, −4…5,
  // −6…7: 7 to the right.
  const UShape shape{
      .outer_convs = 1, .encoder_convs = {1}, .middle_convs = 1, .decoder_convs = {1}};
  EXPECT_EQ(u_shape_receptive_field_px(shape), 15);
}

}  // namespace
}  // namespace chiaro::nn::reach_test
