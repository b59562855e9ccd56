// How damaged values are kept: the three conventions in use are not comparable, so entries that
// matter state theirs.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace chiaro::degrade {

/// "round": clipped and rounded to the 8-bit grid, as files are; "truncate": clipped and cut off to
/// it (the line of AirNet; darker by half a level); "float": clipped only.
const std::vector<std::string>& storage_conventions();

/// Applies one of them. The steps are n/255.
void store(std::span<float> values, const std::string& convention);

/// Limits to [0,1] and keeps `levels` evenly spaced values (at least two), rounding to the nearest.
void keep_levels(std::span<float> values, int levels);

}  // namespace chiaro::degrade
