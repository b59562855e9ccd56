#include "apps/cli/restore_work.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>

#include "apps/cli/events.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/image/encodable.h"
#include "chiaro/restore/again.h"
#include "chiaro/restore/region.h"

namespace chiaro::cli {
namespace {

constexpr auto kValueBytes = static_cast<std::int64_t>(sizeof(float));
/// What preparing the turned shape leaves behind (measured 7 MiB).
constexpr std::int64_t kTurnedShapeValues = (8 << 20) / kValueBytes;

/// Whether a part is missing; else what is damaged is nothing that shows.
bool is_incomplete(const std::optional<image::Damage>& damage) {
  return damage && damage->missing.value_or(0) != 0;
}

image::Image restored_and_checked(restore::Restorer& restorer, image::Image source,
                                  const RestoreArguments& arguments,
                                  const restore::RestoreOptions& options,
                                  const ProgressCallback& progress, const TileCheckReport& say,
                                  restore::RestoreReport* report) {
  restore::RestoreReport own;
  if (report == nullptr) report = &own;
  image::Image result = restorer.restore(source, options, progress, report);
  const auto check =
      restore::check_tiles(restorer, restore::already_noted(std::move(source)), result,
                           report->plan.value_or(restore::RestorePlan{}), options, progress);
  if (say) say(check);
  const double bound =
      arguments.tile_bound > 0 ? arguments.tile_bound : restore::tile_bound(restorer.precision());
  CHIARO_CHECK(check.largest_difference <= bound, CheckFailed,
               "[cli.verify_tiles] tiles leave a trace: at ({}, {}) the result differs by {:.2g} "
               "from the one without tiles; expected at most {:.2g}; nothing was written",
               check.x, check.y, check.largest_difference, bound);
  return result;
}

/// --ensemble, --verify-tiles.
image::Image restored_whole(restore::Restorer& restorer, image::Image source,
                            const RestoreArguments& arguments,
                            const restore::RestoreOptions& options,
                            const ProgressCallback& progress, const TileCheckReport& say,
                            restore::RestoreReport* report) {
  if (arguments.verify_tiles)
    return restored_and_checked(restorer, std::move(source), arguments, options, progress, say,
                                report);
  if (arguments.again)
    return restore::restore_again(restorer, std::move(source), options, progress, report);
  if (!arguments.ensemble) return restorer.restore(std::move(source), options, progress, report);
  return restore::restore_ensemble(
      source,
      [&](image::Image turned, const ProgressCallback& part) {
        return restorer.restore(std::move(turned), options, part, std::exchange(report, nullptr));
      },
      progress);
}

}  // namespace

std::string output_format(const RestoreArguments& arguments, const std::string& output) {
  return arguments.write.format.empty() ? image::format_written_as(output) : arguments.write.format;
}

void say_idle_flags(const RestoreArguments& arguments, std::span<const std::string> formats) {
  const auto say = [&](const char* what, auto is_idle) {
    const auto idle = std::ranges::count_if(formats, is_idle);
    if (idle == 0) return;
    spdlog::info("{} {}", what,
                 formats.size() == 1 ? "a file of " + formats.front()
                                     : fmt::format("{} of {} files", idle, formats.size()));
  };
  const image::Depth depth = arguments.write.depth;
  if (arguments.write.quality > 0) {
    say("--quality is of JPEG and WebP; it does nothing to",
        [](const std::string& format) { return format != "jpeg" && format != "webp"; });
  }
  const auto holds_less_than = [depth](image::SampleType wanted) {
    return [depth, wanted](const std::string& format) {
      return image::written_type(image::SampleType::U8, depth, format) < wanted;
    };
  };
  if (depth == image::Depth::U16)
    say("--depth 16 is more than is held by", holds_less_than(image::SampleType::U16));
  if (depth == image::Depth::F32)
    say("--depth float is more than is held by", holds_less_than(image::SampleType::F32));
}

void check_result(const restore::Restorer& restorer, int height, int width,
                  const RestoreArguments& arguments, const std::string& format) {
  image::WriteOptions write = arguments.write;
  write.format = format;
  const std::int64_t scale = arguments.options.strength > 0 ? restorer.manifest().scale : 1;
  if (!arguments.region.empty()) {
    const auto region = restore::parse_region(arguments.region);
    height = region.height;
    width = region.width;
  }
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  image::check_encodable(static_cast<int>(std::min(kMost, height * scale)),
                         static_cast<int>(std::min(kMost, width * scale)), write);
}

restore::RestorePlan foretold(const restore::Restorer& restorer, int height, int width,
                              int channels, const RestoreArguments& arguments,
                              const restore::RestoreOptions& options, std::int64_t undecoded_bytes,
                              const std::optional<image::Damage>& damage) {
  const bundle::Manifest& manifest = restorer.manifest();
  const std::int64_t area = std::int64_t{manifest.scale} * manifest.scale;
  const auto values_of = [channels](std::int64_t high, std::int64_t wide) {
    return high * wide * channels;
  };
  std::int64_t beside = undecoded_bytes / kValueBytes;
  std::int64_t shown = values_of(height, width);  // of the picture that is restored
  std::int64_t wanted = shown;                    // of what is kept of it
  if (is_incomplete(damage)) {  // the sound part, and in the end the whole around its result
    beside += values_of(damage->height, damage->width) + shown * area;
    height = damage->height;
    width = damage->width;
    wanted = shown = values_of(height, width);
  } else if (!arguments.region.empty()) {
    const auto region = restore::parse_region(arguments.region);
    wanted = values_of(region.height, region.width);
    beside += wanted * area;  // cut out of the result
    if (restore::is_local(restorer, options)) {
      const auto part = restore::with_context(region, height, width, manifest,
                                              restore::reach_px(manifest, options));
      height = part.region.height;
      width = part.region.width;
      beside += values_of(height, width);
    }
  }
  if (arguments.verify_tiles) beside += shown;  // to compare with
  if (arguments.ensemble)  // one that is turned, its result, turned back, the sum
    beside += shown + 2 * wanted * area + kTurnedShapeValues;
  return restorer.plan(height, width, options, beside * kValueBytes);
}

restore::RestorePlan foretold(const restore::Restorer& restorer, const image::Probe& picture,
                              const RestoreArguments& arguments,
                              const restore::RestoreOptions& options) {
  const std::int64_t values = std::int64_t{picture.width} * picture.height * picture.channels;
  return foretold(restorer, picture.height, picture.width, picture.channels, arguments, options,
                  values * kValueBytes);
}

void write_to_stdout(std::span<const std::byte> bytes) {
  const bool whole = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
                     std::fflush(stdout) == 0;
  CHIARO_CHECK(whole, Output, "[cli.restore] cannot write to stdout");
}

void say_tile_check(const std::string& file, int page, const restore::TileCheck& check,
                    const OutputFlags& show) {
  if (show.json) {
    Json event = {{"file", file},
                  {"tiles", check.tiles},
                  {"windows", check.probes},
                  {"largest_difference", check.largest_difference},
                  {"x", check.x},
                  {"y", check.y}};
    if (page > 0) event["page"] = page;
    return print_event("tiles", event);
  }
  const std::string name = page > 0 ? fmt::format("{}, page {}", file, page) : file;
  if (check.probes == 0) return fmt::print("{}: one tile, no borders\n", name);
  fmt::print("{}: {} tiles, {} windows across their borders run again: largest difference {:.2g}\n",
             name, check.tiles, check.probes, check.largest_difference);
}

image::Image restored_as_asked(restore::Restorer& restorer, image::Image source,
                               const RestoreArguments& arguments,
                               const restore::RestoreOptions& options,
                               const ProgressCallback& progress, const TileCheckReport& say,
                               restore::RestoreReport* report) {
  if (arguments.region.empty())
    return restored_whole(restorer, std::move(source), arguments, options, progress, say, report);
  const auto region = restore::parse_region(arguments.region);
  return arguments.ensemble
             ? restore_region_ensemble(restorer, source, region, options, progress, report)
             : restore_region(restorer, std::move(source), region, options, progress, report);
}

image::Image restored_what_is_left(restore::Restorer& restorer, image::Image source,
                                   const std::optional<image::Damage>& damage,
                                   const RestoreArguments& arguments,
                                   const restore::RestoreOptions& options,
                                   const ProgressCallback& progress, const TileCheckReport& say,
                                   restore::RestoreReport* report) {
  if (!is_incomplete(damage))
    return restored_as_asked(restorer, std::move(source), arguments, options, progress, say,
                             report);
  const image::Image part = restored_whole(restorer, sound_part(source, *damage), arguments,
                                           options, progress, say, report);
  image::Image whole = with_the_rest(source, *damage, part);
  if (arguments.region.empty()) return whole;
  const auto region = restore::parse_region(arguments.region);
  const int scale = part.width() / damage->width;
  return crop(whole, region.y * scale, region.x * scale, region.height * scale,
              region.width * scale);
}

}  // namespace chiaro::cli
