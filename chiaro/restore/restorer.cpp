#include "chiaro/restore/restorer.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/restore/bundle_search.h"
#include "chiaro/restore/grain.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/restorer_state.h"

namespace chiaro::restore {

namespace {

/// The coloured picture with each channel restored by itself; at scale 1 where the source was.
image::Image by_channels(image::Image source, int scale,
                         const std::function<void(image::Image& plane)>& restore) {
  image::Image enlarged;
  if (scale != 1) {
    enlarged = image::Image(source.channels(), source.height() * scale, source.width() * scale);
    enlarged.metadata = std::move(source.metadata);
    enlarged.sample_type = source.sample_type;
  }
  for (int channel = 0; channel < source.channels(); ++channel) {
    auto part = grey_picture(source.plane(channel), source.height(), source.width());
    restore(part);
    auto result = scale == 1 ? source.plane(channel) : enlarged.plane(channel);
    std::ranges::copy(part.pixels(), result.begin());
  }
  return scale == 1 ? std::move(source) : std::move(enlarged);
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

void Restorer::keep_prepared() {
  state_->engine.keep_prepared();
  if (state_->inspector) state_->inspector->keep_prepared();
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

RestorePlan Restorer::plan(int height, int width, const RestoreOptions& options,
                           std::int64_t undecoded_bytes) const {
  return state_->plan(height, width, options, std::numeric_limits<std::int64_t>::max(),
                      undecoded_bytes);
}

image::Image Restorer::restore(image::Image source, const RestoreOptions& wanted,
                               const ProgressCallback& progress, RestoreReport* report) {
  State& state = *state_;
  RestoreOptions options = wanted;
  CHIARO_CHECK(!source.empty(), Usage, "[restore.restore] the picture is empty");
  state.check_options(source.channels(), options);
  const Survey survey = replace_not_finite(source);
  warn_of_replaced(survey.not_finite);
  if (options.alpha == AlphaMode::Drop) std::vector<float>().swap(source.alpha);
  RestoreReport seen;
  state.check_tiles(source.height(), source.width(), options);
  // After the look less of the runtime's memory is resident than it will take once more.
  if (options.strength > 0 && options.max_memory_bytes > 0)
    options.max_window_pixels =
        plan(source.height(), source.width(), options, hidden_color_bytes(source)).window_pixels();
  if (options.strength > 0) {
    const auto prepared = state.prepare_ahead(source.height(), source.width(), options);
    if (!options.range) options.range = survey.all_in_unit_range ? SeenRange{} : range_of(source);
    options.strength = state.settle_condition(
        [&] {
          const bool guarded = options.guard != GuardMode::Off;
          return state.inspector->inspect(source, *options.range, guarded);
        },
        options, seen);
  }
  seen.strength = options.strength;
  if (report != nullptr) *report = std::move(seen);
  if (options.strength == 0) {
    CHIARO_CHECK(!progress || progress(1.0), Interrupted, "[restore.restore] stopped");
    return source;
  }
  if (!survey.all_in_unit_range) limit_to(*options.range, source);
  const bool same_alpha = options.alpha == AlphaMode::Keep && state.manifest.scale == 1;
  const HiddenColors hidden = same_alpha ? HiddenColors(source) : HiddenColors();
  fill_hidden_colors(source);

  const bool split = state.channels == 1 && source.channels() == 3;
  const bool with_alpha = options.alpha == AlphaMode::Restore && !source.alpha.empty();
  const int passes = (split ? 3 : 1) + (with_alpha ? 1 : 0);
  int pass = 0;
  std::optional<RestorePlan> chosen;
  const auto restore_part = [&](image::Image& part) {
    const RestorePlan kept_to = state_->restore_part(part, options, chosen, [&](double done) {
      return !progress || progress((pass + done) / passes);
    });
    if (!chosen) chosen = kept_to;
    ++pass;
  };

  const int height = source.height();
  const int width = source.width();
  std::vector<float> alpha = std::move(source.alpha);
  source.alpha = {};
  if (!split) {
    restore_part(source);
  } else {
    source = by_channels(std::move(source), state.manifest.scale, restore_part);
  }
  if (with_alpha) {
    options.keep_grain = 0;
    options.range = SeenRange{};
    auto part = grey_picture(alpha, height, width);
    restore_part(part);
    alpha.assign(part.pixels().begin(), part.pixels().end());
  } else if (!alpha.empty() && state.manifest.scale != 1) {
    alpha = enlarged_plane(alpha, height, width, state.manifest.scale);
  }
  source.alpha = std::move(alpha);
  hidden.put_back(source);
  if (report != nullptr) report->plan = chosen;
  return source;
}

void Restorer::expect_possible(const RestoreOptions& options) const {
  state_->check_options(state_->channels, options);
}

int reach_px(const bundle::Manifest& manifest, const RestoreOptions& options) {
  return manifest.receptive_field_px / 2 + (options.keep_grain > 0 ? kGrainReachPx : 0);
}

void expect_within_limit(const Restorer& restorer, const image::Probe& picture,
                         const RestoreOptions& options) {
  if (options.max_memory_bytes == 0) return;
  const std::int64_t values = std::int64_t{picture.width} * picture.height * picture.channels;
  (void)restorer.plan(picture.height, picture.width, options,
                      values * static_cast<std::int64_t>(sizeof(float)));
}

Restorer open_restorer(std::string_view name_or_path, const engine::EngineOptions& options) {
  return Restorer(bundle::read_bundle(find_bundle(name_or_path)), options);
}

}  // namespace chiaro::restore
