// The network of a run folder, with its averaged weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/train/training_recipe.h"
#include "chiaro/networks/conditioner.h"
#include "chiaro/networks/encoder.h"
#include "chiaro/networks/network.h"
#include "chiaro/nn/prototype_tree.h"

namespace chiaro::apps {

struct TrainedRun {
  TrainingRecipe recipe;
  std::shared_ptr<networks::Network> network;  ///< the method's restorer; null if it trains none
  std::shared_ptr<networks::Conditioner> conditioner;  ///< the method's; may be null
  std::shared_ptr<networks::Network> trained;  ///< the network the method was given; may be null
  std::int64_t step = 0;
  std::shared_ptr<networks::Encoder> encoder = {};  ///< of representation methods; else null
  std::shared_ptr<nn::PrototypeTree> tree = {};     ///< over its codes; may be null
  std::vector<std::string> kinds = {};              ///< of damage, as the data named them
};

/// `weights`: "last" (the averages of the newest checkpoint) or "best" (what validated best).
/// Errors: Input (no checkpoint), Bundle (a checkpoint that is damaged or without recipe).
TrainedRun load_trained_run(const std::filesystem::path& folder, const std::string& weights);

/// Copies parameters and buffers by name. Errors: Usage, in one line, for every tensor that one of
/// the two lacks or whose shape differs, unless its name matches one of the shell globs in
/// `allow_missing`; such tensors stay as they are. `origin` names the source in messages.
void copy_weights(const networks::Network& from, networks::Network& to,
                  const std::vector<std::string>& allow_missing, const std::string& origin);

}  // namespace chiaro::apps
