// The bundles that ship, for tests of what they make of pictures.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temporary_folder.h"

namespace chiaro::test {

/// Programs that are started find the bundles of models/.
class ShippedBundles : public testing::Test {
 protected:
  void SetUp() override { ::setenv("CHIARO_BUNDLE_PATH", CHIARO_SOURCE_DIR "/models", 1); }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  TemporaryFolder folder_;
};

}  // namespace chiaro::test
