// Ctrl-C and SIGTERM as a question that long work asks.
#pragma once

namespace chiaro::cli {

/// From now on the signals are noted instead of ending the program at once.
void watch_for_interruption();

/// True once a signal came.
bool interrupted();

/// Exit status for the signal that came: 130 (SIGINT) or 143 (SIGTERM).
int interruption_status();

/// Throws Error(Interrupted) if a signal came.
void stop_if_interrupted();

}  // namespace chiaro::cli
