// Two crops of each window of a batch: views of one picture with one noise.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "chiaro/data/batch.h"

namespace chiaro::methods {

enum class Overlap { Forbidden, Allowed };

class CropPairs {
 public:
  /// Draws two places in each of the batch's windows; pure in (seed of the method, seed of the
  /// sample). The crops have the size of Batch::input; where the context shows no more than the
  /// input, they are cut from it and have half its sides, rounded down to multiples of
  /// alignment_px. Forbidden overlap: the two share no pixel, and every place that leaves room for
  /// the other one can be drawn. Errors: Usage where a window has no room for two crops, naming
  /// data.context_px.
  CropPairs(const data::Batch& batch, std::int64_t alignment_px, std::uint64_t method_seed,
            Overlap overlap);

  /// The windows that the places belong to: (N,3,H,W).
  const at::Tensor& windows() const { return windows_; }

  /// (N,C,H,W) → (2N,C,h,w): the first crops of all windows, then the second ones. Differentiable.
  at::Tensor cut(const at::Tensor& windows) const;

  struct Place {
    std::int64_t y;
    std::int64_t x;
  };
  const std::vector<std::array<Place, 2>>& places() const { return places_; }

 private:
  at::Tensor windows_;
  std::int64_t height_;
  std::int64_t width_;
  std::vector<std::array<Place, 2>> places_;
};

/// Who belongs to whom among 2N crops: row i and row i + N are the two of sample i.
struct PairMasks {
  at::Tensor positives;   ///< (2N,2N) bool: the other crop of the sample
  at::Tensor candidates;  ///< (2N,2N) bool: all but the crop itself and, unless wanted, crops of
                          ///< other samples that show the same picture
  at::Tensor samples;     ///< (2N) int64: number of the sample in the batch
};

/// content: (N) int64, equal numbers show the same picture.
PairMasks pair_masks(const at::Tensor& content, bool same_picture_is_negative);

}  // namespace chiaro::methods
