// The probe that looks for what a linear one would miss.
//
// Letters: n codes to learn from, m to be asked about, D their width, K labels 0 … K−1.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace chiaro::losses {

struct DeepProbeOptions {
  std::int64_t hidden = 64;
  std::int64_t layers = 2;  ///< hidden ones
  std::int64_t folds = 4;   ///< parts of the codes, each kept back once
  std::int64_t steps = 200;
  std::int64_t look_every = 10;  ///< steps between two looks at the codes kept back
  std::int64_t batch = 512;      ///< codes a step, at most
  double learning_rate = 2e-2;   ///< at the beginning; it falls to 0 along a cosine
};

/// Small networks (ReLU, with a straight way beside the hidden layers) learn by Adam to tell the
/// label from frozen codes. Each part of the codes is kept back from one network and learned by the
/// others; the settings (codes with each value standardised or decorrelated as well, weak or strong
/// weight decay) and the step are those with most right answers on what was kept back, and the
/// networks of all parts answer together. There is no early end: all steps are taken.
///
/// The linear probe is the floor: where the networks do not have more of the kept-back codes right
/// than it has, its answers are given. So a label that the networks cannot learn is read as well as
/// a line reads it, but for chance: of few codes, or of few groups, the choice itself scatters.
///
/// train (n,D), labels (n) int64, groups (n) int64, asked (m,D) → answers (m) int64. Codes of one
/// group (windows of one picture) are kept back together: to be asked about others, a network must
/// not be chosen for what it remembers of them. `at::arange(n)` where each code stands for itself.
/// All on the CPU; random numbers from `seed` alone, none from torch's default generator. Time
/// grows with n up to `batch`, and little from there. Errors: Internal (shapes), Usage (fewer than
/// 20 codes or than 2 groups, a code that is not finite).
at::Tensor deep_probe(const at::Tensor& train, const at::Tensor& labels, const at::Tensor& groups,
                      const at::Tensor& asked, std::uint64_t seed,
                      const DeepProbeOptions& options = {});

}  // namespace chiaro::losses
