// A prototype tree as the member tree.safetensors of a bundle (docs/bundle_format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "chiaro/nn/prototype_tree.h"

namespace chiaro::nn {

/// The bytes of the file. The attributes of the tree are shares of kinds, then a severity. view_px,
/// max_views: how a picture is cut into crops whose codes are averaged. Errors: Usage (a tree that
/// was not built or has no attributes).
std::vector<std::byte> tree_file(const PrototypeTree& tree, std::int64_t view_px,
                                 std::int64_t max_views);

/// The tree that such a file holds, over what `tree` held before. Everything is checked before
/// anything is changed. Errors: Bundle, naming `origin`, for a damaged file and for one that does
/// not fit: other levels, codes or kinds, or more prototypes than the tree has room for.
void take_tree_file(std::vector<std::byte> file, const std::string& origin, PrototypeTree& tree);

}  // namespace chiaro::nn
