// What holds for every loss of the table.
#include <ATen/autocast_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/rand_like.h>
#include <gtest/gtest.h>
#include <torch/utils.h>
#include <cmath>
#include <limits>

#include "chiaro/losses/by_name.h"
#include "tests/losses/baselines.h"
#include "tests/losses/pictures.h"
#include "tests/support/expect_error.h"

namespace chiaro::losses::all_losses_test {
namespace {

class AllLosses : public testing::TestWithParam<std::string> {
 protected:
  PixelLoss loss() const { return find_pixel_loss(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Table, AllLosses, testing::ValuesIn(pixel_loss_names()),
                         [](const auto& row) { return row.param; });

TEST_P(AllLosses, EqualsItsDefinition) {
  int compared = 0;
  for (const auto& baseline : kBaselines) {
    if (GetParam() != baseline.name) continue;
    const auto [output, target] = pictures(baseline.height, baseline.width);
    EXPECT_NEAR(loss()(output, target).item<double>(), baseline.value, 1e-12);
    EXPECT_NEAR(loss()(output.to(at::kFloat), target.to(at::kFloat)).item<double>(), baseline.value,
                1e-5 * std::max(1.0, std::abs(baseline.value)));
    ++compared;
  }
  EXPECT_EQ(compared, 2);
}

TEST_P(AllLosses, GradientEqualsFiniteDifferences) {
  auto [output, target] = pictures(12, 13);
  output.requires_grad_(true);
  loss()(output, target).backward();
  torch::manual_seed(3);
  const auto direction = at::rand_like(target) - 0.5;
  const double step = 1e-6;
  const auto at_offset = [&](double t) {
    return loss()(output.detach() + t * direction, target).item<double>();
  };
  const double slope = (at_offset(step) - at_offset(-step)) / (2 * step);
  const double predicted = (output.grad() * direction).sum().item<double>();
  EXPECT_GT(std::abs(predicted), 1e-6);
  EXPECT_NEAR(predicted, slope, 1e-5 * std::max(1.0, std::abs(slope)));
}

TEST_P(AllLosses, IsLeastForEqualPictures) {
  const auto [output, target] = pictures(12, 13);
  const auto copy = output.clone().requires_grad_(true);
  const auto least = loss()(copy, output);
  EXPECT_LT(least.item<double>(), loss()(output, target).item<double>());
  least.backward();
  EXPECT_LT(copy.grad().abs().max().item<double>(), 1e-9);
}

TEST_P(AllLosses, MeansOverTheBatch) {
  const auto [output, target] = pictures(12, 13);
  const double together = loss()(output, target).item<double>();
  const double first = loss()(output.slice(0, 0, 1), target.slice(0, 0, 1)).item<double>();
  const double second = loss()(output.slice(0, 1, 2), target.slice(0, 1, 2)).item<double>();
  EXPECT_NEAR(together, (first + second) / 2, 1e-12);
}

TEST_P(AllLosses, IsNotRoundedByAutocast) {
  const auto pair = pictures(12, 13);
  const auto output = pair.first.to(at::kFloat);
  const auto target = pair.second.to(at::kFloat);
  const auto plain = loss()(output, target);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto cast = loss()(output, target);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(cast.scalar_type(), at::kFloat);
  EXPECT_EQ(plain.item<float>(), cast.item<float>());
}

TEST_P(AllLosses, WidensHalfPrecision) {
  const auto pair = pictures(12, 13);
  const auto output = pair.first.to(at::kBFloat16);
  const auto target = pair.second.to(at::kFloat);
  const auto value = loss()(output, target);
  EXPECT_EQ(value.scalar_type(), at::kFloat);
  EXPECT_EQ(value.item<float>(), loss()(output.to(at::kFloat), target).item<float>());
}

TEST_P(AllLosses, DoesNotDependOnTheMemoryFormat) {
  const auto [output, target] = pictures(12, 13);
  const auto last = at::MemoryFormat::ChannelsLast;
  EXPECT_NEAR(loss()(output.contiguous(last), target.contiguous(last)).item<double>(),
              loss()(output, target).item<double>(), 1e-12);
}

TEST_P(AllLosses, KeepsNonFiniteValuesVisible) {
  auto [output, target] = pictures(12, 13);
  output.index_put_({at::full({1}, 0, at::kLong), at::full({1}, 1, at::kLong),
                     at::full({1}, 5, at::kLong), at::full({1}, 6, at::kLong)},
                    at::full({1}, std::numeric_limits<double>::quiet_NaN(), at::kDouble));
  EXPECT_TRUE(std::isnan(loss()(output, target).item<double>()));
}

TEST_P(AllLosses, RefusesWhatDoesNotFit) {
  const auto picture = at::rand({1, 3, 12, 12});
  const std::string where = "[losses." + GetParam() + "]";
  EXPECT_CHIARO_ERROR(loss()(picture, at::rand({1, 3, 12, 13})), Internal,
                      where + " output and target do not match");
  EXPECT_CHIARO_ERROR(loss()(picture, at::rand({1, 1, 12, 12})), Internal, where);
  EXPECT_CHIARO_ERROR(loss()(picture, at::Tensor()), Internal, "undefined target");
  EXPECT_CHIARO_ERROR(loss()(at::Tensor(), picture), Internal, "undefined output");
  EXPECT_CHIARO_ERROR(loss()(picture, picture.to(at::kByte)), Internal,
                      where + " the values are not real");
  EXPECT_CHIARO_ERROR(loss()(at::rand({0, 3, 12, 12}), at::rand({0, 3, 12, 12})), Internal,
                      "not empty");
}

}  // namespace
}  // namespace chiaro::losses::all_losses_test
