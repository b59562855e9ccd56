#include "chiaro/restore/restorer_state.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/engine/processor.h"
#include "chiaro/restore/graph_inputs.h"
#include "chiaro/restore/stored_rows.h"

namespace chiaro::restore {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kDefaultWorkBytes = 512 * kMebibyte;
// What the engine's processor library takes once the first graph is prepared (measured 38 MiB).
constexpr std::int64_t kRuntimeBytes = 42 * kMebibyte;
// Code and tables of libraries that are touched for the first time meanwhile, and what peaks differ
// by from one run to the next: of small pictures, which hide nothing behind what windows are said
// to take, up to 12 MiB.
constexpr std::int64_t kUnforeseenBytes = 13 * kMebibyte;
// Networks that look at the whole picture have no finite receptive field; this much context hides
// tile borders.
constexpr int kFeatheredOverlapPx = 96;
constexpr int kSampleSidePx = 256;

engine::EngineOptions settled(engine::EngineOptions options, const bundle::Manifest& manifest) {
  if (options.precision == engine::Precision::Auto) {
    options.precision = engine::has_bf16() && bundle::bf16_is_harmless(manifest)
                            ? engine::Precision::Bf16
                            : engine::Precision::F32;
  }
  options.in_place = true;
  return options;
}

/// Bytes of so many float32 values.
constexpr std::int64_t float_bytes(std::int64_t count) {
  return count * static_cast<std::int64_t>(sizeof(float));
}

std::int64_t pixels_of(const Grid& grid) {
  return std::int64_t{grid.window_height} * grid.window_width;
}

}  // namespace

/// One channel as a picture of its own.
image::Image grey_picture(std::span<const float> values, int height, int width) {
  image::Image picture(1, height, width);
  std::copy(values.begin(), values.end(), picture.pixels().begin());
  return picture;
}

image::SampleType source_kept_as(const image::Frame& source) {
  return source.exact ? source.sample_type : image::SampleType::F32;
}

image::SampleType result_kept_as(const image::Frame& source, const RestoreOptions& options) {
  return source.exact ? options.written_as.value_or(image::SampleType::F32)
                      : image::SampleType::F32;
}

int most_kept_rows(const std::vector<AxisTile>& rows, int height) {
  int most = 0;
  for (const AxisTile& tile : rows)
    most = std::max(most, std::min(tile.keep_end, height) - std::max(tile.keep_begin, 0));
  return most;
}

Restorer::State::State(bundle::Bundle bundle, const engine::EngineOptions& options)
    : manifest(bundle.manifest),
      origin(bundle.origin),
      engine(engine::Engine::of(bundle.take(bundle::kRestoreMember), settled(options, manifest),
                                bundle.origin)),
      channels(picture_channels(manifest)) {
  check_restore_graph(engine, manifest, origin);
  if (manifest.condition) inspector.emplace(bundle, options);
  const int side = round_up(kSampleSidePx, manifest.alignment_px);
  bytes_per_pixel = static_cast<double>(engine.work_bytes(window_shapes(manifest, side, side))) /
                    (double{1} * side * side);
}

int Restorer::State::overlap(const RestoreOptions& options) const {
  int wanted = options.overlap_px;
  if (wanted < 0) {
    wanted = reach_px(manifest, options);
    if (manifest.global_statistics) wanted = std::min(wanted, kFeatheredOverlapPx);
  }
  // Neighbours share twice that, which has to be a multiple of the alignment.
  const int alignment = manifest.alignment_px;
  return round_up(wanted, alignment % 2 == 0 ? alignment / 2 : alignment);
}

WeaveOptions Restorer::State::weave_options(int height, int width,
                                            const RestoreOptions& options) const {
  WeaveOptions weave;
  weave.alignment = manifest.alignment_px;
  weave.margin = options.margin ? *options.margin : margin_of(manifest, height, width);
  weave.scale = manifest.scale;
  weave.channels = channels;
  weave.feathered = manifest.global_statistics;
  weave.strength = options.strength;
  weave.keep_grain = options.keep_grain;
  weave.range_low = static_cast<float>(manifest.range_low);
  weave.range_high = static_cast<float>(manifest.range_high);
  if (options.range) weave.curve = RangeCurve(*options.range);
  return weave;
}

std::int64_t Restorer::State::graph_bytes(const Grid& grid) const {
  const double bytes =
      engine.most_of_work_bytes() * bytes_per_pixel * static_cast<double>(pixels_of(grid));
  // What preparing takes for a moment makes room for what is computed.
  return std::max(static_cast<std::int64_t>(engine.weight_bytes()),
                  static_cast<std::int64_t>(bytes));
}

void Restorer::State::hold(const Grid& grid) {
  const double bytes =
      engine::kLeastOfWorkBytes * bytes_per_pixel * static_cast<double>(pixels_of(grid));
  held_bytes = std::max<std::int64_t>(1, static_cast<std::int64_t>(bytes));
}

std::int64_t Restorer::State::passes_bytes(int height, int width,
                                           const RestoreOptions& options) const {
  const std::int64_t plane = float_bytes(std::int64_t{height} * width);
  const std::int64_t area = std::int64_t{manifest.scale} * manifest.scale;
  const std::int64_t one = manifest.scale == 1 ? plane : plane * (1 + area);
  return (channels == 1 ? one : 0) + (options.alpha == AlphaMode::Restore ? one : 0);
}

std::int64_t Restorer::State::work_bytes(int height, int width, const WeaveOptions& weave) const {
  return graph_bytes(weave.grid) + weave_bytes(3, height, width, weave);
}

std::int64_t Restorer::State::strip_bytes(const image::Frame& source, const RestoreOptions& options,
                                          const WeaveOptions& weave) const {
  const Grid& grid = weave.grid;
  const auto rows =
      plan_axis(weave.rows(source.height), grid.window_height, grid.rows, weave.feathered);
  image::Frame result = source;
  result.width *= weave.scale;
  result.sample_type = options.written_as.value_or(source.sample_type);
  const std::int64_t row_values = std::int64_t{source.width} * source.channels;
  const std::int64_t result_rows = (kGivenRows + kRowsInCoding) * weave.scale * weave.scale;
  return graph_bytes(grid) + weave_rows_bytes(weave) +
         grid.window_height *
             StoredRows::row_bytes(source_kept_as(source), source.channels, source.width) +
         most_kept_rows(rows, source.height) * weave.scale *
             StoredRows::row_bytes(result_kept_as(source, options), source.channels, result.width) +
         float_bytes((kReadRows + result_rows) * row_values) + source.held_bytes +
         image::strip_writer_bytes(result);
}

std::int64_t Restorer::State::base_bytes() const {
  std::int64_t pending = inspector ? inspector->pending_bytes() : 0;
  const bool engine_runs = held_bytes > 0 || has_run || (inspector && pending == 0);
  if (!engine_runs) pending += kRuntimeBytes;
  if (held_bytes == 0) pending += static_cast<std::int64_t>(engine.laid_out_bytes());
  return resident_bytes() - held_bytes + pending;
}

std::int64_t Restorer::State::budget(const RestoreOptions& options, std::int64_t base) const {
  if (options.max_memory_bytes > 0) return options.max_memory_bytes - base;
  if (options.tile_px > 0) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t available = available_memory_bytes();
  return available > 0 ? std::min(kDefaultWorkBytes, available / 2) : kDefaultWorkBytes;
}

void Restorer::State::check_options(int picture_channels, const RestoreOptions& options) const {
  CHIARO_CHECK(options.strength >= 0 && options.strength <= 1, Usage,
               "[restore.restore] impossible strength; got {}; expected 0 to 1", options.strength);
  CHIARO_CHECK(options.strength == 1 || manifest.scale == 1, Usage,
               "[restore.restore] a strength below 1 needs a bundle of scale 1; '{}' has scale {}",
               origin, manifest.scale);
  CHIARO_CHECK(options.keep_grain >= 0 && options.keep_grain <= 1, Usage,
               "[restore.restore] impossible share of grain; got {}; expected 0 to 1",
               options.keep_grain);
  CHIARO_CHECK(options.keep_grain == 0 || manifest.scale == 1, Usage,
               "[restore.restore] keeping grain needs a bundle of scale 1; '{}' has scale {}",
               origin, manifest.scale);
  CHIARO_CHECK(
      options.keep_grain == 0 || channels != 1 || picture_channels == 1, Usage,
      "[restore.restore] bundle '{}' sees one colour at a time, so the grain of a coloured "
      "picture would come back as colour noise",
      origin);
  CHIARO_CHECK(!options.stated || manifest.condition, Usage,
               "[restore.restore] bundle '{}' has no controller: it cannot be told what is wrong",
               origin);
  CHIARO_CHECK(options.guard != GuardMode::Strict || manifest.condition, Usage,
               "[restore.restore] bundle '{}' has no controller: it cannot guard strictly", origin);
  CHIARO_CHECK(!options.stated || options.guard != GuardMode::Strict, Usage,
               "[restore.restore] damages that are stated leave nothing to guard strictly");
  if (options.stated) (void)stated_condition(*options.stated, *manifest.condition);
}

void Restorer::State::EngineGraph::prepare(int, int height, int width) {
  state_.engine.prepare(window_shapes(state_.manifest, height, width));
  if (!state_.manifest.condition) return;
  std::copy(state_.condition.begin(), state_.condition.end(),
            state_.engine.input(kConditionInput).begin());
}

std::span<float> Restorer::State::EngineGraph::input() {
  return state_.engine.input(kPictureInput);
}

void Restorer::State::check_tiles(int height, int width, const RestoreOptions& options) const {
  constexpr int kMaxOverlapPx = 1 << 16;
  CHIARO_CHECK(options.tile_px >= 0 && options.max_memory_bytes >= 0 && options.overlap_px >= -1 &&
                   options.overlap_px <= kMaxOverlapPx,
               Usage, "[restore.plan] impossible tile, overlap or memory limit; got {}, {}, {}",
               options.tile_px, options.overlap_px, options.max_memory_bytes);
  const int around = overlap(options);
  const WeaveOptions weave = weave_options(height, width, options);
  const Axis rows = weave.rows(height);
  const Axis columns = weave.columns(width);
  const int smallest = std::max(smallest_tile(rows, around), smallest_tile(columns, around));
  CHIARO_CHECK(
      options.tile_px == 0 ||
          options.tile_px >= std::min(smallest, std::max(rows.padded(), columns.padded())),
      Usage,
      "[restore.plan] the tile is too small for an overlap of {}; got {}; expected at least {}",
      around, options.tile_px, smallest);
}

/// The best grid within the budget and the window size; rows == 0 if there is none.
Grid Restorer::State::grid_within(int height, int width, const RestoreOptions& options,
                                  std::int64_t budget, std::int64_t max_pixels,
                                  const Cost& cost) const {
  const int max_side = options.tile_px == 0 ? std::numeric_limits<int>::max() : options.tile_px;
  if (options.max_window_pixels > 0) max_pixels = std::min(max_pixels, options.max_window_pixels);
  WeaveOptions weave = weave_options(height, width, options);
  return plan_grid(weave.rows(height), weave.columns(width), overlap(options), max_side, max_side,
                   [&](const Grid& grid) {
                     weave.grid = grid;
                     return pixels_of(grid) <= max_pixels && cost(weave) <= budget;
                   });
}

Grid Restorer::State::smallest_grid(int height, int width, const RestoreOptions& options) const {
  const WeaveOptions weave = weave_options(height, width, options);
  const Axis rows = weave.rows(height);
  const Axis columns = weave.columns(width);
  const int around = overlap(options);
  return plan_grid(rows, columns, around, std::numeric_limits<std::int64_t>::max(),
                   smallest_tile(columns, around), smallest_tile(rows, around));
}

RestorePlan Restorer::State::described(const Grid& grid, const RestoreOptions& options,
                                       std::int64_t peak_bytes) const {
  return {.window_height_px = grid.window_height,
          .window_width_px = grid.window_width,
          .overlap_px = overlap(options),
          .rows = grid.rows,
          .columns = grid.columns,
          .predicted_peak_bytes = peak_bytes};
}

RestorePlan Restorer::State::plan(int height, int width, const RestoreOptions& options,
                                  std::int64_t max_pixels, std::int64_t undecoded_bytes) const {
  CHIARO_CHECK(height > 0 && width > 0, Usage, "[restore.plan] a picture of {} x {} pixels", width,
               height);
  check_tiles(height, width, options);
  const std::int64_t base = base_bytes() + undecoded_bytes + passes_bytes(height, width, options) +
                            kUnforeseenBytes + options.beside_bytes;
  const Cost cost = [&](const WeaveOptions& weave) { return work_bytes(height, width, weave); };
  WeaveOptions weave = weave_options(height, width, options);
  weave.grid = grid_within(height, width, options, budget(options, base), max_pixels, cost);
  if (weave.grid.rows == 0) {
    // The smallest tiles: what is taken where nobody set a limit, and what the message names where
    // somebody did.
    weave.grid = smallest_grid(height, width, options);
    const auto needed = static_cast<double>(base + cost(weave));
    CHIARO_CHECK(options.max_memory_bytes == 0, Resource,
                 "[restore.plan] the memory limit is too small for a picture of {} x {}; got {} "
                 "MiB; expected at "
                 "least {:.0f} MiB",
                 width, height, options.max_memory_bytes / kMebibyte,
                 std::ceil(needed / kMebibyte));
  }
  return described(weave.grid, options, base + cost(weave));
}

RestorePlan Restorer::State::plan_strips(const image::Frame& source,
                                         const RestoreOptions& options) const {
  check_tiles(source.height, source.width, options);
  // The controller has done its work before the bands come: see release_inspector. Nothing is added
  // for the unforeseen: what is said of bands lies above their peak by 4 % and more.
  const std::int64_t base =
      base_bytes() - (inspector ? inspector->pending_bytes() : 0) + options.beside_bytes;
  // Without a limit, half of what the machine has: tiles alone decide less than bands do.
  const std::int64_t available = available_memory_bytes();
  const std::int64_t most =
      options.max_memory_bytes == 0 && available > 0 ? available / 2 : budget(options, base);
  const Cost cost = [&](const WeaveOptions& weave) { return strip_bytes(source, options, weave); };
  WeaveOptions weave = weave_options(source.height, source.width, options);
  weave.grid = grid_within(source.height, source.width, options, most,
                           std::numeric_limits<std::int64_t>::max(), cost);
  if (weave.grid.rows == 0) {
    weave.grid = smallest_grid(source.height, source.width, options);
    const auto needed = static_cast<double>(base + cost(weave));
    fail(ErrorCode::Resource,
         "[restore.plan] the memory limit is too small for a picture of {} x {}, even in strips; "
         "got {} MiB; expected at least {:.0f} MiB",
         source.width, source.height, (most + base) / kMebibyte, std::ceil(needed / kMebibyte));
  }
  return described(weave.grid, options, base + cost(weave));
}

/// Prepares the network in a thread of its own, so that the controller is prepared beside it and
/// not before. Not where a memory limit was set: what two preparations take for a moment is in no
/// plan. An empty future if there is nothing to gain. Nobody asks it: what fails there fails again
/// where it is told, or where smaller tiles are tried.
std::future<void> Restorer::State::prepare_ahead(int height, int width,
                                                 const RestoreOptions& options) {
  const bool both = inspector && inspector->pending_bytes() > 0 && !options.stated && !options.seen;
  if (!both || options.max_memory_bytes > 0) return {};
  const RestorePlan chosen = plan(height, width, options, std::numeric_limits<std::int64_t>::max());
  try {
    return std::async(std::launch::async, [this, chosen] {
      engine.prepare(window_shapes(manifest, chosen.window_height_px, chosen.window_width_px));
      held_bytes = 1;  // the weights are laid out; values take memory only when it runs
    });
  } catch (const std::system_error&) {  // no thread to be had
    return {};
  }
}

double Restorer::State::settle_condition(const std::function<Inspection()>& inspect,
                                         const RestoreOptions& options, RestoreReport& report) {
  report.blind = !options.stated.has_value();
  if (!manifest.condition) return options.strength;
  if (options.stated) {
    condition = stated_condition(*options.stated, *manifest.condition);
    return options.strength;
  }
  report.inspection = options.seen ? *options.seen : inspect();
  condition = report.inspection->condition;
  if (options.guard == GuardMode::Off) return options.strength;
  GuardDecision decision = judge(*report.inspection, *manifest.condition);
  // An enlarged picture cannot be mixed with its input.
  if (manifest.scale != 1) decision.strength = 1;
  CHIARO_CHECK(options.guard != GuardMode::Strict || !decision.unlike, CheckFailed,
               "[restore.guard] the picture is unlike anything '{}' has seen in training; got a "
               "novelty of {:.3g}; expected at most {:.3g}",
               origin, report.inspection->novelty, manifest.condition->novelty_threshold);
  report.guard = decision;
  return options.strength * decision.strength;
}

RestorePlan Restorer::State::restore_part(image::Image& part, const RestoreOptions& options,
                                          const std::optional<RestorePlan>& wanted,
                                          const ProgressCallback& progress) {
  const int height = part.height();
  const int width = part.width();
  RestorePlan chosen;
  const auto grid_of = [&](std::int64_t max_pixels) {
    const bool first = max_pixels == std::numeric_limits<std::int64_t>::max();
    chosen = first && wanted ? *wanted : plan(height, width, options, max_pixels);
    const Grid grid{chosen.window_height_px, chosen.window_width_px, chosen.rows, chosen.columns};
    hold(grid);
    return grid;
  };
  EngineGraph graph(*this);
  const std::size_t unusable =
      weave_with_retries(part, graph, weave_options(height, width, options), grid_of, progress);
  warn_of_unusable(unusable);
  return chosen;
}

void Restorer::State::warn_of_unusable(std::size_t count) const {
  if (count == 0) return;
  spdlog::warn("the network gave {} values that are not finite; the input's stand in their place",
               count);
}

void Restorer::State::release_inspector(const RestoreOptions& options) {
  if (!inspector || options.max_memory_bytes == 0) return;
  inspector->release();
  return_free_memory();
}

void Restorer::State::release() {
  has_run = has_run || held_bytes > 0;
  engine.release();
  held_bytes = 0;
  return_free_memory();
}

}  // namespace chiaro::restore
