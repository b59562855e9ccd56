// The device of the contracts refuses what CUDA refuses.
#include "tests/support/second_device.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

namespace chiaro::second_device_test {
namespace {

TEST(SecondDevice, TensorsOfTwoDevicesDoNotMix) {
  const at::Tensor here = at::rand({1, 2, 4, 4});
  const at::Tensor there = here.to(second_device());
  EXPECT_EQ((there + there).device(), second_device());
  EXPECT_TRUE(at::equal((there + there).cpu(), here + here));
  EXPECT_TRUE(at::equal((there * at::scalar_tensor(2.0)).cpu(), here + here));  // a number
  EXPECT_THROW(there + here, c10::Error);
  EXPECT_THROW(here.matmul(there), c10::Error);
  EXPECT_THROW(at::cat({here, there}), c10::Error);
  EXPECT_THROW(at::where(here > 0, there, there), c10::Error);
  EXPECT_THROW(at::conv2d(there, at::rand({2, 2, 3, 3})), c10::Error);
  EXPECT_THROW(at::linear(there, at::rand({3, 4})), c10::Error);
}

TEST(SecondDevice, GeneratorsOfTheOtherDeviceAreRefused) {
  EXPECT_NO_THROW(at::rand({3}, at::TensorOptions(second_device())));
  EXPECT_THROW(
      at::rand({3}, at::detail::getDefaultCPUGenerator(), at::TensorOptions(second_device())),
      c10::Error);
}

}  // namespace
}  // namespace chiaro::second_device_test
