// One web page that shows pictures before and after, with everything it needs inside.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/metrics/score.h"

namespace chiaro::cli {

/// A picture of the report.
struct ReportPicture {
  std::string name;             ///< shown; any text
  std::vector<std::byte> file;  ///< PNG, JPEG, WebP or GIF, which browsers show
  std::string type;             ///< of the content, "image/png"
  int width = 0;
  int height = 0;
  std::vector<double> scores = {};  ///< against the clean picture; as many as measures, or none
  std::string found = {};           ///< what the controller says of it; "": it was not asked
};

struct ReportPage {
  ReportPicture before;
  std::vector<ReportPicture> afters;
  std::optional<ReportPicture> clean;
  std::vector<metrics::Measure> measures;  ///< of the scores
};

/// The page as HTML in UTF-8. Refers to nothing outside itself.
std::string report_html(const ReportPage& page);

}  // namespace chiaro::cli
