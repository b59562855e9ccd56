#include "apps/train/precision_evidence.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>

#include "chiaro/base/error.h"
#include "chiaro/data/dataset.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::apps {
namespace {

std::vector<float> run(restore::Restorer& restorer, const at::Tensor& picture) {
  image::Image source(3, static_cast<int>(picture.size(1)), static_cast<int>(picture.size(2)));
  const at::Tensor values = picture.contiguous();
  std::copy_n(values.data_ptr<float>(), values.numel(), source.pixels().begin());
  restore::RestoreOptions options;
  options.guard = restore::GuardMode::Off;
  const image::Image result = restorer.restore(std::move(source), options);
  return {result.pixels().begin(), result.pixels().end()};
}

double psnr_db(const std::vector<float>& output, const at::Tensor& target) {
  const at::Tensor values = target.contiguous();
  const float* expected = values.data_ptr<float>();
  double sum = 0;
  for (std::size_t i = 0; i < output.size(); ++i) {
    const double difference = static_cast<double>(output[i]) - static_cast<double>(expected[i]);
    sum += difference * difference;
  }
  return -10 * std::log10(std::max(sum / static_cast<double>(output.size()), 1e-10));
}

}  // namespace

bundle::PrecisionEvidence measure_bf16(const bundle::Bundle& bundle, const Recipe& recipe,
                                       const std::filesystem::path& data_root,
                                       std::int64_t pictures, std::int64_t crop_px) {
  Recipe held_out = recipe;
  held_out.tables["data"].values["crop_px"] = crop_px;
  const data::Dataset dataset(held_out, data_root, data::Part::Validation);
  restore::Restorer f32(bundle, {.precision = engine::Precision::F32});
  restore::Restorer bf16(bundle, {.precision = engine::Precision::Bf16});
  CHIARO_CHECK(bf16.precision() == engine::Precision::Bf16, Resource,
               "[freeze.bf16] this processor has no bf16, so its cost cannot be measured here");
  bundle::PrecisionEvidence evidence;
  evidence.pictures = pictures;
  std::vector<float> differences;
  double sum = 0;
  for (std::int64_t i = 0; i < pictures; ++i) {
    const data::Batch sample = dataset.batch(i, 1);
    const auto exact = run(f32, sample.context[0]);
    const auto narrow = run(bf16, sample.context[0]);
    evidence.bf16_psnr_cost_db +=
        (psnr_db(exact, sample.context_target[0]) - psnr_db(narrow, sample.context_target[0])) /
        static_cast<double>(pictures);
    for (std::size_t k = 0; k < exact.size(); ++k) {
      differences.push_back(255 * std::abs(exact[k] - narrow[k]));
      sum += differences.back();
    }
  }
  evidence.bf16_max_level_diff = *std::ranges::max_element(differences);
  evidence.bf16_mean_level_diff = sum / static_cast<double>(differences.size());
  const auto rank = differences.begin() + static_cast<std::ptrdiff_t>(
                                              0.999 * static_cast<double>(differences.size() - 1));
  std::ranges::nth_element(differences, rank);
  evidence.bf16_q999_level_diff = *rank;
  return evidence;
}

}  // namespace chiaro::apps
