// chiaro restore with a picture larger than memory.
#pragma once

#include "apps/cli/restore_arguments.h"

namespace chiaro::cli {

/// Restores the one input in strips where memory would not hold it (arguments.restorer is open);
/// false where it would, and nothing was done. `started` is when the program began (monotonic_s).
/// Errors: as StripRestoration and image::write_strips.
bool restored_in_strips(RestoreArguments& arguments, double started);

}  // namespace chiaro::cli
