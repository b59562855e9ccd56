#include "chiaro/restore/picture_encoder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {
namespace {

/// Values of a code before this part.
std::size_t values_before(const std::vector<bundle::CodePart>& parts, std::size_t part) {
  return static_cast<std::size_t>(std::accumulate(
      parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(part), std::int64_t{0},
      [](std::int64_t sum, const bundle::CodePart& one) { return sum + one.width; }));
}

/// Brings the values to length 1; false where that is impossible.
bool normalise(std::vector<float>& values) {
  double square = 0;
  for (const float value : values) square += double{value} * double{value};
  if (!std::isfinite(square) || square <= 0) return false;
  for (float& value : values) value = static_cast<float>(value / std::sqrt(square));
  return true;
}

}  // namespace

CodeViews code_views(image::Image picture, const bundle::CodeInfo& info) {
  CHIARO_CHECK(!picture.empty(), Usage, "[restore.encode] the picture is empty");
  image::sanitize(picture);
  const auto is_whole = [](const bundle::CodePart& part) { return part.whole; };
  CodeViews views;
  if (std::ranges::any_of(info.parts, is_whole)) views.square = square_view(picture, info.whole_px);
  if (!std::ranges::all_of(info.parts, is_whole))
    views.native = native_views(picture, info.view_px, info.max_views);
  return views;
}

const bundle::CodeInfo& code_info(const bundle::Manifest& manifest, const std::string& origin) {
  CHIARO_CHECK(manifest.kind == "encode" && manifest.code.has_value(), Bundle,
               "[restore.encode] bundle '{}' describes no codes of pictures; got kind '{}'; "
               "expected an encoder's bundle, as `chiaro freeze` writes of a run of dcodr or hcsc",
               origin, manifest.kind);
  return *manifest.code;
}

std::size_t find_code_part(const bundle::CodeInfo& info, std::string_view name,
                           const std::string& origin) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < info.parts.size(); ++i) {
    if (info.parts[i].name == name) return i;
    known.push_back(info.parts[i].name);
  }
  fail(ErrorCode::Usage, "[restore.encode] the codes of '{}' have no part '{}'; expected {}",
       origin, name, join(known, " or "));
}

PictureEncoder::PictureEncoder(const bundle::Bundle& bundle, std::string_view part,
                               engine::EngineOptions options)
    : origin_(bundle.origin),
      info_(code_info(bundle.manifest, bundle.origin)),
      part_(find_code_part(info_, part, origin_)),
      engine_(bundle.member(bundle::kEncodeMember), engine::in_f32(std::move(options)),
              bundle.origin) {
  const auto inputs = engine_.input_names();
  const auto outputs = engine_.output_names();
  CHIARO_CHECK(
      inputs == std::vector<std::string>{"input"} && outputs == std::vector<std::string>{"code"},
      Bundle, "[restore.encode] '{}': {} takes {} and gives {}; expected input and code", origin_,
      bundle::kEncodeMember, fmt::join(inputs, ", "), fmt::join(outputs, ", "));
  const auto shape = engine_.stated_input_shape("input");
  CHIARO_CHECK(shape.size() == 4, Bundle,
               "[restore.encode] '{}': the input of {} has {} sides; expected 4", origin_,
               bundle::kEncodeMember, shape.size());
}

std::vector<float> PictureEncoder::code(const image::Image& picture) {
  bundle::CodeInfo own = info_;
  own.parts = {info_.parts[part_]};
  const CodeViews views = code_views(picture, own);
  return part_of(own.parts[0].whole ? run({&views.square, 1}) : run(views.native), part_);
}

std::vector<float> PictureEncoder::codes(const CodeViews& views) {
  std::vector<float> square;
  std::vector<float> native;
  if (!views.square.empty()) square = run({&views.square, 1});
  if (!views.native.empty()) native = run(views.native);
  std::vector<float> all;
  for (std::size_t i = 0; i < info_.parts.size(); ++i) {
    const auto part = part_of(info_.parts[i].whole ? square : native, i);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// The rows of the graph's output for views of one size, one behind the other.
std::vector<float> PictureEncoder::run(std::span<const image::Image> views) {
  engine_.prepare(static_cast<std::int64_t>(views.size()), 3, views.front().height(),
                  views.front().width());
  float* place = engine_.input().data();
  for (const image::Image& view : views) {
    const auto pixels = view.pixels();
    place = std::copy(pixels.begin(), pixels.end(), place);
  }
  engine_.run();
  const auto rows = engine_.output();
  const auto width = static_cast<std::size_t>(info_.width());
  CHIARO_CHECK(rows.size() == views.size() * width, Bundle,
               "[restore.encode] '{}': {} gives {} values for {} views; expected {} each", origin_,
               bundle::kEncodeMember, rows.size(), views.size(), width);
  return {rows.begin(), rows.end()};
}

/// The part in each row, brought to length 1; their mean, brought to length 1.
std::vector<float> PictureEncoder::part_of(std::span<const float> rows, std::size_t part) const {
  const auto width = static_cast<std::size_t>(info_.width());
  const std::size_t start = values_before(info_.parts, part);
  CHIARO_CHECK(!rows.empty(), Internal, "[restore.encode] no views for the part '{}'",
               info_.parts[part].name);
  std::vector<float> sum(static_cast<std::size_t>(info_.parts[part].width), 0.0F);
  bool sound = true;
  for (std::size_t row = 0; row < rows.size(); row += width) {
    const auto own = rows.subspan(row + start, sum.size());
    std::vector<float> one(own.begin(), own.end());
    sound = sound && normalise(one);
    std::transform(sum.begin(), sum.end(), one.begin(), sum.begin(), std::plus<>());
  }
  CHIARO_CHECK(sound && normalise(sum), Bundle,
               "[restore.encode] '{}': what {} gives is no code; expected finite values that are "
               "not all 0",
               origin_, bundle::kEncodeMember);
  return sum;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  CHIARO_CHECK(a.size() == b.size(), Internal, "[restore.cosine] codes of {} and {} values",
               a.size(), b.size());
  // Sums beside each other, which a processor works on at once; one alone waits for each addition.
  constexpr std::size_t kSums = 8;
  std::array<double, kSums> sums{};
  const std::size_t even = a.size() / kSums * kSums;
  for (std::size_t i = 0; i < even; i += kSums)
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += double{a[i + k]} * double{b[i + k]};
  for (std::size_t i = even; i < a.size(); ++i) sums[0] += double{a[i]} * double{b[i]};
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace chiaro::restore
