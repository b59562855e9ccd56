// Codes of held-out samples, with what is known of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "chiaro/data/batch.h"
#include "chiaro/networks/encoder.h"

namespace chiaro::apps {

/// All on the CPU; a class is a set of kinds of damage.
struct CodedSamples {
  at::Tensor codes;     ///< (n,D)
  at::Tensor classes;   ///< (n) int64: numbers of sets of kinds
  at::Tensor scenes;    ///< (n) int64: numbers of pictures
  at::Tensor severity;  ///< (n): of the strongest damage
  at::Tensor measured;  ///< (n) bool: damaged, and the severity of every kind is known
};

enum class Shown {
  Crops,   ///< Batch::input, as in training
  Windows  ///< Batch::context, looked at as whole pictures are: networks::encode_pictures
};

/// In evaluation mode, without gradient.
CodedSamples encode_samples(networks::Encoder& encoder, const std::vector<data::Batch>& batches,
                            Shown shown);

/// How many numbers there are.
std::int64_t count_of(const at::Tensor& numbers);

/// Which of (n) have the same number, (n,n) bool.
at::Tensor same(const at::Tensor& numbers);

}  // namespace chiaro::apps
