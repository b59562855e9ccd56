#include "apps/server/metrics.h"

#include <fmt/format.h>

#include "chiaro/base/process_memory.h"
#include "chiaro/base/version.h"

namespace chiaro::server {

void RequestMetrics::count(int status) {
  const std::lock_guard lock(mutex_);
  ++counts_[status];
}

std::map<int, std::uint64_t> RequestMetrics::by_status() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::string metrics_text(const JobCounts& jobs, const RequestMetrics& requests) {
  std::string text;
  const auto head = [&text](const char* name, const char* type, const char* help) {
    text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  };
  head("chiaro_info", "gauge", "The program.");
  text += fmt::format("chiaro_info{{version=\"{}\"}} 1\n", version());
  head("chiaro_jobs_total", "counter", "Jobs that ended, by how.");
  text += fmt::format(
      "chiaro_jobs_total{{status=\"completed\"}} {}\n"
      "chiaro_jobs_total{{status=\"failed\"}} {}\n"
      "chiaro_jobs_total{{status=\"cancelled\"}} {}\n",
      jobs.completed, jobs.failed, jobs.cancelled);
  head("chiaro_jobs_queued", "gauge", "Jobs that wait.");
  text += fmt::format("chiaro_jobs_queued {}\n", jobs.queued);
  head("chiaro_jobs_running", "gauge", "Jobs that run.");
  text += fmt::format("chiaro_jobs_running {}\n", jobs.running);
  head("chiaro_busy_seconds_total", "counter", "Time spent on jobs.");
  text += fmt::format("chiaro_busy_seconds_total {:.6f}\n", jobs.busy_seconds);
  head("chiaro_restored_megapixels_total", "counter", "Megapixels of results.");
  text += fmt::format("chiaro_restored_megapixels_total {:.6f}\n", jobs.megapixels);
  head("chiaro_stored_bytes", "gauge", "Uploads and results in memory.");
  text += fmt::format("chiaro_stored_bytes {}\n", jobs.stored_bytes);
  head("chiaro_requests_total", "counter", "Answers by status.");
  for (const auto& [status, count] : requests.by_status())
    text += fmt::format("chiaro_requests_total{{status=\"{}\"}} {}\n", status, count);
  head("process_resident_memory_bytes", "gauge", "Resident memory.");
  text += fmt::format("process_resident_memory_bytes {}\n", resident_bytes());
  return text;
}

}  // namespace chiaro::server
