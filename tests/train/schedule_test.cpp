#include "chiaro/train/schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace chiaro::train::schedule_test {
namespace {

TrainOptions options(const std::string& schedule) {
  TrainOptions o;
  o.schedule = schedule;
  o.learning_rate = 1.0;
  o.final_rate = 0.1;
  o.warmup_steps = 10;
  o.halve_every = 20;
  return o;
}

TEST(Schedule, LinearWarmUpReachesThePeak) {
  EXPECT_DOUBLE_EQ(learning_rate(options("cosine"), 0, 110), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(options("cosine"), 9, 110), 1.0);
}

TEST(Schedule, CosineClosedForm) {
  EXPECT_DOUBLE_EQ(learning_rate(options("cosine"), 10, 110), 1.0);
  EXPECT_NEAR(learning_rate(options("cosine"), 60, 110), 0.55,
              1e-12);  // half way: the mean of peak and final
  EXPECT_NEAR(learning_rate(options("cosine"), 85, 110), 0.1 + 0.9 * 0.5 * (1 - std::sqrt(0.5)),
              1e-12);
  EXPECT_NEAR(learning_rate(options("cosine"), 110, 110), 0.1, 1e-12);
}

TEST(Schedule, OneCycleRisesAlongACosine) {
  EXPECT_NEAR(learning_rate(options("one_cycle"), 4, 110), 0.5, 1e-12);
}

TEST(Schedule, StepHalves) {
  EXPECT_DOUBLE_EQ(learning_rate(options("step"), 29, 110), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate(options("step"), 30, 110), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(options("step"), 50, 110), 0.25);
}

TEST(Schedule, WarmUpLongerThanTheRunIsCut) {
  EXPECT_DOUBLE_EQ(learning_rate(options("constant"), 4, 5), 1.0);
}

}  // namespace
}  // namespace chiaro::train::schedule_test
