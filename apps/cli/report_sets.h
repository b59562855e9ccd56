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

/// Of files, the one set they are. Of folders, a set for each picture of the first that the others
/// have under the same folder and name, whatever the extension; those without any result are said
/// and left out. `clean` is "" or of the same kind as `before`. Errors: Input (as find_pictures; no
/// picture has a result; two have one name), Usage (files and folders mixed).
std::vector<ReportSet> report_sets(const std::string& before,
                                   const std::vector<std::string>& afters,
                                   const std::string& clean);

}  // namespace chiaro::cli
