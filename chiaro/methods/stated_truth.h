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

/// (N,width) to each sample the code of another, drawn among those of other scenes; where the batch
/// shows one scene, among all others; the own one in a batch of one. Pure in (seed, seed of the
/// sample). Drawn, because samples come in a regular order, in which a fixed partner would tell
/// much about a sample's own damage.
at::Tensor codes_of_others(const at::Tensor& code, const data::Batch& batch, std::uint64_t seed);

}  // namespace chiaro::methods
