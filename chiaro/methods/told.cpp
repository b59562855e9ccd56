// Told: a restorer that is told what a picture looks like to an encoder of damage, which learned
// without labels (method hcsc) and stays as it is: both it and the tree over its codes are loaded,
// not trained.
//
//   x           (N,3,H,W)    damaged crops
//   y           (N,3,H,W)    clean crops
//   v           (N,V,3,S,S)  native views of the windows they are cut from
//   c_i^l, τ_i^l             prototypes of level l, their temperatures
//
//   z   = mean of f(v), at length 1                                the code
//   e   = [ Σ_i softmax_i( z·c_i^l / τ_i^l ) c_i^l ] for all l     the soft path
//   p,s = what the members of the finest prototypes had, weighed by the same softmax
//   L   = Σ_i w_i · ℓ_i( R(x; [p | s | e]), y )
//
// No number of a prototype is fed: these change with each tree that is built. Of some samples
// nothing is said, of some the labels, as in mmf, so that R works without the encoder too and can
// be told by people.
//
// Reference: soft conditioning by the prototypes of Y. Guo et al., "HCSC: Hierarchical Contrastive
// Selective Coding", CVPR 2022, arXiv:2202.00455, which knows no restorer; how the path reaches one
// is chiaro's own.
#include <ATen/ATen.h>

#include <utility>

#include "chiaro/base/text.h"
#include "chiaro/losses/by_name.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/pixel_terms.h"
#include "chiaro/methods/stated_truth.h"
#include "chiaro/networks/path_conditioner.h"

namespace chiaro::methods {
namespace {

struct ToldOptions {
  std::string loss = "charbonnier";
  std::string condition = "path";
  bool names = true;
  std::int64_t width = 16;
  std::int64_t hidden = 128;
  std::int64_t dimension = 64;
  std::vector<std::int64_t> prototypes = {80, 20, 8};
  std::int64_t view_px = 64;
  double drop = 0.1;
  double truth = 0.1;

  static Fields<ToldOptions> fields() {
    using T = ToldOptions;
    const FieldLimits share{.min = 0, .max = 1};
    return {
        field("loss", &T::loss, "weighted sum of pixel losses"),
        field("condition", &T::condition,
              "what the restorer is told, in training and validation: the soft path or the code; "
              "the path of another sample, the labels or nothing are for comparison",
              {.choices = {"path", "code", "shuffled", "oracle", "none"}}),
        field("names", &T::names,
              "whether it is also told kinds and severities, by the names of the nodes; false, "
              "which uses no label, is for comparison"),
        field("width", &T::width, "of the encoder, as it was trained", {.min = 4, .max = 512}),
        field("hidden", &T::hidden, "of the encoder, as it was trained", {.min = 4, .max = 4096}),
        field("dimension", &T::dimension, "of the encoder, as it was trained",
              {.min = 2, .max = 4096}),
        field("prototypes", &T::prototypes, "of the tree, as it was trained"),
        field("view_px", &T::view_px, "of the encoder, as it was trained",
              {.min = 16, .max = 4096, .unit = "px"}),
        field("drop", &T::drop, "how often the restorer is told nothing", share),
        field("truth", &T::truth, "how often it is told the labels instead", share),
    };
  }

  bool looks() const { return condition != "oracle" && condition != "none"; }

  /// What a bundle can hold: the graphs tell what was told in training.
  bool for_use() const {
    return condition == "none" || (names && (condition == "path" || condition == "code"));
  }
};

/// All parts under one roof for checkpoints.
class ToldParts : public torch::nn::Module {
 public:
  ToldParts(std::shared_ptr<networks::Network> network,
            std::shared_ptr<networks::PathConditioner> conditioner) {
    register_module("network", std::move(network));
    if (conditioner) register_module("conditioner", std::move(conditioner));
  }
};

class Told : public Method {
 public:
  Told(const Setting& setting, const ToldOptions& options)
      : options_(options),
        seed_(setting.seed),
        names_width_(2 * static_cast<std::int64_t>(setting.kinds.size())),
        network_(setting.network),
        terms_(losses::parse_loss_terms(options.loss)) {
    CHIARO_CHECK(
        setting.kinds.size() >= 2, Usage,
        "[methods.told] the data shows the kinds '{}'; expected clean and at least one damage",
        join(setting.kinds));
    const std::int64_t embedding =
        options.dimension * static_cast<std::int64_t>(options.prototypes.size());
    CHIARO_CHECK(
        network_->condition_width() == names_width_ + embedding, Usage,
        "[methods.told] the network takes a condition of width {}, {} kinds ({}) and {} levels of "
        "{} values make {}; expected network mmf_unet with types = {} and embedding = {}",
        network_->condition_width(), setting.kinds.size(), join(setting.kinds),
        options.prototypes.size(), options.dimension, names_width_ + embedding,
        setting.kinds.size(), embedding);
    CHIARO_CHECK(!setting.inference_only || options.for_use(), Usage,
                 "[methods.told] what was told for comparison cannot be used; got condition = "
                 "\"{}\" with names = {}; expected path or code with names = true, or none",
                 options.condition, options.names);
    if (options.looks()) {
      conditioner_ = std::make_shared<networks::PathConditioner>(
          networks::PathConditionerOptions{
              .encoder = {options.width,
                          options.hidden,
                          {.dimension = options.dimension, .view_px = options.view_px}},
              .prototypes = options.prototypes,
              .telling =
                  options.condition == "code" ? networks::Telling::Code : networks::Telling::Path},
          setting.kinds);
    }
    parts_ = std::make_shared<ToldParts>(network_, conditioner_);
  }

  Losses losses(const data::Batch& batch, const StepInfo& /*info*/) override {
    return pixel_terms(terms_, network_->forward(batch.input, {told(batch)}), batch.target);
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return network_->parameters();
  }
  torch::nn::Module& state() override { return *parts_; }
  Product product() override { return {network_, conditioner_}; }

  at::Tensor condition(const data::Batch& batch) override {
    if (options_.condition == "none") return {};
    if (options_.condition == "oracle") return true_code(batch, network_->condition_width());
    const at::NoGradGuard no_grad;
    const auto views = networks::cut_views(batch.context, conditioner_->layout());
    const at::Tensor code = conditioner_->diagnose(views.native, views.whole).code;
    if (!options_.names) code.narrow(1, 0, names_width_).zero_();
    return options_.condition == "shuffled" ? codes_of_others(code, batch, seed_) : code;
  }

 private:
  /// The condition as trained with: of some samples nothing is said, of some the truth.
  at::Tensor told(const data::Batch& batch) {
    at::Tensor code = condition(batch);
    if (code.defined() && options_.condition != "oracle")
      mix_in_truth(code, batch, seed_, options_.drop, options_.names ? options_.truth : 0);
    return code;
  }

  ToldOptions options_;
  std::uint64_t seed_;
  std::int64_t names_width_;  // 2K: probabilities and severities
  std::shared_ptr<networks::Network> network_;
  std::shared_ptr<networks::PathConditioner> conditioner_;  // null where it is not asked
  std::shared_ptr<ToldParts> parts_;
  std::vector<losses::WeightedLoss> terms_;
};

}  // namespace

Entry told() {
  return {
      .name = {},
      .summary =
          "A restorer told by an encoder of damage that learned without labels, along the soft "
          "path of its tree of prototypes",
      .reference = "encoder and tree after Guo et al. 2022, https://arxiv.org/abs/2202.00455",
      .options = describe_options<ToldOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Told>(setting, parse_options<ToldOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
