#include "chiaro/methods/report_health.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>

#include "chiaro/losses/info_nce.h"

namespace chiaro::methods {

void report_health(const losses::ContrastHealth& health, losses::ContrastWatch& watch,
                   Losses& result, const std::string& name, const std::string& said) {
  for (const auto& [meter, value] : health.meters())
    result.meters.emplace_back(name + meter.substr(meter.find('_')), value);
  if (!c10::GradMode::is_enabled()) return;
  const bool first = watch.fresh();
  if (const auto reason = watch.observe(health)) {
    result.warnings.push_back(said + *reason);
  } else if (first && health.of_batch_alone()) {
    result.remarks.push_back(
        fmt::format("{}{} (in the first batch; where most are like it, nothing is learned here)",
                    said, health.reason));
  }
}

void report_nearest(const losses::ContrastHealth& health, const at::Tensor& kinds,
                    const std::vector<std::string>& names, Losses& result,
                    const std::string& name) {
  if (!kinds.defined() || names.size() < 2) return;
  const auto counts = health.found.isnan().logical_not().unsqueeze(1).logical_and(kinds);
  const auto right = health.found.nan_to_num().unsqueeze(1) * counts;
  // One tensor, so that a device is waited for once.
  const auto share = (right.sum(0) / counts.sum(0)).to(at::kCPU);
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto value = share[static_cast<std::int64_t>(k)].item<double>();
    if (!std::isnan(value)) result.meters.emplace_back(name + "_nearest_" + names[k], value);
  }
}

at::Tensor value_of(const Contrast& contrast) {
  return losses::info_nce(contrast.logits, contrast.positives, contrast.candidates);
}

void report_contrast(const Contrast& contrast, const std::vector<std::string>& kind_names,
                     losses::ContrastWatch& watch, Losses& result, const std::string& name,
                     const std::string& said) {
  const auto numbers = [&](std::int64_t first, std::int64_t count) {
    return at::arange(first, first + count, contrast.logits.options().dtype(at::kLong));
  };
  const auto queries = contrast.logits.size(0);
  const auto health = losses::contrast_health(
      contrast.logits.detach(), contrast.positives, contrast.candidates,
      contrast.query_labels.defined() ? contrast.query_labels : numbers(0, queries),
      contrast.key_labels.defined() ? contrast.key_labels
                                    : numbers(queries, contrast.logits.size(1)),
      contrast.embedded);
  report_health(health, watch, result, name, said);
  report_nearest(health, contrast.kinds, kind_names, result, name);
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
