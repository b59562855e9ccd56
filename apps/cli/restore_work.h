// What happens to a picture between reading and writing, as the flags of `chiaro restore` want it.
#pragma once

#include <functional>
#include <string>

#include "apps/cli/restore_arguments.h"
#include "chiaro/base/log.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/tile_check.h"

namespace chiaro::cli {

/// What --verify-tiles found, before it is judged.
using TileCheckReport = std::function<void(const restore::TileCheck&)>;

/// The event `tiles`, or a line on stdout.
void say_tile_check(const std::string& file, const restore::TileCheck& check,
                    const OutputFlags& show);

/// The restored picture: --region, --ensemble, --verify-tiles. `report` is filled where the whole
/// picture is restored once. Errors: as Restorer::restore;
/// CheckFailed (tiles leave a trace beyond the bound).
image::Image restored_as_asked(restore::Restorer& restorer, image::Image source,
                               const RestoreArguments& arguments,
                               const restore::RestoreOptions& options,
                               const ProgressCallback& progress, const TileCheckReport& say,
                               restore::RestoreReport* report = nullptr);

}  // namespace chiaro::cli
