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

/// "noise 0.93 (severity 0.4): closely like what was seen in training", where the finest level
/// knows it; "roughly" where one between does, "only broadly" where the coarsest alone does.
std::string placement_text(const restore::Placement& placement,
                           const std::vector<std::string>& kinds);

/// One indented line for each level.
std::string path_text(const restore::Placement& placement, const std::vector<std::string>& kinds);

}  // namespace chiaro::cli
