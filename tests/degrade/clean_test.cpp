#include <gtest/gtest.h>

#include "tests/degrade/pictures.h"

namespace chiaro::degrade::clean_test {
namespace {

TEST(Clean, ChangesNothing) {
  const Image clean = test::hand_made(3, 20, 30);
  EXPECT_TRUE(test::same_pixels(test::degraded(clean, "clean"), clean));
}

}  // namespace
}  // namespace chiaro::degrade::clean_test
