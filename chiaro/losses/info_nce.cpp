#include "chiaro/losses/info_nce.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "chiaro/base/error.h"

namespace chiaro::losses {

at::Tensor contrast_logits(const at::Tensor& a, const at::Tensor& b, double temperature) {
  const c10::impl::ExcludeDispatchKeyGuard full_precision(c10::autocast_dispatch_keyset);
  const auto widened = [](const at::Tensor& codes) {
    return codes.scalar_type() == at::kDouble ? codes : codes.to(at::kFloat);
  };
  return at::matmul(widened(a), widened(b).t()) / temperature;
}

// Sums and products with masks: to fill or choose by a mask is several times slower, there and on
// the way back, and so is exp of what underflows. Hence what is left out has the weight 0, not the
// logit −∞, and no exponent is above 0.
at::Tensor masked_logsumexp(const at::Tensor& logits, const at::Tensor& included) {
  constexpr double kBelowAll = -1e30;
  const auto weight = included.to(logits.scalar_type());
  const auto fixed = logits.detach();
  const auto highest = (fixed + (1 - weight) * kBelowAll).amax(1, /*keepdim=*/true);
  const auto exponentials = (logits - at::maximum(fixed, highest)).exp() * weight;
  // The highest adds exp 0: the sum is less than 1 only where nothing is included.
  return exponentials.sum(1).clamp_min(1).log() + highest.squeeze(1);
}

at::Tensor info_nce(const at::Tensor& logits, const at::Tensor& positives,
                    const at::Tensor& candidates) {
  CHIARO_CHECK(logits.dim() == 2 && positives.sizes() == logits.sizes() &&
                   candidates.sizes() == logits.sizes() && positives.scalar_type() == at::kBool &&
                   candidates.scalar_type() == at::kBool,
               Internal,
               "[losses.info_nce] expected logits and two boolean masks of one shape (Q,K)");
  CHIARO_CHECK(!positives.gt(candidates).any().item<bool>(), Internal,
               "[losses.info_nce] a positive is not among the candidates");
  const auto z = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  const auto count = positives.sum(1);
  const auto usable = count.gt(0);
  if (!usable.any().item<bool>()) return (z * 0).sum();
  const auto log_sum = masked_logsumexp(z, candidates);
  const auto of_positives = (z * positives.to(z.scalar_type())).sum(1);
  const auto per_query = log_sum - of_positives / count.clamp_min(1).to(z.scalar_type());
  return per_query.masked_select(usable).mean();
}

at::Tensor info_nce_zeroed(const at::Tensor& logits, const at::Tensor& positives,
                           const at::Tensor& candidates, const at::Tensor& dropped) {
  CHIARO_CHECK(
      dropped.sizes() == logits.sizes() && dropped.scalar_type() == at::kBool &&
          !dropped.logical_and(positives).any().item<bool>(),
      Internal,
      "[losses.info_nce_zeroed] expected a boolean mask of the logits' shape that drops no "
      "positive");
  return info_nce(logits.masked_fill(dropped, 0), positives, candidates);
}

}  // namespace chiaro::losses
