// Messages go to stderr through spdlog; results go to stdout by the programs themselves.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <string>

namespace chiaro {

enum class Verbosity { Quiet, Normal, Verbose };

/// Sets up the default spdlog logger: stderr, colour only on a terminal without NO_COLOR. Call once
/// from main.
void set_up_logging(Verbosity verbosity);

/// While it lives, messages of this thread begin with the name of what they are about, unless they
/// hold it already: of a folder, "WebP has no place for IPTC" would not say where.
class MessagesAbout {
 public:
  explicit MessagesAbout(std::string name);
  ~MessagesAbout();
  MessagesAbout(const MessagesAbout&) = delete;
  MessagesAbout& operator=(const MessagesAbout&) = delete;

 private:
  std::string before_;
};

/// True when stderr is a terminal.
bool stderr_is_terminal();

/// What long work reports: done of total units, in [0, 1], monotone. Return false to cancel.
using ProgressCallback = std::function<bool(double done)>;

/// A bar on stderr with ETA, shown only on a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label, bool enabled = stderr_is_terminal());
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void update(double done);  ///< done in [0, 1]

 private:
  std::string label_;
  bool enabled_;
  int shown_ = -1;
  double started_s_;
};

/// "1 h 02 min", "3 min 20 s", "12 s".
std::string duration_text(double seconds);

/// Seconds of a monotone clock.
double monotonic_s();

}  // namespace chiaro
