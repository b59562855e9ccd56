// What callers of libchiaro have at hand: bundles in files, pixels, handles that close themselves.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "chiaro/api/chiaro.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::test {

struct CloseRestorer {
  void operator()(chiaro_restorer* restorer) const { chiaro_close(restorer); }
};
using OwnedRestorer = std::unique_ptr<chiaro_restorer, CloseRestorer>;

struct FreeInspection {
  void operator()(chiaro_inspection* inspection) const { chiaro_inspection_free(inspection); }
};
using OwnedInspection = std::unique_ptr<chiaro_inspection, FreeInspection>;

/// Pixels as decoders hand them over, the same for the same seed.
inline std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint64_t seed = 3) {
  std::vector<std::uint8_t> bytes(count);
  Rng rng(seed);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.uniform(30, 220));
  return bytes;
}

inline chiaro_picture rgb8(std::vector<std::uint8_t>& bytes, int width, int height) {
  return {bytes.data(), width, height, CHIARO_RGB, CHIARO_U8, 0, 0, 0};
}

inline chiaro_restore_options restore_options() {
  chiaro_restore_options options;
  chiaro_restore_defaults(&options, sizeof(options));
  return options;
}

/// A folder with bundles around the graphs of tests/restore/data, opened in float32.
class Callers : public testing::Test {
 protected:
  std::filesystem::path bundle_file(const std::string& graph) {
    const auto file = folder_ / (graph + ".chiaro");
    const bundle::Bundle made = graph_bundle(graph);
    bundle::write_bundle(file, made.manifest, made.members);
    return file;
  }

  OwnedRestorer open(const std::string& graph) { return open_file(bundle_file(graph)); }

  static OwnedRestorer open_file(const std::filesystem::path& file) {
    chiaro_open_options options;
    chiaro_open_defaults(&options, sizeof(options));
    options.precision = CHIARO_PRECISION_F32;
    options.threads = 1;
    chiaro_restorer* restorer = nullptr;
    EXPECT_EQ(chiaro_open(file.c_str(), &options, &restorer), CHIARO_OK) << chiaro_last_error();
    return OwnedRestorer(restorer);
  }

  TemporaryFolder folder_;
};

/// The call fails with this status and a sentence that has `part` in it.
inline void expect_refused(chiaro_status status, chiaro_status expected, const std::string& part) {
  EXPECT_EQ(status, expected) << chiaro_last_error();
  EXPECT_NE(std::string(chiaro_last_error()).find(part), std::string::npos) << chiaro_last_error();
}

}  // namespace chiaro::test
