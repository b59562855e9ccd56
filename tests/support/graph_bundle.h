// Bundles around the tiny graphs of tests/restore/data, whose facts are known exactly.
#pragma once

#include <string>

#include "chiaro/base/files.h"
#include "chiaro/bundle/bundle.h"

namespace chiaro::test {

struct GraphFacts {
  int receptive_field_px = 1;
  int alignment_px = 1;
  int scale = 1;
  bool global_statistics = false;
  std::string color = "srgb";
  bool conditioned = false;
};

/// What tools/make_test_graphs.py builds.
inline GraphFacts facts_of(const std::string& graph) {
  if (graph == "stack") return {.receptive_field_px = 7};
  if (graph == "unet") return {.receptive_field_px = 27, .alignment_px = 4};
  if (graph == "twice") return {.receptive_field_px = 3, .scale = 2};
  if (graph == "pooled") return {.receptive_field_px = 64, .global_statistics = true};
  if (graph == "grey") return {.receptive_field_px = 5, .color = "grey"};
  if (graph == "told") return {.conditioned = true};
  if (graph == "told_grey") return {.color = "grey", .conditioned = true};
  if (graph == "film") return {.receptive_field_px = 5, .conditioned = true};
  return {};
}

inline std::vector<std::byte> graph_bytes(const std::string& graph) {
  return read_file(std::string(CHIARO_SOURCE_DIR) + "/tests/restore/data/" + graph + ".onnx");
}

/// What the graph `controller` gives and takes.
inline bundle::ConditionInfo controller_info() {
  return {.types = {"clean", "noise", "haze"},
          .embedding = 2,
          .view_px = 16,
          .max_views = 4,
          .whole_px = 32,
          .whole_alignment_px = 8,
          .domains = {"bright", "dark"},
          .novelty_threshold = 1};
}

inline bundle::Manifest graph_manifest(const std::string& graph) {
  const GraphFacts facts = facts_of(graph);
  bundle::Manifest manifest;
  manifest.name = graph;
  manifest.summary = "a tiny graph for tests";
  manifest.license = "Apache-2.0";
  manifest.network = graph;
  manifest.receptive_field_px = facts.receptive_field_px;
  manifest.alignment_px = facts.alignment_px;
  manifest.scale = facts.scale;
  manifest.global_statistics = facts.global_statistics;
  manifest.color = facts.color;
  if (facts.conditioned) manifest.condition = controller_info();
  return manifest;
}

/// A bundle in memory, without a file.
inline bundle::Bundle graph_bundle(const std::string& graph) {
  bundle::Bundle made;
  made.origin = graph;
  made.manifest = graph_manifest(graph);
  made.members.emplace(bundle::kRestoreMember, graph_bytes(graph));
  if (facts_of(graph).conditioned)
    made.members.emplace(bundle::kConditionMember, graph_bytes("controller"));
  return made;
}

}  // namespace chiaro::test
