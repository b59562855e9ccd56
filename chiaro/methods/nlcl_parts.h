// Options of the method nlcl, and what a checkpoint of it holds.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/losses/contrast_health.h"
#include "chiaro/methods/drift_guard.h"
#include "chiaro/methods/method.h"
#include "chiaro/networks/network.h"
#include "chiaro/nn/patch_discriminator.h"
#include "chiaro/nn/projection_heads.h"

namespace chiaro::methods {

struct NlclOptions {
  std::string layers = "one";
  std::string domain = "additive";
  double adversarial = 1.0;
  double location = 1.0;
  double layer = 1.0;
  double consistency = 1.0;
  double sparsity = 0.1;
  double rest = 0.0;
  double clean = 0.0;
  double transfer = 0.0;
  double supervised = 0.0;
  double lead = 0.0;
  double temperature = 0.07;
  double image_share = -1;
  std::string places = "matched";
  std::string location_places = "nearest";
  std::int64_t patch_px = 16;
  std::int64_t window_px = 40;
  std::int64_t spacing_px = 0;
  std::int64_t image_patches = 8;
  std::int64_t damage_patches = 128;
  std::int64_t location_patches = 256;
  bool identity = true;
  std::int64_t discriminator_width = 64;
  std::int64_t discriminator_halvings = 3;
  std::int64_t head_width = 256;
  bool deepest_tap = false;
  bool shared_heads = false;
  bool train_image_heads = true;
  bool train_location_heads = true;
  std::string sparsity_of = "implied";
  double drift_limit = 0;
  std::int64_t health_every = 50;

  static Fields<NlclOptions> fields();
};

/// Errors: Usage (unknown or impossible options).
NlclOptions parse_nlcl_options(const OptionTable& table);

/// What an option turns off is not made. Initial weights belong to the setting's seed.
struct NlclState : torch::nn::Module {
  /// Errors: Usage (a location contrast on a network that does not show its features).
  NlclState(const Setting& setting, const NlclOptions& options);

  std::shared_ptr<networks::Network> network;         ///< f
  std::shared_ptr<networks::Network> damage_network;  ///< g; null with one network
  std::shared_ptr<nn::PatchDiscriminator> discriminator;
  std::shared_ptr<nn::ProjectionHeads> image_heads;     ///< of L_layer
  std::shared_ptr<nn::ProjectionHeads> damage_heads;    ///< of L_layer; null: the image's
  std::shared_ptr<nn::ProjectionHeads> location_heads;  ///< of L_loc
  std::shared_ptr<losses::ContrastWatch> layer_watch;
  std::shared_ptr<losses::ContrastWatch> location_watch;
  std::shared_ptr<DriftGuard> drift_guard;  ///< of the mean of r
};

}  // namespace chiaro::methods
