#include "chiaro/metrics/brisque.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/metrics/scene_statistics.h"

namespace chiaro::metrics {
namespace {

[[noreturn]] void refuse_line(const std::filesystem::path& path, std::size_t number,
                              const char* expected) {
  fail(ErrorCode::Input,
       "[metrics.read_brisque_regression] cannot read line {} of '{}'; expected {}", number + 1,
       path.string(), expected);
}

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(value))
    return {};
  return value;
}

/// "36" → 35.
std::optional<std::size_t> feature_in(std::string_view text) {
  const auto value = number_in(text);
  if (!value || *value < 1 || *value > kSceneFeatures || *value != std::floor(*value)) return {};
  return static_cast<std::size_t>(*value) - 1;
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (const std::string& word : split(line, ' ')) {
    if (!trim(word).empty()) words.emplace_back(trim(word));
  }
  return words;
}

/// "x", "-1 1", then a line "feature lowest highest" for each.
void read_range(const std::filesystem::path& path, BrisqueRegression& fitted) {
  const auto lines = split(read_text(path), '\n');
  const auto bounds = lines.size() > 1 ? words_of(lines[1]) : std::vector<std::string>();
  CHIARO_CHECK(
      trim(lines.empty() ? "" : lines[0]) == "x" && bounds.size() == 2 &&
          number_in(bounds[0]) == -1.0 && number_in(bounds[1]) == 1.0,
      Input,
      "[metrics.read_brisque_regression] '{}' is no range of svm-scale; expected the lines 'x' "
      "and '-1 1' first",
      path.string());
  std::size_t known = 0;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    if (words.empty()) continue;
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    const double low = words.size() == 3 ? number_in(words[1]).value_or(kNone) : kNone;
    const double high = words.size() == 3 ? number_in(words[2]).value_or(kNone) : kNone;
    if (feature_in(words[0]) != known || !(low < high))
      refuse_line(path, i, "the next feature's number, its lowest and its highest value");
    fitted.low[known] = low;
    fitted.high[known] = high;
    ++known;
  }
  CHIARO_CHECK(known == kSceneFeatures, Input,
               "[metrics.read_brisque_regression] '{}' has the ranges of {} features; expected {}",
               path.string(), known, kSceneFeatures);
}

/// "key value" lines up to "SV". Returns the number of the line behind it.
std::size_t read_header(const std::vector<std::string>& lines, const std::filesystem::path& path,
                        BrisqueRegression& fitted) {
  bool regression = false;
  bool radial = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    if (words.empty()) continue;
    if (words.size() == 1 && words[0] == "SV") {
      CHIARO_CHECK(regression && radial && fitted.gamma > 0, Input,
                   "[metrics.read_brisque_regression] '{}' is another kind of model; expected "
                   "svm_type epsilon_svr, kernel_type rbf and a gamma",
                   path.string());
      return i + 1;
    }
    if (words.size() != 2) refuse_line(path, i, "the model's header");
    regression = regression || (words[0] == "svm_type" && words[1] == "epsilon_svr");
    radial = radial || (words[0] == "kernel_type" && words[1] == "rbf");
    if (words[0] != "gamma" && words[0] != "rho") continue;
    const auto value = number_in(words[1]);
    if (!value) refuse_line(path, i, "a number");
    (words[0] == "gamma" ? fitted.gamma : fitted.rho) = *value;
  }
  fail(ErrorCode::Input, "[metrics.read_brisque_regression] '{}' has no line 'SV'", path.string());
}

/// "weight 1:value 2:value …"; a feature that is left out is 0.
void read_vector(const std::string& line, std::size_t number, const std::filesystem::path& path,
                 BrisqueRegression& fitted) {
  constexpr const char* kExpected = "a weight and features as 'number:value'";
  const auto words = words_of(line);
  if (words.empty()) return;
  const auto weight = number_in(words[0]);
  if (!weight) refuse_line(path, number, kExpected);
  SceneFeatures vector{};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto colon = words[i].find(':');
    if (colon == std::string::npos) refuse_line(path, number, kExpected);
    const std::string_view word = words[i];
    const auto feature = feature_in(word.substr(0, colon));
    const auto value = number_in(word.substr(colon + 1));
    if (!feature || !value) refuse_line(path, number, kExpected);
    vector[*feature] = *value;
  }
  fitted.weights.push_back(*weight);
  fitted.vectors.push_back(vector);
}

}  // namespace

BrisqueRegression read_brisque_regression(const std::filesystem::path& model_file,
                                          const std::filesystem::path& range_file) {
  BrisqueRegression fitted;
  read_range(range_file, fitted);
  const auto lines = split(read_text(model_file), '\n');
  for (std::size_t i = read_header(lines, model_file, fitted); i < lines.size(); ++i)
    read_vector(lines[i], i, model_file, fitted);
  CHIARO_CHECK(!fitted.vectors.empty(), Input,
               "[metrics.read_brisque_regression] '{}' has no support vectors",
               model_file.string());
  return fitted;
}

SceneFeatures brisque_features(const Plane& plane) {
  SceneFeatures features{};
  double* next = features.data();
  for (int scale = 1; scale <= 2; ++scale) {
    const Plane contrast =
        normalised_contrast(scale == 1 ? plane : cubic_half(plane), Beyond::Zeros);
    const SymmetricFit own = fit_symmetric(contrast.samples);
    *next++ = own.shape;
    *next++ = own.variance;
    for (const auto& [dy, dx] : kNeighbours) {
      const AsymmetricFit pair = fit_asymmetric(neighbour_products(contrast, dy, dx).samples);
      *next++ = pair.shape;
      *next++ = pair.mean();
      *next++ = pair.left_deviation * pair.left_deviation;
      *next++ = pair.right_deviation * pair.right_deviation;
    }
  }
  return features;
}

double brisque(const image::Image& picture, const Protocol& protocol,
               const BrisqueRegression& fitted) {
  Protocol luma = protocol;
  luma.channel = Channel::Y;
  Plane plane = std::move(scored_planes(picture, luma).front());
  for (double& value : plane.samples) value *= 255;
  SceneFeatures features = brisque_features(plane);
  for (std::size_t f = 0; f < kSceneFeatures; ++f) {
    CHIARO_CHECK(std::isfinite(features[f]), Input,
                 "[metrics.brisque] the picture is flat; got {}x{} px; expected one with structure",
                 plane.width, plane.height);
    features[f] = 2 * (features[f] - fitted.low[f]) / (fitted.high[f] - fitted.low[f]) - 1;
  }
  double sum = -fitted.rho;
  for (std::size_t v = 0; v < fitted.vectors.size(); ++v) {
    double distance = 0;
    for (std::size_t f = 0; f < kSceneFeatures; ++f) {
      const double difference = features[f] - fitted.vectors[v][f];
      distance += difference * difference;
    }
    sum += fitted.weights[v] * std::exp(-fitted.gamma * distance);
  }
  return sum;
}

}  // namespace chiaro::metrics
