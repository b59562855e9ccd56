// Measuring what is being trained on held-out samples, and showing it.
#pragma once

#include <filesystem>
#include <vector>

#include "chiaro/data/dataset.h"
#include "chiaro/methods/method.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {

class Validation {
 public:
  /// Makes the samples once; they are the same at every validation.
  Validation(const data::Dataset& dataset, std::int64_t samples);

  /// PSNR in dB on RGB, float, clipped: "psnr_<task>", their mean over tasks "psnr", the mean gain
  /// over the input "gain", and the share of samples made worse "worse"; the last two without
  /// undamaged samples. With a controller also "type_accuracy" and "type_ece", its calibration
  /// error.
  train::Metrics measure(methods::Method& method) const;

  /// Rows of input | output | target, one sample of each task.
  void write_strip(methods::Method& method, const std::filesystem::path& file) const;

 private:
  std::vector<std::string> tasks_;
  std::vector<data::Batch> batches_;
};

}  // namespace chiaro::apps
