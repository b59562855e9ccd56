// Supervised training: the output is pulled to the target, and nothing else. The control that every
// other method is compared with.
//
//   L = Σ_i w_i · ℓ_i(f(x), y)
//
//   x  (N,3,H,W)    damaged crops            f  the network
//   y  (N,3,sH,sW)  clean crops              ℓ  pixel losses of losses/, by name
#include "chiaro/losses/by_name.h"
#include "chiaro/methods/catalogue.h"
#include "chiaro/methods/pixel_terms.h"

namespace chiaro::methods {
namespace {

struct SupervisedOptions {
  std::string loss = "charbonnier";

  static Fields<SupervisedOptions> fields() {
    return {field("loss", &SupervisedOptions::loss,
                  "weighted sum of pixel losses, e.g. 'charbonnier + 0.05 frequency'")};
  }
};

class Supervised : public Method {
 public:
  Supervised(const Setting& setting, const SupervisedOptions& options)
      : network_(setting.network), terms_(losses::parse_loss_terms(options.loss)) {}

  Losses losses(const data::Batch& batch, const StepInfo& /*info*/) override {
    return pixel_terms(terms_, network_->forward(batch.input), batch.target);
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

Entry supervised() {
  return {
      .name = {},
      .summary =
          "Pulls the output to the clean target by pixel losses; the control of all comparisons",
      .reference =
          "standard practice; Charbonnier loss: Lai et al., 2017, https://arxiv.org/abs/1704.03915",
      .options = describe_options<SupervisedOptions>(),
      .make = [](const Setting& setting, const OptionTable& options) -> std::unique_ptr<Method> {
        return std::make_unique<Supervised>(setting,
                                            parse_options<SupervisedOptions>(options, "method"));
      }};
}

}  // namespace chiaro::methods
