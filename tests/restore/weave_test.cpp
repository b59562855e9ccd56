#include "chiaro/restore/weave.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"
#include "chiaro/image/indices.h"
#include "tests/support/expect_error.h"
#include "tests/support/noise.h"

namespace chiaro::restore::weave_test {
namespace {

constexpr test::NoiseOptions kNoise = {.seed = 3, .low = 0, .high = 1};

/// A "network" of a few lines, which can refuse to be prepared or to run.
class FakeGraph : public Graph {
 public:
  int fail_from_run = -1;
  int runs = 0;
  int releases = 0;
  std::size_t lost_values = 0;  // of its output
  std::size_t largest_input =
      std::numeric_limits<std::size_t>::max();  // prepare refuses more values

  void prepare(int channels, int height, int width) override {
    const auto values = static_cast<std::size_t>(channels * height * width);
    if (values > largest_input) fail(ErrorCode::Resource, "[test] no memory for {} values", values);
    input_.assign(values, 0);
  }
  void release() override { ++releases; }
  std::span<float> input() override { return input_; }
  void run() override {
    if (fail_from_run >= 0 && runs >= fail_from_run) fail(ErrorCode::Resource, "[test] no memory");
    ++runs;
    output_ = input_;
    for (float& value : output_) value = 1 - value;
    output_.resize(output_.size() - lost_values);
  }
  std::span<const float> output() const override { return output_; }

 private:
  std::vector<float> input_;
  std::vector<float> output_;
};

TEST(Weave, ANetworkThatGivesAnotherNumberOfValuesIsRefused) {
  auto picture = test::noise(3, 20, 20, kNoise);
  const auto source = picture;
  FakeGraph graph;
  graph.lost_values = 1;
  WeaveOptions options;
  options.grid = plan_grid(options.rows(20), options.columns(20), 1, 20 * 20, 20, 20);
  EXPECT_CHIARO_ERROR(weave(picture, graph, options, {}), Bundle,
                      "gives 1199 values for a window of 20 x 20; expected 1200");
  EXPECT_TRUE(std::ranges::equal(picture.pixels(), source.pixels()));
}

TEST(Weave, WritesEveryPixelOnceFromTheOriginal) {
  for (const int alignment : {1, 4}) {
    for (const bool feathered : {false, true}) {
      auto picture = test::noise(3, 53, 39, kNoise);
      const auto source = picture;
      FakeGraph graph;
      WeaveOptions options;
      options.alignment = alignment;
      options.feathered = feathered;
      options.grid = plan_grid(options.rows(53), options.columns(39), 4, 20 * 20, 20, 20);
      ASSERT_GT(options.grid.rows * options.grid.columns, 6);
      EXPECT_EQ(weave(picture, graph, options, {}), 0U);
      EXPECT_EQ(graph.runs, options.grid.rows * options.grid.columns);
      for (std::size_t i = 0; i < picture.pixels().size(); ++i) {
        ASSERT_NEAR(picture.pixels()[i], 1 - source.pixels()[i], feathered ? 1e-6 : 0) << i;
      }
    }
  }
}

/// Its result takes the place of what it was shown.
class Covering : public FakeGraph {
 public:
  void run() override {
    FakeGraph::run();
    std::ranges::copy(FakeGraph::output(), input().begin());
  }
};

TEST(Weave, GrainComesFromWhatWasShownWhereTheResultCoversIt) {
  const auto woven = [](Graph&& graph) {
    auto picture = test::noise(3, 40, 39, kNoise);
    WeaveOptions options;
    options.keep_grain = 0.6;
    options.grid = plan_grid(options.rows(40), options.columns(39), 10, 1 << 20, 30, 30);
    EXPECT_EQ(weave(picture, graph, options, {}), 0U);
    return std::vector<float>(picture.pixels().begin(), picture.pixels().end());
  };
  EXPECT_EQ(woven(Covering()), woven(FakeGraph()));
}

/// Notes what it is shown.
class Watching : public FakeGraph {
 public:
  std::vector<std::vector<float>> seen;  // a window each
  void run() override {
    seen.emplace_back(input().begin(), input().end());
    FakeGraph::run();
  }
};

TEST(Weave, EveryWindowShowsThePictureMirroredAtItsEdges) {
  for (const int alignment : {1, 4}) {
    for (const int tile : {24, 28, 1000}) {
      const auto source = test::noise(3, 53, 39, kNoise);
      auto picture = source;
      Watching graph;
      WeaveOptions options;
      options.alignment = alignment;
      options.margin = {.top = 6, .bottom = 5, .left = 3, .right = 6};
      options.grid = plan_grid(options.rows(53), options.columns(39), 0, 1 << 20, tile, tile);
      const Grid& grid = options.grid;
      EXPECT_EQ(grid.rows > 1, tile < 1000);
      EXPECT_EQ(weave(picture, graph, options, {}), 0U);
      for (std::size_t i = 0; i < picture.pixels().size(); ++i)
        ASSERT_EQ(picture.pixels()[i], 1 - source.pixels()[i]) << i;
      // Results that were written before are not taken for the picture.
      auto window = graph.seen.begin();
      for (const AxisTile& row :
           plan_axis(options.rows(53), grid.window_height, grid.rows, false)) {
        for (const AxisTile& column :
             plan_axis(options.columns(39), grid.window_width, grid.columns, false)) {
          ASSERT_NE(window, graph.seen.end());
          auto value = window->begin();
          for (int c = 0; c < 3; ++c)
            for (int y = 0; y < grid.window_height; ++y)
              for (int x = 0; x < grid.window_width; ++x)
                ASSERT_EQ(*value++, source.at(c, image::mirrored(row.window_begin + y, 53),
                                              image::mirrored(column.window_begin + x, 39)))
                    << "tile " << tile << ", alignment " << alignment << ", " << y << ", " << x;
          ++window;
        }
      }
    }
  }
}

/// A picture in rows that lie in pictures, for once.
class Rows final : public PictureRows {
 public:
  Rows(const image::Image& picture, int scale)
      : result(picture.channels(), picture.height() * scale, picture.width() * scale),
        picture_(picture) {}
  int channels() const override { return picture_.channels(); }
  int height() const override { return picture_.height(); }
  int width() const override { return picture_.width(); }
  void read(int channel, int y, int x_begin, int x_end, float* target) const override {
    for (int x = x_begin; x < x_end; ++x) *target++ = picture_.at(channel, y, x);
  }
  void write(int channel, int y, std::span<const float> values) override {
    ASSERT_EQ(values.size(), static_cast<std::size_t>(result.width()));
    EXPECT_TRUE(written_.emplace(channel, y).second) << "a row comes twice";
    for (int x = 0; x < result.width(); ++x)
      result.at(channel, y, x) = values[static_cast<std::size_t>(x)];
  }

  image::Image result;

 private:
  const image::Image& picture_;
  std::set<std::pair<int, int>> written_;
};

/// Enlarges by repetition, and loses some values.
class Enlarging : public Graph {
 public:
  explicit Enlarging(int scale) : scale_(scale) {}
  void prepare(int channels, int height, int width) override {
    height_ = height;
    width_ = width;
    channels_ = channels;
    input_.resize(static_cast<std::size_t>(channels * height * width));
  }
  void release() override {}
  std::span<float> input() override { return input_; }
  void run() override {
    output_.clear();
    for (int row = 0; row < channels_ * height_ * scale_; ++row) {
      const auto first = static_cast<std::size_t>(row / scale_ * width_);
      for (int x = 0; x < width_ * scale_; ++x)
        output_.push_back(0.9F - 0.5F * input_[first + static_cast<std::size_t>(x / scale_)]);
    }
    for (std::size_t i = 500; i < output_.size(); i += 997)
      output_[i] = std::numeric_limits<float>::quiet_NaN();
  }
  std::span<const float> output() const override { return output_; }

 private:
  int scale_;
  int channels_ = 0;
  int height_ = 0;
  int width_ = 0;
  std::vector<float> input_;
  std::vector<float> output_;
};

/// The same from rows as from a picture.
void expect_rows_like_picture(int channels, float most, const WeaveOptions& options) {
  image::Image picture(channels, 53, 39);
  Rng rng(4);
  for (float& value : picture.pixels()) value = static_cast<float>(rng.uniform(0, most));
  const image::Image source = picture;
  Enlarging graph(options.scale);
  Rows rows(source, options.scale);
  const std::size_t lost = weave_rows(rows, graph, options, {});
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(weave(picture, graph, options, {}), lost);
  EXPECT_TRUE(std::ranges::equal(rows.result.pixels(), picture.pixels()))
      << channels << " channels, strength " << options.strength << ", grain " << options.keep_grain
      << ", scale " << options.scale << ", up to " << most;
}

TEST(Weave, OfRowsTheResultIsThatOfAPicture) {
  WeaveOptions options;
  options.alignment = 4;
  options.margin = {.top = 1, .bottom = 2, .left = 1, .right = 0};
  options.grid = {56, 40, 1, 1};
  for (const int channels : {1, 3}) {
    expect_rows_like_picture(channels, 1, options);
    WeaveOptions changed = options;
    changed.strength = 0.3;
    changed.keep_grain = 0.5;
    expect_rows_like_picture(channels, 1, changed);
    changed = options;
    changed.range_low = -1;
    expect_rows_like_picture(channels, 1, changed);
    changed = options;
    changed.scale = 2;
    expect_rows_like_picture(channels, 1, changed);
    changed = options;
    changed.curve = RangeCurve(SeenRange{.low = 0, .high = 4});
    ASSERT_TRUE(changed.curve.bends());
    expect_rows_like_picture(channels, 4, changed);
  }
}

TEST(Weave, RowsGoInOneTile) {
  const auto picture = test::noise(3, 40, 40, kNoise);
  Rows rows(picture, 1);
  FakeGraph graph;
  WeaveOptions options;
  options.grid = {24, 40, 2, 1};
  EXPECT_CHIARO_ERROR(weave_rows(rows, graph, options, {}), Internal, "goes in one tile");
}

TEST(Weave, LeavesThePictureAloneWhenTheFirstTileFails) {
  auto picture = test::noise(3, 40, 40, kNoise);
  const auto source = picture;
  FakeGraph graph;
  graph.fail_from_run = 0;
  WeaveOptions options;
  options.grid = plan_grid({40}, {40}, 4, 400, 20, 20);
  EXPECT_CHIARO_ERROR(weave(picture, graph, options, {}), Resource, "no memory");
  EXPECT_TRUE(
      std::equal(picture.pixels().begin(), picture.pixels().end(), source.pixels().begin()));
}

TEST(Weave, TriesSmallerTilesWhereMemoryRunsOut) {
  const auto plan = [](std::int64_t max_pixels) {
    return plan_grid({64}, {64}, 4, max_pixels, 64, 64);
  };
  const auto source = test::noise(3, 64, 64, kNoise);
  auto picture = source;
  FakeGraph graph;
  graph.largest_input = 3 * 1100;
  EXPECT_EQ(weave_with_retries(picture, graph, {}, plan, {}), 0U);
  EXPECT_EQ(graph.releases, 2);  // 64x64, then half, then a quarter of the pixels
  EXPECT_GT(graph.runs, 4);
  for (std::size_t i = 0; i < picture.pixels().size(); ++i)
    ASSERT_EQ(picture.pixels()[i], 1 - source.pixels()[i]);

  picture = source;
  graph.largest_input = 10;  // not even the smallest
  EXPECT_CHIARO_ERROR(weave_with_retries(picture, graph, {}, plan, {}), Resource, "no memory");
  EXPECT_TRUE(
      std::equal(picture.pixels().begin(), picture.pixels().end(), source.pixels().begin()));
}

TEST(Weave, DoesNotStartAgainOnAPictureAlreadyChanged) {
  auto picture = test::noise(3, 64, 64, kNoise);
  FakeGraph graph;
  graph.fail_from_run = 2;
  int plans = 0;
  const auto plan = [&plans](std::int64_t max_pixels) {
    ++plans;
    return plan_grid({64}, {64}, 4, std::min<std::int64_t>(max_pixels, 900), 64, 64);
  };
  EXPECT_CHIARO_ERROR(weave_with_retries(picture, graph, {}, plan, {}), Resource, "no memory");
  EXPECT_EQ(plans, 1);
}

TEST(Tiling, WindowsCoverTheAxisWithEnoughContext) {
  for (const int alignment : {1, 4, 8}) {
    for (const int overlap : {0, 4, 8, 12, 24}) {  // multiples of half the alignments
      for (int length = 1; length < 400; length += 7) {
        const Axis axis{length, length % 3, length % 5, alignment};
        const int end = axis.padded() - axis.before;
        ASSERT_GE(end, length + axis.after);
        for (int count = 1; count < 6; ++count) {
          const int window = std::max(smallest_window(axis.padded(), count, overlap, alignment),
                                      std::min(axis.padded(), smallest_tile(axis, overlap)));
          if (count > 1 && window >= axis.padded()) continue;  // one tile does
          int reached = -axis.before;
          for (const AxisTile& tile : plan_axis(axis, window, count, false)) {
            ASSERT_EQ(tile.keep_begin, reached);
            ASSERT_EQ((tile.window_begin + axis.before) % alignment, 0);
            ASSERT_LE(tile.window_begin + window, end);
            if (tile.keep_begin > -axis.before) {
              ASSERT_GE(tile.keep_begin - tile.window_begin, overlap);
            }
            if (tile.keep_end < end) {
              ASSERT_GE(tile.window_begin + window - tile.keep_end, overlap);
            }
            reached = tile.keep_end;
          }
          ASSERT_EQ(reached, end);
        }
      }
    }
  }
}

TEST(Tiling, TakesTheWholePictureWhereItFits) {
  const Grid grid = plan_grid({.length = 480, .alignment = 8}, {.length = 640, .alignment = 8}, 32,
                              480 * 640, 640, 640);
  EXPECT_EQ(grid.rows * grid.columns, 1);
  EXPECT_EQ(grid.window_height, 480);
  EXPECT_EQ(plan_grid({.length = 480, .alignment = 8}, {.length = 640, .alignment = 8}, 32,
                      480 * 640 - 1, 640, 640)
                    .rows *
                plan_grid({.length = 480, .alignment = 8}, {.length = 640, .alignment = 8}, 32,
                          480 * 640 - 1, 640, 640)
                    .columns,
            2);
  EXPECT_EQ(plan_grid({.length = 480, .alignment = 8}, {.length = 640, .alignment = 8}, 32, 79 * 79,
                      640, 640)
                .rows,
            0);  // smaller than two overlaps
}

TEST(Tiling, ATileHoldsWhatIsMirrored) {
  const Axis axis{.length = 80, .before = 6, .after = 6, .alignment = 4};
  EXPECT_EQ(smallest_tile(axis, 0), 24);
  EXPECT_EQ(plan_grid(axis, axis, 0, 1 << 20, 23, 23).rows, 0);
  EXPECT_EQ(plan_grid(axis, axis, 0, 1 << 20, 24, 24).window_height, 24);
}

TEST(Tiling, ALargePictureIsPlannedAtOnce) {
  const Grid grid = plan_grid({20000}, {20000}, 3, 512 * 512, 20000, 20000);
  EXPECT_GE(std::int64_t{grid.rows} * (grid.window_height - 6) + 6, 20000);
  EXPECT_LE(std::int64_t{grid.window_height} * grid.window_width, 512 * 512);
}

// Rows cost more than columns, so that the squarest window is not the best.
TEST(Tiling, TheGridIsTheBestOfAllThatFit) {
  const Axis rows{.length = 700, .before = 8, .after = 8, .alignment = 16};
  const Axis columns{.length = 950, .before = 8, .after = 8, .alignment = 16};
  constexpr int kOverlap = 48;
  for (const int budget : {60'000, 120'000, 300'000, 700'000}) {
    const auto fits = [budget](const Grid& grid) {
      return grid.window_height * grid.window_width + 300 * grid.window_height <= budget;
    };
    double least = std::numeric_limits<double>::infinity();
    for (int r = 1; r <= 40; ++r) {
      for (int c = 1; c <= 40; ++c) {
        const Grid grid{std::max(smallest_tile(rows, kOverlap),
                                 smallest_window(rows.padded(), r, kOverlap, 16)),
                        std::max(smallest_tile(columns, kOverlap),
                                 smallest_window(columns.padded(), c, kOverlap, 16)),
                        r, c};
        if (fits(grid))
          least = std::min(least, double{1} * r * c * grid.window_height * grid.window_width);
      }
    }
    const Grid found = plan_grid(rows, columns, kOverlap, 5000, 5000, fits);
    ASSERT_GT(found.rows, 0) << budget;
    EXPECT_TRUE(fits(found)) << budget;
    EXPECT_EQ(double{1} * found.rows * found.columns * found.window_height * found.window_width,
              least)
        << budget;
  }
}

}  // namespace
}  // namespace chiaro::restore::weave_test
