// Non-local sampling: places of a picture whose patches look alike, found by block matching.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "chiaro/base/rng.h"

namespace chiaro::nn {

/// Which of the candidates are taken.
enum class Match {
  Nearest,   ///< those most like the reference patch, the reference itself first
  Farthest,  ///< those least like it, most unlike first
  Random     ///< any places of the picture, whatever they show: for comparison
};

struct BlockMatching {
  std::int64_t patch_px = 16;   ///< side of the compared patches, even
  std::int64_t window_px = 40;  ///< side of the square of candidates around the reference
  std::int64_t count = 8;       ///< K
  std::int64_t spacing_px = 0;  ///< nearest, farthest: least distance of two places, in the longer
                                ///< direction; 0: neighbours may be taken
  Match match = Match::Nearest;
};

/// A place is the pixel right below and to the right of a patch's middle: the patch of (i,j) covers
/// rows i − patch/2 … i + patch/2 − 1 and columns likewise.
struct Reference {
  std::int64_t row;
  std::int64_t column;
};

/// Places in a picture of known size, so that they can be looked up in feature maps of any size.
struct Places {
  at::Tensor centres;  ///< (K,2) int64: row, column
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// Uniform in [patch, side − patch], or, where a side has no room for that, over all places whose
/// patch lies inside. Errors: Usage (a side of patch_px or less).
Reference draw_reference(std::int64_t height, std::int64_t width, const BlockMatching& options,
                         Rng& rng);

/// How many candidates the least favourable reference has in a picture of this size; random: how
/// many places there are.
std::int64_t fewest_candidates(std::int64_t height, std::int64_t width,
                               const BlockMatching& options);

/// The K places whose patches have the smallest (largest) Euclidean distance to the reference's
/// patch over all channels, by exhaustive search at every pixel of the window, after Ye et al. 2022
/// (arXiv:2203.11509). Ties go to the upper left. guide: (C,H,W). With a spacing fewer than K
/// places may be left. No gradient. Errors: Usage (too few candidates), Internal (shapes, a
/// reference without patch).
Places match_blocks(const at::Tensor& guide, const BlockMatching& options,
                    const Reference& reference);

/// draw_reference and match_blocks; random: K different places, drawn evenly.
Places sample_places(const at::Tensor& guide, const BlockMatching& options, Rng& rng);

/// The vectors of a feature map (C,h,w) at the places: a centre (i,j) of a picture with sides H, W
/// belongs to the cell (⌊i·h/H⌋, ⌊j·w/W⌋). (K,C), with gradient.
at::Tensor vectors_at(const at::Tensor& map, const Places& places);

}  // namespace chiaro::nn
