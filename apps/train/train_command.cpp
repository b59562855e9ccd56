#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "apps/console/events.h"
#include "apps/train/commands.h"
#include "apps/train/interruption.h"
#include "apps/train/method_start.h"
#include "apps/train/training_recipe.h"
#include "apps/train/training_run.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/checkpoint/run_folder.h"
#include "chiaro/freeze/freeze.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

struct TrainArguments {
  std::string recipe;
  std::string out;
  std::string data;
  std::vector<std::string> settings;
  std::string device;
  std::string from;
  std::vector<std::string> allow_missing;
  std::int64_t stop_after = 0;
  std::int64_t prove_resume = 0;
  bool resume = false;
  bool json = false;
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
  if (!arguments.device.empty()) set_recipe_value(recipe, "train.device=" + arguments.device);
  return recipe;
}

void print_outcome(const train::Outcome& outcome, const fs::path& folder, const std::string& best) {
  console::Json fields{{"run", folder.string()},
                       {"step", outcome.step},
                       {"finished", outcome.finished},
                       {"metrics", outcome.last_metrics}};
  if (outcome.best) fields["best"] = {{"metric", best}, {"value", *outcome.best}};
  console::print_event("trained", fields);
}

void train_by(const TrainArguments& arguments) {
  TrainingRun run;
  run.folder = arguments.out;
  run.recipe = effective_recipe(arguments, run.folder);
  const TrainingRecipe checked = check_training_recipe(run.recipe);
  if (run.folder.empty()) run.folder = fs::path("runs") / checked.name;
  run.recipe_file = arguments.recipe;
  run.data = arguments.data;
  run.resume = arguments.resume;
  if (!arguments.from.empty()) {
    const auto from = std::make_shared<const bundle::Bundle>(bundle::read_bundle(arguments.from));
    run.start_weights = [&arguments, from](networks::Network& network) {
      if (from->manifest.kind == "encode") return;
      freeze::thaw(*from, network, arguments.allow_missing);
    };
    run.start_method = [&arguments, from](methods::Method& method) {
      start_method(*from, method, arguments.allow_missing);
    };
  }
  std::int64_t taken = 0;
  run.should_stop = [&] {
    return interrupted() || (arguments.stop_after > 0 && taken++ >= arguments.stop_after);
  };
  const train::Outcome outcome = run_training(run);
  CHIARO_CHECK(!interrupted(), Interrupted,
               "[train] interrupted at step {}; continue with --resume", outcome.step);
  if (arguments.json) print_outcome(outcome, run.folder, checked.train.best);
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
  train_by(arguments);
  arguments.out = (folder / "resumed").string();
  arguments.stop_after = steps;
  train_by(arguments);
  arguments.resume = true;
  train_by(arguments);
  CHIARO_CHECK(last_checkpoint(folder / "straight") == last_checkpoint(folder / "resumed"),
               CheckFailed, "[train.prove] {0} + {0} steps differ from {1}; both stand in '{2}'",
               steps, 2 * steps, folder.string());
  fs::remove_all(folder);
  fmt::print("resuming is exact: {0} + {0} steps = {1} steps, byte for byte\n", steps, 2 * steps);
}

void train_command(const TrainArguments& arguments) {
  note_interruptions();
  if (arguments.prove_resume > 0) {
    prove_resume(arguments, arguments.prove_resume);
  } else {
    train_by(arguments);
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
  command->add_option("--device", arguments->device, "short for --set train.device=…")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->add_option(
      "--from", arguments->from,
      "start from the weights of a bundle instead of random ones; of an encoder's bundle: "
      "what a restorer of method told goes by");
  command->add_option("--allow-missing", arguments->allow_missing,
                      "with --from: tensors (shell globs) that may differ and stay random");
  command->add_option("--stop-after", arguments->stop_after,
                      "stop after so many steps of this call, as if interrupted politely");
  auto* prove =
      command
          ->add_option(
              "--prove-resume", arguments->prove_resume,
              "train 2N steps, and N + stop + N, compare the checkpoints, and keep neither")
          ->check(CLI::PositiveNumber);
  command->add_flag("--resume", arguments->resume,
                    "continue from the newest sound checkpoint of the run folder");
  command
      ->add_flag("--json", arguments->json,
                 "at the end one line of JSON on stdout: the event \"trained\" with run folder, "
                 "step, last metrics and the best")
      ->excludes(prove);
  command->callback([arguments] { train_command(*arguments); });
}

}  // namespace chiaro::apps
