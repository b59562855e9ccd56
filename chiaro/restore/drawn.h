// Tells pictures that were drawn from pictures that were taken.
#pragma once

#include <cstdint>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::restore {

/// Text, line art, screenshots, flat colours, gradients: a network that learned from photographs
/// takes their edges for noise or streaks, and their white for fog. Three shares of the pixels tell
/// them apart:
///
///   exact   exactly like one of the four neighbours: nearly all of a drawing, few of a photograph;
///   turns   where a channel, from top to bottom, rises after it last fell or falls after it last
///           rose: noise and texture do that everywhere, also when every pixel stands there twice;
///           a gradient, however coarse its levels, hardly ever;
///   grain   turns, where the Laplacian of that channel (four times the pixel less its neighbours)
///           is above 0 and at most 12/255: sensor noise, texture and coding leave that all over a
///           photograph, while the strokes of a drawing are higher.
///
/// Drawn: exact >= 0.75 and grain <= 0.018, or turns <= 0.01. A choice made on 51 photographs of
/// training folders, whose least grain was 0.12, enlarged twice by repeating pixels 0.11, blurred
/// with a deviation of 4 px 0.022; of drawings it was at most 0.014. Turns were 0.33 and more of
/// photographs, 0.015 of those blurred and then enlarged, at most 0.007 of gradients. What was
/// darkened until hardly a level is left counts as drawn. `chiaro inspect --json` gives the shares
/// of a picture. Noise or coding on a drawing makes it count as taken.
struct DrawnShares {
  double exact = 0;  ///< in [0,1], of the pixels that have four neighbours
  double grain = 0;  ///< in [0,1], of the same
  double turns = 1;  ///< in [0,1], of the same; 1 of a picture too small to tell

  bool drawn() const;  ///< false where there are no such pixels
};

/// Gathers them from a picture whose rows come one strip after the other.
class DrawnDetector {
 public:
  /// The next rows of a picture, from the top. All strips have one width and number of channels.
  void add(const image::Image& strip);

  /// Of the rows that came.
  DrawnShares shares() const;

 private:
  /// A row of a strip or one that was kept: channel c begins at first + c * stride.
  struct Row {
    const float* first;
    std::size_t stride;
  };
  /// Of the pixels of a row that have four neighbours.
  struct Counts {
    std::int32_t exact = 0;
    std::int32_t grain = 0;
    std::int32_t turns = 0;
  };
  template <std::size_t kChannels>
  static Counts judge(const Row& above, const Row& row, const Row& below, std::int32_t* directions,
                      std::size_t inner);
  static Counts judge_grey(const Row& above, const Row& row, const Row& below,
                           std::int32_t* directions, std::size_t inner);
  static Counts judge_color(const Row& above, const Row& row, const Row& below,
                            std::int32_t* directions, std::size_t inner);
  void judge(const Row& above, const Row& row, const Row& below);

  int channels_ = 0;
  int width_ = 0;
  std::vector<float> kept_;              // the last rows, at most two: (rows, channels, width)
  std::vector<std::int32_t> direction_;  // (channels, pixels): 1 rose last, -1 fell, 0 neither yet
  std::int64_t pixels_ = 0;
  std::int64_t exact_ = 0;
  std::int64_t grain_ = 0;
  std::int64_t turns_ = 0;
};

/// Of a picture in memory.
DrawnShares drawn_shares(const image::Image& picture);

}  // namespace chiaro::restore
