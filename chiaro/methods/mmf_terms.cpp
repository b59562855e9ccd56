#include "chiaro/methods/mmf_terms.h"

#include <ATen/ATen.h>

#include "chiaro/losses/info_nce.h"

namespace chiaro::methods {
namespace {

constexpr double kSeverityReach = 0.25;  // of positives of L_sup
constexpr double kQuadraticBelow = 0.1;  // of SmoothL1
constexpr double kAbsent = 0.1;          // weight of the severities of absent kinds

}  // namespace

at::Tensor prototype_loss_of(const at::Tensor& logits, const at::Tensor& kinds, double smoothing) {
  const auto present = kinds.to(at::kFloat);
  const auto label = present / present.sum(1, /*keepdim=*/true);
  const auto target = (1 - smoothing) * label + smoothing / static_cast<double>(label.size(1));
  return -(target * at::log_softmax(logits, 1)).sum(1).mean();
}

Contrast prototype_contrast(const at::Tensor& logits, const at::Tensor& damage,
                            const at::Tensor& prototypes, const at::Tensor& kinds) {
  return {.logits = logits,
          .positives = kinds,
          .candidates = at::ones_like(kinds),
          .embedded = {damage, prototypes},
          .kinds = kinds};
}

Contrast damage_contrast_of(const at::Tensor& damage, const at::Tensor& kinds,
                            const at::Tensor& severities, double temperature) {
  const auto others = at::logical_not(
      at::eye(damage.size(0), at::TensorOptions(at::kBool).device(damage.device())));
  const auto same = kinds.unsqueeze(0).eq(kinds.unsqueeze(1)).all(2).logical_and(others);
  const auto apart = (severities.unsqueeze(0) - severities.unsqueeze(1)).abs().amax(2);
  const auto measured = severities.ge(0).all(1);
  const auto comparable = measured.unsqueeze(0).logical_and(measured.unsqueeze(1));
  const auto near = same.logical_and(comparable).logical_and(apart.le(kSeverityReach));
  // Where some are near, one of the same kind whose severity nobody knows is neither near nor far.
  const auto has_near = near.any(1, /*keepdim=*/true);
  const auto unknown = same.logical_and(comparable.logical_not()).logical_and(has_near);
  // No two labels are alike for the report: who knows the severities needs no more than positives.
  return {.logits = losses::contrast_logits(damage, damage, temperature),
          .positives = at::where(has_near, near, same),
          .candidates = others.logical_and(unknown.logical_not()),
          .embedded = {damage},
          .kinds = kinds};
}

Contrast content_contrast_of(const at::Tensor& content, const at::Tensor& clean,
                             const at::Tensor& scene, const at::Tensor& kinds, double temperature) {
  const auto same = scene.unsqueeze(1).eq(scene.unsqueeze(0));
  return {.logits = losses::contrast_logits(content, clean, temperature),
          .positives = same,
          .candidates = at::ones_like(same),
          .embedded = {content, clean},
          .kinds = kinds};
}

at::Tensor severity_loss_of(const at::Tensor& severity, const at::Tensor& kinds,
                            const at::Tensor& severities) {
  const auto known = kinds.logical_and(severities.ge(0)).to(at::kFloat);
  const auto absent = kinds.logical_not().to(at::kFloat);
  const auto error = at::smooth_l1_loss(severity, severities, at::Reduction::None, kQuadraticBelow);
  return (error * known).sum() / known.sum().clamp_min(1) +
         kAbsent * (severity.square() * absent).sum() / absent.sum().clamp_min(1);
}

}  // namespace chiaro::methods
