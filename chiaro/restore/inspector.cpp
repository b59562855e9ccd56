#include "chiaro/restore/inspector.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {
namespace {

constexpr double kSumTolerance = 1e-3;

const bundle::ConditionInfo& condition_of(const bundle::Bundle& bundle) {
  CHIARO_CHECK(
      bundle.manifest.condition.has_value(), Bundle,
      "[restore.inspect] bundle '{}' has no controller; it cannot say what is wrong with a "
      "picture",
      bundle.origin);
  return *bundle.manifest.condition;
}

/// In float32, and without ado: it sees little, and mostly once.
engine::EngineOptions as_controller(engine::EngineOptions options) {
  options.soon = true;
  return engine::in_f32(std::move(options));
}

bool agrees(const std::vector<std::int64_t>& stated, std::initializer_list<std::int64_t> expected) {
  if (stated.empty()) return true;
  return std::equal(
      stated.begin(), stated.end(), expected.begin(), expected.end(),
      [](std::int64_t got, std::int64_t want) { return got == 0 || want == 0 || got == want; });
}

void check_names(std::vector<std::string> got, std::vector<std::string> expected, const char* what,
                 const std::string& origin) {
  std::sort(got.begin(), got.end());
  std::sort(expected.begin(), expected.end());
  CHIARO_CHECK(got == expected, Bundle,
               "[restore.open] '{}': {} has the wrong {}; got {}; expected {}", origin,
               bundle::kConditionMember, what, fmt::join(got, ", "), fmt::join(expected, ", "));
}

/// Compares the graph's doors with the manifest, as far as the graph states their sizes.
void check_graph(const engine::Engine& engine, const bundle::ConditionInfo& info,
                 const std::string& origin) {
  check_names(engine.input_names(), {"views", "whole"}, "inputs", origin);
  auto outputs = engine.output_names();
  // One that names no domains may give the output all the same.
  if (info.domains.empty()) std::erase(outputs, "domain");
  std::vector<std::string> needed{"condition", "novelty"};
  if (!info.domains.empty()) needed.emplace_back("domain");
  check_names(outputs, needed, "outputs", origin);
  const auto check = [&](const char* name, const std::vector<std::int64_t>& stated,
                         std::initializer_list<std::int64_t> expected) {
    CHIARO_CHECK(agrees(stated, expected), Bundle,
                 "[restore.open] '{}': '{}' of {} does not fit the manifest; got ({}); expected "
                 "({}), where 0 is free",
                 origin, name, bundle::kConditionMember, fmt::join(stated, ", "),
                 fmt::join(expected, ", "));
  };
  check("views", engine.stated_input_shape("views"), {0, 3, info.view_px, info.view_px});
  check("whole", engine.stated_input_shape("whole"), {1, 3, 0, 0});
  check("condition", engine.stated_output_shape("condition"), {1, info.width()});
  check("novelty", engine.stated_output_shape("novelty"), {1, 1});
  if (!info.domains.empty()) {
    check("domain", engine.stated_output_shape("domain"),
          {1, static_cast<std::int64_t>(info.domains.size())});
  }
}

std::vector<engine::NamedShape> shapes_of(std::size_t views, int view_px, int whole_height,
                                          int whole_width) {
  return {{"views", {static_cast<std::int64_t>(views), 3, view_px, view_px}},
          {"whole", {1, 3, whole_height, whole_width}}};
}

constexpr int kLeftRight = 1;  // of image::dihedral

float* put(const image::Image& picture, float* target) {
  const auto pixels = picture.pixels();
  // A comparison with NaN is false, so NaN becomes 0.
  return std::transform(pixels.begin(), pixels.end(), target,
                        [](float value) { return value > 0 ? std::min(value, 1.0F) : 0.0F; });
}

/// The picture as people see it (its hidden colours filled); `filled` holds it where that takes a
/// copy.
const image::Image& as_seen(const image::Image& picture, image::Image& filled) {
  if (picture.alpha.empty()) return picture;
  filled = picture;
  fill_hidden_colors(filled);
  return filled;
}

bool are_probabilities(std::span<const double> values) {
  const bool within = std::all_of(values.begin(), values.end(),
                                  [](double value) { return value >= -kSumTolerance; });
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return within && std::abs(sum - 1) <= kSumTolerance;
}

/// softmax(z/T) of what was softmax(z).
void calibrate(std::vector<double>& probabilities, double temperature) {
  if (temperature == 1) return;
  double sum = 0;
  for (double& p : probabilities) {
    p = std::pow(std::max(p, 0.0), 1 / temperature);
    sum += p;
  }
  for (double& p : probabilities) p /= sum;
}

template <typename Values>
void average(Values& values, const Values& others) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = (values[i] + others[i]) / 2;
}

/// What two looks say together, and how far they agree.
Inspection mean_of(Inspection first, const Inspection& second) {
  double apart = 0;
  for (std::size_t k = 0; k < first.probabilities.size(); ++k)
    apart += std::abs(first.probabilities[k] - second.probabilities[k]);
  first.looks += second.looks;
  first.agreement = std::clamp(1 - apart / 2, 0.0, 1.0);
  average(first.probabilities, second.probabilities);
  average(first.severities, second.severities);
  average(first.domains, second.domains);
  average(first.condition, second.condition);
  first.novelty = (first.novelty + second.novelty) / 2;
  return first;
}

}  // namespace

std::size_t Inspection::top() const {
  return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) -
                                  probabilities.begin());
}

std::vector<std::size_t> descending(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return order;
}

Inspector::Inspector(const bundle::Bundle& bundle, engine::EngineOptions options)
    : origin_(bundle.origin),
      info_(condition_of(bundle)),
      engine_(bundle.member(bundle::kConditionMember), as_controller(std::move(options)),
              bundle.origin) {
  check_graph(engine_, info_, origin_);
  const int largest = info_.whole_px + info_.whole_alignment_px - 1;
  const int side = largest - largest % info_.whole_alignment_px;
  work_bytes_ =
      static_cast<std::int64_t>(engine_.work_bytes(
          shapes_of(static_cast<std::size_t>(info_.max_views), info_.view_px, side, side))) +
      static_cast<std::int64_t>(2 * engine_.weight_bytes());  // laid out, and for a moment
}

void Inspector::release() {
  engine_.release();
  warm_ = false;
}

std::int64_t Inspector::pending_bytes() const {
  return warm_ ? 0 : work_bytes_;
}

Inspection Inspector::inspect(const image::Image& picture) {
  return inspect(picture, range_of(picture));
}

Inspection Inspector::inspect(const image::Image& picture, const SeenRange& range, bool ask_drawn) {
  CHIARO_CHECK(!picture.empty(), Usage, "[restore.inspect] the picture is empty");
  image::Image filled;
  const image::Image& seen = as_seen(picture, filled);
  const RangeCurve curve(range);
  if (curve.bends()) return inspect_bent(seen, curve, ask_drawn);
  Inspection found = inspect(native_views(seen, info_.view_px, info_.max_views),
                             whole_view(seen, info_.whole_px, info_.whole_alignment_px));
  if (ask_drawn) found.drawn = drawn_shares(seen);
  return found;
}

/// In strips, so that there is no second picture of the size.
Inspection Inspector::inspect_bent(const image::Image& picture, const RangeCurve& curve,
                                   bool ask_drawn) {
  constexpr int kRows = 64;
  ViewGatherer views(picture.height(), picture.width(), info_.view_px, info_.max_views,
                     info_.whole_px, info_.whole_alignment_px);
  DrawnDetector drawn;
  for (int y = 0; y < picture.height(); y += kRows) {
    image::Image strip =
        image::crop(picture, y, 0, std::min(kRows, picture.height() - y), picture.width());
    curve.show(strip.pixels());
    views.add(strip);
    if (ask_drawn) drawn.add(strip);
  }
  Inspection found = inspect(views.native(), views.whole());
  if (ask_drawn) found.drawn = drawn.shares();
  return found;
}

Inspection Inspector::inspect(const std::vector<image::Image>& views, const image::Image& whole) {
  const Inspection found = look(views, whole);
  if (found.probabilities[found.top()] >= kOneLookSuffices) return found;
  std::vector<image::Image> mirrored;
  for (const image::Image& view : views) mirrored.push_back(image::dihedral(view, kLeftRight));
  return mean_of(found, look(mirrored, image::dihedral(whole, kLeftRight)));
}

Inspection Inspector::look(const std::vector<image::Image>& views, const image::Image& whole) {
  engine_.prepare(shapes_of(views.size(), info_.view_px, whole.height(), whole.width()));
  warm_ = true;
  float* place = engine_.input("views").data();
  for (const image::Image& view : views) place = put(view, place);
  put(whole, engine_.input("whole").data());
  engine_.run();

  const auto condition = engine_.output("condition");
  const auto novelty = engine_.output("novelty");
  const std::size_t types = info_.types.size();
  CHIARO_CHECK(condition.size() == static_cast<std::size_t>(info_.width()) && novelty.size() == 1,
               Bundle,
               "[restore.inspect] '{}': {} gives a condition of {} values and a novelty of {}; "
               "expected {} and 1",
               origin_, bundle::kConditionMember, condition.size(), novelty.size(), info_.width());
  Inspection found;
  found.condition.assign(condition.begin(), condition.end());
  const auto middle = condition.begin() + static_cast<std::ptrdiff_t>(types);
  found.probabilities.assign(condition.begin(), middle);
  found.severities.assign(middle, middle + static_cast<std::ptrdiff_t>(types));
  found.novelty = novelty[0];
  if (!info_.domains.empty()) {
    const auto domains = engine_.output("domain");
    CHIARO_CHECK(domains.size() == info_.domains.size(), Bundle,
                 "[restore.inspect] '{}': {} gives {} domains; expected {}", origin_,
                 bundle::kConditionMember, domains.size(), info_.domains.size());
    found.domains.assign(domains.begin(), domains.end());
  }
  const bool finite = std::all_of(condition.begin(), condition.end(),
                                  [](float value) { return std::isfinite(value); });
  CHIARO_CHECK(finite && !std::isnan(found.novelty) && are_probabilities(found.probabilities) &&
                   (found.domains.empty() || are_probabilities(found.domains)),
               Bundle,
               "[restore.inspect] '{}': what {} gives is no condition; expected finite values and "
               "probabilities that sum to 1",
               origin_, bundle::kConditionMember);
  calibrate(found.probabilities, info_.temperature);
  return found;
}

InspectionMap Inspector::map(const image::Image& picture, const ProgressCallback& progress) {
  CHIARO_CHECK(!picture.empty(), Usage, "[restore.inspect] the picture is empty");
  image::Image filled;
  as_seen(picture, filled);
  const RangeCurve curve(range_of(picture));
  if (curve.bends()) {
    if (filled.empty()) filled = picture;
    curve.show(filled.pixels());
  }
  const image::Image& seen = filled.empty() ? picture : filled;
  const image::Image whole = whole_view(seen, info_.whole_px, info_.whole_alignment_px);
  InspectionMap map;
  map.view_px = info_.view_px;
  map.tops = window_starts(std::max(seen.height(), info_.view_px), info_.view_px);
  map.lefts = window_starts(std::max(seen.width(), info_.view_px), info_.view_px);
  map.probabilities.resize(info_.types.size());
  const double total = static_cast<double>(map.tops.size() * map.lefts.size());
  double done = 0;
  for (const int top : map.tops) {
    for (const int left : map.lefts) {
      const auto window = view_at(seen, top, left, info_.view_px);
      const Inspection found = look(native_views(window, info_.view_px, 1), whole);
      for (std::size_t k = 0; k < map.probabilities.size(); ++k) {
        map.probabilities[k].push_back(static_cast<float>(found.probabilities[k]));
      }
      done += 1;
      CHIARO_CHECK(!progress || progress(done / total), Interrupted, "[restore.inspect] stopped");
    }
  }
  return map;
}

}  // namespace chiaro::restore
