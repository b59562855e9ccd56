// Names of files are bytes, and can be any; what is shown and printed as JSON is UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "apps/console/text_bytes.h"

namespace chiaro::cli {

using console::as_utf8;
using console::percent_encoded;

/// For people, on one line: as_utf8, with control characters, a line break for example, as their
/// pictures (U+2400 and following), and U+FFFD for what no document may hold.
std::string shown_text(std::string_view text);

/// What -o was given, for a message behind "wrote": "-" is "to standard output".
inline std::string shown_output(const std::string& output) {
  return output == "-" ? "to standard output" : output;
}

}  // namespace chiaro::cli
