// NLCL, non-local contrastive learning: takes a layer of damage off pictures, taught by damaged
// pictures and by clean ones of something else.
//
//   b = u(f(x))            image layer; f the restorer, u the scale of the layers, see below
//   r = u(x) − b           layer of damage, by construction; with two networks u(x) − u(g(x)),
//   where
//                          the published g gives the layer itself
//   y, ŷ = f(y)            unpaired clean crops, and what the restorer makes of them
//
//   L_disc   = ½ mean D(b)² + ½ mean (D(u(y)) − 1)²          D learns, b is given
//   L_adv    = mean (D(b) − 1)²                              f learns, D is given
//   L_loc    = location contrast of E(f(z)) and E(z), z ∈ {x, y}: a place keeps its content
//   L_layer  = layer contrast of D's features of b and r at block-matched places: patches of a
//              picture are alike, patches of its damage are alike, the two are not
//   L_cons   = mean (b + r − u(x))²                          two networks only; else 0
//   L_sparse = mean |u(x) − b|
//   L_rest   = mean |r| over the half of the pixels where it is smallest
//   L_clean  = mean |ŷ − y|
//   L_trans  = mean |f(y + s r/2) − y|, s uniform in [1,2], r given: what f takes off one picture
//              must come off another one, and off that one wholly
//   L_sup    = mean |f(x) − target|, where there is one
//   L = L_disc + L_adv + L_loc + L_layer + L_cons + 0.1 L_sparse + λ_r L_rest + λ_c L_clean
//       + λ_t L_trans + λ_s L_sup
//
//   x (N,3,H,W) damaged crops    D patch discriminator    E the first layers of f
//   u(v) = 2v − 1, so that no damage is 0; or, for damage that multiplies, the logarithm of
//   v + 1/255 brought to [−1,1]
//
// L_disc sees b without gradient, L_adv and L_layer see D with fixed weights: each part has the
// gradient of its own loss alone, and one step of the optimiser moves all of them at once, where
// the publication steps D first.
//
// A restorer that starts as the identity is where every term but L_adv is smallest or nearly so:
// r = 0 is the most uniform layer, the places are those they were, nothing is dense. Only D can
// move it, and a D that knows nothing moves it anywhere. Hence `lead`, a phase in which D learns
// alone, and L_rest to L_sup, which are Chiaro's own (what each is worth: docs/studies/nlcl.md).
//
// Reference: Y. Ye, C. Yu, Y. Chang, L. Zhu, X. Zhao, L. Yan, Y. Tian, "Unsupervised Deraining:
// Where Contrastive Learning Meets Self-similarity", CVPR 2022, arXiv:2203.11509. What differs, and
// the slips of the released code as options: docs/methods/nlcl.md.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "chiaro/base/rng.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/losses/layer_measures.h"
#include "chiaro/losses/patch_contrast.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/nlcl_parts.h"
#include "chiaro/methods/report_health.h"
#include "chiaro/networks/tapped.h"
#include "chiaro/nn/block_matching.h"
#include "chiaro/nn/frozen_scope.h"

namespace chiaro::methods {
namespace {

constexpr double kDark = 1.0 / 255;  // what the logarithmic scale adds
constexpr const char* kLead = "discriminator";

class Nlcl : public Method {
 public:
  Nlcl(const Setting& setting, const NlclOptions& options)
      : options_(options), seed_(setting.seed) {
    CHIARO_CHECK(setting.network->geometry().scale == 1, Usage,
                 "[methods.nlcl] two layers need output and input of one size; got a network of "
                 "scale {}; expected 1",
                 setting.network->geometry().scale);
    state_ = std::make_shared<NlclState>(setting, options);
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  bool may_clip_gradients() const override { return options_.adversarial <= 0; }

  std::vector<Phase> phases() const override {
    if (options_.lead <= 0) return {Phase{}};
    const Phase lead{.name = kLead, .share = options_.lead};
    const Phase both{.share = 1 - options_.lead};
    return {lead, both};
  }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    const bool places_of_clean = options_.location > 0 && options_.identity;
    const bool both = places_of_clean || options_.clean > 0;
    CHIARO_CHECK(
        !(options_.adversarial > 0 || both || options_.transfer > 0) || batch.unpaired.defined(),
        Usage,
        "[methods.nlcl] the data has no clean pictures to learn from; got no [[source]] of "
        "kind 'unpaired'; expected one with a folder of clean pictures");
    if (info.phase == kLead) return lead_losses(batch);
    const at::Tensor pictures = both ? at::cat({batch.input, batch.unpaired}) : batch.input;
    const at::Tensor restored = state_->network->forward(pictures).to(at::kFloat);
    const at::Tensor x = scaled(batch.input);
    const std::int64_t samples = batch.input.size(0);
    const at::Tensor b = scaled(restored.slice(0, 0, samples));
    const at::Tensor r =
        state_->damage_network
            ? x - scaled(state_->damage_network->forward(batch.input).to(at::kFloat))
            : x - b;
    // Counted in the phase: the one before may be of any length.
    const bool examine = info.micro_batch == 0 && info.phase_step % options_.health_every == 0;

    Losses result;
    if (options_.adversarial > 0) add_discriminator(b, scaled(batch.unpaired), result);
    if (options_.adversarial > 0 || options_.layer > 0) {
      const nn::FrozenScope fixed(*state_->discriminator);
      const auto seen = state_->discriminator->look(b);
      if (options_.adversarial > 0) {
        result.terms.push_back(
            {"adversarial", (seen.score - 1).square().mean(), options_.adversarial});
      }
      if (options_.layer > 0)
        add_layer_contrast(seen.features, state_->discriminator->look(r).features, batch, examine,
                           result);
    }
    if (options_.location > 0) {
      const std::int64_t asked = places_of_clean ? pictures.size(0) : samples;
      add_location_contrast(pictures.slice(0, 0, asked), restored.slice(0, 0, asked), batch,
                            examine, result);
    }
    if (state_->damage_network && options_.consistency > 0)
      result.terms.push_back({"consistency", (b + r - x).square().mean(), options_.consistency});
    if (options_.sparsity > 0)
      result.terms.push_back({"sparsity", sparsity(x - b, r), options_.sparsity});
    if (options_.rest > 0) result.terms.push_back({"rest", rest(r), options_.rest});
    if (options_.clean > 0) {
      result.terms.push_back(
          {"clean", (restored.slice(0, samples) - batch.unpaired).abs().mean(), options_.clean});
    }
    if (options_.transfer > 0)
      result.terms.push_back({"transfer", transfer(batch, r), options_.transfer});
    if (options_.supervised > 0 && batch.target.defined()) {
      result.terms.push_back({"supervised",
                              (restored.slice(0, 0, samples) - batch.target).abs().mean(),
                              options_.supervised});
    }
    CHIARO_CHECK(!result.terms.empty(), Usage,
                 "[methods.nlcl] the supervised term alone has a weight; got pictures without "
                 "targets; expected pairs, or another term with a weight");
    result.meters.emplace_back("damage_mean", r.mean().item<double>());
    result.meters.emplace_back("damage_size", r.abs().mean().item<double>());
    if (examine) result.meters.emplace_back("shared_edges", losses::shared_edges(b, r));
    if (c10::GradMode::is_enabled()) state_->drift_guard->add(r);
    return result;
  }

  void after_step(const StepInfo& /*info*/) override { state_->drift_guard->end_step(); }

  std::vector<at::Tensor> trainable(const std::string& phase) override {
    if (phase == kLead) return state_->discriminator->parameters();
    std::vector<at::Tensor> list;
    const auto add = [&](const torch::nn::Module* module) {
      if (module == nullptr) return;
      for (auto& parameter : module->parameters()) list.push_back(parameter);
    };
    add(state_->network.get());
    add(state_->damage_network.get());
    if (options_.adversarial > 0) add(state_->discriminator.get());
    if (options_.train_image_heads) add(state_->image_heads.get());
    add(state_->damage_heads.get());
    if (options_.train_location_heads) add(state_->location_heads.get());
    return list;
  }
  torch::nn::Module& state() override { return *state_; }
  Product product() override { return {state_->network, nullptr}; }

 private:
  /// u.
  at::Tensor scaled(const at::Tensor& picture) const {
    if (options_.domain == "additive") return 2 * picture - 1;
    // Below 0, where a restorer may go, the logarithm goes on along its tangent.
    const double low = std::log(kDark);
    const double high = std::log(1 + kDark);
    const auto logarithm =
        at::where(picture > 0, (picture.clamp_min(0) + kDark).log(), low + picture / kDark);
    return 2 * (logarithm - low) / (high - low) - 1;
  }

  /// D learns what tells the two sides apart before the restorer is asked to remove it.
  Losses lead_losses(const data::Batch& batch) const {
    at::Tensor restored;
    {
      const c10::NoGradGuard no_grad;
      restored = state_->network->forward(batch.input).to(at::kFloat);
    }
    Losses result;
    add_discriminator(scaled(restored), scaled(batch.unpaired), result);
    return result;
  }

  /// L_trans; of the additive scale.
  at::Tensor transfer(const data::Batch& batch, const at::Tensor& r) const {
    at::Tensor strength = at::ones({r.size(0), 1, 1, 1}, r.options());
    for (std::int64_t i = 0; i < r.size(0); ++i)
      strength[i].fill_(draws(batch, i, "transfer").uniform(1, 2));
    const at::Tensor made = (batch.unpaired + strength * r.detach() / 2).clamp(0, 1);
    return (state_->network->forward(made).to(at::kFloat) - batch.unpaired).abs().mean();
  }

  /// L_disc.
  void add_discriminator(const at::Tensor& b, const at::Tensor& clean, Losses& result) const {
    const at::Tensor fake = state_->discriminator->look(b.detach()).score;
    const at::Tensor real = state_->discriminator->look(clean).score;
    result.terms.push_back(
        {"discriminator", 0.5 * (fake.square().mean() + (real - 1).square().mean()), 1.0});
    result.meters.emplace_back("score_restored", fake.mean().item<double>());
    result.meters.emplace_back("score_clean", real.mean().item<double>());
  }

  nn::BlockMatching matching(std::int64_t count, const std::string& match) const {
    return {.patch_px = options_.patch_px,
            .window_px = options_.window_px,
            .count = count,
            .spacing_px = options_.spacing_px,
            .match = match == "random"     ? nn::Match::Random
                     : match == "farthest" ? nn::Match::Farthest
                                           : nn::Match::Nearest};
  }

  /// Draws belong to the sample, so they do not depend on where a batch begins.
  Rng draws(const data::Batch& batch, std::int64_t sample, const char* purpose) const {
    return Rng(seed_, {stable_hash(purpose), batch.seeds[static_cast<std::size_t>(sample)]});
  }

  /// L_layer: the mean over samples and D's features. The pictures themselves, features[0], are the
  /// guide.
  void add_layer_contrast(const std::vector<at::Tensor>& image,
                          const std::vector<at::Tensor>& damage, const data::Batch& batch,
                          bool examine, Losses& result) {
    nn::ProjectionHeads& damage_heads =
        state_->damage_heads ? *state_->damage_heads : *state_->image_heads;
    const std::size_t taps = state_->image_heads->count();
    const std::int64_t samples = image.front().size(0);
    std::vector<at::Tensor> values;
    for (std::int64_t i = 0; i < samples; ++i) {
      Rng rng = draws(batch, i, "layer places");
      const nn::Places image_places = nn::sample_places(
          image.front()[i], matching(options_.image_patches, options_.places), rng);
      const nn::Places damage_places = nn::sample_places(
          damage.front()[i], matching(options_.damage_patches, options_.places), rng);
      for (std::size_t t = 0; t < taps; ++t) {
        const auto own = state_->image_heads->project(t, nn::vectors_at(image[t][i], image_places));
        const auto other = damage_heads.project(t, nn::vectors_at(damage[t][i], damage_places));
        values.push_back(losses::layer_contrast(own, other, options_.temperature, image_share()));
        if (examine && i == 0 && t + 1 == taps) examine_layers(own, other, result);
      }
    }
    result.terms.push_back({"layer", at::stack(values).mean(), options_.layer});
  }

  std::optional<double> image_share() const {
    if (options_.image_share < 0) return std::nullopt;
    return options_.image_share;
  }

  /// L_loc: the mean over samples and the restorer's features, the first of which is the guide.
  void add_location_contrast(const at::Tensor& pictures, const at::Tensor& restored,
                             const data::Batch& batch, bool examine, Losses& result) {
    auto& encoder = dynamic_cast<networks::Tapped&>(*state_->network);
    std::vector<at::Tensor> sources;
    {
      const c10::NoGradGuard no_grad;
      sources = encoder.taps(pictures);
    }
    const auto outputs = encoder.taps(restored);
    const std::int64_t samples = batch.input.size(0);
    std::vector<at::Tensor> values;
    for (std::int64_t i = 0; i < pictures.size(0); ++i) {
      Rng rng = draws(batch, i % samples, i < samples ? "places" : "clean places");
      const nn::Places places =
          nn::sample_places(sources.front()[i].to(at::kFloat),
                            matching(options_.location_patches, options_.location_places), rng);
      for (std::size_t t = 0; t < outputs.size(); ++t) {
        const auto queries =
            state_->location_heads->project(t, nn::vectors_at(outputs[t][i], places));
        const auto keys =
            state_->location_heads->project(t, nn::vectors_at(sources[t][i], places)).detach();
        values.push_back(losses::location_contrast(queries, keys, options_.temperature));
        if (examine && i == 0 && t == 0) examine_places(queries, keys, result);
      }
    }
    result.terms.push_back({"location", at::stack(values).mean(), options_.location});
  }

  /// L_sparse. At two networks, x − b and r are not the same.
  at::Tensor sparsity(const at::Tensor& implied, const at::Tensor& r) const {
    if (options_.sparsity_of == "layer") return r.abs().mean();
    if (options_.sparsity_of == "both") return (implied.abs().mean() + r.abs().mean()) / 2;
    return implied.abs().mean();
  }

  /// L_rest: damage that is a layer leaves pixels alone; a shift of brightness does not.
  static at::Tensor rest(const at::Tensor& r) {
    const auto size = r.abs().flatten(1);
    return std::get<0>(size.topk(std::max<std::int64_t>(1, size.size(1) / 2), 1, /*largest=*/false))
        .mean();
  }

  void examine_layers(const at::Tensor& image, const at::Tensor& damage, Losses& result) {
    const auto all = at::cat({image, damage}).detach();
    const auto layer = at::cat({at::zeros({image.size(0)}, image.options().dtype(at::kLong)),
                                at::ones({damage.size(0)}, image.options().dtype(at::kLong))});
    const auto others = at::eye(all.size(0), all.options().dtype(at::kBool)).logical_not();
    const auto same = layer.unsqueeze(0).eq(layer.unsqueeze(1)).logical_and(others);
    report_health(losses::contrast_health(losses::contrast_logits(all, all, options_.temperature),
                                          same, others, layer, layer, all),
                  *state_->layer_watch, result, "layer", "contrast of layer: ");
    result.meters.emplace_back("image_dimension", losses::participation_ratio(image));
    result.meters.emplace_back("damage_dimension", losses::participation_ratio(damage));
  }

  void examine_places(const at::Tensor& queries, const at::Tensor& keys, Losses& result) {
    const auto place = at::arange(queries.size(0), queries.options().dtype(at::kLong));
    const auto same = place.unsqueeze(0).eq(place.unsqueeze(1));
    report_health(losses::contrast_health(
                      losses::contrast_logits(queries.detach(), keys, options_.temperature), same,
                      at::ones_like(same), place, place),
                  *state_->location_watch, result, "location", "contrast of location: ");
  }

  NlclOptions options_;
  std::uint64_t seed_;
  std::shared_ptr<NlclState> state_;
};

}  // namespace

Entry nlcl() {
  return {
      .name = {},
      .summary =
          "Takes off a layer of damage (rain, snow, …), taught by damaged pictures and unpaired "
          "clean ones",
      .reference = "Ye et al., CVPR 2022, https://arxiv.org/abs/2203.11509",
      .options = describe_options<NlclOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Nlcl>(setting, parse_nlcl_options(options));
      }};
}

}  // namespace chiaro::methods
