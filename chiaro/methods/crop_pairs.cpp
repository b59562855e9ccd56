#include "chiaro/methods/crop_pairs.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::methods {
namespace {

/// Along one axis: two stretches of `crop` in `window` that do not meet.
std::array<std::int64_t, 2> apart(std::int64_t window, std::int64_t crop, Rng& rng) {
  std::array<std::int64_t, 2> begin = {rng.integer(0, window - 2 * crop),
                                       rng.integer(0, window - 2 * crop)};
  std::ranges::sort(begin);
  begin[1] += crop;
  if (rng.chance(0.5)) std::swap(begin[0], begin[1]);
  return begin;
}

std::array<std::int64_t, 2> anywhere(std::int64_t window, std::int64_t crop, Rng& rng) {
  return {rng.integer(0, window - crop), rng.integer(0, window - crop)};
}

/// The side of crops cut from a window that shows no more than the input.
std::int64_t half_side(std::int64_t side, std::int64_t alignment_px) {
  const std::int64_t half = side / 2 / alignment_px * alignment_px;
  CHIARO_CHECK(half >= 2, Usage,
               "[methods.crop_pairs] two crops are cut from each input; got a side of {} px; "
               "expected at least {}, or windows by data.context_px",
               side, std::max<std::int64_t>(4, 2 * alignment_px));
  return half;
}

}  // namespace

CropPairs::CropPairs(const data::Batch& batch, std::int64_t alignment_px, std::uint64_t method_seed,
                     Overlap overlap)
    : windows_(batch.context.defined() ? batch.context : batch.input),
      height_(batch.input.size(2)),
      width_(batch.input.size(3)) {
  if (windows_.sizes() == batch.input.sizes()) {
    height_ = half_side(height_, alignment_px);
    width_ = half_side(width_, alignment_px);
  }
  const bool forbidden = overlap == Overlap::Forbidden;
  const std::int64_t tall = windows_.size(2);
  const std::int64_t wide = windows_.size(3);
  const std::int64_t larger = std::max(height_, width_);
  CHIARO_CHECK(
      forbidden ? tall >= 2 * height_ && wide >= 2 * width_ : tall > height_ && wide > width_,
      Usage,
      "[methods.crop_pairs] two crops are cut from each window; got windows of {}x{} px and crops "
      "of {}x{} px; expected data.context_px of at least {}{}",
      tall, wide, height_, width_, forbidden ? 2 * larger : larger + 1,
      forbidden ? ", or overlap = \"allowed\"" : "");
  for (const std::uint64_t seed : batch.seeds) {
    Rng rng(method_seed, {stable_hash("crops"), seed});
    // Crops that must not meet lie one behind the other along one of the axes.
    const bool rows_apart = forbidden && rng.chance(0.5);
    const auto y = rows_apart ? apart(tall, height_, rng) : anywhere(tall, height_, rng);
    const auto x =
        forbidden && !rows_apart ? apart(wide, width_, rng) : anywhere(wide, width_, rng);
    places_.push_back({Place{y[0], x[0]}, Place{y[1], x[1]}});
  }
}

at::Tensor CropPairs::cut(const at::Tensor& windows) const {
  std::vector<at::Tensor> crops;
  for (const std::size_t which : {0, 1}) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const Place& place = places_[i][which];
      crops.push_back(windows[static_cast<std::int64_t>(i)]
                          .narrow(1, place.y, height_)
                          .narrow(2, place.x, width_));
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
