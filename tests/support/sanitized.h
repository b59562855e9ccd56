// Whether the program is instrumented.
#pragma once

#include <gtest/gtest.h>

/// For tests of memory limits, which instrumented programs do not keep to.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHIARO_SKIP_WHERE_SANITIZED() \
  GTEST_SKIP() << "an instrumented program takes more memory than it says"
#else
#define CHIARO_SKIP_WHERE_SANITIZED() static_cast<void>(0)
#endif
