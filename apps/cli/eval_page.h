// The page of `chiaro eval --report`.
#pragma once

#include <span>
#include <vector>

#include "apps/cli/report_page.h"
#include "chiaro/eval/evaluate.h"
#include "chiaro/eval/worst_cases.h"

namespace chiaro::cli {

/// A row for each set and measure, then the worst pictures of each set: parts of them before, after
/// and as they should be. As many reports as lists of cases, at least one.
ReportPage eval_page(std::span<const eval::Report> reports,
                     std::span<const std::vector<eval::WorstCase>> worst);

}  // namespace chiaro::cli
