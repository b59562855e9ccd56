// The one exception type of the project, with a code that `main` turns into a documented exit
// status.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace chiaro {

/// Why something could not be done. The values are the exit statuses of the programs (docs: README,
/// "Exit codes").
enum class ErrorCode {
  SomeFailed = 1,    ///< a batch went on, but some items failed
  Usage = 2,         ///< command line, options or recipe are wrong
  Input = 3,         ///< an input is missing, unreadable or wrong
  Output = 4,        ///< an output cannot be written
  Bundle = 5,        ///< a bundle or checkpoint is damaged or incompatible
  Resource = 6,      ///< a memory or time limit does not suffice
  CheckFailed = 7,   ///< a check said no (fingerprints differ, self-test failed, …)
  Internal = 70,     ///< a fault of this program
  Interrupted = 130  ///< stopped by the user
};

/// Message form: `[room.function] what is wrong; got …; expected …`.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }
  int exit_status() const noexcept { return static_cast<int>(code_); }

 private:
  ErrorCode code_;
};

/// Throws Error with a message built by fmt.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace chiaro

/// Throws Error(code, message) unless the condition holds: CHIARO_CHECK(n > 0, Usage, "[data.crop]
/// …; got {}", n).
#define CHIARO_CHECK(condition, code, ...)                                    \
  do {                                                                        \
    if (!(condition)) ::chiaro::fail(::chiaro::ErrorCode::code, __VA_ARGS__); \
  } while (false)
