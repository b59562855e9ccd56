#include "apps/train/training_run.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "apps/train/method_start.h"
#include "apps/train/training_recipe.h"
#include "apps/train/validation.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/data/dataset.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

data::Dataset held_out_set(const TrainingRecipe& recipe, const fs::path& root) {
  Recipe held_out = recipe.recipe;
  held_out.tables["data"].values["crop_px"] = recipe.validate.crop_px;
  // Of two samples with the very same damage each would find the other, whatever codes tell of
  // kinds.
  held_out.tables["data"].values["alike"] = std::int64_t{1};
  return {held_out, root, data::Part::Validation};
}

double millions_of_parameters(const torch::nn::Module& module) {
  return static_cast<double>(networks::parameter_count(module)) / 1e6;
}

void start_from(const TrainingRun& run, const TrainingRecipe& recipe, networks::Network* network) {
  if (!run.start_weights) return;
  CHIARO_CHECK(network != nullptr, Usage,
               "[train] method '{}' brings its own network, which no bundle holds the weights of",
               recipe.method);
  run.start_weights(*network);
}

/// The method as the run's first step finds it: random weights, or those it is to start from.
std::unique_ptr<methods::Method> started_method(const TrainingRun& run,
                                                const TrainingRecipe& recipe,
                                                const data::Dataset& training,
                                                const fs::path& folder) {
  auto network = make_network(recipe);
  start_from(run, recipe, network.get());
  const std::int64_t scale = network ? network->geometry().scale : 1;
  CHIARO_CHECK(scale == training.options().scale, Usage,
               "[train] network and data differ in scale; got a network that enlarges {} times and "
               "data.scale = {}; expected the same",
               scale, training.options().scale);
  auto method = make_method(recipe, network, names_of(training));
  if (run.start_method) run.start_method(*method);
  if (checkpoint::list_checkpoints(folder).empty()) check_started(*method);
  CHIARO_CHECK(!method->views().needs_target || training.has_targets(), Usage,
               "[train] method '{}' needs targets; got a source of kind 'noisy', which has none",
               recipe.method);
  spdlog::info("{}: {:.2f} M parameters", network ? recipe.network : recipe.method,
               millions_of_parameters(network ? *network : method->state()));
  return method;
}

}  // namespace

train::Outcome run_training(const TrainingRun& run) {
  TrainingRecipe recipe = check_training_recipe(run.recipe);
  const fs::path folder_path = run.folder.empty() ? fs::path("runs") / recipe.name : run.folder;
  const fs::path root =
      data_root(run.data, recipe.recipe,
                run.recipe_file.empty() ? folder_path / "recipe.toml" : run.recipe_file);

  const auto training = std::make_shared<data::Dataset>(recipe.recipe, root, data::Part::Training);
  const data::Dataset validation_set = held_out_set(recipe, root);
  spdlog::info("training on {}; held out: {}", training->summary(), validation_set.summary());

  // Before there is a folder: what cannot begin leaves none.
  auto method = started_method(run, recipe, *training, folder_path);
  checkpoint::RunFolder folder(folder_path);
  CHIARO_CHECK(
      run.resume || !folder.latest(), Usage,
      "[train] '{}' already holds a run; continue it with --resume or choose another --out",
      folder_path.string());
  const std::string recipe_text = print_recipe(portable(recipe.recipe));
  recipe.recipe.tables["data"].values["root"] = root.string();

  Validation validation(validation_set, recipe.validate.samples,
                        PictureMeasures(recipe.validate.metrics));
  train::Surroundings surroundings;
  surroundings.validate = [&](methods::Method& now, const methods::StepInfo& taken) {
    return validation.measure(now, taken);
  };
  fs::create_directories(folder_path / "samples");
  surroundings.write_samples = [&](methods::Method& now, std::int64_t step) {
    validation.write_strip(now, folder_path / "samples" / fmt::format("step_{:07d}.png", step));
  };
  surroundings.should_stop = run.should_stop;

  if (!method->views().needs_target) {
    validation.add_pretext(data::Dataset(recipe.recipe, root, data::Part::Validation),
                           recipe.validate.samples);
  }
  train::Trainer trainer(recipe.train, training, std::move(method), folder, recipe_text,
                         surroundings);
  if (run.resume) {
    const bool resumed = trainer.resume();
    spdlog::info("{} '{}'", resumed ? "resuming" : "no checkpoint yet in", folder_path.string());
  }
  // Only now: a recipe that does not work must not replace one that does.
  write_file_atomically(folder_path / "recipe.toml", print_recipe(recipe.recipe));
  train::Outcome outcome = trainer.run();
  spdlog::info("{} at step {}; run folder '{}'", outcome.finished ? "finished" : "stopped",
               outcome.step, folder_path.string());
  return outcome;
}

void rehearse_training(const TrainingRun& run) {
  const TrainingRecipe recipe = check_training_recipe(run.recipe);
  const fs::path root = data_root(run.data, recipe.recipe, run.recipe_file);
  const data::Dataset training(recipe.recipe, root, data::Part::Training);
  held_out_set(recipe, root);
  auto network = make_network(recipe);
  start_from(run, recipe, network.get());
  make_method(recipe, network, names_of(training));
}

}  // namespace chiaro::apps
