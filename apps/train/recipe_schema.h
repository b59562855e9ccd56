// JSON Schema of training recipes, out of the definitions that read them.
#pragma once

#include <nlohmann/json.hpp>

namespace chiaro::apps {

/// JSON Schema (draft 2020-12) of the recipes of `chiaro train`; under "$defs" the table [network]
/// with each network of the catalogue ("network_resunet") and [method] with each method. A recipe
/// with a parent may leave out what the parent has.
nlohmann::ordered_json recipe_schema();

}  // namespace chiaro::apps
