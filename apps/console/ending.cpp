#include "apps/console/ending.h"

#include <cstdio>

#include "apps/console/events.h"
#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::console {

int report_error(const std::string& message, int status, bool json) {
  const std::string text = "error: " + without_controls(message) + "\n";
  std::fputs(text.c_str(), stderr);
  if (json) print_event("error", {{"message", message}, {"exit_status", status}});
  return status;
}

int with_output(int status, bool json) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return report_error("cannot write to stdout", static_cast<int>(ErrorCode::Output), json);
}

}  // namespace chiaro::console
