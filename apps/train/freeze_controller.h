// What is measured of a controller on held-out samples before it is frozen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/base/recipe.h"
#include "chiaro/bundle/manifest.h"
#include "chiaro/networks/conditioner.h"

namespace chiaro::apps {

/// How well probabilities agree with how often the controller is right.
struct Calibration {
  double temperature = 1;   ///< bundle::ConditionInfo::temperature
  double error_before = 0;  ///< networks::calibration_error, 0 to 1
  double error_after = 0;
  std::int64_t samples = 0;  ///< on which that was measured

  /// As the manifest lists them: "type_ece" and, as trained, "type_ece_uncalibrated".
  std::vector<bundle::Score> scores() const;
  /// A section of the card, in Markdown.
  std::string text() const;
};

struct ControllerEvidence {
  double novelty_threshold = 0;            ///< exceeded by one in a hundred samples
  std::optional<Calibration> calibration;  ///< of networks::Controller alone
};

/// Looks at `samples` held-out samples of the recipe's data, at least 2, of which the second half
/// measures the calibration error of a networks::Controller, and the first fits its temperature,
/// which is left at 1 where the error does not shrink by it. Errors: Input (no data).
ControllerEvidence examine_controller(networks::Conditioner& conditioner, const Recipe& recipe,
                                      const std::filesystem::path& data_root,
                                      std::int64_t samples = 400);

}  // namespace chiaro::apps
