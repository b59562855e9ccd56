// chiaro restore: one picture in, a better one out.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <system_error>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/inspection_text.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/bundle/sha256.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

// Above this the network's work memory is freed before the result is encoded.
constexpr std::size_t kLargeValues = 3 * 4'000'000;

constexpr const char* kExample =
    "Examples:\n"
    "  chiaro restore old.jpg -o clear.png\n"
    "  chiaro restore scan.tif clear.tif --strength 0.7 --max-memory 1G\n"
    "  cat in.png | chiaro restore - -o - --format png > out.png";

struct RestoreArguments {
  std::vector<std::string> files;  // positional: input, output
  std::string input;
  std::string output;
  EngineFlags engine;
  OutputFlags show;
  restore::RestoreOptions options;
  std::string max_memory;
  std::string alpha = "keep";
  std::string guard = "soft";
  std::string stated;
  std::string depth = "auto";
  image::WriteOptions write;
  bool overwrite = false;
  /// Lives until the process ends: to take a network apart in order takes a noticeable part of the
  /// time that a small picture needs.
  std::unique_ptr<restore::Restorer> restorer;
};

image::Depth parse_depth(const std::string& text) {
  if (text == "auto") return image::Depth::Source;
  if (text == "8") return image::Depth::U8;
  if (text == "16") return image::Depth::U16;
  if (text == "float") return image::Depth::F32;
  fail(ErrorCode::Usage, "[cli.restore] unknown depth; got '{}'; expected auto, 8, 16 or float",
       text);
}

/// Puts positionals and -i/-o together and checks the values.
void settle(RestoreArguments& arguments) {
  for (const std::string& file : arguments.files) {
    std::string& place = arguments.input.empty() ? arguments.input : arguments.output;
    CHIARO_CHECK(place.empty(), Usage, "[cli.restore] too many files; got '{}' as well", file);
    place = file;
  }
  CHIARO_CHECK(!arguments.input.empty(), Usage,
               "[cli.restore] which picture? give a file, as in: chiaro restore in.jpg -o out.png");
  CHIARO_CHECK(!arguments.output.empty(), Usage,
               "[cli.restore] where to? give -o, as in: chiaro restore in.jpg -o out.png");
  if (!arguments.max_memory.empty()) {
    arguments.options.max_memory_bytes = parse_bytes(arguments.max_memory, "max-memory");
    CHIARO_CHECK(arguments.options.max_memory_bytes > 0, Usage,
                 "[cli.max-memory] the limit must be above zero");
  }
  arguments.options.alpha = restore::parse_alpha_mode(arguments.alpha);
  arguments.options.guard = restore::parse_guard_mode(arguments.guard);
  if (!arguments.stated.empty())
    arguments.options.stated = restore::parse_stated_damages(arguments.stated);
  arguments.write.depth = parse_depth(arguments.depth);
  CHIARO_CHECK(arguments.write.quality >= 0 && arguments.write.quality <= 100, Usage,
               "[cli.restore] impossible quality; got {}; expected 1 to 100",
               arguments.write.quality);
  CHIARO_CHECK(arguments.options.strength >= 0 && arguments.options.strength <= 1, Usage,
               "[cli.restore] impossible strength; got {}; expected 0 to 1",
               arguments.options.strength);
}

/// Everything about the output that can be known before the work is done.
void check_output(const RestoreArguments& arguments) {
  if (arguments.output == "-") {
    CHIARO_CHECK(!arguments.write.format.empty(), Usage,
                 "[cli.restore] a picture to stdout needs --format");
    CHIARO_CHECK(!arguments.show.json, Usage,
                 "[cli.restore] --json and a picture cannot both go to stdout");
    CHIARO_CHECK(isatty(STDOUT_FILENO) == 0, Usage,
                 "[cli.restore] a picture would go to the terminal; use > FILE");
    return;
  }
  const fs::path output(arguments.output);
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  std::error_code failed;
  CHIARO_CHECK(fs::is_directory(folder, failed), Output,
               "[cli.restore] the folder '{}' does not exist", folder.string());
  CHIARO_CHECK(!fs::is_directory(output, failed), Output,
               "[cli.restore] '{}' is a folder; expected a file name", output.string());
  CHIARO_CHECK(!fs::exists(output, failed) || fs::is_regular_file(output, failed), Output,
               "[cli.restore] '{}' is no regular file", output.string());
  CHIARO_CHECK(arguments.input == "-" || !fs::equivalent(arguments.input, output, failed), Output,
               "[cli.restore] '{}' is the input itself, which is never overwritten",
               output.string());
  CHIARO_CHECK(arguments.overwrite || !fs::exists(fs::symlink_status(output, failed)), Output,
               "[cli.restore] '{}' exists already; --overwrite replaces it", output.string());
  CHIARO_CHECK(::access(folder.c_str(), W_OK) == 0, Output,
               "[cli.restore] the folder '{}' is not writable", folder.string());
  CHIARO_CHECK(!arguments.write.format.empty() || image::has_picture_extension(output), Usage,
               "[cli.restore] the name '{}' tells no picture format; use .png, .jpg, .webp, .tif, "
               ".ppm, .pfm or "
               "--format",
               output.string());
}

image::Image read_input(const std::string& input) {
  if (input != "-") return image::read(input);
  std::vector<std::byte> bytes;
  std::byte chunk[1 << 16];
  for (std::size_t got = 0; (got = std::fread(chunk, 1, sizeof(chunk), stdin)) > 0;) {
    bytes.insert(bytes.end(), chunk, chunk + got);
  }
  return image::decode(bytes, "standard input");
}

void write_output(const RestoreArguments& arguments, const image::Image& picture) {
  if (arguments.output != "-") return image::write(arguments.output, picture, arguments.write);
  const auto bytes = image::encode(picture, arguments.write);
  const bool whole = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
                     std::fflush(stdout) == 0;
  CHIARO_CHECK(whole, Output, "[cli.restore] cannot write to stdout");
}

/// Of the restored float32 values (planar, then alpha): equal for equal results, whatever the file
/// format.
std::string pixels_sha256(const image::Image& picture) {
  std::string both = bundle::sha256_hex(std::as_bytes(picture.pixels()));
  if (!picture.alpha.empty()) {
    both += bundle::sha256_hex(std::as_bytes(std::span(picture.alpha)));
    both = bundle::sha256_hex(std::as_bytes(std::span(both)));
  }
  return both;
}

/// Restores in place with a bar, and says what was held back and why.
restore::RestoreReport restore_shown(restore::Restorer& restorer, image::Image& picture,
                                     const RestoreArguments& arguments) {
  restore::RestoreReport report;
  try {
    ProgressBar bar("restoring", stderr_is_terminal() && !arguments.show.quiet);
    picture = restorer.restore(
        std::move(picture), arguments.options,
        [&](double done) {
          bar.update(done);
          return !interrupted();
        },
        &report);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::CheckFailed) throw;
    fail(error.code(), "[cli.restore] '{}': {}", arguments.input, error.what());
  }
  if (!report.blind) {
    spdlog::info("not blind: restored as {}", restore::stated_text(*arguments.options.stated));
  }
  if (report.guard && report.inspection) {
    const auto text = guard_text(*report.guard, *report.inspection, *restorer.manifest().condition);
    if (!text.empty()) spdlog::info("{}", text);
  }
  return report;
}

/// What the restoration went by; nothing for bundles without a controller.
Json report_json(const restore::RestoreReport& report, const bundle::Manifest& manifest,
                 const RestoreArguments& arguments) {
  if (!manifest.condition) return Json::object();
  Json json = {{"blind", report.blind}, {"strength", report.strength}};
  if (!report.blind) json["as"] = restore::stated_text(*arguments.options.stated);
  if (report.inspection)
    json["inspection"] = inspection_json(*report.inspection, *manifest.condition);
  Json guard = report.guard ? guard_json(*report.guard) : Json::object();
  guard["mode"] = report.guard ? restore::guard_mode_name(arguments.options.guard) : "off";
  json["guard"] = std::move(guard);
  return json;
}

void run(RestoreArguments& arguments) {
  begin_output(arguments.show);
  settle(arguments);
  check_output(arguments);
  watch_for_interruption();
  const double started = monotonic_s();

  image::start_codecs();  // before there is a second thread
  // The picture is decoded while the network is loaded.
  auto opening = std::async(std::launch::async, [&arguments] {
    return restore::open_restorer(arguments.engine.bundle, engine_options(arguments.engine));
  });
  image::Image picture = read_input(arguments.input);
  const double decoded = monotonic_s();
  arguments.restorer = std::make_unique<restore::Restorer>(opening.get());
  restore::Restorer& restorer = *arguments.restorer;
  stop_if_interrupted();

  const auto plan = restorer.plan(picture.height(), picture.width(), arguments.options);
  if (arguments.show.json) {
    print_event("start", {{"file", arguments.input},
                          {"width", picture.width()},
                          {"height", picture.height()},
                          {"bundle", restorer.manifest().name},
                          {"precision", engine::precision_name(restorer.precision())},
                          {"threads", restorer.threads()},
                          {"tiles", plan.tiles()},
                          {"predicted_peak_bytes", plan.predicted_peak_bytes},
                          {"seconds", decoded - started}});
  }
  spdlog::debug(
      "bundle {}, {}, {} threads, {} tiles of {} x {} with overlap {}, about {} resident at the "
      "peak",
      restorer.manifest().name, engine::precision_name(restorer.precision()), restorer.threads(),
      plan.tiles(), plan.window_width_px, plan.window_height_px, plan.overlap_px,
      bytes_text(plan.predicted_peak_bytes));
  const restore::RestoreReport report = restore_shown(restorer, picture, arguments);
  const double restored = monotonic_s();
  const bool large = picture.pixels().size() > kLargeValues;
  if (large || arguments.options.max_memory_bytes > 0) restorer.release_memory();
  write_output(arguments, picture);
  const double written = monotonic_s();
  spdlog::info("wrote {} ({} x {}, {:.2f} s)", arguments.output, picture.width(), picture.height(),
               written - started);
  if (arguments.show.json) {
    Json event = {{"file", arguments.input},
                  {"output", arguments.output},
                  {"width", picture.width()},
                  {"height", picture.height()},
                  {"seconds", written - started},
                  {"restore_seconds", restored - decoded},
                  {"encode_seconds", written - restored}};
    event.update(report_json(report, restorer.manifest(), arguments));
    print_event("restored", event);
    print_event("summary", {{"done", 1},
                            {"failed", 0},
                            {"seconds", written - started},
                            {"peak_resident_bytes", peak_resident_bytes()},
                            {"pixels_sha256", pixels_sha256(picture)}});
  }
}

}  // namespace

void add_restore(CLI::App& root) {
  auto* command = root.add_subcommand("restore", "Restore a picture");
  auto arguments = std::make_shared<RestoreArguments>();
  command->footer(kExample);
  command
      ->add_option("files", arguments->files, "input and, without -o, output; - is stdin or stdout")
      ->type_name("IN [OUT]");
  command->add_option("-i,--input", arguments->input, "the picture to restore");
  command->add_option("-o,--output", arguments->output,
                      "where to write; the name tells the format");
  add_engine_flags(*command, arguments->engine);
  command
      ->add_option("--strength", arguments->options.strength,
                   "0: the input, 1: the network's result")
      ->capture_default_str();
  command
      ->add_option("--guard", arguments->guard,
                   "off; soft: hold back where the controller is unsure, leave clean pictures; "
                   "strict: refuse what is unlike training as well")
      ->capture_default_str();
  command->add_option("--as", arguments->stated,
                      "what is wrong, instead of what the controller finds, e.g. "
                      "'rain(0.6)+noise(0.2)'; severities from 0 to 1");
  command
      ->add_option("--tile", arguments->options.tile_px,
                   "side of a tile in pixels; 0: as memory allows")
      ->capture_default_str();
  command
      ->add_option("--overlap", arguments->options.overlap_px,
                   "context around a tile in pixels; -1: what the network needs")
      ->capture_default_str();
  command->add_option("--max-memory", arguments->max_memory,
                      "ceiling for the whole process, e.g. 1G");
  command->add_option("--alpha", arguments->alpha, "transparency: keep, restore or drop")
      ->capture_default_str();
  command->add_option("--format", arguments->write.format,
                      "png, jpeg, webp, tiff, ppm or pfm, whatever the name says");
  command
      ->add_option("--quality", arguments->write.quality,
                   "of JPEG and WebP, 1 to 100; 0: as the source, else 95")
      ->capture_default_str();
  command
      ->add_option("--depth", arguments->depth,
                   "bits per sample: auto (as the source), 8, 16 or float")
      ->capture_default_str();
  command->add_flag("--strip", arguments->write.strip_metadata, "leave EXIF, XMP and profile out");
  command->add_flag("--overwrite", arguments->overwrite, "replace an existing output");
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
