// Columns of text, aligned.
#pragma once

#include <string>
#include <vector>

namespace chiaro::eval {

/// Rows under a heading; the first column to the left, the others to the right, two blanks between.
/// Cells missing at the end of a row stay blank.
std::string aligned_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace chiaro::eval
