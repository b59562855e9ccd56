// How much a restoration has changed a picture.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::cli {

/// Below this change the picture as a whole looks as it did; a single spot may not.
inline constexpr double kHardlyLevels = 0.5;

/// The root mean square of the differences of two pictures in levels of 255; absent where sides or
/// channels differ. Differences that are not finite do not count.
std::optional<double> change_levels(const image::Image& before, const image::Image& after);

/// "nothing", "0.05", "140": a change for people.
std::string change_text(double levels);

/// The same of a picture that its result replaces: of some hundred thousand values, spread evenly
/// over all columns and rows, or of all where there are fewer.
class ChangeMeter {
 public:
  explicit ChangeMeter(const image::Image& before);
  std::optional<double> levels(const image::Image& after) const;

 private:
  std::vector<float> values_;  // every stride_-th
  std::size_t stride_;
  int channels_;
  int height_;
  int width_;
};

}  // namespace chiaro::cli
