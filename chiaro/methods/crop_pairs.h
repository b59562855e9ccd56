// Two crops of each window of a batch: views of one picture with one noise.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace chiaro::methods {

enum class Overlap { Forbidden, Allowed };

class CropPairs {
 public:
  /// Draws for each of the N `seeds` two squares of `crop_px` inside a square of `window_px`; pure
  /// in (seed of the method, seed of the sample). Forbidden overlap: the two share no pixel, and
  /// every place that leaves room for the other one can be drawn. Errors: Usage where the window
  /// has no room for two (2·crop_px; more than crop_px where they may overlap), naming
  /// data.context_px.
  CropPairs(std::int64_t window_px, std::int64_t crop_px, const std::vector<std::uint64_t>& seeds,
            std::uint64_t method_seed, Overlap overlap);

  /// (N,C,W,W) → (2N,C,c,c): the first crops of all windows, then the second ones. Differentiable.
  at::Tensor cut(const at::Tensor& windows) const;

  struct Place {
    std::int64_t y;
    std::int64_t x;
  };
  const std::vector<std::array<Place, 2>>& places() const { return places_; }

 private:
  std::int64_t crop_px_;
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
