// MMF: one blind network for all degradations. A controller, trained by contrast, says what is
// wrong with a picture; its answer conditions the restorer.
//
//   x    (N,3,H,W)    damaged crops
//   y    (N,3,H,W)    clean crops
//   v    (N,V,3,S,S)  native views of the windows they are cut from
//   w    (N,3,h,w)    these windows, reduced
//   Y_i               kinds of damage of sample i; s_ik their severities
//   e_d, e_c          unit embeddings of damage and content
//   T_k               prototypes: projected rows of the text table
//
// Phase "controller" (C learns, on windows that show one scene under several degradations):
//
//   p = softmax( e^ℓ · e_d·T_k )
//   L_deg = −1/|Y| Σ_{k∈Y} log p_k           prototype cross-entropy, smoothed labels
//   L_sup = InfoNCE( e_d·e_d / τ )           positives: same kinds, severities within 0.25
//   L_con = InfoNCE( e_c·ē_c / τ )           ē_c: a slow copy of C on the clean window of the scene
//   L_sev = SmoothL1(ŝ_k, s_k) over k∈Y + 0.1·mean ŝ² over the others
//   L_dom = cross-entropy of the source of the picture
//   L₁ = L_deg + 0.5 L_sup + 0.5 L_con + 0.25 L_sev + 0.1 L_dom
//
// Phase "restorer" (R learns, C is frozen): L₂ = Σ_i w_i · ℓ_i( R(x; C(v,w)), y ), where for some
// samples nothing is said in the place of C(v,w) (`drop`), for some the labels (`told`).
//
// Phase "joint", on request (`joint_share`; both learn, at a tenth of the rate): L₂ + 0.1 L₁, where
// the gradient of L₂ reaches C through what it says.
//
// Reference: L. Chen et al., Neurocomputing 2024, doi 10.1016/j.neucom.2024.128955, of which the
// abstract alone is public; layers, losses and weights are choices after DA-CLIP (Luo et al. 2024,
// arXiv:2310.01018), with the clean picture's own embedding in the place of a caption's.
#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "chiaro/base/rng.h"
#include "chiaro/base/text.h"
#include "chiaro/losses/by_name.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/mmf_terms.h"
#include "chiaro/methods/pixel_terms.h"
#include "chiaro/methods/stated_truth.h"
#include "chiaro/networks/controller.h"
#include "chiaro/networks/text_table.h"

namespace chiaro::methods {
namespace {

constexpr double kJointRate = 0.1;
constexpr double kTableRounding = 1e-3;  // of tables that went through a bundle

struct MmfOptions {
  std::string loss = "charbonnier";
  double controller_share = 0.2;
  std::int64_t controller_batch = 24;
  double joint_share = 0;
  double joint_weight = 0.1;
  std::int64_t width = 24;
  std::int64_t views = 2;
  double temperature = 0.2;
  double smoothing = 0.05;
  double supervised_contrast = 0.5;
  double content = 0.5;
  double severity = 0.25;
  double domain = 0.1;
  double copy_decay = 0.99;
  double drop = 0.1;
  double told = 0.1;
  std::string condition = "predicted";
  std::string text_table;
  std::int64_t health_every = 50;

  static Fields<MmfOptions> fields() {
    using T = MmfOptions;
    const FieldLimits share{.min = 0, .max = 1};
    return {
        field("loss", &T::loss, "of the restorer: weighted sum of pixel losses"),
        field("controller_share", &T::controller_share,
              "of the steps that train the controller; the rest train the restorer", share),
        field("controller_batch", &T::controller_batch,
              "samples per step of the controller; data.variants of them show one scene",
              {.min = 2, .max = 65536}),
        field("joint_share", &T::joint_share,
              "of the steps that train both at last, with a tenth of the learning rate: the "
              "restorer's loss reaches the controller through what it says",
              share),
        field("joint_weight", &T::joint_weight, "of the controller's losses in these steps",
              {.min = 0}),
        field("width", &T::width, "channels of the controller's first convolution",
              {.min = 4, .max = 512}),
        field("views", &T::views, "native views of a training window", {.min = 1, .max = 64}),
        field("temperature", &T::temperature, "τ of both contrasts", {.min = 0.001, .max = 10}),
        field("smoothing", &T::smoothing, "share of the label given to all kinds alike", share),
        field("supervised_contrast", &T::supervised_contrast, "weight of L_sup", {.min = 0}),
        field("content", &T::content, "weight of L_con", {.min = 0}),
        field("severity", &T::severity, "weight of L_sev", {.min = 0}),
        field("domain", &T::domain, "weight of L_dom", {.min = 0}),
        field("copy_decay", &T::copy_decay, "of the slow copy that sees the clean window", share),
        field("drop", &T::drop, "how often the restorer is told nothing", share),
        field("told", &T::told, "how often it is told the truth instead of the prediction", share),
        field(
            "condition", &T::condition,
            "what the restorer is told, in training and validation; others than predicted are for "
            "comparison",
            {.choices = {"predicted", "shuffled", "oracle", "none"}}),
        field("text_table", &T::text_table,
              "safetensors file with a text encoder's row for each kind of damage, relative to the "
              "folder the program runs in; empty: the vertices of a simplex"),
        field("health_every", &T::health_every, "how often the contrasts are examined",
              {.min = 1, .unit = "steps"}),
    };
  }
};

/// All parts under one roof for checkpoints.
class Parts : public torch::nn::Module {
 public:
  Parts(std::shared_ptr<networks::Network> network,
        std::shared_ptr<networks::Controller> controller,
        std::shared_ptr<networks::Controller> copy) {
    register_module("network", std::move(network));
    register_module("controller", std::move(controller));
    register_module("copy", std::move(copy));
    const auto watch = [&](const char* name) {
      return register_module(name, std::make_shared<losses::ContrastWatch>());
    };
    prototype_watch = watch("prototype_watch");
    damage_watch = watch("damage_watch");
    content_watch = watch("content_watch");
  }
  std::shared_ptr<losses::ContrastWatch> prototype_watch, damage_watch, content_watch;
};

class Mmf : public Method {
 public:
  Mmf(const Setting& setting, const MmfOptions& options)
      : options_(options),
        seed_(setting.seed),
        kinds_(setting.kinds),
        network_(setting.network),
        terms_(losses::parse_loss_terms(options.loss)) {
    CHIARO_CHECK(
        setting.kinds.size() >= 2, Usage,
        "[methods.mmf] the data shows the kinds '{}'; expected clean and at least one damage",
        join(setting.kinds));
    const auto kinds = static_cast<std::int64_t>(setting.kinds.size());
    const std::int64_t embedding = networks::ControllerOptions{}.embedding;
    CHIARO_CHECK(network_->condition_width() == 2 * kinds + embedding, Usage,
                 "[methods.mmf] the network takes a condition of width {}, the data shows {} kinds "
                 "({}); expected network mmf_unet with types = {} and embedding = {}",
                 network_->condition_width(), kinds, join(setting.kinds), kinds, embedding);
    CHIARO_CHECK(options.controller_share + options.joint_share <= 1, Usage,
                 "[methods.mmf] method.controller_share and method.joint_share are {} of the steps "
                 "together; expected at most 1",
                 options.controller_share + options.joint_share);
    table_ = options.text_table.empty()
                 ? networks::simplex_table(kinds)
                 : networks::read_text_table(options.text_table, setting.kinds);
    const auto make = [&] {
      return std::make_shared<networks::Controller>(
          networks::ControllerOptions{.width = options.width}, setting.kinds, setting.sources,
          table_);
    };
    controller_ = make();
    copy_ = make();
    for (auto& copied : copy_->parameters()) copied.set_requires_grad(false);
    follow_controller(0);
    parts_ = std::make_shared<Parts>(network_, controller_, copy_);
  }

  std::vector<Phase> phases() const override {
    std::vector<Phase> phases;
    const auto add = [&](Phase phase) {
      if (phase.share > 0) phases.push_back(std::move(phase));
    };
    add({"controller", options_.controller_share, options_.controller_batch});
    add({"restorer", 1 - options_.controller_share - options_.joint_share});
    add({.name = "joint", .share = options_.joint_share, .rate = kJointRate});
    return phases;
  }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    if (!std::exchange(table_checked_, true)) check_table();
    // The controller may have begun from a bundle, which holds no copy.
    if (info.step == 0 && info.micro_batch == 0) follow_controller(0);
    if (info.phase == "controller") return controller_losses(batch, info);
    if (info.phase == "restorer") return restorer_losses(batch);
    return joint_losses(batch, info);
  }

  void after_step(const StepInfo& info) override {
    if (info.phase != "restorer") follow_controller(options_.copy_decay);
  }

  std::vector<at::Tensor> trainable(const std::string& phase) override {
    std::vector<at::Tensor> weights;
    if (phase != "restorer") weights = controller_->parameters();
    if (phase == "controller") return weights;
    for (auto& weight : network_->parameters()) weights.push_back(std::move(weight));
    return weights;
  }
  torch::nn::Module& state() override { return *parts_; }
  std::vector<std::string> newer_state() const override { return {"*_watch.in_a_row"}; }
  Product product() override { return {network_, controller_}; }

  at::Tensor condition(const data::Batch& batch) override {
    const at::NoGradGuard no_grad;
    return code_of(batch);
  }

 private:
  /// What the restorer is told by the controller, or for comparison; with gradient in the last
  /// phase.
  at::Tensor code_of(const data::Batch& batch) {
    if (options_.condition == "none") return {};
    const auto views = networks::cut_views(batch.context, controller_->layout());
    const at::Tensor code = controller_->diagnose(views.native, views.whole).code.to(at::kFloat);
    if (options_.condition == "oracle") return true_code(batch, code.size(1));
    return options_.condition == "shuffled" ? codes_of_others(code, batch, seed_) : code;
  }

  /// The copy keeps `kept` of what it is.
  void follow_controller(double kept) {
    const at::NoGradGuard no_grad;
    at::_foreach_lerp_(copy_->parameters(), controller_->parameters(), 1 - kept);
  }

  /// What a checkpoint brings is the table that its run was begun with.
  void check_table() const {
    const at::Tensor held = controller_->named_buffers()["table"].to(at::kCPU);
    CHIARO_CHECK((held - table_).abs().max().item<double>() < kTableRounding, Usage,
                 "[methods.mmf] the controller was trained with another text table than the one it "
                 "is to go on with; got method.text_table = '{}'; expected that of the run it "
                 "comes from",
                 options_.text_table);
  }

  /// Native views at random places of the window, and the whole window.
  networks::Views training_views(const at::Tensor& windows, const data::Batch& batch,
                                 std::uint64_t stream) const {
    const networks::ConditionLayout layout = controller_->layout();
    networks::Views views = networks::cut_views(windows, layout);
    const std::int64_t room = std::min(windows.size(2), windows.size(3)) - layout.view_px;
    if (room <= 0) return views;
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < windows.size(0); ++i) {
      Rng rng(seed_, {stream, batch.seeds[static_cast<std::size_t>(i)]});
      std::vector<at::Tensor> row;
      for (std::int64_t v = 0; v < options_.views; ++v) {
        const std::int64_t y = rng.integer(0, room);
        const std::int64_t x = rng.integer(0, room);
        row.push_back(windows[i].narrow(1, y, layout.view_px).narrow(2, x, layout.view_px));
      }
      rows.push_back(at::stack(row));
    }
    views.native = at::stack(rows);
    return views;
  }

  Losses controller_losses(const data::Batch& batch, const StepInfo& info) {
    const auto views = training_views(batch.context, batch, stable_hash("views"));
    const auto f = controller_->features(views.native, views.whole);
    const Contrast damage =
        damage_contrast_of(f.damage, batch.kinds, batch.severities, options_.temperature);
    Losses result;
    result.terms = {
        {"degradation", prototype_loss_of(f.logits, batch.kinds, options_.smoothing), 1.0},
        {"contrast", value_of(damage), options_.supervised_contrast},
        {"severity", severity_loss_of(f.severity, batch.kinds, batch.severities),
         options_.severity},
        {"domain", at::cross_entropy_loss(f.domain, batch.source), options_.domain}};
    const auto right = batch.kinds.gather(1, f.logits.argmax(1, /*keepdim=*/true));
    result.meters = {{"type_accuracy", right.to(at::kFloat).mean().item<double>()}};
    const bool examine = info.due(options_.health_every);
    if (examine) {
      report_contrast(
          prototype_contrast(f.logits, f.damage, controller_->prototypes(), batch.kinds), kinds_,
          *parts_->prototype_watch, result, "degradation", "contrast with the prototypes: ");
      report_contrast(damage, kinds_, *parts_->damage_watch, result, "contrast",
                      "contrast of damage: ");
    }
    if (options_.content > 0 && batch.context_target.defined()) {
      const Contrast content = content_contrast_of(f.content, clean_content(batch), batch.content,
                                                   batch.kinds, options_.temperature);
      result.terms.push_back({"content", value_of(content), options_.content});
      if (examine)
        report_contrast(content, kinds_, *parts_->content_watch, result, "content",
                        "contrast of content: ");
    }
    return result;
  }

  /// ē_c.
  at::Tensor clean_content(const data::Batch& batch) {
    const at::NoGradGuard no_grad;
    const auto views = training_views(batch.context_target, batch, stable_hash("clean views"));
    return copy_->features(views.native, views.whole).content;
  }

  Losses restorer_losses(const data::Batch& batch) { return told_losses(batch, condition(batch)); }

  /// L₂ + joint_weight · L₁.
  Losses joint_losses(const data::Batch& batch, const StepInfo& info) {
    Losses result = told_losses(batch, code_of(batch));
    Losses controller = controller_losses(batch, info);
    for (Term& term : controller.terms) {
      term.weight *= options_.joint_weight;
      result.terms.push_back(std::move(term));
    }
    std::ranges::move(controller.meters, std::back_inserter(result.meters));
    std::ranges::move(controller.warnings, std::back_inserter(result.warnings));
    std::ranges::move(controller.remarks, std::back_inserter(result.remarks));
    return result;
  }

  /// The condition is mixed for training: of some samples nothing is said, of some the truth.
  Losses told_losses(const data::Batch& batch, at::Tensor code) {
    if (code.defined() && options_.condition != "oracle") {
      at::Tensor mixed = code.detach().clone();
      mix_in_truth(mixed, batch, seed_, options_.drop, options_.told);
      // Rows that were replaced tell the controller nothing.
      const at::Tensor replaced = mixed.ne(code.detach()).any(1, /*keepdim=*/true);
      code = at::where(replaced, mixed, code);
    }
    return pixel_terms(terms_, network_->forward(batch.input, {code}), batch.target);
  }

  MmfOptions options_;
  std::uint64_t seed_;
  std::vector<std::string> kinds_;
  at::Tensor table_;  // (K,Dt), as the options have it
  bool table_checked_ = false;
  std::shared_ptr<networks::Network> network_;
  std::shared_ptr<networks::Controller> controller_;
  std::shared_ptr<networks::Controller> copy_;  // slow, sees clean windows
  std::shared_ptr<Parts> parts_;
  std::vector<losses::WeightedLoss> terms_;
};

}  // namespace

Entry mmf() {
  return {
      .name = {},
      .summary =
          "One blind network for all degradations, told by a contrastively trained "
          "controller what is wrong",
      .reference = "after Chen et al. 2024, https://doi.org/10.1016/j.neucom.2024.128955",
      .options = describe_options<MmfOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Mmf>(setting, parse_options<MmfOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
