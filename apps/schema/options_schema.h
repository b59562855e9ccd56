// JSON Schema of what people write in TOML, out of the definitions that read it.
#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "chiaro/base/options.h"

namespace chiaro::schema {

/// An object with these options and no others: types, ranges, choices, defaults, help.
nlohmann::ordered_json options_schema(std::span<const FieldInfo> options);

}  // namespace chiaro::schema
