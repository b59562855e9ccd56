// The small pictures that a controller looks at instead of the whole one. Pure geometry, the same
// in training and restoring: docs/bundle_format.md, "Conditioned bundles".
#pragma once

#include <vector>

#include "chiaro/image/image.h"
#include "chiaro/image/plane_reduction.h"

namespace chiaro::restore {

/// Where crops begin along one axis, evenly centred: crop i of `count` begins at
/// (i + 0.5) length / count - view / 2, rounded to the nearest pixel, halves up. `length` is at
/// least `count * view`, or `count` is 1 and `length` at least `view`.
std::vector<int> view_starts(int length, int view_px, int count);

/// How many native views lie along a side of `length` pixels: ceil(length / (2 view_px)), at least
/// 1 and at most the largest r with r*r <= max_views.
int view_count(int length, int view_px, int max_views);

/// One crop of view_px × view_px, mirrored at bottom and right where the picture ends sooner.
image::Image view_at(const image::Image& picture, int top, int left, int view_px);

/// Crops of view_px × view_px at native resolution, row by row, three channels each (grey is
/// repeated), without alpha. A picture smaller than a view is mirrored at bottom and right first.
/// Errors: Usage (empty picture, sizes below 1).
std::vector<image::Image> native_views(const image::Image& picture, int view_px, int max_views);

/// The whole picture, reduced by averaging areas to a long side of whole_px (never enlarged), then
/// mirrored at bottom and right to the next multiples of alignment_px. Three channels, without
/// alpha. Errors: Usage (empty picture, sizes below 1).
image::Image whole_view(const image::Image& picture, int whole_px, int alignment_px);

/// The views of a picture whose rows come in strips, equal to native_views and whole_view.
class ViewGatherer {
 public:
  /// For a picture of `height` x `width`. Errors: Usage (sizes below 1).
  ViewGatherer(int height, int width, int view_px, int max_views, int whole_px, int alignment_px);

  /// The next rows, from the top: 1 or 3 channels; alpha is not looked at.
  void add(const image::Image& strip);

  /// After the last row.
  std::vector<image::Image> native() const;
  image::Image whole() const;

 private:
  struct Place {
    int top;
    int left;
  };

  void add_to_views(const image::Image& strip);

  int height_;
  int width_;
  int view_px_;
  int max_views_;
  int whole_px_;
  int alignment_px_;
  int y_ = 0;                  // rows that came
  image::Image all_;           // a picture so small that it is gathered as a whole
  std::vector<Place> places_;  // of views_
  std::vector<image::Image> views_;
  image::Image reduced_;
  std::vector<image::PlaneReduction> reductions_;  // of the three channels
};

/// The whole picture as a square of side_px, whatever its shape: value i of a side of `length`
/// pixels is the mean of pixels floor(i·length/side_px) to ceil((i+1)·length/side_px) − 1, so that
/// smaller pictures are enlarged by repeating. Three channels, without alpha. Errors: Usage (empty
/// picture, side below 1).
image::Image square_view(const image::Image& picture, int side_px);

/// Where windows of view_px begin that slide over `length` pixels by half of themselves; the last
/// one ends at the end. One window where `length` is at most view_px.
std::vector<int> window_starts(int length, int view_px);

/// The picture, mirrored at bottom and right where a side is below `side_px`.
image::Image at_least(image::Image picture, int side_px);

}  // namespace chiaro::restore
