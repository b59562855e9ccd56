// Machine output: one JSON object per line on stdout, each with "event".
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace chiaro::console {

using Json = nlohmann::ordered_json;

/// Prints {"event": name, …fields} as one line and flushes. A text KEY that is not UTF-8 (names of
/// files) is shown with replacement characters, and KEY_bytes has it percent_encoded; numbers that
/// are not finite become text.
void print_event(const std::string& name, const Json& fields);

}  // namespace chiaro::console
