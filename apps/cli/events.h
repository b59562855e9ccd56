// Machine output, and the end of a subcommand that has said everything by it.
#pragma once

#include "apps/console/events.h"

namespace chiaro::cli {

using console::Json;
using console::print_event;

/// Thrown by a subcommand that has said everything already, on stderr and as events: the program
/// ends with this exit status.
struct EndWith {
  int status = 0;
};

}  // namespace chiaro::cli
