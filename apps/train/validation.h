// Measuring what is being trained on held-out samples, and showing it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/train/picture_measures.h"
#include "chiaro/data/dataset.h"
#include "chiaro/methods/method.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {

/// Whether a measure is the better the less it is, or says nothing of the weights (what chance
/// gives): nothing to keep the best by.
bool is_less_better(const std::string& measure);

/// Names of what Validation::measure may give for a method, sorted. What samples are too few for is
/// among them.
std::vector<std::string> measure_names(methods::Method& method, const data::Dataset& held_out,
                                       const PictureMeasures& measures);

class Validation {
 public:
  /// Makes the samples once; they are the same at every validation. Errors: Usage (a task whose
  /// column of PSNR has the name of one of the measures).
  Validation(const data::Dataset& dataset, std::int64_t samples,
             PictureMeasures measures = PictureMeasures());

  /// Measures the method's own loss as well, on held-out batches of the size that is trained with:
  /// for methods that need no target.
  void add_pretext(const data::Dataset& dataset, std::int64_t samples);

  /// Where there are targets: PSNR in dB on RGB, float, clipped: "psnr_<task>", their mean over
  /// tasks "psnr", the mean gain over the input "gain", and the share of samples made worse
  /// "worse"; the last two without undamaged samples. The other measures likewise, such as
  /// "psnr_y_<task>" and "psnr_y". With a controller also "type_accuracy"
  /// and "type_ece", its calibration error. Of a method without restorer what measure_codes says,
  /// and measure_parts. With a pretext its negative loss, "pretext".
  /// After the step `taken`, which the method's own loss may depend on.
  train::Metrics measure(methods::Method& method, const methods::StepInfo& taken) const;

  /// Rows of input | output | target, where there is one; one sample of each task. Nothing, and
  /// false, where there is no restorer.
  bool write_strip(methods::Method& method, const std::filesystem::path& file) const;

 private:
  train::Metrics measure_restorer(methods::Method& method) const;

  std::vector<std::string> tasks_;
  PictureMeasures measures_;
  std::vector<data::Batch> batches_;
  std::vector<data::Batch> pretext_;
};

}  // namespace chiaro::apps
