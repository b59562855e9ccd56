// Reduction by averaging areas, of a plane whose rows come one after the other.
#pragma once

#include <span>
#include <vector>

namespace chiaro::image {

/// What reduce_area does to each plane, for pictures that are never in memory as a whole.
class PlaneReduction {
 public:
  /// From (height,width) to (to_height,to_width), each at most the source's. Errors: Usage.
  PlaneReduction(int height, int width, int to_height, int to_width);

  /// The next row of the source, from the top, `width` values. Rows of `target`
  /// (to_height,to_width) are filled as soon as nothing more belongs to them.
  void add(const float* row, std::span<float> target);

 private:
  /// Source samples under one target sample along an axis, and their weights, which sum to 1.
  struct Share {
    int begin;
    std::vector<float> weights;

    int end() const { return begin + static_cast<int>(weights.size()); }
  };
  static std::vector<Share> shares(int from, int to);
  void finish_row(std::span<float> target);

  std::vector<Share> rows_;
  std::vector<Share> columns_;
  std::vector<float> line_;  // of the target row that is being gathered, at the source's width
  int source_row_ = 0;
  int target_row_ = 0;
};

}  // namespace chiaro::image
