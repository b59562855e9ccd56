#include "chiaro/networks/controller.h"
#include "chiaro/nn/layers.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace chiaro::networks {
namespace {

constexpr double kLargestScale = 4.605;  // ln 100, as in CLIP

}  // namespace

Controller::Controller(const ControllerOptions& options, std::vector<std::string> types,
                       std::vector<std::string> domains, const at::Tensor& table) {
  CHIARO_CHECK(options.embedding >= 2 && options.embedding % 2 == 0, Usage,
               "[networks.controller] embedding holds two equal halves; got {}; expected an even "
               "number",
               options.embedding);
  CHIARO_CHECK(
      table.dim() == 2 && table.size(0) == static_cast<std::int64_t>(types.size()), Usage,
      "[networks.controller] the text table has {} rows; expected one for each of {} kinds",
      table.size(0), types.size());
  layout_.types = std::move(types);
  layout_.domains = std::move(domains);
  layout_.embedding = options.embedding;
  layout_.view_px = options.view_px;
  layout_.max_views = options.max_views;
  layout_.whole_px = options.whole_px;
  const std::int64_t d = options.embedding / 2;
  const std::int64_t pooled = 2 * nn::StatisticsTower::features(options.width);
  const auto kinds = static_cast<std::int64_t>(layout_.types.size());
  const auto places = std::max<std::int64_t>(1, static_cast<std::int64_t>(layout_.domains.size()));
  table_ = register_buffer("table", table.to(at::kFloat).clone());
  scale_ = register_parameter("scale", at::full({}, std::log(1 / 0.07)));
  native_ = register_module("native", std::make_shared<nn::StatisticsTower>(options.width));
  whole_ = register_module("whole", std::make_shared<nn::StatisticsTower>(options.width));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({pooled})));
  const auto head = [&](const char* name, std::int64_t in, std::int64_t out, bool bias) {
    return register_module(name, torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias)));
  };
  trunk_ = head("trunk", pooled, options.hidden, true);
  damage_ = head("damage", options.hidden, d, true);
  content_ = head("content", options.hidden, d, true);
  severity_ = head("severity", options.hidden, kinds, true);
  domain_ = head("domain", options.hidden, places, true);
  project_ = head("project", table.size(1), d, false);
}

at::Tensor Controller::prototypes() {
  return nn::unit_rows(project_->forward(table_));
}

Controller::Features Controller::features(const at::Tensor& native, const at::Tensor& whole) {
  const auto count = native.size(0);
  const auto views = native.size(1);
  const auto seen = native_->forward(
      native.reshape({count * views, native.size(2), native.size(3), native.size(4)}));
  const auto far = whole_->forward(whole);
  // Cosines are multiplied by up to 100: half precision would blur the decision.
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto near = seen.reshape({count, views, seen.size(1)}).mean(1);
  const auto h = at::gelu(trunk_->forward(norm_->forward(at::cat({near, far}, 1))));
  Features result;
  result.damage = nn::unit_rows(damage_->forward(h));
  result.content = nn::unit_rows(content_->forward(h));
  result.logits =
      at::matmul(result.damage, prototypes().t()) * scale_.clamp_max(kLargestScale).exp();
  result.severity = at::sigmoid(severity_->forward(h));
  result.domain = domain_->forward(h);
  return result;
}

Diagnosis Controller::diagnose(const at::Tensor& native, const at::Tensor& whole) {
  const Features f = features(native, whole);
  const auto cosine = at::matmul(f.damage, prototypes().t());
  return {at::cat({at::softmax(f.logits, 1), f.severity, f.damage, f.content}, 1),
          at::softmax(f.domain, 1), at::rsub(cosine.amax(1, /*keepdim=*/true), 1)};
}

}  // namespace chiaro::networks
