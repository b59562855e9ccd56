#include "chiaro/restore/restorer.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <limits>
#include <system_error>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/engine/processor.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/graph_inputs.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/tiling.h"
#include "chiaro/restore/weave.h"

namespace chiaro::restore {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kDefaultWorkBytes = 512 * kMebibyte;
// What the engine's processor library takes once the first graph is prepared (measured 40 MiB).
constexpr std::int64_t kRuntimeBytes = 48 * kMebibyte;
// The runtime pads and reorders values; measured use is 0.9 to 1.1 times the walk through the
// graph.
constexpr double kWorkMargin = 1.15;
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
  return options;
}

/// One channel as a picture of its own.
image::Image grey_picture(std::span<const float> values, int height, int width) {
  image::Image picture(1, height, width);
  std::copy(values.begin(), values.end(), picture.pixels().begin());
  return picture;
}

}  // namespace

AlphaMode parse_alpha_mode(std::string_view text) {
  if (text == "keep") return AlphaMode::Keep;
  if (text == "restore") return AlphaMode::Restore;
  if (text == "drop") return AlphaMode::Drop;
  fail(ErrorCode::Usage,
       "[restore.alpha] unknown way with transparency; got '{}'; expected keep, restore or drop",
       text);
}

struct Restorer::State {
  class EngineGraph;

  bundle::Manifest manifest;
  std::string origin;
  engine::Engine engine;
  std::optional<Inspector> inspector;  // of a conditioned bundle
  int channels;
  double bytes_per_pixel;
  std::int64_t held_bytes = 0;   // of the prepared graph, as predicted; 0: none is prepared
  std::vector<float> condition;  // what the network is told of the current picture

  State(bundle::Bundle bundle, const engine::EngineOptions& options)
      : manifest(bundle.manifest),
        origin(bundle.origin),
        engine(bundle.member(bundle::kRestoreMember), settled(options, manifest), bundle.origin),
        channels(picture_channels(manifest)) {
    check_restore_graph(engine, manifest, origin);
    if (manifest.condition) inspector.emplace(bundle, options);
    const int side = round_up(kSampleSidePx, manifest.alignment_px);
    bytes_per_pixel = static_cast<double>(engine.work_bytes(window_shapes(manifest, side, side))) /
                      (double{1} * side * side);
  }

  int overlap(const RestoreOptions& options) const {
    int wanted = options.overlap_px;
    if (wanted < 0) {
      wanted = manifest.receptive_field_px / 2;
      if (manifest.global_statistics) wanted = std::min(wanted, kFeatheredOverlapPx);
    }
    return round_up(wanted, manifest.alignment_px);
  }

  WeaveOptions weave_options(const RestoreOptions& options) const {
    WeaveOptions weave;
    weave.alignment = manifest.alignment_px;
    weave.scale = manifest.scale;
    weave.channels = channels;
    weave.feathered = manifest.global_statistics;
    weave.strength = options.strength;
    weave.range_low = static_cast<float>(manifest.range_low);
    weave.range_high = static_cast<float>(manifest.range_high);
    return weave;
  }

  /// Bytes that restoring with this grid adds to the process.
  std::int64_t work_bytes(int height, int width, const WeaveOptions& weave) const {
    const double pixels = double{1} * weave.grid.window_height * weave.grid.window_width;
    return static_cast<std::int64_t>(kWorkMargin * bytes_per_pixel * pixels) +
           weave_bytes(3, height, width, weave);
  }

  std::int64_t base_bytes() const {
    std::int64_t pending = inspector ? inspector->pending_bytes() : 0;
    const bool engine_runs = held_bytes > 0 || (inspector && pending == 0);
    if (!engine_runs) pending += kRuntimeBytes;
    if (held_bytes == 0)
      pending += engine::kWeightCopies * static_cast<std::int64_t>(engine.weight_bytes());
    return resident_bytes() - held_bytes + pending;
  }

  void check(int height, int width, const RestoreOptions& options) const;
  Grid grid_within(int height, int width, const RestoreOptions& options, std::int64_t budget,
                   std::int64_t max_pixels) const;
  RestorePlan plan(int height, int width, const RestoreOptions& options,
                   std::int64_t max_pixels) const;
  std::future<void> prepare_ahead(int height, int width, const RestoreOptions& options);
  double look_at(const image::Image& source, const RestoreOptions& options, RestoreReport& report);
  void restore_part(image::Image& part, const RestoreOptions& options,
                    const ProgressCallback& progress);
  void release();
};

/// The engine behind weave's door.
class Restorer::State::EngineGraph : public Graph {
 public:
  explicit EngineGraph(State& state) : state_(state) {}
  void prepare(int, int height, int width) override {
    state_.engine.prepare(window_shapes(state_.manifest, height, width));
    if (!state_.manifest.condition) return;
    std::copy(state_.condition.begin(), state_.condition.end(),
              state_.engine.input(kConditionInput).begin());
  }
  void release() override { state_.release(); }
  std::span<float> input() override { return state_.engine.input(kPictureInput); }
  void run() override { state_.engine.run(); }
  std::span<const float> output() const override { return state_.engine.output(); }

 private:
  State& state_;
};

/// Errors: Usage, for options that are impossible whatever the picture shows.
void Restorer::State::check(int height, int width, const RestoreOptions& options) const {
  constexpr int kMaxOverlapPx = 1 << 16;
  CHIARO_CHECK(options.tile_px >= 0 && options.max_memory_bytes >= 0 && options.overlap_px >= -1 &&
                   options.overlap_px <= kMaxOverlapPx,
               Usage, "[restore.plan] impossible tile, overlap or memory limit; got {}, {}, {}",
               options.tile_px, options.overlap_px, options.max_memory_bytes);
  const int around = overlap(options);
  const int smallest = 2 * around + 2 * manifest.alignment_px;
  const int padded = round_up(std::max(height, width), manifest.alignment_px);
  CHIARO_CHECK(
      options.tile_px == 0 || options.tile_px >= std::min(smallest, padded), Usage,
      "[restore.plan] the tile is too small for an overlap of {}; got {}; expected at least {}",
      around, options.tile_px, smallest);
}

/// The best grid within the budget and the window size; rows == 0 if there is none.
Grid Restorer::State::grid_within(int height, int width, const RestoreOptions& options,
                                  std::int64_t budget, std::int64_t max_pixels) const {
  const int alignment = manifest.alignment_px;
  const int padded_height = round_up(height, alignment);
  const int padded_width = round_up(width, alignment);
  const int around = overlap(options);
  const int max_side = options.tile_px == 0 ? std::numeric_limits<int>::max() : options.tile_px;
  WeaveOptions weave = weave_options(options);
  for (;;) {
    weave.grid = plan_grid(padded_height, padded_width, around, alignment, max_pixels, max_side);
    if (weave.grid.rows == 0 || work_bytes(height, width, weave) <= budget) return weave.grid;
    const std::int64_t pixels = std::int64_t{weave.grid.window_height} * weave.grid.window_width;
    max_pixels = std::max<std::int64_t>(1, pixels - pixels / 10 - 1);
  }
}

RestorePlan Restorer::State::plan(int height, int width, const RestoreOptions& options,
                                  std::int64_t max_pixels) const {
  CHIARO_CHECK(height > 0 && width > 0, Usage, "[restore.plan] a picture of {} x {} pixels", width,
               height);
  check(height, width, options);
  const std::int64_t base = base_bytes();
  std::int64_t budget = std::numeric_limits<std::int64_t>::max();
  if (options.max_memory_bytes > 0) {
    budget = options.max_memory_bytes - base;
  } else if (options.tile_px == 0) {
    const std::int64_t available = available_memory_bytes();
    budget = available > 0 ? std::min(kDefaultWorkBytes, available / 2) : kDefaultWorkBytes;
  }
  WeaveOptions weave = weave_options(options);
  weave.grid = grid_within(height, width, options, budget, max_pixels);
  if (weave.grid.rows == 0) {
    // The smallest tiles: what is taken where nobody set a limit, and what the message names where
    // somebody did.
    const int smallest = 2 * overlap(options) + 2 * manifest.alignment_px;
    weave.grid =
        plan_grid(round_up(height, manifest.alignment_px), round_up(width, manifest.alignment_px),
                  overlap(options), manifest.alignment_px, std::numeric_limits<std::int64_t>::max(),
                  smallest);
    const auto needed = static_cast<double>(base + work_bytes(height, width, weave));
    CHIARO_CHECK(options.max_memory_bytes == 0, Resource,
                 "[restore.plan] the memory limit is too small for a picture of {} x {}; got {} "
                 "MiB; expected at "
                 "least {:.0f} MiB",
                 width, height, options.max_memory_bytes / kMebibyte,
                 std::ceil(needed / kMebibyte));
  }
  return {.window_height_px = weave.grid.window_height,
          .window_width_px = weave.grid.window_width,
          .overlap_px = overlap(options),
          .rows = weave.grid.rows,
          .columns = weave.grid.columns,
          .predicted_peak_bytes = base + work_bytes(height, width, weave)};
}

/// Prepares the network in a thread of its own, so that the controller is prepared beside it and
/// not before. Not where a memory limit was set: what two preparations take for a moment is in no
/// plan. An empty future if there is nothing to gain. Nobody asks it: what fails there fails again
/// where it is told, or where smaller tiles are tried.
std::future<void> Restorer::State::prepare_ahead(int height, int width,
                                                 const RestoreOptions& options) {
  const bool both = inspector && inspector->pending_bytes() > 0 && !options.stated;
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

/// Settles what the network is told of the picture. Returns the strength to restore with.
double Restorer::State::look_at(const image::Image& source, const RestoreOptions& options,
                                RestoreReport& report) {
  report.blind = !options.stated.has_value();
  if (!manifest.condition) return options.strength;
  if (options.stated) {
    condition = stated_condition(*options.stated, *manifest.condition);
    return options.strength;
  }
  report.inspection = inspector->inspect(source);
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

void Restorer::State::restore_part(image::Image& part, const RestoreOptions& options,
                                   const ProgressCallback& progress) {
  const int height = part.height();
  const int width = part.width();
  const auto grid_of = [&](std::int64_t max_pixels) {
    const RestorePlan chosen = plan(height, width, options, max_pixels);
    const Grid grid{chosen.window_height_px, chosen.window_width_px, chosen.rows, chosen.columns};
    WeaveOptions weave = weave_options(options);
    weave.grid = grid;
    held_bytes = std::max<std::int64_t>(1, work_bytes(height, width, weave));
    return grid;
  };
  EngineGraph graph(*this);
  const std::size_t unusable =
      weave_with_retries(part, graph, weave_options(options), grid_of, progress);
  if (unusable > 0) {
    spdlog::warn("the network gave {} values that are not finite; the input's stand in their place",
                 unusable);
  }
}

void Restorer::State::release() {
  engine.release();
  held_bytes = 0;
  return_free_memory();
}

Restorer::Restorer(bundle::Bundle bundle, engine::EngineOptions options) {
  CHIARO_CHECK(bundle.manifest.kind == "restore", Bundle,
               "[restore.open] bundle '{}' does not restore pictures; its kind is '{}'",
               bundle.origin, bundle.manifest.kind);
  state_ = std::make_unique<State>(std::move(bundle), options);
}

Restorer::~Restorer() = default;
Restorer::Restorer(Restorer&&) noexcept = default;
Restorer& Restorer::operator=(Restorer&&) noexcept = default;

const bundle::Manifest& Restorer::manifest() const {
  return state_->manifest;
}

engine::Precision Restorer::precision() const {
  return state_->engine.precision();
}

int Restorer::threads() const {
  return state_->engine.threads();
}

void Restorer::release_memory() {
  state_->release();
}

Inspection Restorer::inspect(const image::Image& picture) {
  CHIARO_CHECK(
      state_->inspector.has_value(), Bundle,
      "[restore.inspect] bundle '{}' has no controller; it cannot say what is wrong with a "
      "picture",
      state_->origin);
  return state_->inspector->inspect(picture);
}

RestorePlan Restorer::plan(int height, int width, const RestoreOptions& options) const {
  return state_->plan(height, width, options, std::numeric_limits<std::int64_t>::max());
}

image::Image Restorer::restore(image::Image source, const RestoreOptions& wanted,
                               const ProgressCallback& progress, RestoreReport* report) {
  State& state = *state_;
  RestoreOptions options = wanted;
  CHIARO_CHECK(!source.empty(), Usage, "[restore.restore] the picture is empty");
  CHIARO_CHECK(options.strength >= 0 && options.strength <= 1, Usage,
               "[restore.restore] impossible strength; got {}; expected 0 to 1", options.strength);
  CHIARO_CHECK(options.strength == 1 || state.manifest.scale == 1, Usage,
               "[restore.restore] a strength below 1 needs a bundle of scale 1; '{}' has scale {}",
               state.origin, state.manifest.scale);
  const bool guided = options.stated.has_value() || options.guard == GuardMode::Strict;
  CHIARO_CHECK(!guided || state.manifest.condition, Usage,
               "[restore.restore] bundle '{}' has no controller: it cannot be told what is wrong, "
               "nor guard strictly",
               state.origin);
  CHIARO_CHECK(!options.stated || options.guard != GuardMode::Strict, Usage,
               "[restore.restore] damages that are stated leave nothing to guard strictly");
  if (const std::size_t replaced = replace_not_finite(source); replaced > 0) {
    spdlog::warn("{} values of the picture were not finite and have been replaced", replaced);
  }
  if (options.alpha == AlphaMode::Drop) source.alpha = {};
  RestoreReport seen;
  state.check(source.height(), source.width(), options);
  if (options.strength > 0) {
    const auto prepared = state.prepare_ahead(source.height(), source.width(), options);
    options.strength = state.look_at(source, options, seen);
  }
  seen.strength = options.strength;
  if (report != nullptr) *report = std::move(seen);
  if (options.strength == 0) {
    CHIARO_CHECK(!progress || progress(1.0), Interrupted, "[restore.restore] stopped");
    return source;
  }
  for (float& value : source.pixels()) value = std::clamp(value, 0.0F, 1.0F);
  fill_hidden_colors(source);

  const bool split = state.channels == 1 && source.channels() == 3;
  const bool with_alpha = options.alpha == AlphaMode::Restore && !source.alpha.empty();
  const int passes = (split ? 3 : 1) + (with_alpha ? 1 : 0);
  int pass = 0;
  const auto restore_part = [&](image::Image& part) {
    state_->restore_part(
        part, options, [&](double done) { return !progress || progress((pass + done) / passes); });
    ++pass;
  };

  const int height = source.height();
  const int width = source.width();
  std::vector<float> alpha = std::move(source.alpha);
  source.alpha = {};
  if (!split) {
    restore_part(source);
  } else {
    image::Image joined;
    for (int channel = 0; channel < 3; ++channel) {
      auto part = grey_picture(source.plane(channel), height, width);
      restore_part(part);
      if (channel == 0) joined = image::Image(3, part.height(), part.width());
      std::copy(part.pixels().begin(), part.pixels().end(), joined.plane(channel).begin());
    }
    joined.metadata = std::move(source.metadata);
    joined.sample_type = source.sample_type;
    source = std::move(joined);
  }
  if (with_alpha) {
    auto part = grey_picture(alpha, height, width);
    restore_part(part);
    alpha.assign(part.pixels().begin(), part.pixels().end());
  } else if (!alpha.empty() && state.manifest.scale != 1) {
    alpha = enlarged_plane(alpha, height, width, state.manifest.scale);
  }
  source.alpha = std::move(alpha);
  return source;
}

Restorer open_restorer(std::string_view name_or_path, const engine::EngineOptions& options) {
  return Restorer(bundle::read_bundle(find_bundle(name_or_path)), options);
}

}  // namespace chiaro::restore
