// chiaro bench: how fast this machine restores, and what it takes.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/processor.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/graph_inputs.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::cli {
namespace {

struct BenchArguments {
  EngineFlags engine;
  OutputFlags show;
  std::vector<int> sizes = {256, 512, 1024};
  int repetitions = 5;
  std::string max_memory;
};

/// A picture with edges, ramps and a little noise, so that codecs have something to do.
image::Image test_picture(int side) {
  image::Image picture(3, side, side);
  Rng rng(7);
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const double ramp = static_cast<double>(x + y) / (2.0 * side);
        const double block = (x / 37 + y / 53 + channel) % 2 == 0 ? 0.2 : 0.0;
        picture.at(channel, y, x) =
            static_cast<float>(std::clamp(0.7 * ramp + block + rng.uniform(0, 0.05), 0.0, 1.0));
      }
    }
  }
  return picture;
}

/// Median seconds of `repetitions` calls, after one that is not counted.
template <typename Body>
double median_seconds(int repetitions, Body&& body) {
  std::vector<double> times;
  for (int i = 0; i <= repetitions; ++i) {
    stop_if_interrupted();
    const double started = monotonic_s();
    body();
    if (i > 0) times.push_back(monotonic_s() - started);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void run(const BenchArguments& arguments) {
  begin_output(arguments.show);
  CHIARO_CHECK(arguments.repetitions >= 1 && arguments.repetitions <= 1000, Usage,
               "[cli.bench] impossible number of repetitions; got {}; expected 1 to 1000",
               arguments.repetitions);
  for (const int size : arguments.sizes) {
    CHIARO_CHECK(size >= 1 && size <= 20000, Usage,
                 "[cli.bench] impossible size; got {}; expected 1 to 20000", size);
  }
  restore::RestoreOptions options;
  options.guard = restore::GuardMode::Off;  // the test pictures are like no photo
  options.max_memory_bytes = promise_memory_ceiling(arguments.max_memory);
  watch_for_interruption();

  auto bundle = bundle::read_bundle(restore::find_bundle(arguments.engine.bundle));
  const auto member = bundle.member(bundle::kRestoreMember);
  const std::vector<std::byte> graph(member.begin(), member.end());
  engine::EngineOptions chosen = engine_options(arguments.engine);
  chosen.spare_memory = options.max_memory_bytes > 0;
  restore::Restorer restorer(std::move(bundle), chosen);
  const auto& manifest = restorer.manifest();
  const Json machine = {{"processor", engine::processor_name()},
                        {"threads", restorer.threads()},
                        {"precision", engine::precision_name(restorer.precision())},
                        {"bundle", manifest.name},
                        {"parameters", manifest.parameters},
                        {"macs_per_pixel", manifest.macs_per_pixel}};
  if (arguments.show.json) {
    print_event("machine", machine);
  } else {
    fmt::print("{}, {} threads, {}, bundle {}", engine::processor_name(), restorer.threads(),
               engine::precision_name(restorer.precision()), manifest.name);
    if (manifest.parameters > 0)
      fmt::print(", {:.2f} M parameters", static_cast<double>(manifest.parameters) / 1e6);
    fmt::print("\nmedians of {} runs\n\n{:>6} {:>11} {:>12} {:>10} {:>10} {:>10} {:>8} {:>11}\n",
               arguments.repetitions, "side", "decode ms", "restore ms", "bare ms", "ratio",
               "encode ms", "MPix/s", "peak");
  }
  engine::Engine bare(graph,
                      {arguments.engine.device, restorer.precision(), arguments.engine.threads},
                      manifest.name);
  for (const int side : arguments.sizes) {
    const auto picture = test_picture(side);
    const auto png = image::encode(picture, {.format = "png"});
    const double decode =
        median_seconds(arguments.repetitions, [&] { image::decode(png, "test picture"); });
    const double restoring =
        median_seconds(arguments.repetitions, [&] { restorer.restore(picture, options); });
    const double encode =
        median_seconds(arguments.repetitions, [&] { image::encode(picture, {.format = "png"}); });
    // The graph alone, where the picture fits it as a whole.
    double alone = 0;
    if (side % manifest.alignment_px == 0 && restorer.plan(side, side, options).tiles() == 1) {
      restorer.release_memory();
      bare.prepare(restore::window_shapes(manifest, side, side));
      const auto input = bare.input(restore::kPictureInput);
      if (manifest.condition) {
        const auto condition = bare.input(restore::kConditionInput);
        std::fill(condition.begin(), condition.end(), 0.0F);
      }
      std::copy_n(picture.pixels().begin(), input.size(), input.begin());
      alone = median_seconds(arguments.repetitions, [&] { bare.run(); });
      bare.release();
    }
    const double ratio = alone > 0 ? restoring / alone : 0;
    const double speed = 1e-6 * side * side / restoring;
    const auto peak = peak_resident_bytes();
    if (arguments.show.json) {
      print_event("size", {{"side", side},
                           {"decode_seconds", decode},
                           {"restore_seconds", restoring},
                           {"bare_seconds", alone},
                           {"encode_seconds", encode},
                           {"megapixels_per_second", speed},
                           {"gmac", 1e-9 * manifest.macs_per_pixel * side * side},
                           {"peak_resident_bytes", peak}});
    } else {
      fmt::print(
          "{:>6} {:>11.1f} {:>12.1f} {:>10} {:>10} {:>10.1f} {:>8.2f} {:>11}\n", side, decode * 1e3,
          restoring * 1e3, alone > 0 ? fmt::format("{:.1f}", alone * 1e3) : "-",
          alone > 0 ? fmt::format("{:.3f}", ratio) : "-", encode * 1e3, speed, bytes_text(peak));
    }
  }
  if (arguments.show.json) {
    Json summary = machine;
    summary["peak_resident_bytes"] = peak_resident_bytes();
    print_event("summary", summary);
  } else {
    fmt::print(
        "\nPeak is the highest resident memory of the process so far. Bare: the same graph without "
        "padding, "
        "tiles and checks.\n");
  }
}

}  // namespace

void add_bench(CLI::App& root) {
  auto* command = root.add_subcommand("bench", "Measure time and memory on this machine");
  auto arguments = std::make_shared<BenchArguments>();
  command->footer("Example:\n  chiaro bench --sizes 512 1024 2048 --precision f32");
  add_engine_flags(*command, arguments->engine);
  command->add_option("--sizes", arguments->sizes, "sides of square pictures, in pixels")
      ->capture_default_str();
  command->add_option("--repetitions", arguments->repetitions, "runs per size; medians are printed")
      ->capture_default_str();
  command->add_option("--max-memory", arguments->max_memory,
                      "ceiling for the whole process, e.g. 1G");
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli
