// An output that cannot be written, with what the system said of it.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "chiaro/base/error.h"

namespace chiaro {

/// Thrown where a write fails, so that a caller can tell one reason from another without reading
/// the message.
class WriteError : public Error {
 public:
  WriteError(const std::string& message, std::error_code cause)
      : Error(ErrorCode::Output, message), cause_(cause) {}

  std::error_code cause() const noexcept { return cause_; }

  /// The disk, or what this user may have of it, is used up: the next write will fail as well.
  bool disk_full() const noexcept {
    return cause_ == std::errc::no_space_on_device ||
           cause_ == std::error_code(EDQUOT, std::generic_category());
  }

 private:
  std::error_code cause_;
};

}  // namespace chiaro
