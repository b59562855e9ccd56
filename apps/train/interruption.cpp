#include "apps/train/interruption.h"

#include <csignal>

namespace chiaro::apps {
namespace {

volatile std::sig_atomic_t came = 0;

void on_signal(int number) {
  came = number;
}

}  // namespace

void note_interruptions() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() {
  return came != 0;
}

int interruption_status() {
  return 128 + (came != 0 ? came : SIGINT);
}

}  // namespace chiaro::apps
