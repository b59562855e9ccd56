// Do tiles leave a trace? Windows across their borders are run again as a whole and compared.
#pragma once

#include <vector>

#include "chiaro/base/log.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/region.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::restore {

/// Largest difference between tiled and untiled that counts as none: in float32 what comes from the
/// order of additions; in bfloat16 half a level of 8 bits.
inline constexpr double kTileBoundF32 = 1e-4;
inline constexpr double kTileBoundBf16 = 0.5 / 255;

double tile_bound(engine::Precision precision);

struct TileCheck {
  int tiles = 1;
  int probes = 0;                 ///< windows compared; 0 where there is one tile
  double largest_difference = 0;  ///< of a value in [0,1]
  int x = 0;                      ///< where, in pixels of the result
  int y = 0;
};

/// Windows of `side` pixels across the borders of the tiles of this plan: where borders cross, and
/// between crossings, at most `most` of them, spread evenly.
std::vector<Region> border_windows(int height, int width, const RestorePlan& plan,
                                   const bundle::Manifest& manifest, int side, int most);

/// Compares `result`, which restorer.restore made of `source` following `plan`, with windows run
/// again in one piece with all their context. Where the network or its controller looks at the
/// whole picture, that is the whole picture, run once without tiles. Errors: as Restorer::restore.
TileCheck check_tiles(Restorer& restorer, image::Image source, const image::Image& result,
                      const RestorePlan& plan, const RestoreOptions& options,
                      const ProgressCallback& progress = {});

}  // namespace chiaro::restore
