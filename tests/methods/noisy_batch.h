// Batches of noise around known pictures.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "chiaro/data/batch.h"

namespace chiaro::methods {

/// Windows of 64 px that show `clean` (broadcast to (N,3,64,64)) under normal noise of the given
/// deviations, each of another picture; the inputs are their first `crop_px`.
inline data::Batch noisy_batch(const at::Tensor& clean, const std::vector<double>& sigmas,
                               std::uint64_t first_seed = 0, std::int64_t crop_px = 24) {
  data::Batch batch;
  const auto count = static_cast<std::int64_t>(sigmas.size());
  const auto sigma = at::tensor(sigmas, at::kDouble).to(at::kFloat).view({count, 1, 1, 1});
  batch.context_target = clean.expand({count, 3, 64, 64}).contiguous();
  batch.context = batch.context_target + sigma * at::randn({count, 3, 64, 64});
  batch.input = batch.context.slice(2, 0, crop_px).slice(3, 0, crop_px);
  batch.content = at::arange(count, at::kLong);
  for (std::int64_t i = 0; i < count; ++i) {
    batch.seeds.push_back(first_seed + static_cast<std::uint64_t>(i));
    batch.origins.emplace_back("made");
  }
  return batch;
}

}  // namespace chiaro::methods
