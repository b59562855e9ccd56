// What a batch says while it runs and at its end: a bar, messages, events.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/cli/flags.h"
#include "chiaro/restore/batch.h"

namespace chiaro::cli {

/// Counts what is done and says so: on a terminal as a bar with pictures a second, megapixels a
/// second and the time left, elsewhere as a line every half minute; under --json as events.
class BatchReport {
 public:
  BatchReport(const restore::BatchPlan& plan, const OutputFlags& show);
  ~BatchReport();
  BatchReport(const BatchReport&) = delete;
  BatchReport& operator=(const BatchReport&) = delete;

  /// The event `plan`.
  void begin(const std::string& bundle) const;
  void done(const restore::BatchDone& one);
  void failed(const restore::BatchItem& item, const Error& error);
  void show_progress(double share);

  /// The summary: every picture that was not done, and why. Returns the exit status.
  int finish(const restore::BatchSummary& summary);

 private:
  struct Failure {
    std::string file;
    std::string reason;
  };
  void fail_with(const std::string& file, const std::string& output, const std::string& reason,
                 int status);
  void clear_bar();

  const restore::BatchPlan& plan_;
  OutputFlags show_;
  bool bar_;
  bool shown_ = false;
  double started_;
  double last_shown_;
  std::size_t done_ = 0;
  double megapixels_ = 0;
  std::vector<Failure> failures_;
};

}  // namespace chiaro::cli
