// The probe that looks for what a linear one would miss.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace chiaro::nn {

struct DeepProbeOptions {
  std::int64_t hidden = 128;
  std::int64_t layers = 6;
  std::int64_t batch = 128;
  std::int64_t epochs = 100;
  std::int64_t patience = 7;  ///< epochs without improvement on the codes kept back
  double kept_back = 0.1;     ///< share of the codes to learn from
  double learning_rate = 1e-3;
};

/// A classifier of `layers` linear layers with batch norm and LeakyReLU between them, trained by
/// Adam on frozen codes; the epoch with the best accuracy on codes kept back is taken. The settings
/// are those of the evaluation of Kahana & Hoshen 2022 (arXiv:2203.11284). train (n,D), labels (n)
/// int64, asked (m,D) → answers (m) int64. All on the CPU; random numbers from `seed` alone, none
/// from torch's default generator. Errors: Internal (shapes), Usage (fewer than 20 codes).
at::Tensor deep_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& asked,
                      std::uint64_t seed, const DeepProbeOptions& options = {});

}  // namespace chiaro::nn
