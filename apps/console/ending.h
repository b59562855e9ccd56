// How a program ends: with a message, or with all it printed in its place.
#pragma once

#include <string>

namespace chiaro::console {

/// Says "error: message" on stderr, and with `json` as the event "error", too; returns `status`.
int report_error(const std::string& message, int status, bool json);

/// `status`, unless what was printed has not all arrived: without it nothing counts as done.
int with_output(int status, bool json);

}  // namespace chiaro::console
