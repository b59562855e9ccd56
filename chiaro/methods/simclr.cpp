// SimCLR: instance discrimination as it is done for recognition. Two crops of a picture, changed in
// colour, sharpness and orientation, are to have like embeddings. The control for contrast that
// ignores noise: what it must become blind to is what restoration needs.
//
//   e_k = h(f(x̃_k)) / ‖·‖          x̃ (2N,3,c,c) augmented crops, f the network, h a head
//   L = InfoNCE(e·e / τ)           positive: the other crop of the picture
//
// The networks here have no features to hand out, so the head reads their output; it is dropped
// after training.
//
// Reference: T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A Simple Framework for Contrastive
// Learning of Visual Representations", ICML 2020, arXiv:2002.05709.
#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "chiaro/base/rng.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/losses/info_nce.h"
#include "chiaro/methods/awaken.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/crop_pairs.h"
#include "chiaro/methods/report_health.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"

namespace chiaro::methods {
namespace {

struct SimclrOptions {
  double temperature = 0.2;
  double jitter = 0.4;
  std::int64_t width = 32;
  std::int64_t dimension = 64;
  std::int64_t health_every = 50;

  static Fields<SimclrOptions> fields() {
    using T = SimclrOptions;
    return {
        field("temperature", &T::temperature, "τ", {.min = 1e-3}),
        field("jitter", &T::jitter, "largest relative change of brightness, contrast, saturation",
              {.min = 0, .max = 0.9}),
        field("width", &T::width, "channels of the head", {.min = 1, .max = 1024}),
        field("dimension", &T::dimension, "of the embeddings", {.min = 2, .max = 4096}),
        field("health_every", &T::health_every, "how often the contrast is examined",
              {.min = 1, .unit = "steps"})};
  }
};

/// Picture → embedding: two convolutions of stride 4, mean over places, linear.
struct Head : torch::nn::Module {
  Head(std::int64_t width, std::int64_t dimension) {
    const auto layer = [](std::int64_t in, std::int64_t out) {
      return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 5).stride(4).padding(2));
    };
    first = register_module("first", layer(3, width));
    second = register_module("second", layer(width, 2 * width));
    last = register_module("last", torch::nn::Linear(2 * width, dimension));
    nn::init_conv(*first, 1.4);
    nn::init_conv(*second, 1.4);
  }
  at::Tensor forward(const at::Tensor& picture) {
    const auto features = at::relu(second->forward(at::relu(first->forward(picture))));
    return nn::unit_rows(last->forward(features.mean({2, 3})).to(at::kFloat));
  }
  torch::nn::Conv2d first{nullptr};
  torch::nn::Conv2d second{nullptr};
  torch::nn::Linear last{nullptr};
};

struct SimclrState : torch::nn::Module {
  SimclrState(std::shared_ptr<networks::Network> restorer, const SimclrOptions& options)
      : network(register_module("network", std::move(restorer))),
        head(register_module("head", std::make_shared<Head>(options.width, options.dimension))),
        watch(register_module("watch", std::make_shared<losses::ContrastWatch>())) {}
  std::shared_ptr<networks::Network> network;
  std::shared_ptr<Head> head;
  std::shared_ptr<losses::ContrastWatch> watch;
};

class Simclr : public Method {
 public:
  Simclr(const Setting& setting, const SimclrOptions& options)
      : options_(options),
        seed_(setting.seed),
        kinds_(setting.kinds),
        state_(std::make_shared<SimclrState>(setting.network, options)) {
    awaken(*setting.network, setting.seed);
  }

  data::ViewSpec views() const override { return {.needs_target = false}; }

  Losses losses(const data::Batch& batch, const StepInfo& info) override {
    const CropPairs pairs(batch, state_->network->geometry().alignment_px, seed_, Overlap::Allowed);
    const at::Tensor crops = augmented(pairs.cut(pairs.windows()), batch.seeds);
    const at::Tensor embeddings = state_->head->forward(state_->network->forward(crops));
    const PairMasks masks = pair_masks(batch.content, /*same_picture_is_negative=*/false);
    const Contrast contrast{
        .logits = losses::contrast_logits(embeddings, embeddings, options_.temperature),
        .positives = masks.positives,
        .candidates = masks.candidates,
        .query_labels = masks.samples,
        .key_labels = masks.samples,
        .embedded = {embeddings},
        .kinds = batch.kinds.defined() ? batch.kinds.repeat({2, 1}) : batch.kinds};
    Losses result;
    result.terms.push_back({"contrast", value_of(contrast), 1.0});
    if (info.due(options_.health_every)) report_contrast(contrast, kinds_, *state_->watch, result);
    return result;
  }

  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return state_->parameters();
  }
  torch::nn::Module& state() override { return *state_; }
  Product product() override { return {state_->network, nullptr}; }

 private:
  /// Each crop flipped, blurred, and changed in brightness, contrast and saturation by its own
  /// draws; greyed with probability 0.2.
  at::Tensor augmented(const at::Tensor& crops, const std::vector<std::uint64_t>& seeds) const {
    std::vector<at::Tensor> changed;
    for (std::int64_t i = 0; i < crops.size(0); ++i) {
      const auto sample = static_cast<std::size_t>(i) % seeds.size();
      Rng rng(seed_, {stable_hash("augment"), seeds[sample],
                      static_cast<std::uint64_t>(i) / seeds.size()});
      const auto factor = [&] { return rng.uniform(1 - options_.jitter, 1 + options_.jitter); };
      at::Tensor crop = crops[i];
      if (rng.chance(0.5)) crop = crop.flip({2});
      if (rng.chance(0.5)) crop = crop.flip({1});
      if (rng.chance(0.5)) crop = at::avg_pool2d(at::replication_pad2d(crop, {1, 1, 1, 1}), 3, 1);
      const auto grey = crop.mean(0, true);
      const double saturation = rng.chance(0.2) ? 0 : factor();
      crop = grey + saturation * (crop - grey);
      crop = crop.mean() + factor() * (crop - crop.mean());
      changed.push_back((factor() * crop).clamp(0, 1));
    }
    return at::stack(changed);
  }

  SimclrOptions options_;
  std::uint64_t seed_;
  std::vector<std::string> kinds_;
  std::shared_ptr<SimclrState> state_;
};

}  // namespace

Entry simclr() {
  return {
      .name = {},
      .summary =
          "Instance discrimination with changed colours and sharpness; the control for "
          "contrast that ignores noise",
      .reference = "Chen, Kornblith, Norouzi, Hinton, ICML 2020, https://arxiv.org/abs/2002.05709",
      .options = describe_options<SimclrOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Simclr>(setting, parse_options<SimclrOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
