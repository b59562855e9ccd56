#include <csignal>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/train/commands.h"
#include "apps/train/training_recipe.h"
#include "apps/train/validation.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/freeze/freeze.h"
#include "chiaro/train/trainer.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int number) {
  interrupted = number;
}

struct TrainArguments {
  std::string recipe;
  std::string out;
  std::string data;
  std::vector<std::string> settings;
  std::string from;
  std::vector<std::string> allow_missing;
  std::int64_t stop_after = 0;
  std::int64_t prove_resume = 0;
  bool resume = false;
};

/// The recipe of the run: given, or stored in the folder when resuming.
Recipe effective_recipe(const TrainArguments& arguments, const fs::path& folder) {
  Recipe recipe;
  if (!arguments.recipe.empty()) {
    recipe = load_recipe(arguments.recipe);
  } else {
    CHIARO_CHECK(arguments.resume, Usage,
                 "[train] name a recipe, or --resume with --out of an earlier run");
    recipe = load_recipe(folder / "recipe.toml");
  }
  for (const auto& setting : arguments.settings) set_recipe_value(recipe, setting);
  return recipe;
}

void run_training(const TrainArguments& arguments) {
  const fs::path given_folder = arguments.out;
  TrainingRecipe recipe = check_training_recipe(effective_recipe(arguments, given_folder));
  const fs::path folder_path = given_folder.empty() ? fs::path("runs") / recipe.name : given_folder;
  const fs::path root = data_root(
      arguments.data, recipe.recipe,
      arguments.recipe.empty() ? folder_path / "recipe.toml" : fs::path(arguments.recipe));

  const auto training = std::make_shared<data::Dataset>(recipe.recipe, root, data::Part::Training);
  Recipe held_out = recipe.recipe;
  held_out.tables["data"].values["crop_px"] = recipe.validate.crop_px;
  const data::Dataset validation_set(held_out, root, data::Part::Validation);
  spdlog::info("training on {}; held out: {}", training->summary(), validation_set.summary());

  checkpoint::RunFolder folder(folder_path);
  CHIARO_CHECK(
      arguments.resume || !folder.latest(), Usage,
      "[train] '{}' already holds a run; continue it with --resume or choose another --out",
      folder_path.string());
  const std::string recipe_text = print_recipe(portable(recipe.recipe));
  recipe.recipe.tables["data"].values["root"] = root.string();

  Validation validation(validation_set, recipe.validate.samples);
  train::Surroundings surroundings;
  surroundings.validate = [&](methods::Method& method) { return validation.measure(method); };
  fs::create_directories(folder_path / "samples");
  surroundings.write_samples = [&](methods::Method& method, std::int64_t step) {
    validation.write_strip(method, folder_path / "samples" / fmt::format("step_{:07d}.png", step));
  };
  std::int64_t taken = 0;
  surroundings.should_stop = [&] {
    return interrupted != 0 || (arguments.stop_after > 0 && taken++ >= arguments.stop_after);
  };

  auto network = make_network(recipe);
  if (!arguments.from.empty())
    freeze::thaw(bundle::read_bundle(arguments.from), *network, arguments.allow_missing);
  spdlog::info("{}: {:.2f} M parameters", recipe.network,
               static_cast<double>(networks::parameter_count(*network)) / 1e6);
  auto method = make_method(recipe, network, names_of(*training));
  if (method->views().needs_target) {
    CHIARO_CHECK(training->has_targets(), Usage,
                 "[train] method '{}' needs targets; got a source of kind 'noisy', which has none",
                 recipe.method);
  } else {
    validation.add_pretext(data::Dataset(recipe.recipe, root, data::Part::Validation),
                           recipe.validate.samples);
  }
  train::Trainer trainer(recipe.train, training, std::move(method), folder, recipe_text,
                         surroundings);
  if (arguments.resume) {
    const bool resumed = trainer.resume();
    spdlog::info("{} '{}'", resumed ? "resuming" : "no checkpoint yet in", folder_path.string());
  }
  // Only now: a recipe that does not work must not replace one that does.
  write_file_atomically(folder_path / "recipe.toml", print_recipe(recipe.recipe));
  const train::Outcome outcome = trainer.run();
  spdlog::info("{} at step {}; run folder '{}'", outcome.finished ? "finished" : "stopped",
               outcome.step, folder_path.string());
  CHIARO_CHECK(interrupted == 0, Interrupted,
               "[train] interrupted at step {}; continue with --resume", outcome.step);
}

/// The checkpoint of the last step in a run folder, byte for byte.
std::string last_checkpoint(const fs::path& folder) {
  const auto checkpoints = checkpoint::list_checkpoints(folder);
  CHIARO_CHECK(!checkpoints.empty(), Internal, "[train.prove] no checkpoint in '{}'",
               folder.string());
  return read_text(checkpoints.back().second);
}

/// 2N steps in one go, and N steps, a stop, and N more in fresh objects: equal to the last bit?
void prove_resume(TrainArguments arguments, std::int64_t steps) {
  const std::int64_t total =
      check_training_recipe(effective_recipe(arguments, arguments.out)).train.steps;
  CHIARO_CHECK(2 * steps <= total, Usage,
               "[train.prove] two stretches of {} steps do not fit into train.steps = {}", steps,
               total);
  const fs::path folder = arguments.out.empty() ? "runs/prove-resume" : arguments.out;
  CHIARO_CHECK(!fs::exists(folder), Usage, "[train.prove] '{}' exists already; name a new --out",
               folder.string());
  arguments.out = (folder / "straight").string();
  arguments.stop_after = 2 * steps;
  run_training(arguments);
  arguments.out = (folder / "resumed").string();
  arguments.stop_after = steps;
  run_training(arguments);
  arguments.resume = true;
  run_training(arguments);
  CHIARO_CHECK(last_checkpoint(folder / "straight") == last_checkpoint(folder / "resumed"),
               CheckFailed, "[train.prove] {0} + {0} steps differ from {1}; both stand in '{2}'",
               steps, 2 * steps, folder.string());
  fs::remove_all(folder);
  fmt::print("resuming is exact: {0} + {0} steps = {1} steps, byte for byte\n", steps, 2 * steps);
}

void train_command(const TrainArguments& arguments) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  if (arguments.prove_resume > 0) {
    prove_resume(arguments, arguments.prove_resume);
  } else {
    run_training(arguments);
  }
}

}  // namespace

void add_train(CLI::App& root) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = root.add_subcommand(
      "train", "Train a network by a recipe: recipe → run folder with checkpoints");
  command->footer(
      "Examples:\n  chiaro train recipes/toy.toml\n  chiaro train recipes/default.toml --data "
      "~/pictures --out runs/mine\n"
      "  chiaro train --resume --out runs/mine        (continues; the result equals never having "
      "stopped)\n"
      "  chiaro train recipes/toy.toml --set train.steps=500 --set data.batch=4");
  command->add_option("recipe", arguments->recipe, "recipe (TOML)");
  command->add_option("-o,--out", arguments->out, "run folder; default runs/<name of the recipe>");
  command->add_option("--data", arguments->data,
                      "folder that relative data folders start from; default $CHIARO_DATA_DIR, "
                      "else the recipe's folder");
  command->add_option("--set", arguments->settings, "override one value: section.key=value");
  command->add_option("--from", arguments->from,
                      "start from the weights of a bundle instead of random ones");
  command->add_option("--allow-missing", arguments->allow_missing,
                      "with --from: tensors (shell globs) that may differ and stay random");
  command->add_option("--stop-after", arguments->stop_after,
                      "stop after so many steps of this call, as if interrupted politely");
  command
      ->add_option("--prove-resume", arguments->prove_resume,
                   "train 2N steps, and N + stop + N, compare the checkpoints, and keep neither")
      ->check(CLI::PositiveNumber);
  command->add_flag("--resume", arguments->resume,
                    "continue from the newest sound checkpoint of the run folder");
  command->callback([arguments] { train_command(*arguments); });
}

}  // namespace chiaro::apps
