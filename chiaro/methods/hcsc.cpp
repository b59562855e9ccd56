// HCSC: hierarchical contrastive selective coding, as an encoder of what was done to pictures.
// Codes of one picture's crops attract each other and the prototypes above them; what probably
// belongs to the same prototype does not repel.
//
//   z = f(x_q), k = f̄(x_k)   unit codes of two views; f̄ follows f: θ̄ ← μ θ̄ + (1−μ) θ
//   q_j                      earlier k, in a queue
//   c_i^l, τ_i^l, a^l        prototypes of level l, their temperatures, the one above k: a tree of
//                            k-means over the queue, built anew every so many steps
//
//   m^l_j ~ Bernoulli( 1 − softmax_i( q_j·c_i^l / τ_i^l ) at a^l )              instances kept
//   m^l_i ~ Bernoulli( 1 − softmax_i'( c_i^l·c_i'^{l+1} / τ_i'^{l+1} ) at a^{l+1} ),
//           all on the last level                                               prototypes kept
//   L_inst  = Σ_l −log( exp(z·k/T) / ( exp(z·k/T) + Σ_j m^l_j exp(z·q_j/T) ) )
//   L_proto = 1/L Σ_l −log( exp(z·c_a/τ_a) / ( exp(z·c_a/τ_a) + Σ_{i≠a} m^l_i exp(z·c_i/τ_i) ) )
//   L = L_inst + λ L_proto;  until the first tree: L_inst with all m = 1, which is MoCo
//
// On request + λ_s L_scene: L_inst with the k_j of the batch in the place of the queue, of which
// j ∈ S only those are candidates that show the scene of z under another damage. What they show
// cannot tell them from z, what was done to them must. The m^l hold here too: selection keeps away
// what probably has the same damage, S what has another scene.
//
// Reference: Y. Guo, M. Xu, J. Li, B. Ni, X. Zhu, Z. Sun, Y. Xu, CVPR 2022, arXiv:2202.00455;
// negatives of one domain, here a scene, after J. Kahana, Y. Hoshen, ECCV 2022, arXiv:2203.11284.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "chiaro/base/rng.h"
#include "chiaro/losses/info_nce.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/crop_pairs.h"
#include "chiaro/methods/hcsc_parts.h"
#include "chiaro/methods/report_health.h"
#include "chiaro/methods/scene_rivals.h"

namespace chiaro::methods {
namespace {

constexpr double kLeastTemperature = 1e-3;
constexpr double kLeastPrototypesKept = 1e-4;

class Hcsc : public Method {
 public:
  Hcsc(const Setting& setting, const HcscOptions& options)
      : options_(options),
        seed_(setting.seed),
        kinds_(setting.kinds),
        state_(std::make_shared<HcscState>(options, count_of_kinds() + 1)) {
    CHIARO_CHECK(
        options.scene_weight == 0 || options.positives == "crops", Usage,
        "[methods.hcsc] samples that are damaged alike in pairs do not show one scene; got "
        "positives = \"damage\" and scene_weight = {}; expected \"crops\", or 0",
        options.scene_weight);
    if (!setting.inference_only) expect_possible(options);
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    const Pairs pairs = pairs_of(batch);
    const at::Tensor z = state_->query->encode(pairs.queries);
    const at::Tensor k = key_codes(pairs.keys);
    const KeyContrast contrast = instance_contrast(z, k);
    Losses result;
    at::Tensor path;  // undefined: without selection
    if (state_->tree->built() && info.step >= warmup_steps(options_, info.total_steps)) {
      path = state_->tree->path(k);
      const Selection selection =
          select_instances(state_->queue->keys(), path, draws(batch, info, "instances"));
      result.terms = {{"instance", selective(contrast, selection), 1.0},
                      {"prototype", prototype_loss(z, path, draws(batch, info, "prototypes")),
                       options_.prototype_weight}};
      if (info.due(options_.health_every)) add_quality(selection, pairs.notes, result);
    } else {
      result.terms = {{"instance",
                       losses::info_nce(contrast.logits, contrast.positives, contrast.everyone()),
                       1.0}};
    }
    if (options_.scene_weight > 0)
      result.terms.push_back(
          {"scene", scene_loss(z, k, scene_rivals(batch), path, draws(batch, info, "scene")),
           options_.scene_weight});
    if (info.due(options_.health_every)) add_health(z, pairs, k, result);
    if (!c10::GradMode::is_enabled()) return result;
    if (info.step == 0 && info.micro_batch == 0)
      std::ranges::move(remarks_on(options_, info.total_steps, k.size(0)),
                        std::back_inserter(result.remarks));
    state_->queue->push(k, pairs.notes);
    return result;
  }

  void after_step(const StepInfo& info) override {
    state_->copies->blend(0, *state_->query, options_.momentum);
    const std::int64_t since = info.step - warmup_steps(options_, info.total_steps);
    const bool due = since >= 0 && (since % options_.tree_every == 0 || !state_->tree->built());
    if (!due && info.step != info.total_steps) return;
    state_->tree->build(
        state_->queue->filled_keys(), state_->queue->filled_notes(),
        Rng(seed_, {stable_hash("tree"), static_cast<std::uint64_t>(info.step)}).next());
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return state_->query->parameters();
  }
  torch::nn::Module& state() override { return *state_; }

  /// The key encoder, since the tree is made of its codes.
  Product product() override { return {nullptr, nullptr, state_->key, state_->tree}; }

 private:
  struct Pairs {
    at::Tensor queries;  // (N,3,h,w)
    at::Tensor keys;     // (N,3,h,w)
    at::Tensor notes;    // (N,K+1) of the keys
  };

  /// N queries against their own key and the queue.
  struct KeyContrast {
    at::Tensor logits;     // (N,1+Q)
    at::Tensor positives;  // the first column
    at::Tensor everyone() const { return at::ones_like(positives); }
  };

  /// Which of Q keys are kept as negatives, (N,Q) bool for each level.
  using Selection = std::vector<at::Tensor>;

  std::int64_t count_of_kinds() const { return static_cast<std::int64_t>(kinds_.size()); }

  Pairs pairs_of(const data::Batch& batch) const {
    const at::Tensor notes = notes_of(batch);
    if (options_.positives == "crops") {
      const CropPairs pairs(batch, networks::kEncoderAlignmentPx, seed_,
                            options_.overlap == "allowed" ? Overlap::Allowed : Overlap::Forbidden);
      const auto crops = pairs.cut(pairs.windows()).chunk(2);
      return {crops[0], crops[1], notes};
    }
    const auto odd = [](const at::Tensor& rows) { return rows.slice(0, 1, rows.size(0), 2); };
    const auto even = [](const at::Tensor& rows) { return rows.slice(0, 0, rows.size(0), 2); };
    CHIARO_CHECK(
        batch.input.size(0) % 2 == 0 && at::equal(even(notes), odd(notes)), Usage,
        "[methods.hcsc] positives = 'damage' takes pairs of samples in a row with the same "
        "damage; got a batch of {}; expected data.alike = 2 and an even data.batch",
        batch.input.size(0));
    return {even(batch.input), odd(batch.input), odd(notes)};
  }

  /// What a sample is known to have, for names of prototypes and measurements only.
  at::Tensor notes_of(const data::Batch& batch) const {
    const auto plain = batch.input.options().dtype(at::kFloat);
    const std::int64_t count = count_of_kinds();
    auto notes = at::zeros({batch.input.size(0), count + 1}, plain);
    if (!batch.kinds.defined() || count == 0) return notes;
    const auto present = batch.kinds.to(at::kFloat);
    notes.narrow(1, 0, count).copy_(present / present.sum(1, true).clamp_min(1));
    notes.select(1, count).copy_(batch.severity);
    return notes;
  }

  at::Tensor key_codes(const at::Tensor& pictures) const {
    const at::NoGradGuard no_grad;
    return state_->key->encode(pictures);
  }

  KeyContrast instance_contrast(const at::Tensor& z, const at::Tensor& k) const {
    const auto own = (z * k).sum(1, /*keepdim=*/true) / options_.temperature;
    // A copy, because the queue moves on before the gradient is computed.
    const auto others =
        losses::contrast_logits(z, state_->queue->keys().clone(), options_.temperature);
    KeyContrast contrast{at::cat({own, others}, 1), {}};
    contrast.positives = at::zeros_like(contrast.logits, at::kBool);
    contrast.positives.select(1, 0).fill_(true);
    return contrast;
  }

  /// Random numbers that depend on seed, step and samples alone.
  at::Generator draws(const data::Batch& batch, const StepInfo& info, const char* purpose) const {
    Rng rng(seed_,
            {stable_hash(purpose), static_cast<std::uint64_t>(info.step), batch.seeds.front()});
    return at::make_generator<at::CPUGeneratorImpl>(rng.next());
  }

  static at::Tensor drawn(const at::Tensor& probability, at::Generator& generator) {
    const auto uniform = at::rand(probability.sizes(), generator, at::TensorOptions(at::kFloat));
    return uniform.to(probability.device()).lt(probability);
  }

  Selection select_instances(const at::Tensor& keys, const at::Tensor& path,
                             at::Generator generator) const {
    Selection kept;
    for (std::int64_t l = 0; l < state_->tree->levels(); ++l)
      kept.push_back(drawn(nn::keep_probability(keys, state_->tree->prototypes(l),
                                                state_->tree->temperatures(l), path.select(1, l)),
                           generator));
    return kept;
  }

  /// InfoNCE over what is kept of the candidates.
  at::Tensor kept_nce(const at::Tensor& logits, const at::Tensor& positives,
                      const at::Tensor& candidates, const at::Tensor& kept) const {
    if (options_.dropped == "removed")
      return losses::info_nce(logits, positives,
                              candidates.logical_and(kept).logical_or(positives));
    return losses::info_nce_zeroed(logits, positives, candidates.logical_or(positives),
                                   kept.logical_or(positives).logical_not());
  }

  /// L_inst.
  at::Tensor selective(const KeyContrast& contrast, const Selection& selection) const {
    const auto own = contrast.positives.narrow(1, 0, 1);
    const auto everyone = contrast.everyone();
    at::Tensor sum = at::zeros({}, contrast.logits.options());
    for (const auto& kept : selection)
      sum = sum + kept_nce(contrast.logits, contrast.positives, everyone, at::cat({own, kept}, 1));
    return reduced(sum);
  }

  /// Of a sum over levels.
  at::Tensor reduced(const at::Tensor& sum) const {
    const auto levels = static_cast<double>(state_->tree->levels());
    return options_.instance_reduce == "sum" ? sum : sum / levels;
  }

  /// L_scene; rivals: (N,N) bool, S. A sample without rivals adds nothing.
  at::Tensor scene_loss(const at::Tensor& z, const at::Tensor& k, const at::Tensor& rivals,
                        const at::Tensor& path, at::Generator generator) const {
    const auto logits = losses::contrast_logits(z, k, options_.temperature);
    const auto own = at::eye(k.size(0), rivals.options());
    if (!path.defined()) return losses::info_nce(logits, own, rivals.logical_or(own));
    at::Tensor sum = at::zeros({}, logits.options());
    for (const auto& kept : select_instances(k, path, std::move(generator)))
      sum = sum + kept_nce(logits, own, rivals, kept);
    return reduced(sum);
  }

  /// L_proto.
  at::Tensor prototype_loss(const at::Tensor& z, const at::Tensor& path,
                            at::Generator generator) const {
    const nn::PrototypeTree& tree = *state_->tree;
    at::Tensor sum = at::zeros({}, z.options());
    for (std::int64_t l = 0; l < tree.levels(); ++l) {
      const auto c = tree.prototypes(l);
      const auto owner = path.select(1, l);
      const auto logits =
          losses::contrast_logits(z, c, 1) / tree.temperatures(l).clamp_min(kLeastTemperature);
      const auto own = at::one_hot(owner, c.size(0)).to(at::kBool);
      const auto kept =
          l + 1 == tree.levels()
              ? at::ones_like(own)
              : drawn(nn::keep_probability(c, tree.prototypes(l + 1), tree.temperatures(l + 1),
                                           path.select(1, l + 1), kLeastPrototypesKept),
                      generator);
      sum = sum + kept_nce(logits, own, prototype_candidates(own), kept);
    }
    return sum / static_cast<double>(tree.levels());
  }

  /// Prototypes that may be negatives; own: (N,M) bool.
  at::Tensor prototype_candidates(const at::Tensor& own) const {
    auto candidates = own.logical_not();
    const auto in_use = own.any(0);
    if (options_.excluded == "batch") candidates = candidates.logical_and(in_use.logical_not());
    if (!options_.last_prototype) {
      const auto largest = in_use.nonzero().max().item<std::int64_t>();
      candidates = candidates.logical_and(
          at::arange(own.size(1), candidates.options().dtype(at::kLong)).lt(largest));
    }
    return candidates;
  }

  /// Of the contrast with the own key and the queue; before the batch is pushed onto it.
  void add_health(const at::Tensor& z, const Pairs& pairs, const at::Tensor& k,
                  Losses& result) const {
    const auto query = z.detach();
    const auto keys = at::cat({k, state_->queue->keys()});
    const auto own = at::eye(k.size(0), k.options().dtype(at::kBool));
    const auto queued = at::ones({k.size(0), keys.size(0) - k.size(0)}, own.options());
    at::Tensor kinds;
    if (kinds_.size() >= 2) kinds = pairs.notes.narrow(1, 0, count_of_kinds()).gt(0);
    report_contrast({.logits = losses::contrast_logits(query, keys, options_.temperature),
                     .positives = at::cat({own, at::zeros_like(queued)}, 1),
                     .candidates = at::cat({own, queued}, 1),
                     .embedded = {query, keys},
                     .kinds = kinds},
                    kinds_, *state_->watch, result);
  }

  /// How selection fares where kinds are known.
  void add_quality(const Selection& selection, const at::Tensor& notes, Losses& result) const {
    const std::int64_t filled = state_->queue->filled();
    const std::int64_t count = count_of_kinds();
    if (count < 2 || filled == 0) return;
    const auto kind = [&](const at::Tensor& rows) { return rows.narrow(1, 0, count).argmax(1); };
    report_selection(selection, kind(notes).unsqueeze(1).eq(kind(state_->queue->filled_notes())),
                     result);
  }

  HcscOptions options_;
  std::uint64_t seed_;
  std::vector<std::string> kinds_;
  std::shared_ptr<HcscState> state_;
};

}  // namespace

Entry hcsc() {
  return {
      .name = {},
      .summary =
          "An encoder of damage and a tree of its kinds, learned without labels by hierarchical "
          "contrastive selective coding",
      .reference = "Guo et al., CVPR 2022, https://arxiv.org/abs/2202.00455",
      .options = describe_options<HcscOptions>(),
      .takes_network = false,
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Hcsc>(setting, parse_options<HcscOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
