// One entry for all that makes inputs: libFuzzer, and the driver beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "chiaro/base/error.h"

/// Runs the code under test on one input; whatever is wrong with the input, it returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace chiaro::fuzz {

/// Bad input may be refused by any error but one that calls itself a fault of the program.
template <typename Call>
void expect_no_fault(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Internal) return;
    std::fprintf(stderr, "a fault: %s\n", error.what());
    std::abort();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "not one of ours: %s\n", error.what());
    std::abort();
  }
}

}  // namespace chiaro::fuzz
