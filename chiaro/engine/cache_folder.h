// Where programs keep what can be computed again, and how they keep it small.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace chiaro::engine {

/// Where programs keep prepared graphs and codes: the folder that CHIARO_CACHE names, else `chiaro`
/// below XDG_CACHE_HOME or HOME/.cache. Empty: nowhere, since CHIARO_CACHE is "off" or there is no
/// home.
std::filesystem::path cache_folder();

/// Whether this is a folder of this user that nobody else can write to.
bool is_private_folder(const std::filesystem::path& folder);

/// Removes what was longest not used of the files with this extension until at most `most_bytes`
/// are left, never `spared` (empty: none), and what a killed process left half written a day ago.
/// What cannot be removed, by this process or because another one did, is passed over.
void drop_longest_unused(const std::filesystem::path& folder, std::string_view extension,
                         std::uintmax_t most_bytes, const std::filesystem::path& spared = {});

}  // namespace chiaro::engine
