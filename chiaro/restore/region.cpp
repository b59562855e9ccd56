#include "chiaro/restore/region.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/restore/tiling.h"

namespace chiaro::restore {
namespace {

image::Image cut(const image::Image& picture, const Region& region) {
  return image::crop(picture, region.y, region.x, region.height, region.width);
}

/// `region` of a picture that begins at the corner of `around`, both times scale.
Region within(const Region& region, const Region& around, int scale) {
  return {(region.x - around.x) * scale, (region.y - around.y) * scale, region.width * scale,
          region.height * scale};
}

/// The alpha plane as a picture of its own.
image::Image alpha_picture(const image::Image& picture) {
  image::Image result(1, picture.height(), picture.width());
  std::ranges::copy(picture.alpha, result.pixels().begin());
  return result;
}

/// The symmetry that undoes this one: flips undo themselves; behind a transposition, left–right and
/// top–bottom have changed places.
int inverse(int symmetry) {
  if ((symmetry & 4) == 0) return symmetry;
  return 4 | (symmetry & 1) << 1 | (symmetry & 2) >> 1;
}

/// Where a region of the picture lies in its mirror image (see image::dihedral).
Region turned(const Region& region, int height, int width, int symmetry) {
  Region result = region;
  if ((symmetry & 1) != 0) result.x = width - region.x - region.width;
  if ((symmetry & 2) != 0) result.y = height - region.y - region.height;
  if ((symmetry & 4) != 0) {
    std::swap(result.x, result.y);
    std::swap(result.width, result.height);
  }
  return result;
}

void add(std::span<float> sum, std::span<const float> values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

/// The picture in one of its symmetries; what happens to its values is said of the first alone.
image::Image turned(const image::Image& source, int symmetry) {
  if (symmetry == 0) return source;
  return already_noted(image::dihedral(source, symmetry));
}

/// The mean over the symmetries of `restored(symmetry)`, which is turned back here.
image::Image mean_of_eight(const std::function<image::Image(int symmetry)>& restored) {
  constexpr int kSymmetries = 8;
  image::Image sum = restored(0);
  for (int symmetry = 1; symmetry < kSymmetries; ++symmetry) {
    const image::Image one = image::dihedral(restored(symmetry), inverse(symmetry));
    add(sum.pixels(), one.pixels());
    add(sum.alpha, one.alpha);
  }
  for (float& value : sum.pixels()) value /= kSymmetries;
  for (float& value : sum.alpha) value /= kSymmetries;
  return sum;
}

/// Of the eighth that begins at `symmetry`.
ProgressCallback eighth(const ProgressCallback& progress, int symmetry) {
  if (!progress) return {};
  return [&progress, symmetry](double done) { return progress((symmetry + done) / 8); };
}

}  // namespace

Region parse_region(std::string_view text) {
  std::array<int, 4> numbers{};
  const auto parts = split(text, ',');
  bool good = parts.size() == numbers.size();
  for (std::size_t i = 0; good && i < numbers.size(); ++i) {
    const std::string_view part = trim(parts[i]);
    const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), numbers[i]);
    good =
        failed == std::errc() && end == part.data() + part.size() && numbers[i] >= (i < 2 ? 0 : 1);
  }
  CHIARO_CHECK(good, Usage,
               "[restore.parse_region] no region; got '{}'; expected x,y,width,height in pixels, "
               "width and height above 0",
               text);
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

Part with_context(const Region& region, int height, int width, const bundle::Manifest& manifest,
                  int reach) {
  const int alignment = manifest.alignment_px;
  const Margin margin = margin_of(manifest, height, width);
  struct Span {
    int begin;
    int end;
  };
  const auto grown = [&](int begin, int size, int length, int before, int after) {
    // Windows of the whole picture begin at multiples of the alignment, from the margin's begin.
    const auto window_before = [&](int at) {
      return std::max(0, round_down(std::max(0, at + before), alignment) - before);
    };
    Span span{window_before(begin - reach),
              round_up(begin + size + reach + before, alignment) - before};
    if (span.end < length) return span;
    // What is mirrored behind the picture comes from its last pixels: there must be enough of them.
    const int mirrored = after + alignment;
    return Span{std::min(span.begin, window_before(length - mirrored)), length};
  };
  const Span x = grown(region.x, region.width, width, margin.left, margin.right);
  const Span y = grown(region.y, region.height, height, margin.top, margin.bottom);
  return {.region = {x.begin, y.begin, x.end - x.begin, y.end - y.begin},
          .margin = {.top = y.begin == 0 ? margin.top : 0,
                     .bottom = y.end == height ? margin.bottom : 0,
                     .left = x.begin == 0 ? margin.left : 0,
                     .right = x.end == width ? margin.right : 0}};
}

bool is_local(const Restorer& restorer, const RestoreOptions& options) {
  const bundle::Manifest& manifest = restorer.manifest();
  return !manifest.global_statistics &&
         (options.overlap_px < 0 || options.overlap_px >= reach_px(manifest, options));
}

RestoreOptions for_parts_of(const image::Image& picture, Restorer& restorer,
                            const RestoreOptions& options) {
  RestoreOptions result = options;
  const bool asks =
      restorer.manifest().condition && !options.stated && !options.seen && options.strength > 0;
  if (!asks) return result;
  // As Restorer::restore does before it asks.
  const auto finite = [](float value) { return std::isfinite(value); };
  const bool drops = options.alpha == AlphaMode::Drop && !picture.alpha.empty();
  if (!drops && std::ranges::all_of(picture.pixels(), finite) &&
      std::ranges::all_of(picture.alpha, finite)) {
    result.seen = restorer.inspect(picture);
    return result;
  }
  image::Image seen = picture;
  replace_not_finite(seen);
  if (drops) std::vector<float>().swap(seen.alpha);
  result.seen = restorer.inspect(seen);
  return result;
}

Parts::Parts(Restorer& restorer, image::Image source, const std::vector<Region>& regions,
             const RestoreOptions& options)
    : restorer_(restorer), source_(std::move(source)) {
  const bundle::Manifest& manifest = restorer_.manifest();
  options_ = for_parts_of(source_, restorer_, options);
  const bool found_clean = options_.seen && options_.guard != GuardMode::Off &&
                           manifest.scale == 1 &&
                           judge(*options_.seen, *manifest.condition).strength == 0;
  left_alone_ = options_.strength == 0 || found_clean;
  if (!left_alone_) {
    const Survey survey = replace_not_finite(source_);
    warn_of_replaced(survey.not_finite);
    if (options_.alpha == AlphaMode::Drop) std::vector<float>().swap(source_.alpha);
    if (!options_.range)
      options_.range = survey.all_in_unit_range ? SeenRange{} : range_of(source_);
    if (!survey.all_in_unit_range) limit_to(*options_.range, source_);
  }
  const bool puts_back = !left_alone_ && options_.alpha == AlphaMode::Keep && manifest.scale == 1;
  for (const Region& region : regions)
    wanted_.push_back({region, puts_back ? HiddenColors(cut(source_, region)) : HiddenColors()});
  // Colours under transparency come from the nearest visible pixel, which may be in no region.
  if (!left_alone_) fill_hidden_colors(source_);
}

void Parts::leave_alpha_out() {
  std::vector<float>().swap(source_.alpha);
}

image::Image Parts::restore(std::size_t index, const ProgressCallback& progress,
                            RestoreReport* report) const {
  const auto& [region, hidden] = wanted_.at(index);
  if (left_alone_) return restorer_.restore(cut(source_, region), options_, progress, report);
  const bundle::Manifest& manifest = restorer_.manifest();
  const auto [around, margin] = with_context(region, source_.height(), source_.width(), manifest,
                                             reach_px(manifest, options_));
  RestoreOptions options = options_;
  options.margin = margin;
  image::Image part = cut(source_, around);
  image::Image alpha =
      part.alpha.empty() || options.alpha == AlphaMode::Drop ? image::Image() : alpha_picture(part);
  std::vector<float>().swap(part.alpha);
  const Region inner = within(region, around, manifest.scale);
  image::Image result = cut(restorer_.restore(std::move(part), options, progress, report), inner);
  if (alpha.empty()) return result;
  const image::Image plane = cut(restored_alpha(std::move(alpha), options, progress), inner);
  result.alpha.assign(plane.pixels().begin(), plane.pixels().end());
  hidden.put_back(result);
  return result;
}

image::Image Parts::restored_alpha(image::Image alpha, RestoreOptions options,
                                   const ProgressCallback& progress) const {
  if (options.alpha == AlphaMode::Restore) {
    options.keep_grain = 0;
    options.range = SeenRange{};
    return restorer_.restore(std::move(alpha), options, progress);
  }
  if (restorer_.manifest().scale == 1) return alpha;
  const int scale = restorer_.manifest().scale;
  const std::vector<float> plane(alpha.pixels().begin(), alpha.pixels().end());
  const auto enlarged = enlarged_plane(plane, alpha.height(), alpha.width(), scale);
  image::Image result(1, alpha.height() * scale, alpha.width() * scale);
  std::ranges::copy(enlarged, result.pixels().begin());
  return result;
}

image::Image restore_region(Restorer& restorer, image::Image source, const Region& region,
                            const RestoreOptions& options, const ProgressCallback& progress,
                            RestoreReport* report) {
  CHIARO_CHECK(region.x >= 0 && region.y >= 0 && region.width > 0 && region.height > 0 &&
                   region.width <= source.width() - region.x &&
                   region.height <= source.height() - region.y,
               Usage,
               "[restore.restore_region] the region leaves the picture; got {},{},{},{} of {} x {} "
               "pixels",
               region.x, region.y, region.width, region.height, source.width(), source.height());
  if (!is_local(restorer, options)) {
    const Region whole{0, 0, source.width(), source.height()};
    return cut(restorer.restore(std::move(source), options, progress, report),
               within(region, whole, restorer.manifest().scale));
  }
  return Parts(restorer, std::move(source), {region}, options).restore(0, progress, report);
}

image::Image already_noted(image::Image source) {
  replace_not_finite(source);
  return source;
}

image::Image restore_ensemble(const image::Image& source, const RestoreFunction& restore,
                              const ProgressCallback& progress) {
  return mean_of_eight(
      [&](int symmetry) { return restore(turned(source, symmetry), eighth(progress, symmetry)); });
}

image::Image restore_region_ensemble(Restorer& restorer, const image::Image& source,
                                     const Region& region, const RestoreOptions& options,
                                     const ProgressCallback& progress, RestoreReport* report) {
  return mean_of_eight([&](int symmetry) {
    return restore_region(restorer, turned(source, symmetry),
                          turned(region, source.height(), source.width(), symmetry), options,
                          eighth(progress, symmetry), symmetry == 0 ? report : nullptr);
  });
}

}  // namespace chiaro::restore
