// Counts for a monitor, in the text format of Prometheus (version 0.0.4).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "apps/server/jobs.h"

namespace chiaro::server {

/// Answers by status.
class RequestMetrics {
 public:
  void count(int status);
  std::map<int, std::uint64_t> by_status() const;

 private:
  mutable std::mutex mutex_;
  std::map<int, std::uint64_t> counts_;
};

std::string metrics_text(const JobCounts& jobs, const RequestMetrics& requests);

}  // namespace chiaro::server
