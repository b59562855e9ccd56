// spn: the output is pulled to the target and pushed away, in feature space, from what older
// versions of the same network make of the input (model contrastive learning, MCLIR).
//
//   ŷ   = f(x; θ),   ŷ_k = f(x; θ_k)                    k = 1 … N lagged copies, no gradient
//   L   = L_rec(ŷ, y) − λ · L_neg
//   L_neg   = 1/N · Σ_k d(ŷ, ŷ_k)
//   d(a, b) = Σ_l w_l · mean|φ_l(a) − φ_l(b)|           φ frozen features, w_l weights of layers
//   θ_k ← r_k·θ_k + (1 − r_k)·θ                         after every s_k-th optimiser step
//   θ_k at the start: n·(fresh random weights) + (1 − n)·θ
//
// Adaptive variant: no intervals; where v = mean_n std(2·(ŷ_n − y_n)) > T, the copy whose turn it
// is takes the weights θ before the step. T = 2·10^(−PSNR/20).
//
// For comparison the same method has other terms in place of −λ·L_neg (objective =):
//   frozen_negative    as spn, copies never refreshed
//   degraded_negative  −λ · d(ŷ, x)
//   positive           +λ · d(ŷ, y)
//   cr                 +λ · Σ_l w_l · D_l(ŷ, y) / (D_l(ŷ, x) + 1e-7)      (Wu et al. 2021)
//
// Reference: G. Wu, J. Jiang, K. Jiang, X. Liu, "Learning from History: Task-agnostic Model
// Contrastive Learning for Image Restoration", AAAI 2024, arXiv:2309.06023. What it leaves open and
// what was chosen: docs/methods/spn.md.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include <cmath>
#include <numeric>

#include "chiaro/base/process_memory.h"
#include "chiaro/base/rng.h"
#include "chiaro/losses/by_name.h"
#include "chiaro/losses/feature_distance.h"
#include "chiaro/losses/gradient_norm.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/contrast_weight.h"
#include "chiaro/methods/pixel_terms.h"
#include "chiaro/networks/encoder_features.h"
#include "chiaro/nn/feature_extractor.h"
#include "chiaro/nn/generator_scope.h"
#include "chiaro/nn/lagged_copies.h"

namespace chiaro::methods {
namespace {

using losses::Features;

struct SpnOptions {
  std::string objective = "spn";
  std::string loss = "l1";
  double lambda = 1e-3;
  double share = 0;
  std::string share_of = "gradient";
  std::vector<std::int64_t> intervals = {100, 200, 500, 1000};
  std::vector<double> retained = {0.1};
  std::int64_t meant_for_steps = 500'000;
  double start_random = 0.1;
  std::string refresh = "interval";
  double adaptive_psnr_db = 39.2;
  double adaptive_retained = 0.001;
  std::string negatives = "all";
  std::string features = "random_vgg";
  std::string feature_file;
  std::vector<std::string> layers;
  std::vector<double> layer_weights;
  std::string feature_precision = "f32";
  std::int64_t random_width = 16;
  std::int64_t feature_seed = 1;
  double guard_share = 0.5;
  std::int64_t guard_steps = 0;
  static Fields<SpnOptions> fields();
};

Fields<SpnOptions> SpnOptions::fields() {
  using O = SpnOptions;
  return {
      field("objective", &O::objective, "the contrastive term; all but spn are for comparison",
            {.choices = {"spn", "cr", "positive", "degraded_negative", "frozen_negative"}}),
      field("loss", &O::loss, "L_rec: weighted sum of pixel losses, e.g. 'l1 + 0.05 frequency'"),
      field("lambda", &O::lambda, "λ; 0: plain supervised training, bit for bit", {.min = 0}),
      field("share", &O::share,
            "holds the contrastive term near this share of L_rec; 0: λ stays as it is",
            {.min = 0, .max = 1}),
      field("share_of", &O::share_of,
            "what is shared: gradients at ŷ, or values, whose share says little of how hard a "
            "distance pushes that is small",
            {.choices = {"gradient", "value"}}),
      field("intervals", &O::intervals, "s_k, one for each lagged copy",
            {.min = 1, .unit = "steps"}),
      field("retained", &O::retained, "r_k: what a refresh leaves of a copy; one for all, or each",
            {.min = 0, .max = 1}),
      field(
          "meant_for_steps", &O::meant_for_steps,
          "length of the run the intervals are meant for; other runs stretch them, to 10 steps at "
          "least; 0: as they are",
          {.min = 0, .unit = "steps"}),
      field("start_random", &O::start_random,
            "n: share of fresh random weights in the first copies; 0 for a trained network",
            {.min = 0, .max = 1}),
      field("refresh", &O::refresh, "when copies are refreshed",
            {.choices = {"interval", "adaptive"}}),
      field("adaptive_psnr_db", &O::adaptive_psnr_db,
            "adaptive: batches restored worse than this are captured", {.unit = "dB"}),
      field("adaptive_retained", &O::adaptive_retained, "adaptive: what a refresh leaves of a copy",
            {.min = 0, .max = 1}),
      field("negatives", &O::negatives,
            "all copies each step, or one drawn at random: cheaper, the same on average, with more "
            "noise in the gradient",
            {.choices = {"all", "one"}}),
      field("features", &O::features, "φ", {.choices = nn::feature_networks()}),
      field(
          "feature_file", &O::feature_file,
          "weights of φ, or the bundle of an encoder; relative to the folder the program runs in"),
      field("layers", &O::layers, "layers l of φ; empty: those of the publication or nearest"),
      field("layer_weights", &O::layer_weights, "w_l, one for each of `layers`",
            {.min = 0, .max = 1e6}),
      field("feature_precision", &O::feature_precision,
            "φ in float32, or in the precision of the run", {.choices = {"f32", "run"}}),
      field("random_width", &O::random_width,
            "random_vgg: channels of its first layers; VGG has 64", {.min = 1, .max = 256}),
      field("feature_seed", &O::feature_seed, "random_vgg: seed of its weights", {.min = 0}),
      field("guard_share", &O::guard_share, "stops where λ·L_neg exceeds this share of L_rec …",
            {.min = 0}),
      field("guard_steps", &O::guard_steps,
            "… for so many steps in a row; 0: 5 % of the run, 10 to 1000",
            {.min = 0, .unit = "steps"}),
  };
}

constexpr std::int64_t kGradientEvery = 10;  // steps: a measurement costs one pass back through φ

/// The damaged picture where a restored one is expected.
at::Tensor enlarged(const at::Tensor& x, const at::Tensor& like) {
  if (x.sizes() == like.sizes()) return x;
  return at::upsample_bicubic2d(x, like.sizes().slice(2), false);
}

class Spn : public Method {
 public:
  Spn(const Setting& setting, const SpnOptions& options);
  Losses losses(const data::Batch& batch, const StepInfo& info) override;
  void after_step(const StepInfo& info) override;
  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return network_->parameters();
  }
  torch::nn::Module& state() override { return state_; }
  Product product() override { return {network_, nullptr}; }

 private:
  bool has_copies() const {
    return options_.objective == "spn" || options_.objective == "frozen_negative";
  }
  bool subtracts() const { return options_.objective != "cr" && options_.objective != "positive"; }
  double retained(std::size_t k) const {
    return options_.retained.size() == 1 ? options_.retained.front() : options_.retained[k];
  }
  void make_copies(const Setting& setting);
  void choose_features(const Setting& setting);
  /// λ of this step, from what both terms are or do to the output; meters; the guard.
  double weigh(const at::Tensor& reconstruction, const at::Tensor& contrast,
               const at::Tensor& restored, const StepInfo& info, Losses& result);
  at::Tensor contrast(const data::Batch& batch, const at::Tensor& restored, const StepInfo& info,
                      Losses& result);
  std::vector<std::size_t> chosen_copies(const StepInfo& info) const;
  at::Tensor negative_term(const data::Batch& batch, const at::Tensor& restored,
                           const Features& features, const StepInfo& info, Losses& result);
  void capture_if_bad(const data::Batch& batch, const at::Tensor& restored, const StepInfo& info);

  SpnOptions options_;
  std::vector<losses::WeightedLoss> reconstruction_;
  std::vector<double> layer_weights_;
  std::uint64_t seed_;
  std::shared_ptr<networks::Network> network_;
  std::vector<std::shared_ptr<networks::Network>> negatives_;
  std::shared_ptr<nn::LaggedCopies> copies_;
  std::shared_ptr<ContrastWeight> weight_;
  std::shared_ptr<nn::FeatureExtractor> features_;  // frozen, made again from the options: no state
  std::int64_t captured_at_ = -1;  // a step captures once, however many micro-batches it has
  torch::nn::Module state_;
};

Spn::Spn(const Setting& setting, const SpnOptions& options)
    : options_(options),
      reconstruction_(losses::parse_loss_terms(options.loss)),
      seed_(Rng(setting.seed, {stable_hash("spn")}).next()),
      network_(setting.network) {
  CHIARO_CHECK(options.refresh != "adaptive" || options.share == 0 || options.share_of != "value",
               Usage,
               "[methods.spn] refresh = adaptive keeps copies so near that a share of values needs "
               "a λ without bound; got share = {} of values; expected share_of = gradient, or a "
               "fixed lambda",
               options.share);
  choose_features(setting);
  weight_ = std::make_shared<ContrastWeight>(ContrastWeightOptions{
      options.lambda, options.share, options.guard_share, options.guard_steps});
  state_.register_module("network", network_);
  state_.register_module("weight", weight_);
  if (has_copies()) make_copies(setting);
}

void Spn::choose_features(const Setting& setting) {
  std::vector<std::string> layers = options_.layers;
  layer_weights_ = options_.layer_weights;
  CHIARO_CHECK(layers.size() == layer_weights_.size(), Usage,
               "[methods.spn] layers and layer_weights belong together; got {} and {}; expected as "
               "many of both",
               layers.size(), layer_weights_.size());
  if (setting.inference_only) return;
  std::shared_ptr<networks::Encoder> encoder;
  if (options_.features == "encoder" && options_.feature_file.ends_with(".chiaro")) {
    CHIARO_CHECK(setting.load_encoder != nullptr, Internal,
                 "[methods.spn] the setting cannot load encoders");
    const nn::GeneratorScope own_generator(seed_);
    encoder = setting.load_encoder(options_.feature_file);
  }
  if (layers.empty()) {
    for (const auto& [layer, weight] :
         encoder ? networks::default_layers(*encoder) : nn::default_layers(options_.features)) {
      layers.push_back(layer);
      layer_weights_.push_back(weight);
    }
  }
  features_ =
      encoder
          ? networks::encoder_features(encoder, layers)
          : nn::make_feature_extractor({.network = options_.features,
                                        .file = options_.feature_file,
                                        .layers = layers,
                                        .width = options_.random_width,
                                        .seed = static_cast<std::uint64_t>(options_.feature_seed)});
  features_->set_precision_of_run(options_.feature_precision == "run");
}

void Spn::make_copies(const Setting& setting) {
  const std::size_t count = options_.intervals.size();
  CHIARO_CHECK(count > 0, Usage, "[methods.spn] intervals is empty; expected one for each copy");
  CHIARO_CHECK(options_.retained.size() == 1 || options_.retained.size() == count, Usage,
               "[methods.spn] retained has {} values; expected 1, or {} as intervals has",
               options_.retained.size(), count);
  CHIARO_CHECK(setting.make_network != nullptr, Internal,
               "[methods.spn] the setting cannot make further networks");
  nn::expect_room_for_copies(*network_, static_cast<std::int64_t>(count), available_memory_bytes());
  std::vector<std::shared_ptr<torch::nn::Module>> modules;
  for (std::size_t k = 0; k < count; ++k) {
    const nn::GeneratorScope own_generator(seed_ + k);
    negatives_.push_back(setting.make_network());
    modules.push_back(negatives_.back());
  }
  copies_ = std::make_shared<nn::LaggedCopies>(std::move(modules));
  for (std::size_t k = 0; k < count; ++k) copies_->blend(k, *network_, options_.start_random);
  state_.register_module("copies", copies_);
}

Losses Spn::losses(const data::Batch& batch, const StepInfo& info) {
  const at::Tensor restored = network_->forward(batch.input);
  Losses result = pixel_terms(reconstruction_, restored, batch.target);
  if (options_.lambda == 0 && options_.share == 0) return result;

  at::Tensor reconstruction = at::zeros({}, restored.options().dtype(at::kFloat));
  for (const auto& term : result.terms) reconstruction = reconstruction + term.weight * term.value;

  const at::Tensor contrast_term = contrast(batch, restored, info, result);
  const double lambda = weigh(reconstruction, contrast_term, restored, info, result);
  result.terms.push_back({"contrast", contrast_term, subtracts() ? -lambda : lambda});
  if (options_.objective == "spn" && options_.refresh == "adaptive")
    capture_if_bad(batch, restored, info);
  return result;
}

double Spn::weigh(const at::Tensor& reconstruction, const at::Tensor& contrast,
                  const at::Tensor& restored, const StepInfo& info, Losses& result) {
  const double whole = reconstruction.item<double>();
  const double size = contrast.item<double>();
  const bool by_gradient = options_.share_of == "gradient";
  const double lambda = weight_->lambda();
  if (!by_gradient) weight_->measure(whole, size);
  if (info.step % kGradientEvery == 0 && at::GradMode::is_enabled()) {
    const double pull = losses::gradient_norm(reconstruction, restored);
    const double push = losses::gradient_norm(contrast, restored);
    if (by_gradient && pull > 0) weight_->measure(pull, push);
    if (pull > 0) result.meters.emplace_back("gradient_share", lambda * push / pull);
  }
  if (subtracts()) weight_->watch(whole, lambda * size);
  result.meters.emplace_back("lambda", lambda);
  if (whole != 0) result.meters.emplace_back("contrast_share", lambda * size / whole);
  return lambda;
}

at::Tensor Spn::contrast(const data::Batch& batch, const at::Tensor& restored, const StepInfo& info,
                         Losses& result) {
  const Features features = features_->forward(restored);  // φ(ŷ) once, for all comparisons
  if (has_copies()) return negative_term(batch, restored, features, info, result);
  const auto fixed = [&](const at::Tensor& picture) {
    const at::NoGradGuard no_grad;
    return features_->forward(picture);
  };
  if (options_.objective == "positive")
    return losses::feature_distance(features, fixed(batch.target), layer_weights_);
  const Features damaged = fixed(enlarged(batch.input, restored));
  return options_.objective == "cr"
             ? losses::feature_contrast(features, fixed(batch.target), damaged, layer_weights_)
             : losses::feature_distance(features, damaged, layer_weights_);
}

std::vector<std::size_t> Spn::chosen_copies(const StepInfo& info) const {
  if (options_.negatives == "one") {
    Rng draw(seed_, {static_cast<std::uint64_t>(info.step), stable_hash("negative")});
    return {static_cast<std::size_t>(
        draw.integer(0, static_cast<std::int64_t>(negatives_.size()) - 1))};
  }
  std::vector<std::size_t> all(negatives_.size());
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

at::Tensor Spn::negative_term(const data::Batch& batch, const at::Tensor& restored,
                              const Features& features, const StepInfo& info, Losses& result) {
  const std::vector<std::size_t> chosen = chosen_copies(info);
  std::vector<Features> older_features(chosen.size());
  std::vector<at::Tensor> staleness;
  {
    // The copies one after the other: their weights differ, and grouped convolutions, which would
    // run them at once, take longer (docs/methods/spn.md). φ sees all their outputs in one batch.
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> older;
    for (const std::size_t k : chosen) older.push_back(negatives_[k]->forward(batch.input));
    for (const at::Tensor& one : older) staleness.push_back((restored - one).abs().mean());
    for (const at::Tensor& layer : features_->forward(at::cat(older))) {
      const auto parts = layer.chunk(static_cast<std::int64_t>(chosen.size()));
      for (std::size_t i = 0; i < parts.size(); ++i) older_features[i].push_back(parts[i]);
    }
  }
  const auto distances = losses::distances_to_fixed(features, older_features, layer_weights_);
  // One tensor, so that a device is waited for once.
  const auto seen = at::stack({distances.each, at::stack(staleness).to(distances.each)});
  const auto values = seen.to(at::kCPU, at::kDouble);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const std::string name = options_.negatives == "one" ? "drawn" : std::to_string(chosen[i]);
    const auto column = static_cast<std::int64_t>(i);
    result.meters.emplace_back("distance_" + name, values[0][column].item<double>());
    result.meters.emplace_back("staleness_" + name, values[1][column].item<double>());
  }
  for (std::size_t k = 0; k < negatives_.size(); ++k)
    result.meters.emplace_back("age_" + std::to_string(k), copies_->age_steps(k));
  return distances.mean;
}

void Spn::capture_if_bad(const data::Batch& batch, const at::Tensor& restored,
                         const StepInfo& info) {
  const at::NoGradGuard no_grad;
  const at::Tensor error = restored.to(at::kFloat) - batch.target;
  const double spread = (2 * error).flatten(1).std(1).mean().item<double>();
  const double threshold = 2 * std::pow(10.0, -options_.adaptive_psnr_db / 20);
  if (spread <= threshold || captured_at_ == info.step) return;
  captured_at_ = info.step;
  copies_->blend(copies_->next_in_turn(), *network_, options_.adaptive_retained);
}

void Spn::after_step(const StepInfo& info) {
  const bool by_gradient = options_.share_of == "gradient";
  weight_->after_step(info.step, by_gradient ? info.total_steps / kGradientEvery : info.total_steps,
                      info.total_steps);
  if (copies_ == nullptr) return;
  copies_->grow_older();
  if (options_.objective != "spn" || options_.refresh != "interval") return;
  const auto intervals =
      nn::stretched_intervals(options_.intervals, options_.meant_for_steps, info.total_steps);
  for (std::size_t k = 0; k < intervals.size(); ++k) {
    if (info.step % intervals[k] == 0) copies_->blend(k, *network_, retained(k));
  }
}

}  // namespace

Entry spn() {
  return {.name = {},
          .summary =
              "Pulls the output to the target and pushes it away from the outputs of older "
              "versions of the network (model contrastive learning)",
          .reference = "Wu, Jiang, Jiang, Liu, AAAI 2024, https://arxiv.org/abs/2309.06023",
          .options = describe_options<SpnOptions>(),
          .make = [](const Setting& setting, const OptionTable& table) -> std::unique_ptr<Method> {
            return std::make_unique<Spn>(setting, parse_options<SpnOptions>(table, "method"));
          }};
}

}  // namespace chiaro::methods
