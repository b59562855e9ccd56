// What stands behind Restorer: the engine with its plans and limits, for pictures in memory and
// for those that come in strips. Internal to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/image/image.h"
#include "chiaro/image/strips.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/tiling.h"
#include "chiaro/restore/weave.h"

namespace chiaro::restore {

/// Of a picture in strips, read and given away together: little beside a band.
inline constexpr int kReadRows = 32;
inline constexpr int kGivenRows = 32;
/// As much as these takes what libraries hold of rows that they decode and pack (measured at 20,000
/// pixels of width).
inline constexpr int kRowsInCoding = 48;

struct Restorer::State {
  class EngineGraph;

  bundle::Manifest manifest;
  std::string origin;
  engine::Engine engine;
  std::optional<Inspector> inspector;  // of a conditioned bundle
  int channels;
  double bytes_per_pixel;
  std::int64_t held_bytes = 0;   // of the prepared graph, at least; 0: none is prepared
  bool has_run = false;          // the engine's own library is in memory, and stays
  std::vector<float> condition;  // what the network is told of the current picture

  State(bundle::Bundle bundle, const engine::EngineOptions& options);

  int overlap(const RestoreOptions& options) const;
  WeaveOptions weave_options(int height, int width, const RestoreOptions& options) const;

  /// Bytes that running windows of this grid takes in the engine.
  std::int64_t graph_bytes(const Grid& grid) const;
  /// The graph is going to be prepared for windows of this grid and to keep its work memory.
  void hold(const Grid& grid);
  /// Bytes of planes that passes over single planes need beside the picture: a grey network's over
  /// colours, that over alpha.
  std::int64_t passes_bytes(int height, int width, const RestoreOptions& options) const;
  /// Bytes that restoring a picture in memory with this grid adds to the process.
  std::int64_t work_bytes(int height, int width, const WeaveOptions& weave) const;
  /// Bytes that restoring in strips with this grid adds to the process, reading and writing
  /// included.
  std::int64_t strip_bytes(const image::Frame& source, const RestoreOptions& options,
                           const WeaveOptions& weave) const;
  /// What the process takes whatever the grid.
  std::int64_t base_bytes() const;
  /// What the work may take beside that. max_memory_bytes decides, then tile_px (no bound), then
  /// the machine.
  std::int64_t budget(const RestoreOptions& options, std::int64_t base) const;

  /// Errors: Usage, for what no picture and no bundle like this one can be restored with.
  void check_options(int picture_channels, const RestoreOptions& options) const;
  /// Errors: Usage, for tiles that are impossible whatever the picture shows.
  void check_tiles(int height, int width, const RestoreOptions& options) const;

  RestorePlan plan(int height, int width, const RestoreOptions& options, std::int64_t max_pixels,
                   std::int64_t undecoded_bytes = 0) const;
  RestorePlan plan_strips(const image::Frame& source, const RestoreOptions& options) const;

  std::future<void> prepare_ahead(int height, int width, const RestoreOptions& options);

  /// Settles what the network is told of the picture; `inspect` asks the controller, where that is
  /// needed. Returns the strength to restore with.
  double settle_condition(const std::function<Inspection()>& inspect, const RestoreOptions& options,
                          RestoreReport& report);

  /// By this plan, of a part of the same size, or by its own; returns what it kept to.
  RestorePlan restore_part(image::Image& part, const RestoreOptions& options,
                           const std::optional<RestorePlan>& wanted,
                           const ProgressCallback& progress);
  void warn_of_unusable(std::size_t count) const;
  void release();
  /// Under a memory limit, what the controller works in is more room for the restorer's tiles; see
  /// plan_strips.
  void release_inspector(const RestoreOptions& options);

 private:
  using Cost = std::function<std::int64_t(const WeaveOptions& weave)>;
  Grid grid_within(int height, int width, const RestoreOptions& options, std::int64_t budget,
                   std::int64_t max_pixels, const Cost& cost) const;
  /// Of the smallest tiles that the overlap allows.
  Grid smallest_grid(int height, int width, const RestoreOptions& options) const;
  RestorePlan described(const Grid& grid, const RestoreOptions& options,
                        std::int64_t peak_bytes) const;
};

/// The engine behind weave's door.
class Restorer::State::EngineGraph : public Graph {
 public:
  explicit EngineGraph(State& state) : state_(state) {}
  void prepare(int channels, int height, int width) override;
  void release() override { state_.release(); }
  std::span<float> input() override;
  void run() override { state_.engine.run(); }
  std::span<const float> output() const override { return state_.engine.output(); }

 private:
  State& state_;
};

/// How rows are kept that came in strips, and those that go: as their file stores them, where that
/// takes nothing away from them, else as floats.
image::SampleType source_kept_as(const image::Frame& source);
image::SampleType result_kept_as(const image::Frame& source, const RestoreOptions& options);

/// The most rows of the source that one row of tiles gives.
int most_kept_rows(const std::vector<AxisTile>& rows, int height);

/// One channel as a picture of its own.
image::Image grey_picture(std::span<const float> values, int height, int width);

}  // namespace chiaro::restore
