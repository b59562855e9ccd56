// What method hcsc is set up with, and what it keeps.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/methods/key_queue.h"
#include "chiaro/networks/encoder.h"
#include "chiaro/nn/lagged_copies.h"
#include "chiaro/nn/prototype_tree.h"

namespace chiaro::methods {

/// What each is for: fields().
struct HcscOptions {
  std::int64_t width = 16;
  std::int64_t hidden = 128;
  std::int64_t dimension = 64;
  std::vector<std::int64_t> prototypes = {80, 20, 8};
  double temperature = 0.2;
  double momentum = 0.99;
  std::int64_t queue = 2048;
  double warmup = 0.1;
  std::int64_t tree_every = 200;
  std::string positives = "crops";
  std::string overlap = "allowed";
  std::string instance_reduce = "sum";
  double prototype_weight = 1.0;
  double scene_weight = 0.0;
  std::string dropped = "removed";
  std::string excluded = "own";
  bool last_prototype = true;
  std::string temperatures = "own";
  std::int64_t least_members = 0;
  std::int64_t view_px = 64;
  std::int64_t health_every = 50;

  static Fields<HcscOptions> fields();
};

/// Errors: Usage (a tree that can never be had: of levels that contrast nothing, or of more
/// prototypes than its queue and its levels allow).
void expect_possible(const HcscOptions& options);

/// Steps before the tree comes in.
std::int64_t warmup_steps(const HcscOptions& options, std::int64_t total_steps);

/// What works and is poor, a sentence each, of a run of so many steps and keys in a step.
std::vector<std::string> remarks_on(const HcscOptions& options, std::int64_t total_steps,
                                    std::int64_t keys);

/// Encoders, queue and tree.
struct HcscState : torch::nn::Module {
  /// notes: width of what is remembered beside each key. Weights are drawn from torch's default
  /// generator.
  HcscState(const HcscOptions& options, std::int64_t notes);

  std::shared_ptr<networks::DegradationEncoder> query, key;
  std::shared_ptr<nn::LaggedCopies> copies;  // holds the key encoder
  std::shared_ptr<nn::PrototypeTree> tree;
  std::shared_ptr<losses::ContrastWatch> watch;
  std::shared_ptr<KeyQueue> queue;  // notes: share of each kind, severity
};

}  // namespace chiaro::methods
