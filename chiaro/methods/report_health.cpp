#include "chiaro/methods/report_health.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace chiaro::methods {

void report_health(const losses::ContrastHealth& health, losses::ContrastWatch& watch,
                   Losses& result, const std::string& name, const std::string& said) {
  for (const auto& [meter, value] : health.meters())
    result.meters.emplace_back(name + meter.substr(meter.find('_')), value);
  if (!c10::GradMode::is_enabled()) return;
  if (const auto reason = watch.observe(health)) result.warnings.push_back(said + *reason);
}

void report_selection(const std::vector<at::Tensor>& selection, const at::Tensor& same,
                      Losses& result) {
  const auto mean = [](const at::Tensor& mask) {
    return mask.to(at::kFloat).mean().item<double>();
  };
  double dropped = 0;
  double dropped_same = 0;
  double kept_other = 0;
  for (const auto& level : selection) {
    const auto kept = level.narrow(1, 0, same.size(1));
    const double part = 1.0 / static_cast<double>(selection.size());
    dropped += part * (1 - mean(kept));
    if (same.any().item<bool>()) dropped_same += part * (1 - mean(kept.masked_select(same)));
    if (kept.any().item<bool>()) kept_other += part * (1 - mean(same.masked_select(kept)));
  }
  result.meters.insert(
      result.meters.end(),
      {{"dropped", dropped}, {"dropped_same_kind", dropped_same}, {"kept_other_kind", kept_other}});
}

}  // namespace chiaro::methods
