#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "chiaro/methods/catalogue.h"
#include "tests/methods/noisy_batch.h"
#include "tests/support/expect_error.h"

namespace chiaro::methods::noise2void_test {
namespace {

/// Keeps what it was shown and returns it plus a constant.
class Witness : public networks::Network {
 public:
  explicit Witness(double offset) {
    offset_ = register_parameter("offset", at::full({1}, offset, at::kFloat));
  }
  at::Tensor forward(const at::Tensor& x, const networks::Condition& /*condition*/) override {
    shown = x.detach().clone();
    return x + offset_;
  }
  networks::Geometry geometry() const override { return {}; }
  at::Tensor shown;

 private:
  at::Tensor offset_;
};

class Noise2voidTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
  data::Batch batch_ = noisy_batch(at::rand({1, 3, 64, 64}), {0.1, 0.1}, 5, 40);
};

TEST_F(Noise2voidTest, HidesTheStatedShareAndJudgesNothingElse) {
  const auto network = std::make_shared<Witness>(0.25);
  const auto method = noise2void().make({network, {}, 1}, {{"share", 0.04}});  // boxes of 5 px
  EXPECT_FALSE(method->views().needs_target);
  const double loss = method->losses(batch_, {}).terms[0].value.item<double>();
  const auto hidden = (network->shown != batch_.input).all(1);
  EXPECT_EQ(hidden.sum().item<std::int64_t>(), 2 * 64);
  // Outside the hidden pixels the constant would be the error; on them it is this one.
  const auto difference = (network->shown + 0.25 - batch_.input).abs().mean(1);
  EXPECT_NEAR(loss, difference.masked_select(hidden).mean().item<double>(), 1e-6);
  EXPECT_GT(std::abs(loss - 0.25), 1e-3);
}

TEST_F(Noise2voidTest, ReplacesByPixelsWithinTheRadius) {
  // Values that name their place: red is the row, green the column.
  auto named = at::zeros({1, 3, 40, 40});
  named.select(1, 0).copy_(at::arange(40, at::kFloat).view({1, 40, 1}).expand({1, 40, 40}));
  named.select(1, 1).copy_(at::arange(40, at::kFloat).view({1, 1, 40}).expand({1, 40, 40}));
  data::Batch batch = batch_;
  batch.input = named;
  batch.seeds = {3};
  const auto network = std::make_shared<Witness>(0.0);
  noise2void()
      .make({network, {}, 1}, {{"share", 0.25}, {"radius_px", std::int64_t{2}}})
      ->losses(batch, {});
  const auto moved = (network->shown - named).abs();
  EXPECT_EQ(moved.max().item<double>(), 2);
  EXPECT_EQ(moved.sum(1).gt(0).sum().item<std::int64_t>(), 400);  // never by itself
}

TEST_F(Noise2voidTest, IsPureInTheSeedsOfTheSamples) {
  const auto shown = [&](std::uint64_t seed) {
    const auto network = std::make_shared<Witness>(0.0);
    data::Batch batch = batch_;
    batch.seeds[1] = seed;
    noise2void().make({network, {}, 1}, {})->losses(batch, {});
    return network->shown;
  };
  EXPECT_TRUE(at::equal(shown(8), shown(8)));
  EXPECT_TRUE(at::equal(shown(8)[0], shown(9)[0]));
  EXPECT_FALSE(at::equal(shown(8)[1], shown(9)[1]));
}

TEST_F(Noise2voidTest, RefusesAShareThatHidesMostOfThePicture) {
  EXPECT_CHIARO_ERROR(noise2void().make({std::make_shared<Witness>(0.0), {}, 1}, {{"share", 0.6}}),
                      Usage, "share");
}

}  // namespace
}  // namespace chiaro::methods::noise2void_test
