// Which pictures a report shows together.
#pragma once

#include <string>
#include <vector>

namespace chiaro::cli {

/// A picture and what became of it.
struct ReportSet {
  std::string title;  ///< "": there is only one
  std::string before;
  std::vector<std::string> afters;
  std::string clean;  ///< "": there is none
};

struct ReportSets {
  std::vector<ReportSet> sets;       ///< at least one
  std::vector<std::string> without;  ///< pictures of the first folder that have no result
};

/// Of files, the one set they are. Of folders, a set for each picture of the first, with those of
/// the others at the same place whose names are the same, or differ in the extension alone; what is
/// missing is said, and a picture without any result is in no set. `clean` is "" or of the same
/// kind as `before`. Errors: Input (as find_pictures; a folder without any partner; several
/// partners), Usage (files and folders mixed).
ReportSets report_sets(const std::string& before, const std::vector<std::string>& afters,
                       const std::string& clean);

}  // namespace chiaro::cli
