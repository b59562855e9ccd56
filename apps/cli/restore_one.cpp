// chiaro restore with one picture: in, and a better one out.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <future>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "apps/cli/audit.h"
#include "apps/cli/change.h"
#include "apps/cli/each_picture.h"
#include "apps/cli/events.h"
#include "apps/cli/inspection_text.h"
#include "apps/cli/interruption.h"
#include "apps/cli/restore_arguments.h"
#include "apps/cli/restore_pages.h"
#include "apps/cli/restore_strips.h"
#include "apps/cli/restore_telling.h"
#include "apps/cli/restore_work.h"
#include "apps/cli/shown_text.h"
#include "apps/cli/untouched.h"
#include "chiaro/base/error.h"
#include "chiaro/base/file_state.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/engine/cache_folder.h"
#include "chiaro/engine/runtime.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/salvage.h"
#include "chiaro/restore/again.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

// Above this the network's work memory is freed before the result is encoded.
constexpr std::size_t kLargeValues = 3 * 4'000'000;

/// Everything about the output that can be known before the work is done.
void check_output(const RestoreArguments& arguments) {
  const std::string& input = arguments.inputs.front();
  CHIARO_CHECK(!arguments.fail_fast && !arguments.dry_run && arguments.name.empty() &&
                   arguments.shard.empty() && arguments.engines == 0,
               Usage,
               "[cli.restore] --name, --shard, --fail-fast, --engines and --dry-run are for many "
               "pictures; '{}' "
               "is one file, and '{}' no folder",
               input, arguments.output);
  if (arguments.output == "-") {
    CHIARO_CHECK(!arguments.show.json, Usage,
                 "[cli.restore] --json and a picture cannot both go to stdout");
    CHIARO_CHECK(isatty(STDOUT_FILENO) == 0, Usage,
                 "[cli.restore] a picture would go to the terminal; use > FILE");
    return;
  }
  const fs::path output(arguments.output);
  std::error_code failed;
  CHIARO_CHECK(!fs::exists(output, failed) || fs::is_regular_file(output, failed), Output,
               "[cli.restore] '{}' is no regular file", output.string());
  expect_writable(output, arguments.overwrite, input == "-" ? "" : input);
  CHIARO_CHECK(!arguments.write.format.empty() || !image::format_written_as(output).empty(), Usage,
               "[cli.restore] {}; use .png, .jpg, .webp, .tif, .ppm, .pfm, .exr, .hdr or --format",
               image::has_picture_extension(output)
                   ? fmt::format("{} files are read, but not written", output.extension().string())
                   : fmt::format("the name '{}' tells no picture format", output.string()));
}

/// What is restored: of a pipe its bytes, which come once, of a file what it was when the work
/// began.
struct Input {
  std::string name;
  bool salvage;
  bool piped = false;
  std::vector<std::byte> bytes = {};
  FileState before = {};

  explicit Input(const RestoreArguments& arguments)
      : name(arguments.inputs.front()), salvage(arguments.salvage), piped(is_piped(name)) {
    const std::string input = name;
    if (input == "-") {
      name = "standard input";
      bytes = read_stdin();
    } else if (piped) {
      bytes = read_file(input);
    } else {
      before = file_state(input);
    }
  }
  image::PageReader pages() const {
    return piped ? image::PageReader(bytes, name) : image::PageReader(name);
  }
  image::Probe probe() const {
    if (salvage) return piped ? image::probe_damaged(bytes, name) : image::probe_damaged(name);
    return piped ? image::probe(bytes, name) : image::probe(name);
  }
  image::Salvaged read() const {
    image::Salvaged found;
    if (salvage) {
      found = piped ? image::salvage(bytes, name) : image::salvage(name);
    } else {
      found.picture = piped ? image::decode(bytes, name) : image::read(name);
    }
    if (!piped) expect_unchanged(name, before);
    return found;
  }
};

/// The source's, where that is one that is written.
std::string format_for_stdout(const Input& source) {
  const std::string written = image::format_written_as("source." + source.probe().format);
  return written.empty() ? "png" : written;
}

/// What is written where nothing has changed and the source's file will do.
std::optional<std::vector<std::byte>> untouched(const RestoreArguments& arguments,
                                                const Input& source, const image::Image& picture,
                                                bool same) {
  if (!same || !file_will_do(arguments, picture, output_format(arguments, arguments.output)))
    return std::nullopt;
  if (source.piped) return source.bytes;
  auto bytes = read_file(source.name);
  expect_unchanged(source.name, source.before);
  return bytes;
}

/// Returns the bytes written.
std::size_t write_output(const RestoreArguments& arguments, const image::Image& picture,
                         const std::optional<std::vector<std::byte>>& file,
                         const std::optional<image::Damage>& damage) {
  image::WriteOptions write = arguments.write;
  write.format = output_format(arguments, arguments.output);
  const auto bytes = file ? *file : image::encode(picture, write);
  if (arguments.audit) audit(arguments.inputs.front(), bytes, arguments, false, damage);
  if (arguments.output == "-") {
    write_to_stdout(bytes);
  } else {
    write_file_atomically(arguments.output, bytes, arguments.write.existing);
  }
  return bytes.size();
}

/// A network that was to restore and changed nothing, or hardly anything, is not left without a
/// word.
void say_unchanged(const RestoreArguments& arguments, const restore::RestoreReport& report,
                   const bundle::Manifest& manifest, bool same_levels, double change) {
  if (report.strength == 0 || (!same_levels && change >= kHardlyLevels)) return;
  const std::string what =
      same_levels ? "nothing has changed"
                  : fmt::format("hardly anything has changed ({} of 255 levels on the average)",
                                change_text(change));
  const auto& stated = arguments.options.stated;
  if (stated && stated->front().type == bundle::kCleanType) {
    spdlog::info("{}: the picture was stated to be clean", what);
  } else if (report.strength < restore::kNotableStrength) {
    spdlog::info("{}: restored at a strength of {:.2g}", what, report.strength);
  } else if (!manifest.condition || !report.blind) {
    spdlog::info("{}: the network finds {} to restore", what, same_levels ? "nothing" : "little");
  } else {
    spdlog::info(
        "{}: the network was told '{}'; where that is not so, --as says what is wrong (chiaro "
        "inspect {} --map where.png)",
        what, report.inspection ? manifest.condition->types[report.inspection->top()] : "nothing",
        arguments.inputs.front());
  }
}

/// Where a second kind of damage is seen dimly, it may lie below the first and show in the result.
void say_what_may_lie_below(const RestoreArguments& arguments, const restore::RestoreReport& report,
                            const restore::Restorer& restorer) {
  const bool whole = arguments.region.empty() && !arguments.ensemble && !arguments.verify_tiles;
  if (arguments.again || !whole || !report.inspection || report.strength == 0) return;
  if (!restore::is_possible_again(restorer, arguments.options)) return;
  const auto& condition = *restorer.manifest().condition;
  const auto order = restore::descending(report.inspection->probabilities);
  const std::size_t second = order[1];
  const bool clean = condition.types[order[0]] == bundle::kCleanType ||
                     condition.types[second] == bundle::kCleanType;
  if (clean || report.inspection->probabilities[second] < kNoticeable) return;
  spdlog::info("if {} is still there, --again looks at the result and restores what shows in it",
               condition.types[second]);
}

struct Shown {
  restore::RestoreReport report;
  bool same = false;  ///< the very picture that there was
  std::optional<double> change_levels;
};

/// Restores in place with a bar, and says what was held back and why.
Shown restore_shown(restore::Restorer& restorer, image::Image& picture,
                    const std::optional<image::Damage>& damage, const RestoreArguments& arguments) {
  restore::RestoreReport report;
  const Before before(picture);
  const ChangeMeter meter(picture);
  with_progress(arguments, [&](const ProgressCallback& progress) {
    picture = restored_what_is_left(
        restorer, std::move(picture), damage, arguments, arguments.options, progress,
        [&](const restore::TileCheck& check) {
          say_tile_check(arguments.inputs.front(), 0, check, arguments.show);
        },
        &report);
  });
  say_report(report, restorer.manifest(), arguments);
  say_what_may_lie_below(arguments, report, restorer);
  const auto change = meter.levels(picture);
  if (change)
    say_unchanged(arguments, report, restorer.manifest(), before.same_levels(picture), *change);
  const bool same = before.same_picture(picture, report);
  return {std::move(report), same, change};
}

/// Errors: Resource, with the option without which the picture might go in strips.
void expect_room_for_whole(const restore::Restorer& restorer, const image::Probe& picture,
                           const RestoreArguments& arguments) {
  try {
    (void)foretold(restorer, picture, arguments, arguments.options);
  } catch (const Error& error) {
    const std::string option = whole_picture_option(arguments);
    if (error.code() != ErrorCode::Resource || option.empty()) throw;
    fail(ErrorCode::Resource, "{}; {} needs all of the picture in memory, and without it strips do",
         error.what(), option);
  }
}

}  // namespace

void restore_one(RestoreArguments& arguments) {
  const std::string& input = arguments.inputs.front();
  std::error_code failed;
  CHIARO_CHECK(input == "-" || fs::exists(input, failed), Input,
               "[cli.restore] cannot read '{}': {}", input,
               failed ? failed.message() : "No such file or directory");
  if (arguments.skip_existing && fs::is_regular_file(arguments.output, failed)) {
    spdlog::info("{} exists already and stays as it is", arguments.output);
    if (arguments.show.json) print_event("summary", {{"done", 0}, {"failed", 0}, {"existing", 1}});
    return;
  }
  check_output(arguments);
  watch_for_interruption();
  const double started = monotonic_s();

  share_few_heaps();
  image::start_codecs();  // before there is a second thread
  // Scans of one archive differ by some pixels: a plan for each size would take longer than it
  // saves.
  const bool several = !is_piped(input) && image::PageReader(input).count() > 1;
  // The picture is decoded while the network is loaded, and that while its engine is.
  const auto runtime = engine::start_runtime();
  auto opening = std::async(std::launch::async, [&arguments, several] {
    engine::EngineOptions options = engine_options(arguments.engine);
    // Limits are promises about preparing anew: what comes from the cache, and what puts it there,
    // takes memory of its own.
    options.spare_memory = arguments.options.max_memory_bytes > 0;
    if (!options.spare_memory) options.cache = engine::cache_folder();
    options.many_shapes = several && !options.spare_memory;
    return restore::open_restorer(arguments.engine.bundle, options);
  });
  const Input source(arguments);
  if (arguments.output == "-" && arguments.write.format.empty())
    arguments.write.format = format_for_stdout(source);
  say_idle_flags(arguments, std::array{output_format(arguments, arguments.output)});
  const image::PageReader pages = source.pages();
  const bool by_pages = go_by_pages(pages, arguments, arguments.output);
  if (!by_pages) say_cut_off(pages);
  const bool limited = arguments.options.max_memory_bytes > 0;
  if (by_pages || limited || may_need_strips(input, arguments)) {
    arguments.restorer = std::make_unique<restore::Restorer>(opening.get());
    stop_if_interrupted();
    if (by_pages) {
      restore_one_by_pages(arguments, pages, started, source.before);
      return arguments.restorer->keep_prepared();
    }
    if (needs_strips(*arguments.restorer, input, arguments.output, arguments, arguments.options))
      return restore_one_in_strips(arguments, started, source.before);
    if (limited) expect_room_for_whole(*arguments.restorer, source.probe(), arguments);
  }
  auto [picture, damage] = source.read();
  if (damage) say_incomplete(*damage, arguments.show);
  const double decoded = monotonic_s();
  if (!arguments.restorer) arguments.restorer = std::make_unique<restore::Restorer>(opening.get());
  restore::Restorer& restorer = *arguments.restorer;
  stop_if_interrupted();
  check_result(restorer, picture.height(), picture.width(), arguments,
               output_format(arguments, arguments.output));

  const int channels = picture.channels() + (picture.alpha.empty() ? 0 : 1);
  const auto plan = foretold(restorer, picture.height(), picture.width(), channels, arguments,
                             arguments.options, restore::hidden_color_bytes(picture), damage);
  if (limited) arguments.options.max_window_pixels = plan.window_pixels();
  say_start(arguments, restorer, plan, picture.height(), picture.width(), false, decoded - started);
  const auto [report, same, change] = restore_shown(restorer, picture, damage, arguments);
  const double restored = monotonic_s();
  const bool large = picture.pixels().size() > kLargeValues;
  if (large || limited) {
    restorer.keep_prepared();
    restorer.release_memory();
  }
  const auto file = untouched(arguments, source, picture, same && !damage);
  const std::size_t bytes = write_output(arguments, picture, file, damage);
  const double written = monotonic_s();
  const char* did = !file                     ? "wrote"
                    : arguments.output == "-" ? "copied the file"
                                              : "copied the file to";
  spdlog::info("{} {} ({} x {}, {:.2f} s)", did, shown_output(arguments.output), picture.width(),
               picture.height(), written - started);
  if (arguments.show.json) {
    Json event = {{"file", input},
                  {"output", arguments.output},
                  {"width", picture.width()},
                  {"height", picture.height()},
                  {"bytes", bytes},
                  {"copied", file.has_value()},
                  {"pages", 1},
                  {"in_strips", false},
                  {"seconds", written - started},
                  {"read_seconds", decoded - started},
                  {"restore_seconds", restored - decoded},
                  {"write_seconds", written - restored},
                  {"pixels_sha256", pixels_sha256(picture)}};
    if (change) event["change_levels"] = *change;
    if (damage) event.update(damage_json(*damage));
    event.update(report_json(report, restorer.manifest(), arguments));
    print_event("restored", event);
    print_event("summary", {{"done", 1},
                            {"failed", 0},
                            {"seconds", written - started},
                            {"peak_resident_bytes", peak_resident_bytes()},
                            {"exit_status", 0}});
  }
  restorer.keep_prepared();
}

}  // namespace chiaro::cli
