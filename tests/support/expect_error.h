// EXPECT_CHIARO_ERROR(statement, Usage, "part of the message")
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "chiaro/base/error.h"

#define EXPECT_CHIARO_ERROR(statement, expected_code, part)                        \
  do {                                                                             \
    try {                                                                          \
      statement;                                                                   \
      ADD_FAILURE() << "no error from: " #statement;                               \
    } catch (const ::chiaro::Error& error) {                                       \
      EXPECT_EQ(error.code(), ::chiaro::ErrorCode::expected_code) << error.what(); \
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)           \
          << "message: " << error.what();                                          \
    }                                                                              \
  } while (false)

namespace chiaro::test {

/// The same for calls that a macro cannot take.
template <typename Call>
void expect_error(ErrorCode code, const std::string& part, const Call& call) {
  try {
    call();
    ADD_FAILURE() << "no error with '" << part << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

}  // namespace chiaro::test
