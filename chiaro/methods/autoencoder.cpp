// Autoencoder: the network is to return the noisy picture it is given. The control for "any
// pre-training helps": nothing in it asks for noise and picture to be told apart.
//
//   L = Σ_i w_i · ℓ_i(f(x), x)        x (N,3,H,W) noisy crops        ℓ  pixel losses by name
//
// A network that starts as the identity is awakened first; with its skip connection it soon returns
// to where it came from.
#include "chiaro/losses/by_name.h"
#include "chiaro/methods/awaken.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/pixel_terms.h"

namespace chiaro::methods {
namespace {

struct AutoencoderOptions {
  std::string loss = "l1";

  static Fields<AutoencoderOptions> fields() {
    return {field("loss", &AutoencoderOptions::loss, "weighted sum of pixel losses")};
  }
};

class Autoencoder : public Method {
 public:
  Autoencoder(const Setting& setting, const AutoencoderOptions& options)
      : network_(setting.network), terms_(losses::parse_loss_terms(options.loss)) {
    CHIARO_CHECK(network_->geometry().scale == 1, Usage,
                 "[methods.autoencoder] got a network of scale {}; expected 1",
                 network_->geometry().scale);
    awaken(*network_, setting.seed);
  }
  data::ViewSpec views() const override { return {.needs_target = false}; }
  Losses losses(const data::Batch& batch, const StepInfo& /*info*/) override {
    return pixel_terms(terms_, network_->forward(batch.input), batch.input);
  }
  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return network_->parameters();
  }
  torch::nn::Module& state() override { return *network_; }
  Product product() override { return {network_, nullptr}; }

 private:
  std::shared_ptr<networks::Network> network_;
  std::vector<losses::WeightedLoss> terms_;
};

}  // namespace

Entry autoencoder() {
  return {
      .name = {},
      .summary = "Returns the noisy picture it is given; the control for any pre-training",
      .reference = "Hinton, Salakhutdinov, Science 2006, https://doi.org/10.1126/science.1127647",
      .options = describe_options<AutoencoderOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Autoencoder>(setting,
                                             parse_options<AutoencoderOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
