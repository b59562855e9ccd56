#include "chiaro/losses/earth_movers.h"

#include <ATen/ATen.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cmath>

#include "chiaro/base/error.h"

namespace chiaro::losses {
namespace {

constexpr std::int64_t kExactEuclid = 2;  // cdist: no matrix product, which loses small distances

/// (…,M), sorted → (…,Q): linear interpolation at the ranks (q+½)/Q of the M values, the m-th of
/// which has the rank (m+½)/M.
at::Tensor at_quantiles(const at::Tensor& sorted, std::int64_t quantiles) {
  const std::int64_t count = sorted.size(-1);
  const auto place = (at::arange(quantiles, sorted.options().requires_grad(false)) + 0.5) *
                         (static_cast<double>(count) / static_cast<double>(quantiles)) -
                     0.5;
  const auto below = place.floor().clamp(0, static_cast<double>(count - 2));
  const auto share = place - below;
  const auto index = below.to(at::kLong);
  return sorted.index_select(-1, index) * (1 - share) + sorted.index_select(-1, index + 1) * share;
}

}  // namespace

at::Tensor earth_movers(const at::Tensor& values, Transport transport, std::int64_t quantiles) {
  CHIARO_CHECK(values.defined() && values.dim() == 3 && values.is_floating_point() &&
                   values.numel() > 0 && quantiles >= 0,
               Internal,
               "[losses.earth_movers] expected real values of shape (N,C,M), not empty, and no "
               "negative number of quantiles");
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto wide = values.scalar_type() == at::kDouble ? values : values.to(at::kFloat);
  const auto channels = wide.transpose(0, 1);  // (C,N,M)
  if (transport == Transport::Gaussian) {
    const auto moments = at::stack({channels.mean(-1), channels.std(-1, /*unbiased=*/false)}, -1);
    return at::cdist(moments, moments, 2, kExactEuclid).mean(0);
  }
  auto ranked = std::get<0>(channels.contiguous().sort(-1));
  if (quantiles > 0 && quantiles < ranked.size(-1)) ranked = at_quantiles(ranked, quantiles);
  const auto count = static_cast<double>(ranked.size(-1));
  if (transport == Transport::W1) return at::cdist(ranked, ranked, 1).mean(0) / count;
  return at::cdist(ranked, ranked, 2, kExactEuclid).mean(0) / std::sqrt(count);
}

at::Tensor along_directions(const at::Tensor& values, const at::Tensor& directions) {
  CHIARO_CHECK(values.dim() == 3 && directions.dim() == 2 && directions.size(1) == values.size(1),
               Internal,
               "[losses.along_directions] expected values (N,C,M) and directions (R,C) of one C");
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto wide = values.scalar_type() == at::kDouble ? values : values.to(at::kFloat);
  return at::matmul(directions.to(wide.options()), wide);
}

at::Tensor random_directions(std::int64_t count, std::int64_t channels, Rng& rng) {
  CHIARO_CHECK(count > 0 && channels > 0, Internal,
               "[losses.random_directions] got {} directions in {} channels; expected some", count,
               channels);
  auto directions = at::empty({count, channels}, at::kFloat);
  auto* component = directions.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < directions.numel(); ++i)
    component[i] = static_cast<float>(rng.normal());
  return directions / directions.norm(2, 1, true).clamp_min(1e-12);
}

}  // namespace chiaro::losses
