// The real program through chiaro_launch, which measures it from its start to its end.
#pragma once

#include <filesystem>
#include <string>

#include "bench/rooms.h"

namespace chiaro::bench {

/// Nothing is left alone or held back, so that every picture takes the time of the network.
inline constexpr const char* kAsTheyAre = "--guard off";

struct Launched {
  double wall_s = 0;
  double peak_mib = 0;  ///< highest resident memory
};

/// `chiaro WORDS`, as a shell reads them. Errors: CheckFailed where it fails.
Launched launch(const Setting& setting, const std::string& words);

/// `chiaro restore INPUT -o OUTPUT --overwrite --quiet` with the setting's bundle and threads, and
/// `more` flags. Errors: CheckFailed where it fails.
Launched launch_restore(const Setting& setting, const std::filesystem::path& input,
                        const std::filesystem::path& output, const std::string& more = "");

}  // namespace chiaro::bench
