// The learning rate as a pure function of the step.
#pragma once

#include <cstdint>

#include "chiaro/train/options.h"

namespace chiaro::train {

/// Rate of the step that is about to be taken; `step` counts from 0 within a phase of `steps`
/// steps.
///   cosine     linear warm-up, then final + (peak − final)·(1 + cos πu)/2   (Loshchilov & Hutter,
///   2017) one_cycle  cosine rise over the warm-up, then cosine fall to final step       linear
///   warm-up, then halved every `halve_every` steps constant   linear warm-up, then the peak
double learning_rate(const TrainOptions& options, std::int64_t step, std::int64_t steps);

}  // namespace chiaro::train
