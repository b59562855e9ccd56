// What `chiaro restore` says about one picture: events under --json, messages otherwise.
#pragma once

#include <functional>
#include <string>

#include "apps/cli/events.h"
#include "apps/cli/restore_arguments.h"
#include "chiaro/base/log.h"
#include "chiaro/image/salvage.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {

/// The event `start`, and how the restoration goes about it for --verbose. `read_seconds` is what
/// has passed since the program began. Of several pages, the size is the first one's.
void say_start(const RestoreArguments& arguments, const restore::Restorer& restorer,
               const restore::RestorePlan& plan, int height, int width, bool in_strips,
               double read_seconds, int pages = 1);

/// Calls `work` with a progress callback behind a bar; errors of the guard name the picture.
/// Errors: those of `work`; Interrupted.
void with_progress(const RestoreArguments& arguments,
                   const std::function<void(const ProgressCallback&)>& work);

/// Says what was held back and why; `of` ("page 2: ") goes before it.
void say_report(const restore::RestoreReport& report, const bundle::Manifest& manifest,
                const RestoreArguments& arguments, const std::string& of = "");

/// "about 40 % of its rows are missing, and grey in the result", as far as it is known.
std::string missing_text(const image::Damage& damage);

/// {incomplete: true, missing_share: 0.4}; null where it is not known.
Json damage_json(const image::Damage& damage);

/// What --salvage left of a picture; also under --quiet, since the result does not show it.
void say_incomplete(const image::Damage& damage, const OutputFlags& show);

/// What the restoration went by, for the event `restored`; empty for bundles without a controller.
Json report_json(const restore::RestoreReport& report, const bundle::Manifest& manifest,
                 const RestoreArguments& arguments);

}  // namespace chiaro::cli
