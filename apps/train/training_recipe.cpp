#include "apps/train/training_recipe.h"

#include <cstdlib>

#include <torch/utils.h>

#include "apps/train/encoder_bundle.h"
#include "apps/train/picture_measures.h"
#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::apps {
namespace {

/// Takes the key `name` out of a section that otherwise holds options.
std::string take_name(OptionTable& table, const std::string& section) {
  const auto found = table.find("name");
  CHIARO_CHECK(found != table.end() && std::holds_alternative<std::string>(found->second), Usage,
               "[recipe] [{}] needs a name", section);
  const std::string name = std::get<std::string>(found->second);
  table.erase(found);
  return name;
}

ValidateOptions parse_validation(const OptionTable& table) {
  auto options = parse_options<ValidateOptions>(table, "validate");
  constexpr std::int64_t kWindowPx = 11;
  CHIARO_CHECK(!PictureMeasures(options.metrics).contains("ssim_y") || options.crop_px >= kWindowPx,
               Usage,
               "[validate.crop_px] the windows of ssim_y have sides of {} px; got {}; expected at "
               "least as much",
               kWindowPx, options.crop_px);
  return options;
}

}  // namespace

Fields<ValidateOptions> ValidateOptions::fields() {
  return {field("samples", &ValidateOptions::samples, "held-out samples measured",
                {.min = 1, .max = 100000}),
          field("crop_px", &ValidateOptions::crop_px, "side of their crops",
                {.min = 8, .max = 4096, .unit = "px"}),
          field("metrics", &ValidateOptions::metrics,
                "of restored crops: psnr on RGB, which is always measured, psnr_y and ssim_y on "
                "their 8-bit luma, as deraining is reported")};
}

TrainingRecipe check_training_recipe(Recipe recipe) {
  check_recipe_sections(recipe, {"name", "parent"},
                        {"network", "method", "data", "train", "validate"}, {"source", "task"});
  CHIARO_CHECK(!recipe.values.contains("parent"), Usage,
               "[recipe] a parent is read with the file that names it; expected none here");
  TrainingRecipe checked;
  checked.name = take_name(recipe.values, "top level");
  checked.method_options = recipe.table("method").values;
  checked.method = take_name(checked.method_options, "method");
  checked.train = parse_options<train::TrainOptions>(recipe.table("train").values, "train");
  checked.validate = parse_validation(recipe.table("validate").values);
  recipe.values["name"] = checked.name;
  if (methods::find(checked.method).takes_network) {
    checked.network_options = recipe.table("network").values;
    checked.network = take_name(checked.network_options, "network");
    networks::find(checked.network);
  } else {
    CHIARO_CHECK(!recipe.tables.contains("network"), Usage,
                 "[recipe] method '{}' brings its own network; leave out [network]",
                 checked.method);
  }
  checked.recipe = std::move(recipe);
  return checked;
}

std::shared_ptr<networks::Network> make_network(const TrainingRecipe& recipe) {
  torch::manual_seed(static_cast<std::uint64_t>(recipe.train.seed));
  if (recipe.network.empty()) return nullptr;
  return networks::make(recipe.network, recipe.network_options);
}

std::unique_ptr<methods::Method> make_method(const TrainingRecipe& recipe,
                                             std::shared_ptr<networks::Network> network,
                                             const DataNames& names, Purpose purpose) {
  methods::Setting setting{std::move(network), names.tasks,
                           static_cast<std::uint64_t>(recipe.train.seed), names.kinds,
                           names.sources};
  if (!recipe.network.empty()) {
    setting.make_network = [name = recipe.network, options = recipe.network_options] {
      return networks::make(name, options);
    };
  }
  setting.load_encoder = load_encoder;
  setting.inference_only = purpose == Purpose::Freezing;
  return methods::find(recipe.method).make(setting, recipe.method_options);
}

DataNames names_of(const data::Dataset& dataset) {
  return {dataset.tasks(), dataset.kinds(), dataset.source_names()};
}

DataNames names_of(const checkpoint::Checkpoint& checkpoint) {
  const auto list = [&](const char* key) {
    const auto found = checkpoint.texts.find(key);
    return found == checkpoint.texts.end() || found->second.empty() ? std::vector<std::string>{}
                                                                    : split(found->second, ',');
  };
  return {list("tasks"), list("kinds"), list("sources")};
}

std::filesystem::path data_root(const std::string& given, const Recipe& recipe,
                                const std::filesystem::path& recipe_file) {
  if (!given.empty()) return std::filesystem::absolute(given);
  const auto& data = recipe.table("data").values;
  if (const auto stored = data.find("root"); stored != data.end()) {
    if (const auto* root = std::get_if<std::string>(&stored->second)) {
      return std::filesystem::absolute(*root);
    }
  }
  if (const char* environment = std::getenv("CHIARO_DATA_DIR");
      environment != nullptr && *environment != '\0') {
    return std::filesystem::absolute(environment);
  }
  return std::filesystem::absolute(recipe_file).parent_path();
}

Recipe portable(Recipe recipe) {
  if (const auto data = recipe.tables.find("data"); data != recipe.tables.end()) {
    data->second.values.erase("root");
  }
  return recipe;
}

}  // namespace chiaro::apps
