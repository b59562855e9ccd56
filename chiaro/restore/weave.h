// Runs a network over a picture tile by tile and weaves the results together, in place where the
// scale is 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "chiaro/base/log.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/margin.h"
#include "chiaro/restore/range_curve.h"
#include "chiaro/restore/tiling.h"

namespace chiaro::restore {

/// What weaving needs of an engine; a narrow door, so that tests can put a plain function behind
/// it.
class Graph {
 public:
  virtual ~Graph() = default;
  /// For windows (1,channels,height,width). Errors: Resource.
  virtual void prepare(int channels, int height, int width) = 0;
  virtual std::span<float> input() = 0;  ///< (1,C,H,W); lost when it runs
  virtual void release() = 0;            ///< frees work memory; prepare is called again
  virtual void run() = 0;                ///< Errors: Resource
  virtual std::span<const float> output() const = 0;  ///< (1,C,H*scale,W*scale)
};

/// A picture that is nowhere in memory as floats: its values come, and its result goes, row by row.
class PictureRows {
 public:
  virtual ~PictureRows() = default;
  virtual int channels() const = 0;
  virtual int height() const = 0;
  virtual int width() const = 0;
  /// Columns [x_begin, x_end) of row y; may be asked for again at any time.
  virtual void read(int channel, int y, int x_begin, int x_end, float* target) const = 0;
  /// A whole row of the result, whose sides are `scale` times those of the picture; each comes
  /// once.
  virtual void write(int channel, int y, std::span<const float> values) = 0;
};

struct WeaveOptions {
  Grid grid;
  int alignment = 1;
  Margin margin;
  int scale = 1;
  int channels = 3;  ///< of the graph: 3 or 1
  bool feathered = false;
  double strength = 1;    ///< below 1 only with scale 1
  double keep_grain = 0;  ///< see return_grain; above 0 only with scale 1
  float range_low = 0;    ///< the graph's value of black
  float range_high = 1;   ///< the graph's value of white
  RangeCurve curve;       ///< of a picture with values outside [0,1]

  Axis rows(int height) const { return {height, margin.top, margin.bottom, alignment}; }
  Axis columns(int width) const { return {width, margin.left, margin.right, alignment}; }
};

/// Mirrors the margins and on to the alignment, runs every tile, crops. `picture` has 1 channel or
/// as many as the graph; a grey picture is repeated for a graph of 3 channels and its result
/// averaged. With scale 1 the result is written into the picture's own memory, else the picture is
/// replaced by the larger one; metadata stay, alpha is not touched. Values lie and end in [0,1],
/// unless the curve bends: then the graph is shown them through it, and its result is returned
/// through it. Returns how many values of the graph were not finite and were replaced by the
/// input's. The picture is unchanged if the first tile fails. Errors: those of the graph;
/// Interrupted (progress returned false).
std::size_t weave(image::Image& picture, Graph& graph, const WeaveOptions& options,
                  const ProgressCallback& progress);

/// The same of a picture in rows, in a grid of one tile.
std::size_t weave_rows(PictureRows& picture, Graph& graph, const WeaveOptions& options,
                       const ProgressCallback& progress);

/// weave with the grid that `plan` gives for a window of at most so many pixels. Where memory runs
/// out before anything was written, says so and tries again with half the window, until `plan`
/// gives nothing smaller.
std::size_t weave_with_retries(image::Image& picture, Graph& graph, WeaveOptions options,
                               const std::function<Grid(std::int64_t max_pixels)>& plan,
                               const ProgressCallback& progress);

/// Bytes that weave allocates beside the graph's own, of which input and output are a part.
std::int64_t weave_bytes(int channels, int height, int width, const WeaveOptions& options);

/// The same of weave_rows.
std::int64_t weave_rows_bytes(const WeaveOptions& options);

}  // namespace chiaro::restore
