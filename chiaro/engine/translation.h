// Foreign exceptions as errors of this program; for the room alone.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "chiaro/base/error.h"

namespace chiaro::engine {

/// The first line of a foreign message, without the runtime's source positions.
std::string brief(const char* message);

bool is_about_memory(std::string_view message);

/// Runs `body`; foreign exceptions become Error: Resource where memory ran out, else `code`.
template <typename Body>
auto translated(ErrorCode code, const char* function, const std::string& origin, Body&& body) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::Resource, "[engine.{}] not enough memory to run '{}'", function, origin);
  } catch (const std::exception& error) {
    if (is_about_memory(error.what())) {
      fail(ErrorCode::Resource, "[engine.{}] not enough memory to run '{}'", function, origin);
    }
    fail(code, "[engine.{}] cannot use the graph '{}': {}", function, origin, brief(error.what()));
  }
}

}  // namespace chiaro::engine
