// The bundles that a started program finds.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "chiaro/bundle/bundle.h"
#include "tests/support/graph_bundle.h"

namespace chiaro::test {

/// Makes the folder `models` with one bundle "default" of this graph, and lets programs look there
/// (CHIARO_BUNDLE_PATH).
inline void use_default_bundle(const std::filesystem::path& models, const std::string& graph) {
  std::filesystem::create_directories(models);
  bundle::Members members;
  members.emplace(bundle::kRestoreMember, graph_bytes(graph));
  bundle::write_bundle(models / "default.chiaro", graph_manifest(graph), members);
  ::setenv("CHIARO_BUNDLE_PATH", models.c_str(), 1);
}

}  // namespace chiaro::test
