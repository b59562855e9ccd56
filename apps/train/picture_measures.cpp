#include "apps/train/picture_measures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/image/image.h"

namespace chiaro::apps {
namespace {

// Of equal pictures, so that means stay finite.
constexpr double kMostDb = 100;
constexpr double kLeastError = 1e-10;

/// (3,H,W) float32.
image::Image picture_of(const at::Tensor& values) {
  image::Image picture(3, static_cast<int>(values.size(1)), static_cast<int>(values.size(2)));
  const auto dense = values.contiguous();
  const auto* from = dense.data_ptr<float>();
  std::copy(from, from + dense.numel(), picture.pixels().begin());
  return picture;
}

metrics::Measure luma_measure(const std::string& name) {
  const metrics::Metric metric = name == "psnr_y" ? metrics::Metric::Psnr : metrics::Metric::Ssim;
  return {metric, metrics::preset("matlab", metric), name};
}

}  // namespace

PictureMeasures::PictureMeasures(const std::vector<std::string>& names) {
  const std::vector<std::string> known{"psnr", "psnr_y", "ssim_y"};
  for (const auto& name : names) {
    CHIARO_CHECK(std::ranges::count(known, name) == 1 && std::ranges::count(names, name) == 1,
                 Usage, "[validate.metrics] got {}; expected some of {}, each once", join(names),
                 join(known));
    if (name != "psnr") more_.push_back(luma_measure(name));
  }
}

bool PictureMeasures::contains(const std::string& name) const {
  return std::ranges::count(more_, name, &metrics::Measure::label) > 0;
}

std::vector<std::string> PictureMeasures::names() const {
  std::vector<std::string> names{"psnr"};
  for (const auto& measure : more_) names.push_back(measure.label);
  return names;
}

std::vector<std::pair<std::string, double>> PictureMeasures::of(const at::Tensor& output,
                                                                const at::Tensor& target) const {
  std::vector<std::pair<std::string, double>> values{{"psnr", rgb_psnr(output, target)}};
  if (more_.empty()) return values;
  const auto restored = picture_of(output);
  const auto clean = picture_of(target);
  for (const auto& measure : more_)
    values.emplace_back(measure.label, std::min(kMostDb, metrics::score(measure, restored, clean)));
  return values;
}

double rgb_psnr(const at::Tensor& a, const at::Tensor& b) {
  const double mse = (a.to(at::kDouble) - b.to(at::kDouble)).square().mean().item<double>();
  return 10 * std::log10(1.0 / std::max(mse, kLeastError));
}

void TaskMeans::add(const std::string& measure, std::int64_t task, double value) {
  auto& [sum, count] = sums_[measure][task];
  sum += value;
  ++count;
}

void TaskMeans::report(const std::vector<std::string>& tasks, const std::set<std::int64_t>& counted,
                       train::Metrics& metrics) const {
  for (const auto& [measure, by_task] : sums_) {
    std::vector<double> means;
    for (const auto& [task, entry] : by_task) {
      const double value = entry.first / entry.second;
      metrics[measure + "_" + tasks[static_cast<std::size_t>(task)]] = value;
      if (counted.contains(task) || counted.empty()) means.push_back(value);
    }
    metrics[measure] = std::reduce(means.begin(), means.end()) / static_cast<double>(means.size());
  }
}

}  // namespace chiaro::apps
