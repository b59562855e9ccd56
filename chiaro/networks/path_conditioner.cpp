#include "chiaro/networks/path_conditioner.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/nn/layers.h"

namespace chiaro::networks {
namespace {

constexpr double kLeastShare = 1e-6;

}  // namespace

PathConditioner::PathConditioner(const PathConditionerOptions& options,
                                 std::vector<std::string> types)
    : telling_(options.telling),
      encoder_(register_module("encoder", std::make_shared<DegradationEncoder>(options.encoder))),
      tree_(register_module("tree", std::make_shared<nn::PrototypeTree>(
                                        nn::TreeOptions{.prototypes = options.prototypes},
                                        options.encoder.layout.dimension,
                                        static_cast<std::int64_t>(types.size()) + 1))) {
  const EncoderLayout seen = encoder_->layout();
  layout_.types = std::move(types);
  layout_.embedding = tree_->levels() * seen.dimension;
  layout_.view_px = seen.view_px;
  layout_.max_views = seen.max_views;
  layout_.whole_px = layout_.whole_alignment_px;  // not looked at: as small as it may be
}

void PathConditioner::check_tree() const {
  CHIARO_CHECK(tree_->built(), Usage,
               "[networks.path_conditioner] there is no encoder of damage to go by; got weights "
               "drawn at random and no tree; expected to start from what method hcsc trained: "
               "--from with its bundle, or in a study from = \"arm:NAME\"");
}

at::Tensor PathConditioner::embedding(const at::Tensor& codes) const {
  if (telling_ == Telling::Path) return tree_->soft_path(codes);
  return at::constant_pad_nd(codes, {0, layout_.embedding - codes.size(1)}, 0);
}

Diagnosis PathConditioner::diagnose(const at::Tensor& native, const at::Tensor& whole) {
  check_tree();
  const auto count = native.size(0);
  const auto views = native.size(1);
  const auto seen = encoder_->encode(
      native.reshape({count * views, native.size(2), native.size(3), native.size(4)}));
  // Cosines are divided by small temperatures: half precision would blur the memberships.
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto codes = nn::unit_rows(seen.reshape({count, views, seen.size(1)}).mean(1));

  const auto kinds = static_cast<std::int64_t>(layout_.types.size());
  const auto weight = tree_->membership(codes, 0);
  const auto shares = tree_->attributes(0).narrow(1, 0, kinds);
  const auto severities = tree_->attributes(0).narrow(1, kinds, 1).clamp(0, 1);
  const auto probability = at::matmul(weight, shares);
  const auto severity =
      at::matmul(weight, shares * severities) / probability.clamp_min(kLeastShare);
  // One domain without a name, so its probability is 1; a graph in a bundle has to read the whole.
  const auto domain = at::softmax(whole.mean({1, 2, 3}).unsqueeze(1), 1);
  const auto cosine = at::matmul(codes, tree_->prototypes(0).t());
  const auto novelty = at::rsub(cosine.amax(1, /*keepdim=*/true), 1);
  return {at::cat({probability, severity, embedding(codes)}, 1), domain, novelty};
}

}  // namespace chiaro::networks
