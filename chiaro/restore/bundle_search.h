// Where bundles lie on this machine.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace chiaro::restore {

/// The file behind a bundle's name. A name with a "/" is a path. Others are looked for as
/// NAME.chiaro in the folders of bundle_folders; one that ends in ".chiaro" is a path first, and
/// looked for there where no such file is. Errors: Input, naming a near bundle and the folders.
std::filesystem::path find_bundle(std::string_view name_or_path = "default");

/// The folders that exist, in order: those of the environment variable CHIARO_BUNDLE_PATH
/// (separated by ":"),
/// ../share/chiaro/models beside the program, the same beside libchiaro where a program uses that,
/// and, for a program in its build tree, the source tree's models/.
std::vector<std::filesystem::path> bundle_folders();

/// All bundles in these folders by name; the first of a name wins.
std::vector<std::filesystem::path> list_bundles();

}  // namespace chiaro::restore
