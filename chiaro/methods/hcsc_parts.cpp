#include "chiaro/methods/hcsc_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::methods {
namespace {

/// Of the queue, for each finest prototype: below it the mean of a group is mostly chance.
constexpr std::int64_t kFewKeys = 5;

}  // namespace

Fields<HcscOptions> HcscOptions::fields() {
  using T = HcscOptions;
  const FieldLimits share{.min = 0, .max = 1};
  return {
      field("width", &T::width, "channels of the encoder's first convolution",
            {.min = 4, .max = 512}),
      field("hidden", &T::hidden, "width of the encoder's head", {.min = 4, .max = 4096}),
      field("dimension", &T::dimension, "of the codes", {.min = 2, .max = 4096}),
      field("prototypes", &T::prototypes,
            "most prototypes of each level, finest first: at most half as many as on the level "
            "before, on the first as keys in the queue"),
      field("temperature", &T::temperature, "T, and the mean of each level's τ",
            {.min = 0.001, .max = 10}),
      field("momentum", &T::momentum, "μ: how slowly the encoder of the keys follows", share),
      field("queue", &T::queue, "keys remembered", {.min = 2, .max = 1 << 20}),
      field("warmup", &T::warmup,
            "of the steps without a tree; 1: plain contrast (MoCo), the tree is built at the end",
            share),
      field("tree_every", &T::tree_every, "how often the tree is built anew",
            {.min = 1, .unit = "steps"}),
      field("positives", &T::positives,
            "crops: two crops of one damaged picture; damage: two pictures with the same damage, "
            "as data.alike = 2 gives them",
            {.choices = {"crops", "damage"}}),
      field("overlap", &T::overlap,
            "whether two crops of a picture may share pixels, and with them the very same noise",
            {.choices = {"allowed", "forbidden"}}),
      field("instance_reduce", &T::instance_reduce, "of L_inst over levels",
            {.choices = {"sum", "mean"}}),
      field("prototype_weight", &T::prototype_weight, "λ", {.min = 0}),
      field("scene_weight", &T::scene_weight,
            "λ_s: of the contrast with the same scene under other damage, as data.variants gives "
            "it; 0: none",
            {.min = 0}),
      field("dropped", &T::dropped,
            "what is not kept: removed from the sum, or zeroed, which leaves 1 there",
            {.choices = {"removed", "zeroed"}}),
      field("excluded", &T::excluded,
            "which prototypes are never negatives: a query's own, or those of the whole batch",
            {.choices = {"own", "batch"}}),
      field("last_prototype", &T::last_prototype,
            "false: candidates end before the largest number in use, as in the released code"),
      field("temperatures", &T::temperatures, "own: τ by concentration; common: τ = T",
            {.choices = {"own", "common"}}),
      field("least_members", &T::least_members,
            "finest prototypes with fewer members are dissolved", {.min = 0}),
      field("view_px", &T::view_px,
            "side of the crops by which the encoder looks at a picture when it is used; that of "
            "the crops in training, a multiple of 16",
            {.min = 16, .max = 4096, .unit = "px"}),
      field("health_every", &T::health_every, "how often the contrast is examined",
            {.min = 1, .unit = "steps"}),
  };
}

void expect_possible(const HcscOptions& options) {
  std::int64_t below = options.queue;
  for (const std::int64_t level : options.prototypes) {
    CHIARO_CHECK(level >= 2, Usage,
                 "[methods.hcsc] a level of one prototype has nothing to contrast it with; got "
                 "prototypes = [{}]; expected at least 2 on each level",
                 fmt::join(options.prototypes, ", "));
    CHIARO_CHECK(2 * level <= below, Usage,
                 "[methods.hcsc] a level has at most half as many prototypes as what it clusters, "
                 "the finest half as many as the queue has keys; got prototypes = [{}] and queue = "
                 "{}; expected at most {} in the place of {}",
                 fmt::join(options.prototypes, ", "), options.queue, below / 2, level);
    below = level;
  }
}

std::int64_t warmup_steps(const HcscOptions& options, std::int64_t total_steps) {
  return std::llround(options.warmup * static_cast<double>(total_steps));
}

std::vector<std::string> remarks_on(const HcscOptions& options, std::int64_t total_steps,
                                    std::int64_t keys) {
  std::vector<std::string> remarks;
  const std::int64_t warmup = warmup_steps(options, total_steps);
  if (options.warmup < 1 && warmup >= total_steps) {
    remarks.push_back(
        fmt::format("the warm-up takes all of the {} steps: plain contrast, with a tree at the end "
                    "that nothing has learned from",
                    total_steps));
  } else if (warmup + options.tree_every >= total_steps && warmup < total_steps) {
    remarks.push_back(fmt::format(
        "the tree is made once, after step {} of {}, and follows the codes no further: tree_every "
        "is {}",
        std::max<std::int64_t>(warmup, 1), total_steps, options.tree_every));
  }
  if (keys > options.queue) {
    remarks.push_back(fmt::format(
        "of the {} keys of a step the queue keeps {}: all negatives are of the step before", keys,
        options.queue));
  }
  const std::int64_t finest = options.prototypes.front();
  if (options.queue < kFewKeys * finest) {
    remarks.push_back(fmt::format(
        "the queue has {:.1f} keys for each of the {} finest prototypes: groups of fewer than {} "
        "are mostly chance",
        static_cast<double>(options.queue) / static_cast<double>(finest), finest, kFewKeys));
  }
  return remarks;
}

HcscState::HcscState(const HcscOptions& options, std::int64_t notes) {
  const networks::DegradationEncoder::Options parts{
      options.width, options.hidden, {.dimension = options.dimension, .view_px = options.view_px}};
  query = register_module("query", std::make_shared<networks::DegradationEncoder>(parts));
  key = std::make_shared<networks::DegradationEncoder>(parts);
  copies = register_module("copies", std::make_shared<nn::LaggedCopies>(
                                         std::vector<std::shared_ptr<torch::nn::Module>>{key}));
  copies->blend(0, *query, /*retained=*/0);
  tree = register_module("tree",
                         std::make_shared<nn::PrototypeTree>(
                             nn::TreeOptions{.prototypes = options.prototypes,
                                             .temperature = options.temperature,
                                             .common_temperature = options.temperatures == "common",
                                             .least_members = options.least_members},
                             options.dimension, notes));
  watch = register_module("watch", std::make_shared<losses::ContrastWatch>());
  queue =
      register_module("queue", std::make_shared<KeyQueue>(options.queue, options.dimension, notes));
}

}  // namespace chiaro::methods
