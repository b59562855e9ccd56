#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <CLI/CLI.hpp>

#include "apps/console/events.h"
#include "apps/train/commands.h"
#include "apps/train/freeze_controller.h"
#include "apps/train/precision_evidence.h"
#include "apps/train/trained_run.h"
#include "apps/train/training_recipe.h"
#include "apps/train/weight_average.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/data/dataset.h"
#include "chiaro/engine/processor.h"
#include "chiaro/freeze/freeze.h"
#include "chiaro/nn/tree_file.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

struct FreezeArguments {
  std::string run;
  std::string out;
  std::string weights = "last";
  std::string data;
  std::string summary;
  std::string license;
  std::string notes;
  std::vector<std::string> average_with;
  std::int64_t certify = 48;
  bool half = false;
  bool overwrite = false;
  bool json = false;
};

std::vector<std::string> task_names(const Recipe& recipe) {
  std::vector<std::string> names;
  const auto add = [&](const Recipe& item, const char* key) {
    const auto found = item.values.find(key);
    if (found == item.values.end()) return;
    const auto* name = std::get_if<std::string>(&found->second);
    if (name != nullptr && std::ranges::count(names, *name) == 0) names.push_back(*name);
  };
  for (const char* list : {"task", "source"}) {
    const auto found = recipe.lists.find(list);
    if (found == recipe.lists.end()) continue;
    for (const auto& item : found->second) add(item, std::string(list) == "task" ? "name" : "task");
  }
  return names;
}

/// Notes what the pictures of training were; whether all of them have targets.
bool add_training_data(const FreezeArguments& arguments, const TrainingRecipe& recipe,
                       bundle::Manifest& manifest) {
  const fs::path run_recipe = fs::path(arguments.run) / "recipe.toml";
  const fs::path root = data_root(arguments.data, load_recipe(run_recipe), run_recipe);
  const data::Dataset training(recipe.recipe, root, data::Part::Training);
  for (const auto& source : training.source_summaries())
    manifest.training_data.push_back({source.name, source.license, source.pictures});
  return training.has_targets();
}

/// Notes in the manifest what is measured of the controller, and calibrates it; what the card says.
std::string examined(const FreezeArguments& arguments, TrainedRun& trained,
                     bundle::Manifest& manifest) {
  const fs::path run_recipe = fs::path(arguments.run) / "recipe.toml";
  const auto evidence =
      examine_controller(*trained.conditioner, trained.recipe.recipe,
                         data_root(arguments.data, load_recipe(run_recipe), run_recipe));
  manifest.condition.emplace();
  manifest.condition->novelty_threshold = evidence.novelty_threshold;
  if (!evidence.calibration) return {};
  const Calibration& found = *evidence.calibration;
  manifest.condition->temperature = found.temperature;
  manifest.scores = found.scores();
  if (found.temperature == 1) {
    spdlog::info("the controller's calibration error is {:.3f} on {} held-out samples",
                 found.error_after, found.samples);
  } else {
    spdlog::info("temperature {:.3f}: calibration error {:.3f}, before {:.3f}, of {} samples",
                 found.temperature, found.error_after, found.error_before, found.samples);
  }
  return found.text();
}

/// `what`: "resunet", "encoder by hcsc".
void write_frozen(const FreezeArguments& arguments, const bundle::Bundle& frozen,
                  const std::string& what, std::int64_t step) {
  write_file_atomically(arguments.out, bundle::serialize_bundle(frozen.manifest, frozen.members),
                        arguments.overwrite ? Existing::Replaced : Existing::Kept);
  const auto bytes = fs::file_size(arguments.out);
  spdlog::info("wrote '{}': {}, step {}, {} bytes", arguments.out, what, step, bytes);
  if (!arguments.json) return;
  console::Json members = console::Json::object();
  for (const auto& [name, content] : frozen.members) members[name] = content.size();
  console::print_event("frozen", {{"bundle", arguments.out},
                                  {"kind", frozen.manifest.kind},
                                  {"step", step},
                                  {"bytes", bytes},
                                  {"member_bytes", members}});
}

/// A bundle of kind encode.
void freeze_encoder(const FreezeArguments& arguments, TrainedRun& trained,
                    bundle::Manifest manifest, const std::string& notes) {
  manifest.labels = trained.kinds;
  if (arguments.certify > 0) add_training_data(arguments, trained.recipe, manifest);
  const auto layout = trained.encoder->layout();
  const auto tree = trained.tree ? nn::tree_file(*trained.tree, layout.view_px, layout.max_views)
                                 : std::vector<std::byte>();
  const bundle::Bundle frozen =
      freeze::freeze(*trained.encoder, manifest, notes, tree, arguments.half);
  write_frozen(arguments, frozen, "encoder by " + trained.recipe.method, trained.step);
}

void freeze_command(const FreezeArguments& arguments) {
  expect_writable(arguments.out, arguments.overwrite);
  TrainedRun trained = load_trained_run(arguments.run, arguments.weights);
  CHIARO_CHECK(trained.network != nullptr || trained.encoder != nullptr, Usage,
               "[freeze] method '{}' trains neither restorer nor encoder", trained.recipe.method);
  if (!arguments.average_with.empty())
    average_weights(trained, arguments.run, arguments.average_with, arguments.weights);
  bundle::Manifest manifest;
  manifest.name = fs::path(arguments.out).stem().string();
  manifest.summary = arguments.summary;
  manifest.license = arguments.license;
  manifest.labels =
      trained.conditioner ? trained.conditioner->layout().types : task_names(trained.recipe.recipe);
  manifest.network = trained.recipe.network;
  manifest.network_options = trained.recipe.network_options;
  manifest.method = trained.recipe.method;
  manifest.recipe = print_recipe(trained.recipe.recipe);
  std::string notes = fmt::format("Trained for {} steps.\n\n{}", trained.step,
                                  arguments.notes.empty() ? "" : read_text(arguments.notes));
  for (const fs::path other : arguments.average_with)
    notes = fmt::format("The weights are a mean: those of {} count as much as this run's. ",
                        other.filename().string()) +
            notes;
  if (trained.network == nullptr) {
    freeze_encoder(arguments, trained, std::move(manifest), notes);
    return;
  }
  if (trained.conditioner) notes += "\n\n" + examined(arguments, trained, manifest);
  bool certify = arguments.certify > 0 && engine::has_bf16();
  if (arguments.certify > 0 && !certify) {
    spdlog::warn(
        "this processor has no bf16; the bundle will run in f32 until it is certified elsewhere");
  }
  if (arguments.certify > 0) {
    const bool has_targets = add_training_data(arguments, trained.recipe, manifest);
    if (certify && !has_targets) {
      spdlog::info(
          "there are pictures without targets, on which the cost of bf16 cannot be measured; the "
          "bundle will run in f32");
      certify = false;
    }
  }
  if (certify) {
    const fs::path run_recipe = fs::path(arguments.run) / "recipe.toml";
    const fs::path root = data_root(arguments.data, load_recipe(run_recipe), run_recipe);
    manifest.precision = measure_bf16(freeze::freeze(*trained.network, manifest, notes,
                                                     trained.conditioner.get(), arguments.half),
                                      trained.recipe.recipe, root, arguments.certify,
                                      trained.recipe.validate.crop_px);
    spdlog::info(
        "bf16 costs {:.4f} dB on {} held-out pictures; 99.9 % of values within {:.2f} of 255, "
        "largest {:.2f}",
        manifest.precision->bf16_psnr_cost_db, arguments.certify,
        manifest.precision->bf16_q999_level_diff, manifest.precision->bf16_max_level_diff);
  }
  const bundle::Bundle frozen =
      freeze::freeze(*trained.network, manifest, notes, trained.conditioner.get(), arguments.half);
  write_frozen(arguments, frozen, trained.recipe.network, trained.step);
}

}  // namespace

void add_freeze(CLI::App& root) {
  auto arguments = std::make_shared<FreezeArguments>();
  CLI::App* command =
      root.add_subcommand("freeze", "Freeze the averaged weights of a run into a bundle");
  command->footer(
      "Example:\n  chiaro freeze runs/mine -o mine.chiaro --license CC-BY-4.0\n  chiaro restore "
      "photo.jpg -o clear.png --bundle mine.chiaro");
  command->add_option("run", arguments->run, "run folder")->required();
  command->add_option("-o,--out", arguments->out, "bundle to write: name.chiaro")->required();
  command
      ->add_option("--weights", arguments->weights,
                   "last: averages of the newest checkpoint; best: what validated best")
      ->check(CLI::IsMember({"last", "best"}));
  command->add_option("--average-with", arguments->average_with,
                      "run folders or bundles of the same network, each continued from the same "
                      "weights: the mean of all is frozen");
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing bundle");
  command->add_option("--data", arguments->data, "folder that relative data folders start from");
  command->add_option("--summary", arguments->summary, "one line for `chiaro models list`");
  command->add_option("--license", arguments->license, "of the weights");
  command->add_option("--notes", arguments->notes, "Markdown file that ends the card");
  command->add_flag("--half", arguments->half,
                    "store the parameters as float16: half the size; the arithmetic stays float32");
  command->add_option(
      "--certify", arguments->certify,
      "held-out pictures on which the cost of bf16 is measured; 0: bf16 stays off, the "
      "card names no training pictures, and data is read for a controller alone, "
      "which is calibrated on what was held out");
  command->add_flag("--json", arguments->json,
                    "at the end one line of JSON on stdout: the event \"frozen\" with the bundle, "
                    "its size and those of its members");
  command->callback([arguments] { freeze_command(*arguments); });
}

}  // namespace chiaro::apps
