// A part of a picture, restored as the whole would be; the mean over eight symmetries; and a check
// that tiles leave no trace.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "chiaro/base/log.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::restore {

/// A rectangle in pixels of the upright input.
struct Region {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// "x,y,w,h". Errors: Usage.
Region parse_region(std::string_view text);

/// A part of a picture, and what is mirrored at those of its sides that are the picture's.
struct Part {
  Region region;
  Margin margin;
};

/// What must be seen for `region` of a picture of this size: the region with `reach` pixels around
/// it, out to where the windows of the whole picture may begin.
Part with_context(const Region& region, int height, int width, const bundle::Manifest& manifest,
                  int reach);

/// Whether the network's result at a place depends on its surroundings alone, once a controller has
/// spoken, so that a part can be restored alone: not where the network looks at the whole picture,
/// nor with an overlap below its reach, where the result depends on the tiles.
bool is_local(const Restorer& restorer, const RestoreOptions& options);

/// The options for parts of this picture: with what the controller says of all of it, where
/// restoring it with `options` would ask. Errors: as Restorer::inspect.
RestoreOptions for_parts_of(const image::Image& picture, Restorer& restorer,
                            const RestoreOptions& options);

/// Parts of one picture, each restored as it is in restorer.restore's result for the whole. What is
/// done with the whole picture is done once: the controller looks, hidden colours are filled,
/// values are limited.
class Parts {
 public:
  /// Of a picture that holds all these regions, and options with which the network is local.
  /// Errors: as Restorer::inspect.
  Parts(Restorer& restorer, image::Image source, const std::vector<Region>& regions,
        const RestoreOptions& options);

  /// What lies under transparency is filled by now, and alpha of no use where it is not asked for.
  void leave_alpha_out();

  /// The region of this index, sides times scale. `report`, if given, is filled with what the whole
  /// picture is restored by. Errors: as Restorer::restore.
  image::Image restore(std::size_t index, const ProgressCallback& progress = {},
                       RestoreReport* report = nullptr) const;

 private:
  struct Wanted {
    Region region;
    HiddenColors hidden;
  };
  image::Image restored_alpha(image::Image alpha, RestoreOptions options,
                              const ProgressCallback& progress) const;

  Restorer& restorer_;
  image::Image source_;
  RestoreOptions options_;
  std::vector<Wanted> wanted_;
  bool left_alone_ = false;
};

/// That region of what restorer.restore gives for the whole picture, sides times scale; the pixels
/// around it are only run where the network needs them; a controller looks at the whole picture,
/// and what happens to values that networks do not see is said of the whole picture.
/// Where the network is not local, the whole picture is restored and cut. `report`, if given, is
/// filled with what the whole picture is restored by. Errors: as
/// Restorer::restore; Usage (the region leaves the picture).
image::Image restore_region(Restorer& restorer, image::Image source, const Region& region,
                            const RestoreOptions& options = {},
                            const ProgressCallback& progress = {}, RestoreReport* report = nullptr);

/// The picture for being restored once more: with the same result, but without saying again how
/// many of its values were not finite.
image::Image already_noted(image::Image source);

/// A function that restores a picture.
using RestoreFunction =
    std::function<image::Image(image::Image source, const ProgressCallback& progress)>;

/// The mean of the results for the eight flips and quarter turns of the picture, each turned back
/// (Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image super resolution",
/// 2016, section 3.6). Takes eight times as long. Alpha, where there is one, is averaged too.
/// What is said of a picture's values is said once, for the first of the eight.
image::Image restore_ensemble(const image::Image& source, const RestoreFunction& restore,
                              const ProgressCallback& progress = {});

/// The same for a region. `report`, if given, is filled for the first of the eight.
image::Image restore_region_ensemble(Restorer& restorer, const image::Image& source,
                                     const Region& region, const RestoreOptions& options = {},
                                     const ProgressCallback& progress = {},
                                     RestoreReport* report = nullptr);

}  // namespace chiaro::restore
