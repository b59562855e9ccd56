#include "chiaro/metrics/score.h"

#include <cmath>

#include "chiaro/metrics/psnr.h"
#include "chiaro/metrics/ssim.h"

namespace chiaro::metrics {
namespace {

template <typename T>
const T& given(const std::optional<T>& part, Metric metric) {
  CHIARO_CHECK(part.has_value(), Usage,
               "[metrics.score] {} needs files that are not part of chiaro (docs/metrics.md)",
               to_text(metric));
  return *part;
}

}  // namespace

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

double score(const Measure& measure, const image::Image& restored, const image::Image& target,
             const Learned& learned) {
  switch (measure.metric) {
    case Metric::Psnr:
      return psnr(restored, target, measure.protocol);
    case Metric::Ssim:
      return ssim(restored, target, measure.protocol);
    case Metric::MsSsim:
      return ms_ssim(restored, target, measure.protocol);
    case Metric::LpipsSqueeze: {
      const Lpips& parts = given(learned.lpips, measure.metric).content;
      return lpips(restored, target, measure.protocol, parts.heads, *parts.network);
    }
    case Metric::Niqe:
    case Metric::Brisque:
      return score_alone(measure, restored, learned);
  }
  fail(ErrorCode::Internal, "[metrics.score] unknown metric");
}

double score_alone(const Measure& measure, const image::Image& picture, const Learned& learned) {
  CHIARO_CHECK(!needs_reference(measure.metric), Usage,
               "[metrics.score] {} compares with a clean picture; got one picture alone",
               to_text(measure.metric));
  if (measure.metric == Metric::Niqe)
    return niqe(picture, measure.protocol, given(learned.niqe, measure.metric).content);
  return brisque(picture, measure.protocol, given(learned.brisque, measure.metric).content);
}

std::string fingerprint(const Measure& measure, const Learned& learned) {
  const std::string text = fingerprint(measure.metric, measure.protocol);
  const auto with = [&](const std::string& hash) { return text + " files=" + hash; };
  switch (measure.metric) {
    case Metric::LpipsSqueeze:
      return with(given(learned.lpips, measure.metric).hash);
    case Metric::Niqe:
      return with(given(learned.niqe, measure.metric).hash);
    case Metric::Brisque:
      return with(given(learned.brisque, measure.metric).hash);
    default:
      return text;
  }
}

std::string score_text(double value) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{:.4f}", value);
}

}  // namespace chiaro::metrics
