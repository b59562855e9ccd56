#include "apps/cli/restore_arguments.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>

#include "apps/cli/restore_strips.h"
#include "chiaro/base/error.h"
#include "chiaro/base/sha256.h"
#include "chiaro/restore/find_pictures.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

image::Depth parse_depth(const std::string& text) {
  if (text == "auto") return image::Depth::Source;
  if (text == "8") return image::Depth::U8;
  if (text == "16") return image::Depth::U16;
  if (text == "float") return image::Depth::F32;
  fail(ErrorCode::Usage, "[cli.restore] unknown depth; got '{}'; expected auto, 8, 16 or float",
       text);
}

void add_file_flags(CLI::App& command, RestoreArguments& arguments) {
  command
      .add_option("files", arguments.files,
                  "pictures, folders and patterns, and, without -o, one output; - is stdin or "
                  "stdout")
      ->type_name("IN [OUT]");
  command.add_option("-i,--input", arguments.input, "the picture or folder to restore");
  command.add_option("-o,--output", arguments.output,
                     "where to write: a file, whose name tells the format, or a folder");
  command.add_flag("--overwrite", arguments.overwrite, "replace existing outputs");
  constexpr const char* kMany = "Many pictures";
  command
      .add_option("--name", arguments.name,
                  "names of results, from {stem} {ext} {bundle} {folder} {source}; default "
                  "{stem}.{ext}")
      ->group(kMany);
  command
      .add_flag("--skip-existing", arguments.skip_existing,
                "leave outputs that exist as they are; goes on after an interruption")
      ->group(kMany);
  command
      .add_option("--shard", arguments.shard,
                  "only part K/N of the pictures; auto: from the variables of a batch scheduler")
      ->group(kMany);
  command.add_flag("--fail-fast", arguments.fail_fast, "stop at the first picture that fails")
      ->group(kMany);
  command.add_flag("--dry-run", arguments.dry_run, "only say what would be done")->group(kMany);
  command
      .add_option("--engines", arguments.engines,
                  "networks that work side by side, each on a picture; 0: as many as are fastest")
      ->capture_default_str()
      ->group(kMany);
}

void add_check_flags(CLI::App& command, RestoreArguments& arguments) {
  constexpr const char* kChecks = "Parts, variants and checks";
  command
      .add_option("--region", arguments.region,
                  "only this part, x,y,width,height in pixels, as it is in the whole result")
      ->group(kChecks);
  command
      .add_flag("--ensemble", arguments.ensemble,
                "mean over the eight flips and turns; takes eight times as long")
      ->group(kChecks);
  command
      .add_flag("--again", arguments.again,
                "look at the result, and restore once more where another damage shows in it, such "
                "as haze or rain that noise had hidden; takes up to twice as long")
      ->group(kChecks);
  command
      .add_flag("--verify-tiles", arguments.verify_tiles,
                "run windows across the borders of tiles again without tiles; a difference beyond "
                "the bound ends with 7, and nothing is written")
      ->group(kChecks);
  command
      .add_option("--tile-bound", arguments.tile_bound,
                  "the largest difference allowed, of values in 0..1; default 1e-4, in bf16 2e-3")
      ->group(kChecks);
  command
      .add_flag("--audit", arguments.audit,
                "say what came along beside the pixels (EXIF, XMP, profile, depth, transparency, "
                "…); a loss without --strip ends with 7, and nothing is written")
      ->group(kChecks);
  command
      .add_flag("--salvage", arguments.salvage,
                "restore what is left of a damaged or truncated picture (JPEG, PNG, …), else "
                "refused; what is missing is grey, and that is said")
      ->group(kChecks);
}

constexpr int kMostEngines = 64;

/// What cannot be asked for together.
void check_combinations(const RestoreArguments& arguments) {
  const bool part = !arguments.region.empty();
  CHIARO_CHECK(!arguments.skip_existing || !arguments.overwrite, Usage,
               "[cli.restore] --skip-existing and --overwrite contradict each other");
  CHIARO_CHECK(!arguments.verify_tiles || (!part && !arguments.ensemble), Usage,
               "[cli.restore] --verify-tiles checks the plain whole result; leave --region and "
               "--ensemble out");
  CHIARO_CHECK(!arguments.again || (!part && !arguments.ensemble && !arguments.verify_tiles), Usage,
               "[cli.restore] --again looks at the plain whole result; leave --region, --ensemble "
               "and --verify-tiles out");
  CHIARO_CHECK(!arguments.again || (!arguments.options.stated && arguments.options.strength == 1 &&
                                    arguments.options.keep_grain == 0),
               Usage,
               "[cli.restore] --again goes by what the controller sees in a result of full "
               "strength; leave --as, --strength and --keep-grain out");
  CHIARO_CHECK(
      !arguments.audit || (!part && !is_piped(arguments.inputs.front()) && arguments.output != "-"),
      Usage,
      "[cli.restore] --audit compares a whole file with a whole file; leave --region, "
      "pipes, stdin and stdout out");
  CHIARO_CHECK(arguments.engines <= 1 || arguments.options.max_memory_bytes == 0, Usage,
               "[cli.restore] --max-memory is kept with one engine; leave --engines out");
  CHIARO_CHECK(arguments.tile_bound == 0 || (arguments.verify_tiles && arguments.tile_bound > 0),
               Usage,
               "[cli.restore] --tile-bound goes with --verify-tiles and is above zero; got {}",
               arguments.tile_bound);
}

}  // namespace

void add_restore_flags(CLI::App& command, RestoreArguments& arguments) {
  add_file_flags(command, arguments);
  add_engine_flags(command, arguments.engine);
  command
      .add_option("--strength", arguments.options.strength, "0: the input, 1: the network's result")
      ->capture_default_str();
  command
      .add_option("--keep-grain", arguments.options.keep_grain,
                  "share of the fine grain that comes back, 0 to 1; not colour noise, nor streaks")
      ->capture_default_str();
  command
      .add_option("--guard", arguments.guard,
                  "off; soft: hold back where the controller is unsure, leave clean pictures; "
                  "strict: refuse what is unlike training as well")
      ->capture_default_str();
  command
      .add_option("--as", arguments.stated,
                  "what is wrong, instead of what the controller finds, e.g. "
                  "'rain(0.3)+noise(0.2)'; severities from 0 to 1, as `chiaro inspect` prints them")
      ->check([](const std::string& stated) {
        return stated.empty() ? "no damage is stated; expected e.g. 'rain(0.3)'" : "";
      });
  command
      .add_option("--tile", arguments.options.tile_px,
                  "side of a tile in pixels; 0: as memory allows")
      ->capture_default_str();
  command
      .add_option("--overlap", arguments.options.overlap_px,
                  "context around a tile in pixels; -1: what the network needs")
      ->capture_default_str();
  command.add_option("--max-memory", arguments.max_memory,
                     "ceiling for the whole process, e.g. 1G");
  command.add_option("--alpha", arguments.alpha, "transparency: keep, restore or drop")
      ->capture_default_str();
  command.add_option(
      "--format", arguments.write.format,
      "png, jpeg, webp, tiff, ppm, pfm, exr or hdr, whatever the name says; to stdout the source's "
      "where nothing is said");
  command
      .add_option(
          "--quality", arguments.write.quality,
          "of JPEG and WebP, 1 to 100; 0: as the source if that is a JPEG of 80 or more, else 95")
      ->capture_default_str();
  command
      .add_option("--depth", arguments.depth,
                  "bits per sample: auto (as the source), 8, 16 or float")
      ->capture_default_str();
  command.add_flag("--strip", arguments.write.strip_metadata, "leave EXIF, XMP and profile out");
  add_check_flags(command, arguments);
  add_output_flags(command, arguments.show);
}

void settle(RestoreArguments& arguments) {
  arguments.inputs = arguments.files;
  if (!arguments.input.empty()) arguments.inputs.insert(arguments.inputs.begin(), arguments.input);
  if (arguments.output.empty() && arguments.inputs.size() == 2) {  // restore IN OUT
    arguments.output = arguments.inputs.back();
    arguments.inputs.pop_back();
    // Of `*.jpg` that happens to match two pictures, the second was meant as an input.
    std::error_code failed;
    CHIARO_CHECK(
        arguments.skip_existing || !arguments.input.empty() ||
            !fs::is_regular_file(arguments.output, failed),
        Usage,
        "[cli.restore] '{}' exists: as the second of two names it may be meant as an input "
        "too; expected -o before a folder for several pictures, or before the name of a file that "
        "--overwrite is to replace",
        arguments.output);
  }
  CHIARO_CHECK(!arguments.inputs.empty(), Usage,
               "[cli.restore] which picture? give a file, as in: chiaro restore in.jpg -o out.png");
  CHIARO_CHECK(!arguments.output.empty(), Usage,
               "[cli.restore] where to? give -o, as in: chiaro restore in.jpg -o out.png, or "
               "chiaro restore photos -o restored");
  arguments.options.max_memory_bytes = promise_memory_ceiling(arguments.max_memory);
  arguments.options.alpha = restore::parse_alpha_mode(arguments.alpha);
  arguments.options.guard = restore::parse_guard_mode(arguments.guard);
  if (!arguments.stated.empty())
    arguments.options.stated = restore::parse_stated_damages(arguments.stated);
  arguments.write.depth = parse_depth(arguments.depth);
  arguments.write.existing = arguments.overwrite ? Existing::Replaced : Existing::Kept;
  CHIARO_CHECK(arguments.write.quality >= 0 && arguments.write.quality <= 100, Usage,
               "[cli.restore] impossible quality; got {}; expected 1 to 100",
               arguments.write.quality);
  expect_format(arguments.write);
  CHIARO_CHECK(arguments.options.strength >= 0 && arguments.options.strength <= 1, Usage,
               "[cli.restore] impossible strength; got {}; expected 0 to 1",
               arguments.options.strength);
  CHIARO_CHECK(arguments.options.keep_grain >= 0 && arguments.options.keep_grain <= 1, Usage,
               "[cli.restore] impossible share of grain; got {}; expected 0 to 1",
               arguments.options.keep_grain);
  CHIARO_CHECK(arguments.engines >= 0 && arguments.engines <= kMostEngines, Usage,
               "[cli.restore] impossible number of engines; got {}; expected 0 to {}",
               arguments.engines, kMostEngines);
  check_combinations(arguments);
}

bool means_many(const RestoreArguments& arguments) {
  std::error_code failed;
  return arguments.inputs.size() > 1 || arguments.output.ends_with('/') ||
         fs::is_directory(arguments.output, failed) ||
         std::ranges::any_of(arguments.inputs, [](const std::string& input) {
           std::error_code missing;
           return fs::is_directory(input, missing) || restore::is_pattern(input);
         });
}

std::string pixels_sha256(const image::Image& picture) {
  std::string both = sha256_hex(std::as_bytes(picture.pixels()));
  if (!picture.alpha.empty()) {
    both += sha256_hex(std::as_bytes(std::span(picture.alpha)));
    both = sha256_hex(std::as_bytes(std::span(both)));
  }
  return both;
}

}  // namespace chiaro::cli
