// Ctrl-C and SIGTERM as a question the loop asks, so that it can save before it stops.
#pragma once

namespace chiaro::apps {

/// From now on SIGINT and SIGTERM are noted instead of ending the process.
void note_interruptions();

/// Whether one has come.
bool interrupted();

/// The exit status for the one that came: 130 (SIGINT) or 143 (SIGTERM).
int interruption_status();

}  // namespace chiaro::apps
