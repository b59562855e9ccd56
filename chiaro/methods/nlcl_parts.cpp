#include "chiaro/methods/nlcl_parts.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "chiaro/base/rng.h"
#include "chiaro/networks/tapped.h"
#include "chiaro/nn/generator_scope.h"

namespace chiaro::methods {
namespace {

/// Channels of the features that the network shows.
std::vector<std::int64_t> tap_channels(networks::Network& network) {
  auto* tapped = dynamic_cast<networks::Tapped*>(&network);
  CHIARO_CHECK(tapped != nullptr, Usage,
               "[methods.nlcl] the location contrast looks into the restorer, and this network "
               "does not show its features; expected e.g. resunet, dncnn or mmf_unet, or "
               "method.location = 0");
  const c10::NoGradGuard no_grad;
  const bool training = network.is_training();
  network.eval();
  const std::int64_t side = 2 * network.geometry().alignment_px;
  std::vector<std::int64_t> channels;
  for (const auto& map : tapped->taps(at::zeros({1, 3, side, side})))
    channels.push_back(map.size(1));
  network.train(training);
  return channels;
}

}  // namespace

Fields<NlclOptions> NlclOptions::fields() {
  using T = NlclOptions;
  return {
      field("layers", &T::layers,
            "one: the damage is input minus output; two: a second network makes it, as published",
            {.choices = {"one", "two"}}),
      field("domain", &T::domain,
            "additive: rain, snow, noise; log: damage that multiplies, such as darkness",
            {.choices = {"additive", "log"}}),
      field("adversarial", &T::adversarial, "weight of L_adv; 0: no discriminator is trained",
            {.min = 0}),
      field("location", &T::location, "weight of L_loc", {.min = 0}),
      field("layer", &T::layer, "weight of L_layer; 0: contrast of places alone, as CUT",
            {.min = 0}),
      field("consistency", &T::consistency, "weight of L_cons; two networks only", {.min = 0}),
      field("sparsity", &T::sparsity, "weight of L_sparse", {.min = 0}),
      field("rest", &T::rest, "weight of L_rest", {.min = 0}),
      field("clean", &T::clean,
            "weight of mean |f(y) - y|: clean pictures have nothing to be taken off", {.min = 0}),
      field("transfer", &T::transfer,
            "weight of L_trans: what is taken off a picture is put on a clean one, up to twice as "
            "strong, and must come off; domain 'additive' only",
            {.min = 0}),
      field("supervised", &T::supervised,
            "weight of mean |f(x) - target| in batches that have targets", {.min = 0}),
      field("lead", &T::lead,
            "share of the steps, the first ones, in which the discriminator learns alone",
            {.min = 0, .max = 0.9}),
      field("temperature", &T::temperature, "τ of both contrasts", {.min = 1e-3, .max = 10}),
      field(
          "image_share", &T::image_share,
          "weight of the image's patches as anchors of L_layer, the damage's having the rest; -1: "
          "each patch counts alike",
          {.min = -1, .max = 1}),
      field("places", &T::places, "of L_layer: block-matched, or random for comparison",
            {.choices = {"matched", "random"}}),
      field(
          "location_places", &T::location_places,
          "of L_loc: most alike (as released), least alike (as drawn in the publication's figure), "
          "or random",
          {.choices = {"nearest", "farthest", "random"}}),
      field("patch_px", &T::patch_px, "side of compared patches, even",
            {.min = 2, .max = 256, .unit = "px"}),
      field("window_px", &T::window_px, "side of the square that is searched",
            {.min = 2, .max = 1024, .unit = "px"}),
      field("spacing_px", &T::spacing_px, "least distance of matched places; 0: neighbours count",
            {.min = 0, .max = 256, .unit = "px"}),
      field("image_patches", &T::image_patches, "P, matched in the image layer",
            {.min = 2, .max = 65536}),
      field("damage_patches", &T::damage_patches, "N, matched in the layer of damage",
            {.min = 2, .max = 65536}),
      field("location_patches", &T::location_patches, "places of L_loc", {.min = 2, .max = 65536}),
      field("identity", &T::identity, "L_loc is also asked of the clean pictures"),
      field("discriminator_width", &T::discriminator_width, "channels of its first convolution",
            {.min = 1, .max = 512}),
      field("discriminator_halvings", &T::discriminator_halvings,
            "how often it halves the sides; crops need 3·2^halvings px", {.min = 1, .max = 6}),
      field("head_width", &T::head_width, "dimension of the embeddings", {.min = 2, .max = 4096}),
      field(
          "deepest_tap", &T::deepest_tap,
          "L_layer also looks at the discriminator's last features, which the released code lists "
          "but drops"),
      field("shared_heads", &T::shared_heads,
            "one set of heads for both layers in L_layer: what sets the layers apart must lie in "
            "the features"),
      field("train_image_heads", &T::train_image_heads,
            "false: the image's heads stay random, as in the released code"),
      field("train_location_heads", &T::train_location_heads,
            "false: the heads of L_loc stay random, as in the released code"),
      field(
          "sparsity_of", &T::sparsity_of,
          "two networks: of input minus image layer (as released), of the layer of damage, or the "
          "mean of both",
          {.choices = {"implied", "layer", "both"}}),
      field(
          "drift_limit", &T::drift_limit,
          "stops when the mean of what is taken away has drifted further than this from its first "
          "50 steps, on the scale from -1 to 1; 0: never",
          {.min = 0, .max = 2}),
      field("health_every", &T::health_every, "how often the contrasts are examined",
            {.min = 1, .unit = "steps"})};
}

NlclOptions parse_nlcl_options(const OptionTable& table) {
  auto options = parse_options<NlclOptions>(table, "method");
  CHIARO_CHECK(options.patch_px % 2 == 0, Usage,
               "[methods.nlcl] patches have a pixel right of their middle; got patch_px = {}; "
               "expected an even number",
               options.patch_px);
  CHIARO_CHECK(options.image_share <= -1 || options.image_share >= 0, Usage,
               "[methods.nlcl] a weight is not negative; got image_share = {}; expected 0 to 1, or "
               "-1, by which each patch counts alike",
               options.image_share);
  const double weights = options.adversarial + options.location + options.layer +
                         (options.layers == "two" ? options.consistency : 0) + options.sparsity +
                         options.rest + options.clean + options.transfer + options.supervised;
  CHIARO_CHECK(
      weights > 0, Usage,
      "[methods.nlcl] there is nothing to learn from; got the weight 0 for every term of {}; "
      "expected one above 0",
      options.layers == "two" ? "two networks" : "one network");
  CHIARO_CHECK(options.lead <= 0 || options.adversarial > 0, Usage,
               "[methods.nlcl] a discriminator that leads is one that is learnt from; got lead = "
               "{} and adversarial = 0; expected lead = 0 or a weight of L_adv",
               options.lead);
  CHIARO_CHECK(options.transfer <= 0 || options.domain == "additive", Usage,
               "[methods.nlcl] damage is put on another picture by a sum; got transfer = {} in "
               "domain '{}'; expected transfer = 0, or domain 'additive'",
               options.transfer, options.domain);
  return options;
}

NlclState::NlclState(const Setting& setting, const NlclOptions& options)
    : network(register_module("network", setting.network)),
      drift_guard(
          register_module("drift_guard", std::make_shared<DriftGuard>(options.drift_limit))) {
  const nn::GeneratorScope scope(Rng(setting.seed, {stable_hash("nlcl")}).next());
  if (options.layers == "two")
    damage_network = register_module("damage_network", setting.make_network());
  if (options.adversarial > 0 || options.layer > 0) {
    discriminator = register_module(
        "discriminator", std::make_shared<nn::PatchDiscriminator>(options.discriminator_width,
                                                                  options.discriminator_halvings));
  }
  const auto heads = [&](const std::string& name, const std::vector<std::int64_t>& channels) {
    return register_module(name,
                           std::make_shared<nn::ProjectionHeads>(channels, options.head_width));
  };
  if (options.layer > 0) {
    auto channels = discriminator->feature_channels();
    if (!options.deepest_tap) channels.pop_back();
    image_heads = heads("image_heads", channels);
    if (!options.shared_heads) damage_heads = heads("damage_heads", channels);
    layer_watch = register_module("layer_watch", std::make_shared<losses::ContrastWatch>());
  }
  if (options.location > 0) {
    location_heads = heads("location_heads", tap_channels(*network));
    location_watch = register_module("location_watch", std::make_shared<losses::ContrastWatch>());
  }
}

}  // namespace chiaro::methods
