#include "apps/cli/interruption.h"

#include <csignal>

#include "chiaro/base/error.h"

namespace chiaro::cli {
namespace {

volatile std::sig_atomic_t received = 0;  // a signal handler can reach nothing but a global

void note(int signal) {
  received = signal;
}

}  // namespace

void watch_for_interruption() {
  struct sigaction action {};
  action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return received != 0;
}

int interruption_status() {
  return 128 + (received != 0 ? received : SIGINT);
}

void stop_if_interrupted() {
  CHIARO_CHECK(!interrupted(), Interrupted, "[cli] stopped by a signal");
}

}  // namespace chiaro::cli
