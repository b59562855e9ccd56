// Table [train] of a recipe.
#pragma once

#include <cstdint>
#include <string>

#include "chiaro/base/options.h"

namespace chiaro::train {

struct TrainOptions {
  std::int64_t steps = 20000;
  std::int64_t accumulate = 1;
  std::string optimizer = "adamw";
  double learning_rate = 1e-3;
  double final_rate = 1e-6;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 1e-4;
  std::string schedule = "cosine";
  std::int64_t warmup_steps = 200;
  std::int64_t halve_every = 50000;
  double clip_norm = 1.0;
  double ema_decay = 0.999;
  std::string precision = "bf16";
  bool channels_last = true;
  std::string device = "auto";
  std::int64_t threads = 0;
  std::int64_t seed = 1;
  std::int64_t log_every = 50;
  std::int64_t checkpoint_every = 500;
  std::int64_t keep = 2;
  std::int64_t validate_every = 1000;
  std::int64_t sample_every = 5000;
  std::string best = "psnr";
  static Fields<TrainOptions> fields();
};

}  // namespace chiaro::train
