#include "apps/train/training_run.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "apps/train/method_start.h"
#include "apps/train/training_recipe.h"
#include "apps/train/validation.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/text.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/data/dataset.h"
#include "chiaro/train/device.h"

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

/// Errors: Usage. `what`: the key of the recipe.
void check_side(const std::string& what, std::int64_t side_px, const TrainingRecipe& recipe,
                std::int64_t alignment_px) {
  const std::int64_t below = side_px / alignment_px * alignment_px;
  CHIARO_CHECK(
      below == side_px, Usage,
      "[{}] network '{}' takes crops whose sides are multiples of {} px; got {}; expected {}{}",
      what, recipe.network, alignment_px, side_px, below > 0 ? fmt::format("{} or ", below) : "",
      below + alignment_px);
}

/// Of all crops that the network will be given.
void check_sides(const TrainingRecipe& recipe, const data::Dataset& training,
                 const networks::Network& network) {
  const std::int64_t alignment_px = network.geometry().alignment_px;
  check_side("data.crop_px", training.options().crop_px, recipe, alignment_px);
  if (recipe.train.validate_every > 0 || recipe.train.sample_every > 0)
    check_side("validate.crop_px", recipe.validate.crop_px, recipe, alignment_px);
}

void check_best(const TrainingRecipe& recipe, const data::Dataset& held_out,
                methods::Method& method) {
  if (recipe.train.validate_every == 0) return;
  auto known = measure_names(method, held_out, PictureMeasures(recipe.validate.metrics));
  std::erase_if(known, is_less_better);
  const std::string& best = recipe.train.best;
  CHIARO_CHECK(std::ranges::count(known, best) > 0, Usage,
               "[train.best] no measure of this validation of which more is better; got '{}'{}; "
               "expected one of: {}",
               best, did_you_mean(best, known), join(known));
}

/// Whoever wants to go on with a run says so.
void expect_no_run(const TrainingRun& run, const fs::path& folder) {
  CHIARO_CHECK(run.resume || checkpoint::list_checkpoints(folder).empty(), Usage,
               "[train] '{}' already holds a run; continue it with --resume or choose another "
               "--out",
               folder.string());
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
                                                const data::Dataset& held_out) {
  auto network = make_network(recipe);
  start_from(run, recipe, network.get());
  const std::int64_t scale = network ? network->geometry().scale : 1;
  CHIARO_CHECK(scale == training.options().scale, Usage,
               "[train] network and data differ in scale; got a network that enlarges {} times and "
               "data.scale = {}; expected the same",
               scale, training.options().scale);
  if (network) check_sides(recipe, training, *network);
  auto method = make_method(recipe, network, names_of(training));
  if (run.start_method) run.start_method(*method);
  CHIARO_CHECK(!method->views().needs_target || training.has_targets(), Usage,
               "[train] method '{}' needs targets; got a source of kind 'noisy', which has none",
               recipe.method);
  check_best(recipe, held_out, *method);
  return method;
}

Validation made_validation(const TrainingRecipe& recipe, const data::Dataset& held_out,
                           const fs::path& root, const methods::Method& method) {
  Validation validation(held_out, recipe.validate.samples,
                        PictureMeasures(recipe.validate.metrics));
  if (!method.views().needs_target) {
    validation.add_pretext(data::Dataset(recipe.recipe, root, data::Part::Validation),
                           recipe.validate.samples);
  }
  return validation;
}

/// Each was named when it was met.
void tell_unread(const data::Dataset& training, const data::Dataset& held_out) {
  std::set<fs::path> files;
  std::set<fs::path> unread;
  for (const data::Dataset* part : {&training, &held_out}) {
    std::ranges::copy(part->files(), std::inserter(files, files.end()));
    std::ranges::copy(part->unread(), std::inserter(unread, unread.end()));
  }
  if (unread.empty()) return;
  spdlog::warn("{} of {} pictures could not be read and were left out", unread.size(),
               files.size());
}

}  // namespace

train::Outcome run_training(const TrainingRun& run) {
  TrainingRecipe recipe = check_training_recipe(run.recipe);
  // libtorch looks for devices once, when the first tensor is made.
  train::choose_device(recipe.train.device);
  const fs::path& folder_path = run.folder;
  const fs::path root =
      data_root(run.data, recipe.recipe,
                run.recipe_file.empty() ? folder_path / "recipe.toml" : run.recipe_file);

  expect_no_run(run, folder_path);
  const auto training = std::make_shared<data::Dataset>(recipe.recipe, root, data::Part::Training);
  const data::Dataset validation_set = held_out_set(recipe, root);
  spdlog::info("training on {}; held out: {}", training->summary(), validation_set.summary());

  // Before there is a folder: what cannot begin leaves none.
  auto method = started_method(run, recipe, *training, validation_set);
  if (checkpoint::list_checkpoints(folder_path).empty()) check_started(*method);
  const auto network = method->product().restorer;
  spdlog::info("{}: {:.2f} M parameters", network ? recipe.network : recipe.method,
               millions_of_parameters(network ? *network : method->state()));
  const Validation validation = made_validation(recipe, validation_set, root, *method);
  checkpoint::RunFolder folder(folder_path);
  expect_no_run(run, folder_path);  // which another process may have made meanwhile
  const std::string recipe_text = print_recipe(portable(recipe.recipe));
  recipe.recipe.tables["data"].values["root"] = root.string();

  train::Surroundings surroundings;
  surroundings.validate = [&](methods::Method& now, const methods::StepInfo& taken) {
    return validation.measure(now, taken);
  };
  std::error_code failed;
  fs::create_directories(folder_path / "samples", failed);
  CHIARO_CHECK(!failed, Output, "[train] cannot make the folder '{}'",
               (folder_path / "samples").string());
  surroundings.write_samples = [&](methods::Method& now, std::int64_t step) {
    const auto file = folder_path / "samples" / fmt::format("step_{:07d}.png", step);
    return validation.write_strip(now, file) ? file : std::filesystem::path();
  };
  surroundings.should_stop = run.should_stop;

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
  tell_unread(*training, validation_set);
  return outcome;
}

void rehearse_training(const TrainingRun& run) {
  const TrainingRecipe recipe = check_training_recipe(run.recipe);
  const fs::path root = data_root(run.data, recipe.recipe, run.recipe_file);
  const data::Dataset training(recipe.recipe, root, data::Part::Training);
  const data::Dataset held_out = held_out_set(recipe, root);
  (void)started_method(run, recipe, training, held_out);
}

}  // namespace chiaro::apps
