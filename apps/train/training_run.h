// One run of training, as `chiaro train` and `chiaro study` start it: recipe → run folder.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "chiaro/base/recipe.h"
#include "chiaro/networks/network.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {

struct TrainingRun {
  Recipe recipe;                      ///< effective, not yet checked
  std::filesystem::path recipe_file;  ///< for data_root
  std::filesystem::path folder;       ///< of the run
  std::string data;                   ///< for data_root
  bool resume = false;                ///< go on from a checkpoint where there is one
  /// Sets the weights to start from, over those drawn from [train].seed; may be empty.
  std::function<void(networks::Network&)> start_weights;
  /// Sets what else of the method is not to start anew; may be empty.
  std::function<void(methods::Method&)> start_method;
  std::function<bool()> should_stop = [] { return false; };  ///< asked after every step
};

/// Trains until the last step or until asked to stop; either way the folder is sound. Errors: Usage
/// (recipe; the folder holds a run and `resume` is off), Input, Output, CheckFailed.
train::Outcome run_training(const TrainingRun& run);

/// Builds all that run_training would, data, network and method, and throws it away: what is wrong
/// with a recipe shows before hours are spent. Errors: Usage, Input.
void rehearse_training(const TrainingRun& run);

}  // namespace chiaro::apps
