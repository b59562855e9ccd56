#include "chiaro/losses/by_name.h"

#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include "chiaro/losses/mse.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::by_name_test {
namespace {

TEST(ParseLossTerms, ReadsNamesAndWeightsInOrder) {
  const auto terms = parse_loss_terms(" charbonnier + 0.05 frequency+2*l1 + 1e+1 * mse ");
  ASSERT_EQ(terms.size(), 4u);
  EXPECT_EQ(terms[0].name, "charbonnier");
  EXPECT_EQ(terms[0].weight, 1.0);
  EXPECT_EQ(terms[1].name, "frequency");
  EXPECT_EQ(terms[1].weight, 0.05);
  EXPECT_EQ(terms[2].name, "l1");
  EXPECT_EQ(terms[2].weight, 2.0);
  EXPECT_EQ(terms[3].name, "mse");
  EXPECT_EQ(terms[3].weight, 10.0);
  EXPECT_EQ(terms[3].function, find_pixel_loss("mse"));
}

TEST(ParseLossTerms, RefusesAnythingElse) {
  EXPECT_CHIARO_ERROR(parse_loss_terms(""), Usage, "missing");
  EXPECT_CHIARO_ERROR(parse_loss_terms("l1 +"), Usage, "missing");
  EXPECT_CHIARO_ERROR(parse_loss_terms("0.5"), Usage, "missing");
  EXPECT_CHIARO_ERROR(parse_loss_terms("+ l1"), Usage, "missing");
  EXPECT_CHIARO_ERROR(parse_loss_terms("l1 l1"), Usage, "goes on oddly");
  EXPECT_CHIARO_ERROR(parse_loss_terms("l1 * 2"), Usage, "goes on oddly");
  EXPECT_CHIARO_ERROR(parse_loss_terms("l1 + mse + l1"), Usage, "occurs twice");
  EXPECT_CHIARO_ERROR(parse_loss_terms("0 l1"), Usage, "not a positive number");
  EXPECT_CHIARO_ERROR(parse_loss_terms("-1 l1"), Usage, "not a positive number");
  EXPECT_CHIARO_ERROR(parse_loss_terms("1e999 l1"), Usage, "not a positive number");
  EXPECT_CHIARO_ERROR(parse_loss_terms("nan l1"), Usage, "unknown loss; got 'nan'");
}

TEST(ParseLossTerms, NamesTheNearestLoss) {
  EXPECT_CHIARO_ERROR(parse_loss_terms("l1 + 0.1 frequncy"), Usage, "did you mean 'frequency'?");
}

}  // namespace
}  // namespace chiaro::losses::by_name_test
