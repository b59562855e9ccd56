// JSON Schema of suites, out of the definitions that read them.
#pragma once

#include <nlohmann/json.hpp>

namespace chiaro::cli {

/// JSON Schema (draft 2020-12) of the suites of `chiaro eval --suite` (recipes/eval), and under
/// "$defs" the options of every degradation, as they stand in a spec.
nlohmann::ordered_json suite_schema();

}  // namespace chiaro::cli
