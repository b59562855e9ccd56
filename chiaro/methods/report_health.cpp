#include "chiaro/methods/report_health.h"

#include <c10/core/GradMode.h>

namespace chiaro::methods {

void report_health(const losses::ContrastHealth& health, losses::ContrastWatch& watch,
                   Losses& result, const std::string& name, const std::string& said) {
  for (const auto& [meter, value] : health.meters())
    result.meters.emplace_back(name + meter.substr(meter.find('_')), value);
  if (!c10::GradMode::is_enabled()) return;
  if (const auto reason = watch.observe(health)) result.warnings.push_back(said + *reason);
}

}  // namespace chiaro::methods
