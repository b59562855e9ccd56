// What restored pictures are measured by on held-out samples, and its means over tasks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/metrics/score.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {

/// PSNR on RGB, float, and on request what deraining is reported in: PSNR and SSIM of the luma,
/// both pictures and the luma rounded to 8 bits (preset "matlab" of chiaro/metrics).
class PictureMeasures {
 public:
  /// names: of "psnr", which is measured whether named or not, "psnr_y" and "ssim_y". Errors: Usage
  /// (another name, or one twice).
  explicit PictureMeasures(const std::vector<std::string>& names = {});

  /// Whether what is measured beside "psnr" has this name.
  bool contains(const std::string& name) const;

  /// As `of` has them.
  std::vector<std::string> names() const;

  /// "psnr" first; of output and target, both (3,H,W) float32 in [0,1] on the CPU. Decibels are at
  /// most 100, so that means stay finite. Errors: Input (sides below the window of SSIM).
  std::vector<std::pair<std::string, double>> of(const at::Tensor& output,
                                                 const at::Tensor& target) const;

 private:
  std::vector<metrics::Measure> more_;
};

/// PSNR in dB of two tensors of one shape, values in [0,1], float64; at most 100.
double rgb_psnr(const at::Tensor& a, const at::Tensor& b);

/// Means of measures over the samples of each task.
class TaskMeans {
 public:
  void add(const std::string& measure, std::int64_t task, double value);
  bool empty() const { return sums_.empty(); }

  /// "<measure>_<task>" by the names in `tasks`, and "<measure>", their mean over the tasks in
  /// `counted`, over all where it is empty.
  void report(const std::vector<std::string>& tasks, const std::set<std::int64_t>& counted,
              train::Metrics& metrics) const;

 private:
  std::map<std::string, std::map<std::int64_t, std::pair<double, int>>> sums_;
};

}  // namespace chiaro::apps
