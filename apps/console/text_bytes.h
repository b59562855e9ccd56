// Names of files are bytes, and can be any; what is printed as JSON is UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace chiaro::console {

/// The same text with U+FFFD wherever it is not UTF-8.
std::string as_utf8(std::string_view text);

/// Every byte, in ASCII: all but letters, digits and -._~/ as %XX (RFC 3986, section 2).
std::string percent_encoded(std::string_view text);

}  // namespace chiaro::console
