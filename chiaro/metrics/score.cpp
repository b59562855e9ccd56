#include "chiaro/metrics/score.h"

#include <cmath>

#include "chiaro/metrics/psnr.h"
#include "chiaro/metrics/ssim.h"

namespace chiaro::metrics {

std::vector<Measure> measures(std::span<const std::string> metric_names,
                              std::span<const std::string> presets, const OptionTable& overrides) {
  CHIARO_CHECK(
      !metric_names.empty() && !presets.empty(), Usage,
      "[metrics.measures] nothing to measure; expected at least one metric and one preset");
  std::vector<Measure> result;
  for (const auto& preset_name : presets) {
    for (const auto& name : metric_names) {
      const Metric metric = metric_from_text(name);
      OptionTable table = print_options(preset(preset_name, metric));
      for (const auto& [key, value] : overrides) table[key] = value;
      result.push_back({metric, parse_options<Protocol>(table, "protocol"),
                        presets.size() == 1 ? name : name + "@" + preset_name});
    }
  }
  return result;
}

double score(const Measure& measure, const image::Image& restored, const image::Image& target) {
  switch (measure.metric) {
    case Metric::Psnr:
      return psnr(restored, target, measure.protocol);
    case Metric::Ssim:
      return ssim(restored, target, measure.protocol);
    case Metric::MsSsim:
      return ms_ssim(restored, target, measure.protocol);
  }
  fail(ErrorCode::Internal, "[metrics.score] unknown metric");
}

std::string score_text(double value) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{:.4f}", value);
}

}  // namespace chiaro::metrics
