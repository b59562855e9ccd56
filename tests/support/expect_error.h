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
