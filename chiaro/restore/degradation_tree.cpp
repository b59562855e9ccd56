#include "chiaro/restore/degradation_tree.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/bundle/safetensors.h"

namespace chiaro::restore {
namespace {

constexpr std::int64_t kMaxLevels = 64;
constexpr std::int64_t kMaxViewPx = 4096;
constexpr std::int64_t kMaxViews = 256;

/// Tensors of the member by name, each checked for type, shape and finite values.
class TreeFile {
 public:
  explicit TreeFile(const bundle::Bundle& bundle) : origin_(bundle.origin), file_(parse(bundle)) {}

  template <typename Value>
  std::vector<Value> values(const std::string& name, const std::vector<std::int64_t>& shape) const {
    constexpr bool real = std::is_same_v<Value, float>;
    const auto& tensor = file_.tensor(name);
    const auto dtype = real ? bundle::Dtype::F32 : bundle::Dtype::I64;
    CHIARO_CHECK(tensor.dtype == dtype && tensor.shape == shape, Bundle,
                 "[restore.tree] '{}': '{}' of {} is {} ({}); expected {} ({})", origin_, name,
                 bundle::kTreeMember, bundle::dtype_name(tensor.dtype),
                 fmt::join(tensor.shape, ", "), bundle::dtype_name(dtype), fmt::join(shape, ", "));
    std::vector<Value> list(tensor.bytes.size() / sizeof(Value));
    if (!list.empty()) std::memcpy(list.data(), tensor.bytes.data(), tensor.bytes.size());
    if constexpr (real) {
      CHIARO_CHECK(std::all_of(list.begin(), list.end(), [](float v) { return std::isfinite(v); }),
                   Bundle, "[restore.tree] '{}': '{}' of {} holds a value that is not finite",
                   origin_, name, bundle::kTreeMember);
    }
    return list;
  }

  std::int64_t number(const std::string& name, std::int64_t low, std::int64_t high) const {
    const std::int64_t value = values<std::int64_t>(name, {1})[0];
    CHIARO_CHECK(value >= low && value <= high, Bundle,
                 "[restore.tree] '{}': '{}' of {} is out of range; got {}; expected {} to {}",
                 origin_, name, bundle::kTreeMember, value, low, high);
    return value;
  }

  /// Rows and columns of a matrix, each at least 1.
  std::pair<std::int64_t, std::int64_t> sides(const std::string& name) const {
    const auto& shape = file_.tensor(name).shape;
    CHIARO_CHECK(shape.size() == 2 && shape[0] >= 1 && shape[1] >= 1, Bundle,
                 "[restore.tree] '{}': '{}' of {} is no matrix", origin_, name,
                 bundle::kTreeMember);
    return {shape[0], shape[1]};
  }

 private:
  static bundle::Safetensors parse(const bundle::Bundle& bundle) {
    CHIARO_CHECK(bundle.has(bundle::kTreeMember), Bundle,
                 "[restore.tree] bundle '{}' has no tree of known damage; it gives codes, but not "
                 "what they mean",
                 bundle.origin);
    const auto stored = bundle.member(bundle::kTreeMember);
    return bundle::Safetensors::parse({stored.begin(), stored.end()}, bundle.origin);
  }

  std::string origin_;
  bundle::Safetensors file_;
};

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

}  // namespace

std::size_t Placement::kind() const {
  const auto& shares = known().kinds;
  return static_cast<std::size_t>(std::max_element(shares.begin(), shares.end()) - shares.begin());
}

DegradationTree::DegradationTree(const bundle::Bundle& bundle) : kinds_(bundle.manifest.labels) {
  const TreeFile file(bundle);
  CHIARO_CHECK(!kinds_.empty(), Bundle, "[restore.tree] '{}': the manifest names no kinds",
               bundle.origin);
  const auto kinds = static_cast<std::int64_t>(kinds_.size());
  const std::int64_t levels = file.number("levels", 1, kMaxLevels);
  view_px_ = static_cast<int>(file.number("view_px", 1, kMaxViewPx));
  max_views_ = static_cast<int>(file.number("max_views", 1, kMaxViews));
  const auto floors = file.values<float>("floors", {levels});
  std::int64_t below = 0;  // prototypes of the level before
  for (std::int64_t l = 0; l < levels; ++l) {
    const auto name = [&](const char* what) { return fmt::format("{}.{}", l + 1, what); };
    const auto [rows, columns] = file.sides(name("centroids"));
    if (l == 0) dimension_ = columns;
    Level level;
    level.centroids = file.values<float>(name("centroids"), {rows, dimension_});
    level.kinds = file.values<float>(name("kinds"), {rows, kinds});
    level.severity = file.values<float>(name("severity"), {rows});
    level.floor = floors[static_cast<std::size_t>(l)];
    if (l > 0) {
      auto& parents = levels_.back().parents;
      parents = file.values<std::int64_t>(fmt::format("{}.parents", l), {below});
      const std::int64_t above = rows;
      CHIARO_CHECK(std::all_of(parents.begin(), parents.end(),
                               [&](std::int64_t p) { return p >= 0 && p < above; }),
                   Bundle, "[restore.tree] '{}': a parent on level {} is none of {} prototypes",
                   bundle.origin, l + 1, above);
    }
    below = rows;
    levels_.push_back(std::move(level));
  }
}

std::span<const float> DegradationTree::centroid(const Level& level, std::int64_t node) const {
  return std::span(level.centroids)
      .subspan(static_cast<std::size_t>(node * dimension_), static_cast<std::size_t>(dimension_));
}

Placement DegradationTree::place(std::span<const float> code) const {
  CHIARO_CHECK(code.size() == static_cast<std::size_t>(dimension_), Internal,
               "[restore.tree] got a code of {} values; expected {}", code.size(), dimension_);
  std::int64_t node = 0;
  double nearest = std::numeric_limits<double>::infinity();
  const auto rows = static_cast<std::int64_t>(levels_.front().severity.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto c = centroid(levels_.front(), i);
    const double distance = dot(c, c) - 2 * dot(c, code);
    if (distance < nearest) {
      nearest = distance;
      node = i;
    }
  }
  Placement placement;
  placement.known_level = levels_.size();
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    const Level& level = levels_[l];
    const auto c = centroid(level, node);
    TreeStep step;
    step.node = node;
    step.cosine = dot(c, code) / std::max(std::sqrt(dot(c, c)), 1e-8);
    step.floor = level.floor;
    const auto first = level.kinds.begin() + node * static_cast<std::int64_t>(kinds_.size());
    step.kinds.assign(first, first + static_cast<std::int64_t>(kinds_.size()));
    step.severity = level.severity[static_cast<std::size_t>(node)];
    if (placement.known_level == levels_.size() && step.cosine >= step.floor)
      placement.known_level = l;
    placement.path.push_back(std::move(step));
    if (l + 1 < levels_.size()) node = level.parents[static_cast<std::size_t>(node)];
  }
  return placement;
}

}  // namespace chiaro::restore
