// What happens to a picture between reading and writing, as the flags of `chiaro restore` want it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "apps/cli/restore_arguments.h"
#include "chiaro/base/log.h"
#include "chiaro/image/image.h"
#include "chiaro/image/salvage.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/tile_check.h"

namespace chiaro::cli {

/// The format that --format or the name of an output asks for.
std::string output_format(const RestoreArguments& arguments, const std::string& output);

/// Says where --quality does nothing to results of these formats, and where --depth asks for more
/// than they hold.
void say_idle_flags(const RestoreArguments& arguments, std::span<const std::string> formats);

/// Refuses, before anything is restored, what could not be written in this format of a source of
/// this size. Errors: Usage.
void check_result(const restore::Restorer& restorer, int height, int width,
                  const RestoreArguments& arguments, const std::string& format);

/// How a picture of this size would be restored as asked with these options, copies of it and of
/// its result that are held meanwhile included. `channels` with alpha; `undecoded_bytes` as in
/// Restorer::plan; `damage` where a part of it is left. Errors: Usage, Resource (the limit is too
/// small).
restore::RestorePlan foretold(const restore::Restorer& restorer, int height, int width,
                              int channels, const RestoreArguments& arguments,
                              const restore::RestoreOptions& options,
                              std::int64_t undecoded_bytes = 0,
                              const std::optional<image::Damage>& damage = std::nullopt);

/// The same of one that is not decoded yet.
restore::RestorePlan foretold(const restore::Restorer& restorer, const image::Probe& picture,
                              const RestoreArguments& arguments,
                              const restore::RestoreOptions& options);

/// A whole coded picture. Errors: Output.
void write_to_stdout(std::span<const std::byte> bytes);

/// What --verify-tiles found, before it is judged.
using TileCheckReport = std::function<void(const restore::TileCheck&)>;

/// The event `tiles`, or a line on stdout. `page`: of a picture of several, from 1; else 0.
void say_tile_check(const std::string& file, int page, const restore::TileCheck& check,
                    const OutputFlags& show);

/// The restored picture: --region, --ensemble, --verify-tiles. `report`, if given, is filled; of an
/// ensemble, for the first of the eight. Errors: as Restorer::restore;
/// CheckFailed (tiles leave a trace beyond the bound).
image::Image restored_as_asked(restore::Restorer& restorer, image::Image source,
                               const RestoreArguments& arguments,
                               const restore::RestoreOptions& options,
                               const ProgressCallback& progress, const TileCheckReport& say,
                               restore::RestoreReport* report = nullptr);

/// As restored_as_asked; of a salvaged picture the part that is sound, with the rest around it.
image::Image restored_what_is_left(restore::Restorer& restorer, image::Image source,
                                   const std::optional<image::Damage>& damage,
                                   const RestoreArguments& arguments,
                                   const restore::RestoreOptions& options,
                                   const ProgressCallback& progress, const TileCheckReport& say,
                                   restore::RestoreReport* report = nullptr);

}  // namespace chiaro::cli
