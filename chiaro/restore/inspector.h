// Asks a bundle's controller what is wrong with a picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/log.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/drawn.h"
#include "chiaro/restore/range_curve.h"

namespace chiaro::restore {

/// What a controller says of one picture. Lists are in the order of the manifest.
struct Inspection {
  std::vector<double> probabilities;  ///< K, of the types, calibrated; they sum to 1
  std::vector<double> severities;     ///< K, in [0,1]; how strong a type is, if it is there
  std::vector<double> domains;        ///< Nd, probabilities; empty where the controller knows none
  double novelty = 0;                 ///< >= 0; the larger, the less like training
  /// [0,1]: how far what is said of the picture and of its mirror image is the same, 1 less half
  /// the sum of the differences of the probabilities; 1 where the first look left no doubt.
  double agreement = 1;
  int looks = 1;                     ///< how often the controller ran
  std::optional<DrawnShares> drawn;  ///< whether it is a photograph at all; empty if nobody asked
  std::vector<float> condition;      ///< 2K+E, as restore.onnx takes it: not calibrated

  /// The most probable type; of equal ones the first.
  std::size_t top() const;
};

/// From this probability on one look is enough. A choice: one look is cheap, and wrong ones are
/// seldom so sure.
inline constexpr double kOneLookSuffices = 0.95;

/// Indices from the largest value down; of equal ones the first first.
std::vector<std::size_t> descending(std::span<const double> values);

/// How probable the types are from place to place: the controller on windows that overlap by half.
struct InspectionMap {
  std::vector<int> tops;                          ///< first row of the windows, ascending
  std::vector<int> lefts;                         ///< first column of the windows
  int view_px = 0;                                ///< side of a window
  std::vector<std::vector<float>> probabilities;  ///< K × (tops, lefts), row by row
};

/// Runs condition.onnx, always in float32: what a picture is taken for must not depend on the
/// processor. Where the most probable type has less than kOneLookSuffices, it looks a second time,
/// at the mirror image, which has the same damage, and says the mean of both. It sees what people
/// see: pixels of zero alpha count with the colour of a visible pixel near them
/// (fill_hidden_colors), whatever is stored there. Not for use from several threads at once.
class Inspector {
 public:
  /// Errors: Bundle (no controller, inputs or outputs that the manifest does not describe), Usage
  /// (engine options).
  explicit Inspector(const bundle::Bundle& bundle, engine::EngineOptions options = {});

  const bundle::ConditionInfo& info() const { return info_; }

  /// Values outside [0,1] are seen as a network is shown them (RangeCurve), others that are not
  /// finite taken as 0. Errors: Usage (empty
  /// picture), Bundle (what the controller gives is no condition), Resource.
  Inspection inspect(const image::Image& picture);
  /// The same where it is known what range_of gives; looks at whether it was drawn only if asked
  /// to.
  Inspection inspect(const image::Image& picture, const SeenRange& range, bool ask_drawn = true);

  /// Of views that were taken of a picture before: native_views and whole_view with the sizes of
  /// info(); it is not looked at whether it was drawn. Errors: as above.
  Inspection inspect(const std::vector<image::Image>& views, const image::Image& whole);

  /// Each window alone, looked at once, with the whole view of the picture. Errors: as inspect;
  /// Interrupted (progress returned false).
  InspectionMap map(const image::Image& picture, const ProgressCallback& progress = {});

  /// As Restorer::keep_prepared.
  void keep_prepared() { engine_.keep_prepared(); }

  /// Gives its work memory back; it is taken again when it is asked.
  void release();

  /// What running for the first time adds to the process; 0 afterwards.
  std::int64_t pending_bytes() const;

 private:
  Inspection look(const std::vector<image::Image>& views, const image::Image& whole);
  Inspection inspect_bent(const image::Image& picture, const RangeCurve& curve, bool ask_drawn);

  std::string origin_;
  bundle::ConditionInfo info_;
  engine::Engine engine_;
  std::int64_t work_bytes_ = 0;
  bool warm_ = false;
};

}  // namespace chiaro::restore
