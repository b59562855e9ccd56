#include "chiaro/methods/scene_rivals.h"

#include <ATen/ATen.h>

#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::methods {
namespace {

constexpr double kSeverityOfOne = 0.05;  // nearer ones are one damage

}  // namespace

at::Tensor scene_rivals(const data::Batch& batch) {
  const auto among = [](const at::Tensor& rows) {
    return std::pair(rows.unsqueeze(0), rows.unsqueeze(1));
  };
  const auto [scene, other_scene] = among(batch.content);
  const auto itself = at::eye(batch.content.size(0), batch.content.options().dtype(at::kBool));
  const auto shared = scene.eq(other_scene).logical_and(itself.logical_not());
  CHIARO_CHECK(shared.any().item<bool>(), Usage,
               "[methods.scene_rivals] no two of the {} samples in a batch show the same scene; "
               "expected data.variants of 2 or more",
               batch.content.size(0));
  if (!batch.kinds.defined() || batch.kinds.size(1) == 0) return shared;
  const auto [kinds, other_kinds] = among(batch.kinds);
  const auto [severities, other_severities] = among(batch.severities);
  // Severities that are not known may be equal.
  const auto unknown = severities.lt(0).logical_or(other_severities.lt(0));
  const auto apart = (severities - other_severities).abs().masked_fill(unknown, 0);
  const auto alike = kinds.eq(other_kinds).all(2).logical_and(apart.amax(2).le(kSeverityOfOne));
  return shared.logical_and(alike.logical_not());
}

}  // namespace chiaro::methods
