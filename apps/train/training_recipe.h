// A recipe of a training run, and the objects it describes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/base/recipe.h"
#include "chiaro/checkpoint/checkpoint.h"
#include "chiaro/data/dataset.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"
#include "chiaro/train/options.h"

namespace chiaro::apps {

/// Table [validate].
struct ValidateOptions {
  std::int64_t samples = 96;
  std::int64_t crop_px = 192;
  std::vector<std::string> metrics = {"psnr"};
  static Fields<ValidateOptions> fields();
};

/// A checked recipe: every section known, every option consumed.
struct TrainingRecipe {
  Recipe recipe;
  std::string name;
  std::string network;  ///< empty: the method brings its own
  OptionTable network_options;
  std::string method;
  OptionTable method_options;
  train::TrainOptions train;
  ValidateOptions validate;
};

/// Errors: Usage, naming the section and the nearest known key.
TrainingRecipe check_training_recipe(Recipe recipe);

/// The network with weights drawn from [train].seed; null if the method brings its own, whose
/// weights are then drawn from that seed.
std::shared_ptr<networks::Network> make_network(const TrainingRecipe& recipe);

/// The names that a data set gives to the numbers in its batches.
struct DataNames {
  std::vector<std::string> tasks;
  std::vector<std::string> kinds;
  std::vector<std::string> sources;
};
DataNames names_of(const data::Dataset& dataset);

/// As stored in a checkpoint; empty where an old one lacks them.
DataNames names_of(const checkpoint::Checkpoint& checkpoint);

/// What a method is made for.
enum class Purpose {
  Training,
  Freezing  ///< its state and product; what only losses need is not looked for
};

/// The method over that network.
std::unique_ptr<methods::Method> make_method(const TrainingRecipe& recipe,
                                             std::shared_ptr<networks::Network> network,
                                             const DataNames& names,
                                             Purpose purpose = Purpose::Training);

/// Where relative data folders start: `given`, else the recipe's data.root, else the environment's
/// CHIARO_DATA_DIR, else the recipe's folder. Absolute.
std::filesystem::path data_root(const std::string& given, const Recipe& recipe,
                                const std::filesystem::path& recipe_file);

/// The recipe without what holds on this machine only (data.root): what bundles and checkpoints
/// carry.
Recipe portable(Recipe recipe);

}  // namespace chiaro::apps
