// Plots of a study, drawn by the program gnuplot from data files that are written beside.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/train/study_results.h"

namespace chiaro::apps {

struct StudyPlots {
  std::vector<std::string> pictures;  ///< names in the folder, of those that were drawn
  std::string missing;                ///< why some were not, or ""
};

/// Writes NAME.dat and NAME.gp into `folder` and has gnuplot make NAME.svg: the differences with
/// their intervals, the course of the first metric, and that metric over the fractions where there
/// are several. Nothing is written before a run has finished. Errors: Output.
StudyPlots draw_plots(const Study& study, const StudyResults& results,
                      const std::filesystem::path& folder);

}  // namespace chiaro::apps
