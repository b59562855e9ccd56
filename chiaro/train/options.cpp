#include "chiaro/train/options.h"

namespace chiaro::train {

Fields<TrainOptions> TrainOptions::fields() {
  using T = TrainOptions;
  return {field("steps", &T::steps, "optimiser steps, over all phases", {.min = 1}),
          field("accumulate", &T::accumulate, "batches whose gradients are averaged for one step",
                {.min = 1}),
          field("optimizer", &T::optimizer, "", {.choices = {"adamw", "adam"}}),
          field("learning_rate", &T::learning_rate, "peak rate", {.min = 0, .max = 10}),
          field("final_rate", &T::final_rate, "rate at the end of cosine and one_cycle",
                {.min = 0, .max = 10}),
          field("beta1", &T::beta1, "decay of the first moment", {.min = 0, .max = 0.99999}),
          field("beta2", &T::beta2, "decay of the second moment", {.min = 0, .max = 0.9999999}),
          field("weight_decay", &T::weight_decay, "on tensors of two and more dimensions only",
                {.min = 0, .max = 10}),
          field("schedule", &T::schedule, "of the rate after warm-up",
                {.choices = {"cosine", "one_cycle", "step", "constant"}}),
          field("warmup_steps", &T::warmup_steps, "linear rise from 0 (one_cycle: cosine rise)",
                {.min = 0, .unit = "steps"}),
          field("halve_every", &T::halve_every, "schedule 'step': interval of halving",
                {.min = 1, .unit = "steps"}),
          field("clip_norm", &T::clip_norm, "largest gradient norm; 0: off", {.min = 0}),
          field("ema_decay", &T::ema_decay,
                "of the averaged weights that are validated and shipped; 0: off",
                {.min = 0, .max = 0.99999}),
          field("precision", &T::precision, "bf16: mixed precision by autocast",
                {.choices = {"f32", "bf16"}}),
          field("channels_last", &T::channels_last, "memory layout of pictures and kernels"),
          field("device", &T::device, "auto: cuda where there is one",
                {.choices = {"auto", "cpu", "cuda"}}),
          field("threads", &T::threads, "of the network on the CPU; 0: all cores (OMP_NUM_THREADS)",
                {.min = 0, .max = 1024}),
          field("seed", &T::seed, "of initial weights and of the method", {.min = 0}),
          field("log_every", &T::log_every, "", {.min = 1, .unit = "steps"}),
          field("checkpoint_every", &T::checkpoint_every, "", {.min = 1, .unit = "steps"}),
          field("keep", &T::keep, "checkpoints kept", {.min = 1}),
          field("validate_every", &T::validate_every, "0: never", {.min = 0, .unit = "steps"}),
          field("sample_every", &T::sample_every, "strip of sample pictures; 0: never",
                {.min = 0, .unit = "steps"}),
          field("best", &T::best, "validation metric; highest value in the last phase is kept")};
}

}  // namespace chiaro::train
