// RCL, residual contrastive learning: pre-training on noisy pictures alone. What a network takes
// away from two crops of one picture should look like one noise, and unlike that of other pictures.
//
//   n̂_k  = x̃_k − f(x̃_k)                         residual of crop k; 2N crops, two of each picture
//   d_kl = W1(n̂_k − mean n̂_k, n̂_l − mean n̂_l)    earth mover's distance of the values, per channel
//   L_con  = InfoNCE(−d/τ)                        positive: the other crop of the picture
//   L_cons = mean (f(x̃_k) − s(x̃_k))²             data consistency; s: mean of 3×3 pixels
//   L = L_con + λ_c·L_cons                        λ_c: equal gradients at f's output at first
//
//   x  (N,3,W,W)   noisy windows, noise drawn once for each        f  the network
//   x̃  (2N,3,c,c)  crops, without other augmentation: it would change the noise
//
// The pretext is empty where all pictures have the same noise: its parameters must vary.
//
// Reference: N. Dong, M. Maggioni, Y. Yang, E. Pérez-Pellitero, A. Leonardis, S. McDonagh,
// "Residual Contrastive Learning for Image Reconstruction: Learning Transferable Representations
// from Noisy Images", IJCAI 2022, arXiv:2106.10070. Open in what was available to us, and chosen:
// the form of residual, distance and consistency, s, τ, λ_c (docs/methods/rcl.md).
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "chiaro/base/rng.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/losses/earth_movers.h"
#include "chiaro/losses/gradient_norm.h"
#include "chiaro/losses/info_nce.h"
#include "chiaro/methods/awaken.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/crop_pairs.h"
#include "chiaro/methods/report_health.h"

namespace chiaro::methods {
namespace {

constexpr std::int64_t kRanks = 64;  // of a residual, for its health

struct RclOptions {
  double temperature = 0.01;
  double contrast = 1.0;
  double consistency = 1.0;
  std::string consistency_loss = "l2";
  std::string consistency_with = "smooth";
  std::string distance = "w1";
  bool centred = true;
  std::int64_t quantiles = 0;
  std::int64_t directions = 64;
  std::string overlap = "forbidden";
  std::string same_picture = "ignored";
  std::int64_t health_every = 50;

  static Fields<RclOptions> fields() {
    using T = RclOptions;
    return {
        field("temperature", &T::temperature, "τ, in units of pixel values", {.min = 1e-6}),
        field("contrast", &T::contrast,
              "weight of the contrast; 0: none, and the consistency has its own weight, which is "
              "the control that says what the contrast is worth",
              {.min = 0}),
        field("consistency", &T::consistency,
              "λ_c as a multiple of the weight at which both terms pull equally hard at f's output "
              "in the first step; 0: no such term",
              {.min = 0}),
        field("consistency_loss", &T::consistency_loss, "mean square or mean absolute residual",
              {.choices = {"l2", "l1"}}),
        field("consistency_with", &T::consistency_with,
              "what f is held to: its input, or the mean of 3×3 pixels of it, which says on which "
              "side the noise is",
              {.choices = {"input", "smooth"}}),
        field("distance", &T::distance,
              "w1, w2: by sorting, per channel; gaussian: of mean and deviation; sliced: w1 of the "
              "joint colours along random directions",
              {.choices = {"w1", "w2", "gaussian", "sliced"}}),
        field(
            "centred", &T::centred,
            "compare residuals without their mean in each channel of a crop, which noise does not "
            "have and in which anything could be written"),
        field("quantiles", &T::quantiles,
              "w1, w2, sliced: compare so many quantiles; 0: all values", {.min = 0}),
        field("directions", &T::directions, "sliced: drawn anew for each step", {.min = 1}),
        field("overlap", &T::overlap, "whether the two crops of a picture may share pixels",
              {.choices = {"forbidden", "allowed"}}),
        field("same_picture", &T::same_picture,
              "other samples of the same picture: ignored, or negatives (right where the noise is "
              "drawn anew for each sample)",
              {.choices = {"ignored", "negative"}}),
        field("health_every", &T::health_every, "how often the contrast is examined",
              {.min = 1, .unit = "steps"})};
  }
};

/// What a checkpoint holds.
struct RclState : torch::nn::Module {
  explicit RclState(std::shared_ptr<networks::Network> restorer)
      : network(register_module("network", std::move(restorer))),
        watch(register_module("watch", std::make_shared<losses::ContrastWatch>())),
        balance(register_buffer("balance", at::zeros({}, at::kFloat))) {}
  std::shared_ptr<networks::Network> network;
  std::shared_ptr<losses::ContrastWatch> watch;
  at::Tensor balance;  ///< the weight at which both terms pull equally hard; 0: not known yet
};

double correlation(const at::Tensor& a, const at::Tensor& b) {
  const auto u = a - a.mean();
  const auto v = b - b.mean();
  return ((u * v).mean() / (u.square().mean() * v.square().mean()).sqrt().clamp_min(1e-12))
      .item<double>();
}

/// Size of the gradient over the picture, by forward differences; the last row and column go.
at::Tensor slope(const at::Tensor& y) {
  const auto inner = y.slice(2, 0, -1).slice(3, 0, -1);
  return ((y.slice(2, 1).slice(3, 0, -1) - inner).square() +
          (y.slice(3, 1).slice(2, 0, -1) - inner).square())
      .sqrt();
}

class Rcl : public Method {
 public:
  Rcl(const Setting& setting, const RclOptions& options)
      : options_(options),
        seed_(setting.seed),
        kinds_(setting.kinds),
        state_(std::make_shared<RclState>(setting.network)) {
    CHIARO_CHECK(setting.network->geometry().scale == 1, Usage,
                 "[methods.rcl] a residual needs output and input of one size; got a network of "
                 "scale {}; expected 1",
                 setting.network->geometry().scale);
    awaken(*setting.network, setting.seed);
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    const CropPairs pairs(batch, state_->network->geometry().alignment_px, seed_,
                          options_.overlap == "allowed" ? Overlap::Allowed : Overlap::Forbidden);
    const at::Tensor crops = pairs.cut(pairs.windows());
    const at::Tensor residual = (crops - state_->network->forward(crops)).to(at::kFloat);
    const at::Tensor logits = distances(residual, info.step) / -options_.temperature;
    const PairMasks masks = pair_masks(batch.content, options_.same_picture == "negative");
    const at::Tensor contrast = losses::info_nce(logits, masks.positives, masks.candidates);
    const at::Tensor left_out = residual - allowed_residual(crops);
    const at::Tensor consistency =
        options_.consistency_loss == "l1" ? left_out.abs().mean() : left_out.square().mean();
    if (options_.contrast > 0) balance(contrast, consistency, residual);

    Losses result;
    if (options_.contrast > 0) result.terms.push_back({"contrast", contrast, options_.contrast});
    if (options_.consistency > 0) {
      const double pull = options_.contrast > 0 ? state_->balance.item<double>() : 1.0;
      result.terms.push_back({"consistency", consistency, options_.consistency * pull});
    }
    if (info.due(options_.health_every)) {
      examine(logits, masks, residual.detach(), batch.kinds, result);
      measure(residual.detach(), crops, pairs, batch, result);
    }
    return result;
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return state_->network->parameters();
  }
  torch::nn::Module& state() override { return *state_; }
  Product product() override { return {state_->network, nullptr}; }

 private:
  /// The residual that consistency asks for.
  at::Tensor allowed_residual(const at::Tensor& crops) const {
    if (options_.consistency_with == "input") return at::zeros({}, crops.options());
    return crops - at::avg_pool2d(at::reflection_pad2d(crops, {1, 1, 1, 1}), 3, /*stride=*/1);
  }

  at::Tensor distances(const at::Tensor& residual, std::int64_t step) const {
    using losses::Transport;
    at::Tensor values = residual.flatten(2);
    if (options_.centred) values = values - values.mean(2, /*keepdim=*/true);
    if (options_.distance == "sliced") {
      Rng rng(seed_, {stable_hash("directions"), static_cast<std::uint64_t>(step)});
      values = losses::along_directions(
          values, losses::random_directions(options_.directions, values.size(1), rng));
    }
    const Transport transport = options_.distance == "w2"         ? Transport::W2
                                : options_.distance == "gaussian" ? Transport::Gaussian
                                                                  : Transport::W1;
    return losses::earth_movers(values, transport, options_.quantiles);
  }

  /// Once, as soon as both terms have a gradient.
  void balance(const at::Tensor& contrast, const at::Tensor& consistency,
               const at::Tensor& residual) {
    if (!c10::GradMode::is_enabled() || state_->balance.item<double>() > 0) return;
    const double pull = losses::gradient_norm(contrast, residual);
    const double counterpull = losses::gradient_norm(consistency, residual);
    const c10::NoGradGuard no_grad;
    if (pull > 0 && counterpull > 0) state_->balance.fill_(pull / counterpull);
  }

  /// What a residual is known by: the values of each channel in order, about kRanks of them.
  at::Tensor profile(const at::Tensor& residual) const {
    at::Tensor values = residual.flatten(2);
    if (options_.centred) values = values - values.mean(2, /*keepdim=*/true);
    const auto step = std::max<std::int64_t>(1, values.size(2) / kRanks);
    return std::get<0>(values.sort(2)).slice(2, step / 2, values.size(2), step).flatten(1);
  }

  void examine(const at::Tensor& logits, const PairMasks& masks, const at::Tensor& residual,
               const at::Tensor& kinds, Losses& result) {
    report_contrast({.logits = logits,
                     .positives = masks.positives,
                     .candidates = masks.candidates,
                     .query_labels = masks.samples,
                     .key_labels = masks.samples,
                     .embedded = {profile(residual), {}, losses::Scale::Together},
                     .kinds = kinds.defined() ? kinds.repeat({2, 1}) : kinds},
                    kinds_, *state_->watch, result);
  }

  /// How much noise is in the residual, and, where the clean windows are known, how much of it is
  /// the true one and how much of it follows the picture.
  static void measure(const at::Tensor& residual, const at::Tensor& crops, const CropPairs& pairs,
                      const data::Batch& batch, Losses& result) {
    const double deviation = residual.std({2, 3}).mean().item<double>();
    result.meters.emplace_back("residual_u8", 255 * deviation);
    result.meters.emplace_back("residual_mean_u8",
                               255 * residual.mean({2, 3}).abs().mean().item<double>());
    const auto& clean = batch.context.defined() ? batch.context_target : batch.target;
    if (!clean.defined() || clean.sizes() != pairs.windows().sizes()) return;
    const at::Tensor target = pairs.cut(clean);
    const at::Tensor noise = crops - target;
    result.meters.emplace_back("residual_over_noise",
                               deviation / noise.std({2, 3}).mean().item<double>());
    result.meters.emplace_back("residual_is_noise", correlation(residual, noise));
    result.meters.emplace_back(
        "residual_is_picture",
        correlation(residual.abs().slice(2, 0, -1).slice(3, 0, -1), slope(target)));
  }

  RclOptions options_;
  std::uint64_t seed_;
  std::vector<std::string> kinds_;
  std::shared_ptr<RclState> state_;
};

}  // namespace

Entry rcl() {
  return {
      .name = {},
      .summary =
          "Pre-trains a denoiser on noisy pictures alone: what it takes away from two "
          "crops of one picture is one noise, unlike that of other pictures",
      .reference =
          "Dong, Maggioni, Yang, Pérez-Pellitero, Leonardis, McDonagh, IJCAI 2022, "
          "https://arxiv.org/abs/2106.10070",
      .options = describe_options<RclOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Rcl>(setting, parse_options<RclOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
