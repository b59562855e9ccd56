#include "chiaro/methods/crop_pairs.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::methods {
namespace {

/// Two squares that share no pixel: along one of the axes they lie one behind the other.
std::array<CropPairs::Place, 2> apart(std::int64_t window_px, std::int64_t crop_px, Rng& rng) {
  std::array<std::int64_t, 2> split = {rng.integer(0, window_px - 2 * crop_px),
                                       rng.integer(0, window_px - 2 * crop_px)};
  std::ranges::sort(split);
  split[1] += crop_px;
  if (rng.chance(0.5)) std::swap(split[0], split[1]);
  const std::array<std::int64_t, 2> free = {rng.integer(0, window_px - crop_px),
                                            rng.integer(0, window_px - crop_px)};
  if (rng.chance(0.5)) return {{{split[0], free[0]}, {split[1], free[1]}}};
  return {{{free[0], split[0]}, {free[1], split[1]}}};
}

}  // namespace

CropPairs::CropPairs(std::int64_t window_px, std::int64_t crop_px,
                     const std::vector<std::uint64_t>& seeds, std::uint64_t method_seed,
                     Overlap overlap)
    : crop_px_(crop_px) {
  const bool forbidden = overlap == Overlap::Forbidden;
  CHIARO_CHECK(window_px >= (forbidden ? 2 * crop_px : crop_px + 1), Usage,
               "[methods.crop_pairs] two crops are cut from each window; got windows of {0} px and "
               "crops of {1} px; expected data.context_px of at least {2}{3}",
               window_px, crop_px, forbidden ? 2 * crop_px : crop_px + 1,
               forbidden ? ", or overlap = \"allowed\"" : "");
  for (const std::uint64_t seed : seeds) {
    Rng rng(method_seed, {stable_hash("crops"), seed});
    if (forbidden) {
      places_.push_back(apart(window_px, crop_px, rng));
      continue;
    }
    const std::int64_t last = window_px - crop_px;
    const Place first = {rng.integer(0, last), rng.integer(0, last)};
    places_.push_back({first, {rng.integer(0, last), rng.integer(0, last)}});
  }
}

at::Tensor CropPairs::cut(const at::Tensor& windows) const {
  std::vector<at::Tensor> crops;
  for (const std::size_t which : {0, 1}) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const Place& place = places_[i][which];
      crops.push_back(windows[static_cast<std::int64_t>(i)]
                          .narrow(1, place.y, crop_px_)
                          .narrow(2, place.x, crop_px_));
    }
  }
  return at::stack(crops);
}

PairMasks pair_masks(const at::Tensor& content, bool same_picture_is_negative) {
  PairMasks masks;
  masks.samples = at::arange(content.size(0), content.options().dtype(at::kLong)).repeat({2});
  const auto pictures = content.repeat({2});
  const auto self = at::eye(masks.samples.size(0), content.options().dtype(at::kBool));
  const auto own = masks.samples.unsqueeze(0).eq(masks.samples.unsqueeze(1));
  masks.positives = own.logical_and(self.logical_not());
  masks.candidates = self.logical_not();
  if (!same_picture_is_negative) {
    const auto other_view =
        pictures.unsqueeze(0).eq(pictures.unsqueeze(1)).logical_and(own.logical_not());
    masks.candidates = masks.candidates.logical_and(other_view.logical_not());
  }
  return masks;
}

}  // namespace chiaro::methods
