// What is said while the codes of a folder are computed.
#pragma once

#include <cstddef>
#include <string>

#include "apps/cli/flags.h"

namespace chiaro::cli {

/// On a terminal a bar with the time left, elsewhere a line every half minute; pictures that cannot
/// be read are named, under --json also as events.
class CodingReport {
 public:
  CodingReport(std::size_t total, const OutputFlags& show);
  ~CodingReport();
  CodingReport(const CodingReport&) = delete;
  CodingReport& operator=(const CodingReport&) = delete;

  void done() { ++done_; }
  void failed(const std::string& file, const std::string& message);
  void show_progress();

  std::size_t computed() const { return done_; }
  std::size_t failures() const { return failed_; }

 private:
  void clear_bar();

  std::size_t total_;
  OutputFlags show_;
  bool bar_;
  bool shown_ = false;
  double started_;
  double last_shown_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
};

/// The event "failed" of a picture that cannot be read; `remembered`: not tried this time.
void print_failed(const std::string& file, const std::string& message, bool remembered);

}  // namespace chiaro::cli
