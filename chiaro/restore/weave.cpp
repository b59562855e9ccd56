#include "chiaro/restore/weave.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/image/indices.h"
#include "chiaro/restore/grain.h"

namespace chiaro::restore {
namespace {

/// Copies of original pixels that the result is about to cover, or has covered.
struct Saved {
  int y_begin = 0;
  int y_end = 0;
  int x_begin = 0;
  int x_end = 0;
  std::vector<float> values;  // (C, rows, columns)

  int columns() const { return x_end - x_begin; }
  float* row(int channel, int y) {
    const auto rows = static_cast<std::size_t>(y_end - y_begin);
    return values.data() +
           (static_cast<std::size_t>(channel) * rows + static_cast<std::size_t>(y - y_begin)) *
               static_cast<std::size_t>(columns());
  }
};

/// Where the picture lies and where the result goes.
class Canvas {
 public:
  virtual ~Canvas() = default;
  virtual int channels() const = 0;
  virtual int height() const = 0;
  virtual int width() const = 0;
  virtual void begin() {}
  /// What the picture's place holds by now; of some the result, which has covered it.
  virtual void fetch(int channel, int y, int x_begin, int x_end, float* target) const = 0;
  /// The result's row y from column x on, to be written to or added to.
  virtual float* goal(int channel, int y, int x) = 0;
  /// The row is written as far as the current tile goes.
  virtual void written(int /*channel*/, int /*y*/) {}
  virtual void end() {}
};

/// A picture in memory: the result takes its place.
class ImageCanvas final : public Canvas {
 public:
  ImageCanvas(image::Image& picture, int scale) : picture_(picture), scale_(scale) {}

  int channels() const override { return picture_.channels(); }
  int height() const override { return picture_.height(); }
  int width() const override { return picture_.width(); }

  void begin() override {
    if (scale_ != 1) enlarged_ = image::Image(channels(), height() * scale_, width() * scale_);
  }
  void fetch(int channel, int y, int x_begin, int x_end, float* target) const override {
    const float* row = picture_.plane(channel).data() + image::as_size(y) * image::as_size(width());
    std::copy(row + x_begin, row + x_end, target);
  }
  float* goal(int channel, int y, int x) override {
    image::Image& target = scale_ == 1 ? picture_ : enlarged_;
    return target.plane(channel).data() + image::as_size(y) * image::as_size(target.width()) +
           image::as_size(x);
  }
  void end() override {
    if (scale_ == 1) return;
    enlarged_.metadata = std::move(picture_.metadata);
    enlarged_.sample_type = picture_.sample_type;
    enlarged_.alpha = std::move(picture_.alpha);
    picture_ = std::move(enlarged_);
  }

 private:
  image::Image& picture_;
  int scale_;
  image::Image enlarged_;
};

/// A picture in rows, of which nothing stays here.
class RowsCanvas final : public Canvas {
 public:
  RowsCanvas(PictureRows& rows, int scale)
      : rows_(rows), row_(image::as_size(rows.width()) * image::as_size(scale)) {}

  int channels() const override { return rows_.channels(); }
  int height() const override { return rows_.height(); }
  int width() const override { return rows_.width(); }
  void fetch(int channel, int y, int x_begin, int x_end, float* target) const override {
    rows_.read(channel, y, x_begin, x_end, target);
  }
  float* goal(int /*channel*/, int /*y*/, int x) override { return row_.data() + x; }
  void written(int channel, int y) override { rows_.write(channel, y, row_); }

 private:
  PictureRows& rows_;
  std::vector<float> row_;
};

class Weaver {
 public:
  Weaver(Canvas& canvas, Graph& graph, const WeaveOptions& options)
      : canvas_(canvas),
        graph_(graph),
        options_(options),
        height_(canvas.height()),
        width_(canvas.width()),
        rows_(plan_axis(options.rows(height_), options.grid.window_height, options.grid.rows,
                        options.feathered)),
        columns_(plan_axis(options.columns(width_), options.grid.window_width, options.grid.columns,
                           options.feathered)),
        original_(static_cast<std::size_t>(std::max(width_, options.grid.window_width))) {}

  std::size_t run(const ProgressCallback& progress) {
    graph_.prepare(options_.channels, options_.grid.window_height, options_.grid.window_width);
    canvas_.begin();
    const double total = static_cast<double>(rows_.size() * columns_.size());
    double done = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      Saved below = in_place() && i + 1 < rows_.size()
                        ? save(std::max(rows_[i + 1].window_begin, 0),
                               std::min(rows_[i].keep_end, height_), 0, width_)
                        : Saved{};
      row_end_ = std::min(rows_[i].keep_end, height_);
      left_ = Saved{};
      for (std::size_t j = 0; j < columns_.size(); ++j) {
        run_tile(rows_[i], columns_[j], j + 1 < columns_.size() ? &columns_[j + 1] : nullptr);
        done += 1;
        CHIARO_CHECK(!progress || progress(done / total), Interrupted, "[restore.restore] stopped");
      }
      above_ = std::move(below);
    }
    canvas_.end();
    return unusable_;
  }

 private:
  bool in_place() const { return options_.scale == 1; }
  /// The network takes and gives values in [0,1].
  bool unit_range() const { return options_.range_low == 0.0F && options_.range_high == 1.0F; }

  /// The picture's own values in row y, columns [x_begin, x_end), wherever they are kept by now.
  void fetch(int channel, int y, int x_begin, int x_end, float* target) {
    if (y < above_.y_end) {
      const float* saved = above_.row(channel, y);
      std::copy(saved + x_begin, saved + x_end, target);
      return;
    }
    int x = x_begin;
    if (y < row_end_ && x_begin < left_.x_end) {
      const int until = std::min(x_end, left_.x_end);
      const float* saved = left_.row(channel, y) - left_.x_begin;
      target = std::copy(saved + x_begin, saved + until, target);
      x = until;
    }
    if (x < x_end) canvas_.fetch(channel, y, x, x_end, target);
  }

  Saved save(int y_begin, int y_end, int x_begin, int x_end) {
    Saved saved{y_begin, std::max(y_begin, y_end), x_begin, std::max(x_begin, x_end), {}};
    saved.values.resize(static_cast<std::size_t>(canvas_.channels()) *
                        static_cast<std::size_t>(saved.y_end - y_begin) *
                        static_cast<std::size_t>(saved.columns()));
    for (int channel = 0; channel < canvas_.channels(); ++channel) {
      for (int y = y_begin; y < saved.y_end; ++y)
        fetch(channel, y, x_begin, saved.x_end, saved.row(channel, y));
    }
    return saved;
  }

  void fill_input(const AxisTile& row, const AxisTile& column) {
    const int window_height = options_.grid.window_height;
    const int window_width = options_.grid.window_width;
    const int x_begin = std::max(column.window_begin, 0);
    const int x_end = std::min(column.window_begin + window_width, width_);
    const auto mirror = [&](float* target, int begin, int end) {
      for (int x = begin; x < end; ++x)
        target[x - column.window_begin] = target[image::mirrored(x, width_) - column.window_begin];
    };
    const float gain = options_.range_high - options_.range_low;
    const bool as_it_is = unit_range();
    float* target = graph_.input().data();
    for (int channel = 0; channel < options_.channels; ++channel) {
      const int from = std::min(channel, canvas_.channels() - 1);
      for (int y = 0; y < window_height; ++y, target += window_width) {
        fetch(from, image::mirrored(row.window_begin + y, height_), x_begin, x_end,
              target + (x_begin - column.window_begin));
        mirror(target, column.window_begin, x_begin);
        mirror(target, x_end, column.window_begin + window_width);
        if (options_.curve.bends())
          options_.curve.show({target, static_cast<std::size_t>(window_width)});
        if (as_it_is) continue;
        for (int x = 0; x < window_width; ++x) target[x] = target[x] * gain + options_.range_low;
      }
    }
  }

  void run_tile(const AxisTile& row, const AxisTile& column, const AxisTile* next) {
    fill_input(row, column);
    if (options_.keep_grain > 0) shown_.assign(graph_.input().begin(), graph_.input().end());
    graph_.run();
    result_ = graph_.output();
    const auto values = static_cast<std::size_t>(options_.channels) *
                        static_cast<std::size_t>(options_.grid.window_height * options_.scale) *
                        static_cast<std::size_t>(options_.grid.window_width * options_.scale);
    CHIARO_CHECK(result_.size() == values, Bundle,
                 "[restore.weave] the network gives {} values for a window of {} x {}; expected {}",
                 result_.size(), options_.grid.window_width, options_.grid.window_height, values);
    if (options_.keep_grain > 0) keep_grain();
    Saved left;
    if (in_place() && next != nullptr) {
      const int y_begin = std::max({row.keep_begin, above_.y_end, 0});
      left = save(y_begin, row_end_, std::max(next->window_begin, 0),
                  std::min(column.keep_end, width_));
    }
    for (int channel = 0; channel < canvas_.channels(); ++channel) write_tile(channel, row, column);
    left_ = std::move(left);
  }

  void keep_grain() {
    grained_.assign(result_.begin(), result_.end());
    return_grain(shown_, grained_, options_.channels, options_.grid.window_height,
                 options_.grid.window_width, options_.keep_grain);
    result_ = grained_;
  }

  /// Weight of this tile at a position of its kept part (in output pixels from keep_begin).
  static float weight(int position, int length, int ramp_before, int ramp_after) {
    if (position < ramp_before) {
      return (static_cast<float>(position) + 0.5F) / static_cast<float>(ramp_before);
    }
    if (position >= length - ramp_after) {
      return 1.0F - (static_cast<float>(position - (length - ramp_after)) + 0.5F) /
                        static_cast<float>(ramp_after);
    }
    return 1.0F;
  }

  void write_tile(int channel, const AxisTile& row, const AxisTile& column) {
    const int scale = options_.scale;
    const auto result_width = static_cast<std::size_t>(options_.grid.window_width * scale);
    const std::size_t result_plane =
        result_width * static_cast<std::size_t>(options_.grid.window_height * scale);
    const bool average = canvas_.channels() == 1 && options_.channels == 3;
    const bool plain = scale == 1 && !average && !options_.feathered && !options_.curve.bends();
    const float most = options_.curve.bends() ? std::numeric_limits<float>::max() : 1.0F;
    const int x_begin = std::max(column.keep_begin, 0);
    const int x_end = std::min(column.keep_end, width_);
    const int y_begin = std::max(row.keep_begin, 0);
    const int y_end = std::min(row.keep_end, height_);
    const int from_keep = (x_begin - column.keep_begin) * scale;
    for (int y = y_begin * scale; y < y_end * scale; ++y) {
      const float* values = result_.data() +
                            static_cast<std::size_t>(y - row.window_begin * scale) * result_width +
                            static_cast<std::size_t>((x_begin - column.window_begin) * scale) +
                            (average ? 0 : static_cast<std::size_t>(channel) * result_plane);
      float* goal = canvas_.goal(channel, y, x_begin * scale);
      if (plain && options_.strength == 1 && write_usable_row(values, goal, x_end - x_begin)) {
        canvas_.written(channel, y);
        continue;
      }
      fetch(channel, y / scale, x_begin, x_end, original_.data());
      if (plain) {
        write_plain_row(values, goal, x_end - x_begin);
        canvas_.written(channel, y);
        continue;
      }
      const float row_weight =
          weight(y - row.keep_begin * scale, (row.keep_end - row.keep_begin) * scale,
                 row.ramp_before * scale, row.ramp_after * scale);
      const bool row_first = y >= (row.keep_begin + row.ramp_before) * scale;
      for (int x = 0; x < (x_end - x_begin) * scale; ++x) {
        const float value =
            settled(average ? (values[x] + values[x + static_cast<std::ptrdiff_t>(result_plane)] +
                               values[x + 2 * static_cast<std::ptrdiff_t>(result_plane)]) /
                                  3.0F
                            : values[x],
                    original_[static_cast<std::size_t>(x / scale)]);
        const float share =
            row_weight * weight(from_keep + x, (column.keep_end - column.keep_begin) * scale,
                                column.ramp_before * scale, column.ramp_after * scale);
        if (row_first && from_keep + x >= column.ramp_before * scale) {
          goal[x] = share * value;
        } else {
          goal[x] = std::min(most, goal[x] + share * value);
        }
      }
      canvas_.written(channel, y);
    }
  }

  /// The most frequent case: nothing of the original is needed. False, and nothing is written,
  /// where a value is not finite.
  bool write_usable_row(const float* values, float* goal, int count) const {
    int unusable = 0;
    for (int x = 0; x < count; ++x)
      unusable |= static_cast<int>(!(std::abs(values[x]) <= std::numeric_limits<float>::max()));
    if (unusable != 0) return false;
    if (unit_range()) {  // a division by one takes as long as any
      for (int x = 0; x < count; ++x) goal[x] = std::min(std::max(values[x], 0.0F), 1.0F);
      return true;
    }
    const float low = options_.range_low;
    const float gain = options_.range_high - low;
    for (int x = 0; x < count; ++x)
      goal[x] = std::min(std::max((values[x] - low) / gain, 0.0F), 1.0F);
    return true;
  }

  /// The frequent case, without branches: one value in, one out, no neighbour to blend with.
  void write_plain_row(const float* values, float* goal, int count) {
    const float low = options_.range_low;
    const float gain = options_.range_high - low;
    const auto strength = static_cast<float>(options_.strength);
    const float* original = original_.data();
    int unusable = 0;
    for (int x = 0; x < count; ++x) {
      const float value = (values[x] - low) / gain;
      const bool usable = std::abs(value) <= std::numeric_limits<float>::max();
      const float limited = usable ? std::min(std::max(value, 0.0F), 1.0F) : original[x];
      unusable += usable ? 0 : 1;
      goal[x] = strength == 1.0F ? limited : original[x] + strength * (limited - original[x]);
    }
    unusable_ += static_cast<std::size_t>(unusable);
  }

  /// The value to store: within the range, blended with the input by strength.
  float settled(float value, float original) {
    value = (value - options_.range_low) / (options_.range_high - options_.range_low);
    if (!std::isfinite(value)) {
      ++unusable_;
      return original;
    }
    value = options_.curve.bends() ? options_.curve.returned(original, value)
                                   : std::clamp(value, 0.0F, 1.0F);
    return options_.strength == 1
               ? value
               : original + static_cast<float>(options_.strength) * (value - original);
  }

  Canvas& canvas_;
  Graph& graph_;
  const WeaveOptions& options_;
  int height_;
  int width_;
  std::vector<AxisTile> rows_;
  std::vector<AxisTile> columns_;
  std::vector<float> original_;    // one row
  std::span<const float> result_;  // of the current tile
  std::vector<float> shown_;       // with keep_grain: the tile as the network saw it
  std::vector<float> grained_;
  Saved above_;      // rows that earlier strips covered and this strip still reads
  Saved left_;       // columns that the previous tile covered and this tile still reads
  int row_end_ = 0;  // rows of this strip's result end here
  std::size_t unusable_ = 0;
};

std::size_t weave_canvas(Canvas& canvas, Graph& graph, const WeaveOptions& options,
                         const ProgressCallback& progress) {
  CHIARO_CHECK(canvas.channels() == 1 || canvas.channels() == options.channels, Internal,
               "[restore.weave] a picture of {} channels for a graph of {}", canvas.channels(),
               options.channels);
  return Weaver(canvas, graph, options).run(progress);
}

/// Keeping grain takes input and result once more, and five planes.
std::int64_t grain_bytes(const WeaveOptions& options) {
  const std::int64_t planes = options.keep_grain > 0 ? 2 * options.channels + 5 : 0;
  return planes * options.grid.window_height * options.grid.window_width *
         static_cast<std::int64_t>(sizeof(float));
}

}  // namespace

std::size_t weave(image::Image& picture, Graph& graph, const WeaveOptions& options,
                  const ProgressCallback& progress) {
  ImageCanvas canvas(picture, options.scale);
  return weave_canvas(canvas, graph, options, progress);
}

std::size_t weave_rows(PictureRows& picture, Graph& graph, const WeaveOptions& options,
                       const ProgressCallback& progress) {
  CHIARO_CHECK(options.grid.rows == 1 && options.grid.columns == 1, Internal,
               "[restore.weave] a picture in rows goes in one tile; got {} x {}",
               options.grid.columns, options.grid.rows);
  RowsCanvas canvas(picture, options.scale);
  return weave_canvas(canvas, graph, options, progress);
}

std::size_t weave_with_retries(image::Image& picture, Graph& graph, WeaveOptions options,
                               const std::function<Grid(std::int64_t max_pixels)>& plan,
                               const ProgressCallback& progress) {
  const auto pixels_of = [](const Grid& grid) {
    return std::int64_t{grid.window_height} * grid.window_width;
  };
  options.grid = plan(std::numeric_limits<std::int64_t>::max());
  for (;;) {
    bool begun = false;
    try {
      return weave(picture, graph, options, [&](double done) {
        begun = true;
        return !progress || progress(done);
      });
    } catch (const Error& error) {
      graph.release();
      if (error.code() != ErrorCode::Resource || begun) throw;
      const Grid smaller = plan(pixels_of(options.grid) / 2);
      if (smaller.rows == 0 || pixels_of(smaller) >= pixels_of(options.grid)) throw;
      spdlog::warn("not enough memory for tiles of {} x {} pixels; trying {} x {}",
                   options.grid.window_width, options.grid.window_height, smaller.window_width,
                   smaller.window_height);
      options.grid = smaller;
    }
  }
}

std::int64_t weave_bytes(int channels, int height, int width, const WeaveOptions& options) {
  const auto bytes = [](std::int64_t count) {
    return count * static_cast<std::int64_t>(sizeof(float));
  };
  const Grid& grid = options.grid;
  const std::int64_t scale_area = std::int64_t{options.scale} * options.scale;
  const std::int64_t tensors = grain_bytes(options);
  if (options.scale != 1)
    return tensors + bytes(std::int64_t{channels} * height * width * scale_area);
  // Two sets of saved rows (the previous strip's and the next's), as high as half or all of the
  // windows' overlap.
  const auto rows =
      plan_axis(options.rows(height), grid.window_height, grid.rows, options.feathered);
  std::int64_t saved = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    saved = std::max<std::int64_t>(saved, rows[i - 1].keep_end - rows[i].window_begin);
  }
  return tensors + bytes(2 * saved * channels * width);
}

std::int64_t weave_rows_bytes(const WeaveOptions& options) {
  return grain_bytes(options);
}

}  // namespace chiaro::restore
