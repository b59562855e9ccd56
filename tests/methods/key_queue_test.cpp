#include "chiaro/methods/key_queue.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "tests/support/expect_error.h"

namespace chiaro::methods::key_queue_test {
namespace {

/// Keys first, first + 1, … and notes of the same numbers.
void push(KeyQueue& queue, double first, std::int64_t count) {
  const auto numbers = (at::arange(count, at::kFloat) + first).unsqueeze(1);
  queue.push(numbers.expand({count, 2}), numbers);
}

TEST(KeyQueue, TheOldestMakeRoom) {
  KeyQueue queue(5, 2, 1);
  EXPECT_EQ(queue.filled(), 0);
  EXPECT_TRUE(at::allclose(queue.keys().norm(2, 1), at::ones({5})));
  push(queue, 0, 3);
  EXPECT_EQ(queue.filled(), 3);
  EXPECT_TRUE(at::equal(queue.filled_notes().view(-1), at::tensor({0.F, 1.F, 2.F})));
  push(queue, 3, 4);
  EXPECT_EQ(queue.filled(), 5);
  EXPECT_TRUE(at::equal(queue.filled_notes().view(-1), at::tensor({5.F, 6.F, 2.F, 3.F, 4.F})));
  EXPECT_TRUE(at::equal(queue.filled_keys().select(1, 1), queue.filled_notes().view(-1)));
}

TEST(KeyQueue, OfMoreThanItHoldsTheLastStay) {
  KeyQueue queue(3, 2, 1);
  push(queue, 0, 8);
  EXPECT_TRUE(at::equal(queue.filled_notes().view(-1), at::tensor({5.F, 6.F, 7.F})));
  push(queue, 8, 1);
  EXPECT_TRUE(at::equal(queue.filled_notes().view(-1), at::tensor({8.F, 6.F, 7.F})));
}

TEST(KeyQueue, RefusesOtherShapes) {
  KeyQueue queue(3, 2, 1);
  EXPECT_CHIARO_ERROR(queue.push(at::ones({1, 3}), at::ones({1, 1})), Internal, "keys (N,2)");
  EXPECT_CHIARO_ERROR(queue.push(at::ones({2, 2}), at::ones({1, 1})), Internal, "notes (N,1)");
}

}  // namespace
}  // namespace chiaro::methods::key_queue_test
