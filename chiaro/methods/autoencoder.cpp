// Autoencoder: the network is to return the noisy picture it is given. The control for "any
// pre-training helps": nothing in it asks for noise and picture to be told apart.
//
//   L = ℓ(f(x), x)        x (N,3,H,W) noisy crops        ℓ  mean absolute difference
//
// A network that starts as the identity is awakened first; with its skip connection it soon returns
// to where it came from.
#include "chiaro/losses/l1.h"
#include "chiaro/methods/awaken.h"
#include "chiaro/methods/catalogue.h"

namespace chiaro::methods {
namespace {

struct AutoencoderOptions {
  static Fields<AutoencoderOptions> fields() { return {}; }
};

class Autoencoder : public Method {
 public:
  explicit Autoencoder(const Setting& setting) : network_(setting.network) {
    CHIARO_CHECK(network_->geometry().scale == 1, Usage,
                 "[methods.autoencoder] got a network of scale {}; expected 1",
                 network_->geometry().scale);
    awaken(*network_, setting.seed);
  }
  data::ViewSpec views() const override { return {.needs_target = false}; }
  Losses losses(const data::Batch& batch, const StepInfo& /*info*/) override {
    return {.terms = {{"l1", losses::l1(network_->forward(batch.input), batch.input), 1.0}},
            .meters = {}};
  }
  std::vector<at::Tensor> trainable(const std::string& /*phase*/) override {
    return network_->parameters();
  }
  torch::nn::Module& state() override { return *network_; }
  Product product() override { return {network_, nullptr}; }

 private:
  std::shared_ptr<networks::Network> network_;
};

}  // namespace

Entry autoencoder() {
  return {
      .name = {},
      .summary = "Returns the noisy picture it is given; the control for any pre-training",
      .reference = "standard practice",
      .options = describe_options<AutoencoderOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        parse_options<AutoencoderOptions>(options, "method");
        return std::make_unique<Autoencoder>(setting);
      }};
}

}  // namespace chiaro::methods
