// What a restorer is told in training besides what it will hear when it is used: at times nothing,
// at times the labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "chiaro/data/batch.h"

namespace chiaro::methods {

/// The labels as the code of a condition without embedding, what a user says who states the damage:
/// (N,width), zeros after the 2K values of the K kinds. Unknown severities count as 0.5.
at::Tensor true_code(const data::Batch& batch, std::int64_t width);

/// Sets each row of `code` (N,width) to zeros with probability `drop`, else to the labels with
/// probability `truth`; pure in (seed, seed of the sample). Without gradient.
void mix_in_truth(at::Tensor& code, const data::Batch& batch, std::uint64_t seed, double drop,
                  double truth);

/// (N,width) the codes of other samples, with data.variants those of other scenes.
at::Tensor codes_of_others(const at::Tensor& code);

}  // namespace chiaro::methods
