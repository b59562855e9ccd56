// Encoders' bundles around the graph `encoder` of tests/restore/data, without a tree and with one
// that is known.
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/bundle/safetensors.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::test {

/// Tensors of a tree file; they own their bytes.
class TreeTensors {
 public:
  template <typename Value>
  void put(const std::string& name, std::vector<std::int64_t> shape, std::vector<Value> values) {
    Stored stored{std::is_same_v<Value, float> ? bundle::Dtype::F32 : bundle::Dtype::I64,
                  std::move(shape), std::vector<std::byte>(values.size() * sizeof(Value))};
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    stored.bytes.assign(first, first + stored.bytes.size());
    stored_[name] = std::move(stored);
  }
  void erase(const std::string& name) { stored_.erase(name); }

  std::vector<std::byte> bytes() const {
    bundle::TensorMap tensors;
    for (const auto& [name, one] : stored_) tensors[name] = {one.dtype, one.shape, one.bytes};
    return bundle::serialize_safetensors(tensors);
  }

 private:
  struct Stored {
    bundle::Dtype dtype;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Stored> stored_;
};

/// Leaves at 0 (haze), 90 (noise) and 180 degrees (clean); above them 45 (of the first two) and
/// 180. Floors: cosines of 20 degrees at the leaves, of 50 above.
inline TreeTensors known_tree() {
  const auto at_degrees = [](std::initializer_list<double> degrees) {
    std::vector<float> values;
    for (const double angle : degrees) {
      values.push_back(static_cast<float>(std::cos(angle * std::numbers::pi / 180)));
      values.push_back(static_cast<float>(std::sin(angle * std::numbers::pi / 180)));
    }
    return values;
  };
  const auto cosine = [](double degrees) {
    return static_cast<float>(std::cos(degrees * std::numbers::pi / 180));
  };
  TreeTensors tree;
  tree.put<std::int64_t>("levels", {1}, {2});
  tree.put<std::int64_t>("view_px", {1}, {16});
  tree.put<std::int64_t>("max_views", {1}, {4});
  tree.put<float>("floors", {2}, {cosine(20), cosine(50)});
  tree.put<float>("1.centroids", {3, 2}, at_degrees({0, 90, 180}));
  tree.put<std::int64_t>("1.parents", {3}, {0, 0, 1});
  tree.put<float>("1.kinds", {3, 3}, {0, 0, 1, 0, 0.75F, 0.25F, 1, 0, 0});
  tree.put<float>("1.severity", {3}, {0.5F, 0.25F, 0});
  tree.put<float>("2.centroids", {2, 2}, at_degrees({45, 180}));
  tree.put<float>("2.kinds", {2, 3}, {0, 0.375F, 0.625F, 1, 0, 0});
  tree.put<float>("2.severity", {2}, {0.375F, 0});
  return tree;
}

/// Of each picture the graph gives the direction of (m - 0.5, 10 v + 0.001), with its mean m and
/// its variance v: two values. The whole picture is seen as 16 × 16.
inline bundle::Bundle code_bundle(std::vector<bundle::CodePart> parts) {
  bundle::Bundle made;
  made.origin = "encoder";
  made.manifest = graph_manifest("encoder");
  made.manifest.kind = "encode";
  made.manifest.code =
      bundle::CodeInfo{.view_px = 16, .max_views = 4, .whole_px = 16, .parts = std::move(parts)};
  made.members.emplace(bundle::kEncodeMember, graph_bytes("encoder"));
  return made;
}

/// With a tree over the one part "degradation".
inline bundle::Bundle encoder_bundle(const TreeTensors& tree = known_tree()) {
  bundle::Bundle made = code_bundle({{"degradation", 2, false}});
  made.manifest.format_version = bundle::kTreeFormatVersion;
  made.manifest.labels = {"clean", "noise", "haze"};
  made.members.emplace(bundle::kTreeMember, tree.bytes());
  return made;
}

}  // namespace chiaro::test
