// The pictures of a set that gained least, with the place where it shows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "chiaro/eval/evaluate.h"

namespace chiaro::eval {

/// One of them; scores are those of the first measure.
struct WorstCase {
  std::string name;
  double restored = 0;
  double input = 0;
  double gain = 0;   ///< restored − input, the other way round where lower is better
  int y = 0, x = 0;  ///< of the parts' upper left corner
  image::Image before, after;
  image::Image target;  ///< empty where the set has none
};

/// Keeps parts of at most `most` pictures while a set is evaluated (EvaluateOptions::seen), never
/// whole ones. A part is the square of `side_px`, or what there is of it, in which the result is
/// farthest from the target; without targets where it is farthest from the input.
class WorstCases {
 public:
  WorstCases(std::size_t most, int side_px, bool lower_is_better);

  /// Looks at one result. `scores` has the input's, too.
  void look(const PictureScores& scores, const Pair& pair, const image::Image& restored);

  /// The one that gained least first; those of equal gain by name.
  const std::vector<WorstCase>& cases() const { return cases_; }

 private:
  std::size_t most_;
  int side_px_;
  bool lower_is_better_;
  std::vector<WorstCase> cases_;
};

}  // namespace chiaro::eval
