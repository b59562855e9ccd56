// What the tree of an encoder's bundle says of a picture, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/events.h"
#include "chiaro/restore/degradation_tree.h"

namespace chiaro::cli {

/// {known_level, levels, unknown, type, share, severity, path: [{level, node, cosine, floor,
/// severity, kinds}]}; levels count from 1, the finest; known_level is null where unknown.
Json placement_json(const restore::Placement& placement, const std::vector<std::string>& kinds);

/// "noise 0.93 (severity 0.4), known to level 1 of 3".
std::string placement_text(const restore::Placement& placement,
                           const std::vector<std::string>& kinds);

/// One indented line for each level.
std::string path_text(const restore::Placement& placement, const std::vector<std::string>& kinds);

}  // namespace chiaro::cli
