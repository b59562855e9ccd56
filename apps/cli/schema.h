// JSON Schema of what people write in TOML, out of the definitions that read it.
#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "chiaro/base/options.h"

namespace chiaro::cli {

/// An object with these options and no others: types, ranges, choices, defaults, help.
nlohmann::ordered_json options_schema(std::span<const FieldInfo> options);

/// JSON Schema (draft 2020-12) of the suites of `chiaro eval --suite` (recipes/eval), and under
/// "$defs" the options of every degradation, as they stand in a spec.
nlohmann::ordered_json suite_schema();

}  // namespace chiaro::cli
