// DCoDR: two codes of a picture, pulled apart by contrast inside domains. For the code of what a
// picture shows, the domain is its damage; for the code of the damage, it is the scene. Negatives
// come from the anchor's own domain, so the domain cannot help to tell them apart, and the code
// need not carry it.
//
//   w  (N,3,W,W)  windows: scenes under several degradations       ↓w  reduced to S×S
//   z_c = f_c(↓w), z_c+ = f_c(augmented w)          content codes     d(i) kinds of damage
//   z_d = f_d(x),  z_d+ = f_d(x+)                   degradation codes d(i) scene
//   x, x+         two native crops of w, at the same places in all windows of one scene
//
// For either code, with N(i) the samples of the domain of i that differ from it in what is kept:
//
//   L_in  = mean_i        −z_i·z_i+/τ + log( exp(z_i·z_i+/τ) + Σ_{a∈N(i)} exp(z_i·z_a/τ) )
//   L_out = mean_(i,j)    the same with z_j for z_i+, j alike in what is kept, of another domain;
//                         the mean of N(i) and N'(i) = what differs from i in the domain of j
//   L_dw  = ½ L_in + ½ L_out
//
//   L_rec  = pyramid_l1( G(z_c, s), ↓w )            G the generator; s: z_d, or learned by kind
//   L_swap = the same with z_c of another window of the scene
//   L = L_dw(z_c) + L_dw(z_d) + λ_r L_rec + λ_s L_swap
//
// Reference: J. Kahana, Y. Hoshen, "A Contrastive Objective for Learning Disentangled
// Representations", ECCV 2022, arXiv:2203.11284: L_in and L_rec for one code. L_out, the second
// code and the swap are for pictures whose damage is made, and chiaro's.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "chiaro/base/rng.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/losses/domain_nce.h"
#include "chiaro/losses/info_nce.h"
#include "chiaro/losses/pyramid_l1.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/crop_pairs.h"
#include "chiaro/methods/degraded_copies.h"
#include "chiaro/methods/report_health.h"
#include "chiaro/networks/disentangled_encoder.h"

namespace chiaro::methods {
namespace {

constexpr double kSameWindow = 1e-4;   // largest difference of reduced clean windows of one scene
constexpr double kDomainReach = 0.05;  // initial values of the learned styles

struct DcodrOptions {
  std::int64_t width = 16;
  std::int64_t hidden = 128;
  std::int64_t content = 64;
  std::int64_t degradation = 32;
  std::int64_t whole_px = 64;
  std::int64_t view_px = 64;
  double temperature = 0.2;
  std::string negatives = "domain";
  std::string content_positives = "both";
  std::string degradation_positives = "both";
  double severity_reach = 0.15;
  std::int64_t severity_bins = 1;
  double degradation_weight = 1.0;
  std::string style = "code";
  double reconstruction = 0.3;
  double swap = 0.3;
  std::int64_t health_every = 50;

  static Fields<DcodrOptions> fields() {
    using T = DcodrOptions;
    const FieldLimits code{.min = 2, .max = 4096};
    const FieldLimits side{.min = 16, .max = 4096, .unit = "px"};
    const FieldLimits positives{.choices = {"both", "inside", "across"}};
    return {
        field("width", &T::width, "channels of the encoders' first convolutions",
              {.min = 4, .max = 512}),
        field("hidden", &T::hidden, "width of their heads", {.min = 4, .max = 4096}),
        field("content", &T::content, "width of z_c", code),
        field("degradation", &T::degradation, "width of z_d", code),
        field("whole_px", &T::whole_px,
              "S: side to which windows, and later whole pictures, are reduced for z_c; a multiple "
              "of 16",
              side),
        field("view_px", &T::view_px,
              "side of the native crops by which z_d is taken when the encoder is used; that of "
              "the crops in training, a multiple of 16",
              side),
        field("temperature", &T::temperature, "τ", {.min = 0.001, .max = 10}),
        field("negatives", &T::negatives,
              "domain: of one domain; all: of all, which is ordinary contrast and the control; "
              "equally_many: of all, drawn, as many as of one domain",
              {.choices = {"domain", "all", "equally_many"}}),
        field("content_positives", &T::content_positives,
              "of z_c: inside: an augmented copy; across: the same window under other damage",
              positives),
        field("degradation_positives", &T::degradation_positives,
              "of z_d: inside: another crop of the window; across: other scenes under like damage",
              positives),
        field("severity_reach", &T::severity_reach,
              "damages of the same kinds are alike up to this difference of severity",
              {.min = 0, .max = 1}),
        field("severity_bins", &T::severity_bins,
              "so many domains of z_c for every set of kinds, by severity", {.min = 1, .max = 16}),
        field("degradation_weight", &T::degradation_weight, "of L_dw(z_d)", {.min = 0}),
        field("style", &T::style,
              "what the generator is told beside z_c: code: z_d; label: a vector learned for each "
              "kind, as published",
              {.choices = {"code", "label"}}),
        field("reconstruction", &T::reconstruction, "λ_r; 0, with swap 0: no generator's term",
              {.min = 0}),
        field("swap", &T::swap, "λ_s", {.min = 0}),
        field("health_every", &T::health_every, "how often the contrasts are examined",
              {.min = 1, .unit = "steps"}),
    };
  }
};

/// Encoders, generator, learned styles and watches.
struct DcodrState : torch::nn::Module {
  DcodrState(const DcodrOptions& options, std::int64_t kinds) {
    encoder = register_module(
        "encoder", std::make_shared<networks::DisentangledEncoder>(
                       networks::DisentangledEncoder::Options{.width = options.width,
                                                              .hidden = options.hidden,
                                                              .content = options.content,
                                                              .degradation = options.degradation,
                                                              .view_px = options.view_px,
                                                              .whole_px = options.whole_px}));
    generator =
        register_module("generator", std::make_shared<networks::CodeGenerator>(
                                         options.content, options.degradation, options.whole_px));
    if (options.style == "label")
      styles = register_parameter(
          "styles", at::empty({kinds, options.degradation}).uniform_(-kDomainReach, kDomainReach));
    content_watch = register_module("content_watch", std::make_shared<losses::ContrastWatch>());
    degradation_watch =
        register_module("degradation_watch", std::make_shared<losses::ContrastWatch>());
  }
  std::shared_ptr<networks::DisentangledEncoder> encoder;
  std::shared_ptr<networks::CodeGenerator> generator;
  at::Tensor styles;  // (K,Ds); undefined where the style is a code
  std::shared_ptr<losses::ContrastWatch> content_watch, degradation_watch;
};

/// One code of all samples, with that of its copy.
struct Codes {
  at::Tensor own;   // (N,D)
  at::Tensor copy;  // (N,D)
};

class Dcodr : public Method {
 public:
  Dcodr(const Setting& setting, const DcodrOptions& options)
      : options_(options), seed_(setting.seed), kinds_(setting.kinds) {
    CHIARO_CHECK(setting.kinds.size() >= 2, Usage,
                 "[methods.dcodr] the data shows {} kinds of damage; expected clean and at least "
                 "one other, as [[task]] or paired [[source]]",
                 setting.kinds.size());
    state_ = std::make_shared<DcodrState>(options, static_cast<std::int64_t>(setting.kinds.size()));
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    const at::Tensor whole = reduced(batch.context);
    const at::Tensor same_window = same_windows(batch);
    const Codes content{state_->encoder->content(whole),
                        state_->encoder->content(
                            degraded_copies(batch.context, batch.seeds, seed_, options_.whole_px))};
    const Codes degradation = degradation_codes(batch);
    const auto content_relations = relations_of_content(batch, same_window);
    const auto degradation_relations = relations_of_degradation(batch);

    Losses result;
    result.terms = {
        {"content", contrast(content, content_relations, options_.content_positives, batch), 1.0},
        {"degradation",
         contrast(degradation, degradation_relations, options_.degradation_positives, batch),
         options_.degradation_weight}};
    const at::Tensor style = style_of(batch, degradation.own);
    if (options_.reconstruction > 0)
      result.terms.push_back({"reconstruction",
                              losses::pyramid_l1(paint(content.own, style), whole),
                              options_.reconstruction});
    if (options_.swap > 0)
      result.terms.push_back(
          {"swap", swapped(content.own, style, whole, same_window, batch), options_.swap});
    if (info.due(options_.health_every)) {
      add_health("content", content, content_relations, batch.content, batch,
                 *state_->content_watch, result);
      add_health("degradation", degradation, degradation_relations, domains_of(batch), batch,
                 *state_->degradation_watch, result);
    }
    return result;
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return state_->parameters();
  }
  torch::nn::Module& state() override { return *state_; }
  Product product() override { return {nullptr, nullptr, state_->encoder, nullptr}; }

 private:
  at::Tensor reduced(const at::Tensor& windows) const {
    return at::adaptive_avg_pool2d(windows, {options_.whole_px, options_.whole_px});
  }

  static at::Tensor equal_pairs(const at::Tensor& labels) {
    return labels.unsqueeze(0).eq(labels.unsqueeze(1));
  }

  /// Which samples show the same window of the same picture, (N,N) bool.
  at::Tensor same_windows(const data::Batch& batch) const {
    const auto same_picture = equal_pairs(batch.content);
    if (!batch.context_target.defined())
      return at::eye(same_picture.size(0), same_picture.options());
    const at::NoGradGuard no_grad;
    const auto clean = reduced(batch.context_target).flatten(1);
    const auto apart = at::cdist(clean, clean, std::numeric_limits<double>::infinity());
    return same_picture.logical_and(apart.le(kSameWindow));
  }

  /// Numbers of the domains of z_c: sets of kinds, by bins of severity; (N) int64.
  at::Tensor domains_of(const data::Batch& batch) const {
    const auto bins = static_cast<double>(options_.severity_bins);
    const auto bin = (batch.severity * bins).floor().clamp(0, bins - 1).to(at::kLong);
    const auto rows = at::cat({batch.kinds.to(at::kLong), bin.unsqueeze(1)}, 1);
    return std::get<1>(at::unique_dim(rows, 0, /*sorted=*/true, /*return_inverse=*/true));
  }

  losses::DomainRelations relations_of_content(const data::Batch& batch,
                                               const at::Tensor& same_window) const {
    const auto distinct = equal_pairs(batch.content).logical_not();
    return {equal_pairs(domains_of(batch)), same_window, distinct};
  }

  /// Severities that are not known make damages of the same kinds neither alike nor distinct.
  losses::DomainRelations relations_of_degradation(const data::Batch& batch) const {
    const auto same_kinds = batch.kinds.unsqueeze(0).eq(batch.kinds.unsqueeze(1)).all(2);
    const auto unknown = batch.severities.lt(0).any(1);
    const auto known = unknown.unsqueeze(0).logical_or(unknown.unsqueeze(1)).logical_not();
    const auto apart =
        (batch.severities.unsqueeze(0) - batch.severities.unsqueeze(1)).abs().amax(2);
    const auto near = apart.le(options_.severity_reach);
    const auto alike = same_kinds.logical_and(known).logical_and(near);
    const auto distinct =
        same_kinds.logical_not().logical_or(known.logical_and(near.logical_not()));
    return {equal_pairs(batch.content), alike, distinct};
  }

  /// The pairs with the negatives that are asked for.
  losses::DomainPairs settled(losses::DomainPairs pairs, const losses::DomainRelations& relations,
                              const data::Batch& batch) const {
    if (options_.negatives == "domain") return pairs;
    if (options_.negatives == "all")
      return losses::with_all_negatives(std::move(pairs), relations.distinct);
    Rng rng(seed_, {stable_hash("negatives"), batch.seeds.front()});
    return losses::with_equally_many_negatives(std::move(pairs), relations.distinct, rng.next());
  }

  /// L_dw of one code.
  at::Tensor contrast(const Codes& codes, const losses::DomainRelations& relations,
                      const std::string& positives, const data::Batch& batch) const {
    const auto logits =
        losses::contrast_logits(codes.own, at::cat({codes.own, codes.copy}), options_.temperature);
    const auto term = [&](losses::DomainPairs pairs) {
      return losses::domain_nce(logits, settled(std::move(pairs), relations, batch));
    };
    const auto inside = [&] { return term(losses::inside_pairs(relations)); };
    const auto across = [&] {
      return 0.5 * (term(losses::across_pairs(relations, false)) +
                    term(losses::across_pairs(relations, true)));
    };
    if (positives == "inside") return inside();
    if (positives == "across") return across();
    return 0.5 * (inside() + across());
  }

  /// Both crops of all windows of a scene at the same places: what differs is the damage. Other
  /// places whenever the scene comes again.
  Codes degradation_codes(const data::Batch& batch) const {
    data::Batch placed = batch;
    std::map<std::int64_t, std::uint64_t> first;  // seed of the scene's first sample in the batch
    for (std::size_t i = 0; i < placed.seeds.size(); ++i) {
      const auto scene = batch.content[static_cast<std::int64_t>(i)].item<std::int64_t>();
      placed.seeds[i] = first.emplace(scene, batch.seeds[i]).first->second;
    }
    const CropPairs pairs(placed, networks::kEncoderAlignmentPx, seed_, Overlap::Allowed);
    const auto codes = state_->encoder->degradation(pairs.cut(pairs.windows())).chunk(2);
    return {codes[0], codes[1]};
  }

  at::Tensor style_of(const data::Batch& batch, const at::Tensor& code) const {
    if (!state_->styles.defined()) return code;
    const auto present = batch.kinds.to(at::kFloat);
    return at::matmul(present / present.sum(1, /*keepdim=*/true), state_->styles);
  }

  at::Tensor paint(const at::Tensor& content, const at::Tensor& style) const {
    return state_->generator->forward(content, style);
  }

  /// L_swap: the content of another window of the scene, drawn for each sample that has one.
  at::Tensor swapped(const at::Tensor& content, const at::Tensor& style, const at::Tensor& whole,
                     const at::Tensor& same_window, const data::Batch& batch) const {
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> partners;
    for (std::int64_t i = 0; i < same_window.size(0); ++i) {
      const auto others = same_window[i].nonzero().squeeze(1);
      const std::int64_t count = others.size(0) - 1;
      if (count < 1) continue;
      Rng rng(seed_, {stable_hash("swap"), batch.seeds[static_cast<std::size_t>(i)]});
      const std::int64_t place = rng.integer(0, count - 1);
      const auto other = others[place].item<std::int64_t>();
      rows.push_back(i);
      partners.push_back(other == i ? others[count].item<std::int64_t>() : other);
    }
    if (rows.empty()) return (content * 0).sum();
    const auto numbers = at::TensorOptions(at::kLong).device(content.device());
    const auto row = at::tensor(rows, numbers);
    const auto painted =
        paint(content.index_select(0, at::tensor(partners, numbers)), style.index_select(0, row));
    return losses::pyramid_l1(painted, whole.index_select(0, row));
  }

  /// Meters of the contrast with the copies, and of how evenly each domain fills the sphere.
  void add_health(const std::string& name, const Codes& codes,
                  const losses::DomainRelations& relations, const at::Tensor& labels,
                  const data::Batch& batch, losses::ContrastWatch& watch, Losses& result) const {
    const auto own = codes.own.detach();
    const auto keys = at::cat({own, codes.copy.detach()});
    const auto pairs = settled(losses::inside_pairs(relations), relations, batch);
    const auto positives =
        at::zeros_like(pairs.negatives).scatter(1, pairs.positives.unsqueeze(1), true);
    report_contrast({.logits = losses::contrast_logits(own, keys, options_.temperature),
                     .positives = positives,
                     .candidates = pairs.negatives.logical_or(positives),
                     .query_labels = labels,
                     .key_labels = at::cat({labels, labels}),
                     .embedded = {own, keys},
                     .kinds = batch.kinds},
                    kinds_, watch, result, name, name + " code: ");
    const auto domain = relations.same_domain.to(at::kLong).argmax(1);
    const auto fill = losses::domain_uniformity(own, domain);
    if (!fill.empty()) {
      const auto [least, most] = std::ranges::minmax(fill);
      result.meters.emplace_back(name + "_uniformity_spread", most - least);
    }
  }

  DcodrOptions options_;
  std::uint64_t seed_;
  std::vector<std::string> kinds_;
  std::shared_ptr<DcodrState> state_;
};

}  // namespace

Entry dcodr() {
  return {
      .name = {},
      .summary =
          "Two codes of a picture, what it shows and what was done to it, pulled apart by contrast "
          "inside domains",
      .reference = "Kahana & Hoshen, ECCV 2022, https://arxiv.org/abs/2203.11284",
      .options = describe_options<DcodrOptions>(),
      .takes_network = false,
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Dcodr>(setting, parse_options<DcodrOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
