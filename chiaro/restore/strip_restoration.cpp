#include "chiaro/restore/strip_restoration.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/image/indices.h"
#include "chiaro/restore/drawn.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/restorer_state.h"
#include "chiaro/restore/stored_rows.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {

namespace {

/// What a tile sees of a picture, and of that what of its result is kept; ends are exclusive.
struct Tile {
  int top = 0;
  int bottom = 0;
  int left = 0;
  int right = 0;
  int keep_top = 0;
  int keep_bottom = 0;
  int keep_left = 0;
  int keep_right = 0;
};

/// A tile between the rows that are read and those that are done, neither of which it copies.
class TileRows final : public PictureRows {
 public:
  struct Channels {
    int first = 0;
    int count = 0;
  };

  TileRows(const StoredRows& from, StoredRows& to, const Tile& tile, int scale, bool limited,
           Channels channels)
      : from_(from), to_(to), tile_(tile), scale_(scale), limited_(limited), channels_(channels) {}

  int channels() const override { return channels_.count; }
  int height() const override { return tile_.bottom - tile_.top; }
  int width() const override { return tile_.right - tile_.left; }

  void read(int channel, int y, int x_begin, int x_end, float* target) const override {
    const std::span<float> values(target, image::as_size(x_end - x_begin));
    from_.read(channels_.first + channel, tile_.top + y, tile_.left + x_begin, values);
    if (limited_) limit_to(SeenRange{}, values);
  }

  void write(int channel, int y, std::span<const float> values) override {
    const int row = tile_.top * scale_ + y;
    if (row < tile_.keep_top * scale_ || row >= tile_.keep_bottom * scale_) return;
    const int skipped = (tile_.keep_left - tile_.left) * scale_;
    const int kept = (tile_.keep_right - tile_.keep_left) * scale_;
    to_.write(channels_.first + channel, row, tile_.keep_left * scale_,
              values.subspan(image::as_size(skipped), image::as_size(kept)));
  }

  /// The picture as it is, which no network has seen, at scale 1.
  void copy() {
    std::vector<float> row(image::as_size(width()));
    for (int channel = 0; channel < channels(); ++channel) {
      for (int y = tile_.keep_top - tile_.top; y < tile_.keep_bottom - tile_.top; ++y) {
        from_.read(channels_.first + channel, tile_.top + y, tile_.left, row);
        write(channel, y, row);
      }
    }
  }

 private:
  const StoredRows& from_;
  StoredRows& to_;
  const Tile& tile_;
  int scale_;
  bool limited_;  // values are read limited to [0,1]
  Channels channels_;
};

}  // namespace

class StripRestoration::Work {
 public:
  Work(Restorer& restorer, Opener open, const RestoreOptions& options, ProgressCallback progress)
      : state_(*restorer.state_),
        open_(std::move(open)),
        options_(options),
        progress_(std::move(progress)),
        reader_(open_()),
        source_(reader_.frame()) {
    state_.check_options(source_.channels, options_);
    check_possible(restorer);
    if (options_.alpha == AlphaMode::Drop) source_.has_alpha = false;
    plan_ = state_.plan_strips(source_, options_);
    if (options_.strength > 0) {
      if (!options_.range) options_.range = gathered_range();
      options_.strength = state_.settle_condition([&] { return look(); }, options_, report_);
      state_.release_inspector(options_);
    }
    report_.strength = options_.strength;
    if (options_.strength > 0) report_.plan = plan_;
    weave_ = state_.weave_options(source_.height, source_.width, options_);
    weave_.grid = {plan_.window_height_px, plan_.window_width_px, 1, 1};
    rows_ = plan_axis(weave_.rows(source_.height), plan_.window_height_px, plan_.rows, false);
    columns_ =
        plan_axis(weave_.columns(source_.width), plan_.window_width_px, plan_.columns, false);
    if (options_.strength == 0) weave_.scale = 1;
    result_ = source_;
    result_.height *= weave_.scale;
    result_.width *= weave_.scale;
    read_.emplace(source_kept_as(source_), source_.channels, source_.width, plan_.window_height_px);
    done_.emplace(
        options_.strength > 0 ? result_kept_as(source_, options_) : source_kept_as(source_),
        result_.channels, result_.width, most_kept_rows(rows_, source_.height) * weave_.scale);
  }

  const image::Frame& frame() const { return result_; }
  const RestorePlan& plan() const { return plan_; }
  const RestoreReport& report() const { return report_; }

  image::Image next() {
    if (given_ == done_->end()) {
      if (row_ == rows_.size()) return {};
      restore_band();
    }
    image::Image strip(result_.channels, std::min(kGivenRows, done_->end() - given_),
                       result_.width);
    done_->copy_to(strip, given_, 0);
    strip.sample_type = source_.sample_type;
    given_ += strip.height();
    return strip;
  }

 private:
  void check_possible(const Restorer& restorer) const {
    const std::string obstacle = obstacle_to_strips(restorer, reader_, options_);
    CHIARO_CHECK(obstacle.empty(), Resource,
                 "[restore.strips] a picture of {} x {} does not fit into memory, and cannot be "
                 "restored in strips: {}",
                 source_.width, source_.height, obstacle);
  }

  /// Reads the whole picture, and begins anew.
  void read_through(const std::function<void(image::Image& strip)>& take) {
    for (image::Image strip = reader_.next(kReadRows); !strip.empty();
         strip = reader_.next(kReadRows)) {
      strip.alpha = {};
      (void)replace_not_finite(strip);
      take(strip);
      CHIARO_CHECK(tell(0), Interrupted, "[restore.restore] stopped");
    }
    if (reader_.restart()) return;
    reader_ = open_();
    const image::Frame& again = reader_.frame();
    CHIARO_CHECK(again.channels == source_.channels && again.height == source_.height &&
                     again.width == source_.width && reader_.obstacle().empty(),
                 Input, "[restore.strips] the picture has changed meanwhile");
  }

  SeenRange gathered_range() {
    if (!source_.may_exceed) return {};
    RangeGatherer range(source_.metadata.linear_light);
    read_through([&](const image::Image& strip) { range.add(strip); });
    return range.range();
  }

  /// For the controller.
  Inspection look() {
    const bundle::ConditionInfo& info = state_.inspector->info();
    ViewGatherer views(source_.height, source_.width, info.view_px, info.max_views, info.whole_px,
                       info.whole_alignment_px);
    DrawnDetector drawn;
    const bool guarded = options_.guard != GuardMode::Off;
    const RangeCurve curve(*options_.range);
    read_through([&](image::Image& strip) {
      if (curve.bends()) curve.show(strip.pixels());
      views.add(strip);
      if (guarded) drawn.add(strip);
    });
    Inspection found = state_.inspector->inspect(views.native(), views.whole());
    if (guarded) found.drawn = drawn.shares();
    return found;
  }

  /// Reads, restores and leaves in done_ the rows that belong to the next row of tiles.
  void restore_band() {
    const AxisTile& row = rows_[row_];
    const int begin = std::max(row.window_begin, 0);
    const int end = std::min(row.window_begin + plan_.window_height_px, source_.height);
    read_on(begin, end);
    const int keep_begin = std::max(row.keep_begin, 0);
    const int keep_end = std::min(row.keep_end, source_.height);
    done_->move_to(keep_begin * weave_.scale);
    done_->extend((keep_end - keep_begin) * weave_.scale);
    if (options_.strength > 0) state_.hold(weave_.grid);
    for (std::size_t j = 0; j < columns_.size(); ++j) restore(row, columns_[j], j);
    ++row_;
    if (row_ == rows_.size()) say_notes();
    CHIARO_CHECK(tell(0), Interrupted, "[restore.restore] stopped");
  }

  /// Reads on to `end`, and forgets what lies above `begin`.
  void read_on(int begin, int end) {
    read_->move_to(begin);
    while (read_->end() < end) {
      image::Image strip = reader_.next(std::min(kReadRows, end - read_->end()));
      CHIARO_CHECK(!strip.empty(), Input, "[restore.strips] the picture has changed meanwhile");
      strip.alpha = {};
      replaced_ += replace_not_finite(strip).not_finite;
      read_->add(strip);
    }
  }

  /// What a tile sees of the picture, and which of its sides are those of the picture.
  Tile seen_by(const AxisTile& row, const AxisTile& column) {
    Tile tile{.top = std::max(row.window_begin, 0),
              .bottom = std::min(row.window_begin + plan_.window_height_px, source_.height),
              .left = std::max(column.window_begin, 0),
              .right = std::min(column.window_begin + plan_.window_width_px, source_.width),
              .keep_top = std::max(row.keep_begin, 0),
              .keep_bottom = std::min(row.keep_end, source_.height),
              .keep_left = std::max(column.keep_begin, 0),
              .keep_right = std::min(column.keep_end, source_.width)};
    weave_.margin = {.top = tile.top - row.window_begin,
                     .bottom = row.window_begin + plan_.window_height_px - tile.bottom,
                     .left = tile.left - column.window_begin,
                     .right = column.window_begin + plan_.window_width_px - tile.right};
    return tile;
  }

  /// Once, of all bands together.
  void say_notes() const {
    warn_of_replaced(replaced_);
    state_.warn_of_unusable(unusable_);
  }

  /// The tile in column j of the band.
  void restore(const AxisTile& row, const AxisTile& column, std::size_t j) {
    const Tile tile = seen_by(row, column);
    // One channel of a picture for a grey network is a picture of its own.
    const int parts = state_.channels == 1 ? source_.channels : 1;
    for (int part = 0; part < parts; ++part) {
      TileRows rows(*read_, *done_, tile, weave_.scale, !weave_.curve.bends(),
                    {.first = part, .count = source_.channels / parts});
      if (options_.strength == 0) {
        rows.copy();
        continue;
      }
      Restorer::State::EngineGraph graph(state_);
      unusable_ += weave_rows(rows, graph, weave_,
                              [&](double done) { return tell_of(j, (part + done) / parts); });
    }
  }

  /// `done`: of the tile in column j.
  bool tell_of(std::size_t j, double done) const {
    return tell((static_cast<double>(j) + done) / static_cast<double>(columns_.size()));
  }

  /// `done`: of the band at row_.
  bool tell(double done) const {
    return !progress_ ||
           progress_((static_cast<double>(row_) + done) / static_cast<double>(rows_.size()));
  }

  Restorer::State& state_;
  Opener open_;
  RestoreOptions options_;
  ProgressCallback progress_;
  image::StripReader reader_;
  image::Frame source_;
  image::Frame result_;
  RestorePlan plan_;
  RestoreReport report_;
  WeaveOptions weave_;
  std::vector<AxisTile> rows_ = {AxisTile{}};
  std::vector<AxisTile> columns_;
  std::size_t row_ = 0;  // of the band to come
  std::size_t unusable_ = 0;
  std::size_t replaced_ = 0;
  std::optional<StoredRows> read_;
  std::optional<StoredRows> done_;  // of the result, of which those from given_ on are to be given
  int given_ = 0;
};

StripRestoration::StripRestoration(Restorer& restorer, Opener open, const RestoreOptions& options,
                                   ProgressCallback progress)
    : work_(std::make_unique<Work>(restorer, std::move(open), options, std::move(progress))) {}

StripRestoration::~StripRestoration() = default;

RestorePlan StripRestoration::planned(const Restorer& restorer, const image::Frame& source,
                                      const RestoreOptions& options) {
  return restorer.state_->plan_strips(source, options);
}

const image::Frame& StripRestoration::frame() const {
  return work_->frame();
}

const RestorePlan& StripRestoration::plan() const {
  return work_->plan();
}

const RestoreReport& StripRestoration::report() const {
  return work_->report();
}

image::Image StripRestoration::next() {
  return work_->next();
}

std::string obstacle_to_strips(const Restorer& restorer, const image::StripReader& reader,
                               const RestoreOptions& options) {
  if (!reader.obstacle().empty()) return reader.obstacle();
  if (reader.frame().has_alpha && options.alpha != AlphaMode::Drop)
    return "it has transparency, which --alpha drop would leave out";
  if (restorer.manifest().global_statistics)
    return fmt::format("bundle '{}' looks at the whole of it at once", restorer.manifest().name);
  return "";
}

namespace {

std::int64_t samples_of(const image::Frame& source) {
  return std::int64_t{source.width} * source.height *
         (source.channels + (source.has_alpha ? 1 : 0));
}

/// The source as floats, which are the result's at scale 1, and a coded result of up to two bytes a
/// sample, a part of it kept twice. Floats of an enlarged result come to that.
std::int64_t held_as_a_whole(const Restorer& restorer, const image::Frame& source) {
  const std::int64_t scale = restorer.manifest().scale;
  return samples_of(source) * (4 + 2 * scale * scale);
}

/// Pixels that the network computes, those that tiles share counted twice.
double work_of(const RestorePlan& plan) {
  return double{1} * plan.tiles() * plan.window_height_px * plan.window_width_px;
}

}  // namespace

bool exceeds_memory(const Restorer& restorer, const image::Frame& source,
                    const RestoreOptions& options, std::int64_t available) {
  const std::int64_t scale = restorer.manifest().scale;
  const std::int64_t samples = samples_of(source);
  const std::int64_t enlarged = scale * scale;
  const std::int64_t held = held_as_a_whole(restorer, source);
  if (options.max_memory_bytes == 0) {
    const std::int64_t result = scale == 1 ? 0 : samples * 4 * enlarged;
    return available > 0 && held + result > available - available / 4;
  }
  RestoreOptions left = options;
  left.max_memory_bytes = options.max_memory_bytes - held;
  if (left.max_memory_bytes <= 0) return true;
  try {
    (void)restorer.plan(source.height, source.width, left);  // counts an enlarged result
    return false;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Resource) throw;
    return true;
  }
}

bool less_work_in_strips(const Restorer& restorer, const image::Frame& source,
                         const RestoreOptions& options) {
  constexpr double kClearly = 1.25;  // strips are read twice where a controller looks
  RestoreOptions left = options;
  left.max_memory_bytes = options.max_memory_bytes - held_as_a_whole(restorer, source);
  try {
    const double whole = work_of(restorer.plan(source.height, source.width, left));
    return whole > kClearly * work_of(StripRestoration::planned(restorer, source, options));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Resource) throw;
    return false;
  }
}

Passage choose_passage(const Restorer& restorer, const image::StripReader& reader,
                       const std::string& format, const RestoreOptions& options,
                       std::int64_t available) {
  const bool exceeds = exceeds_memory(restorer, reader.frame(), options, available);
  if (options.max_memory_bytes > 0) {
    const bool possible =
        image::can_write_strips(format) && obstacle_to_strips(restorer, reader, options).empty();
    return {.in_strips =
                exceeds || (possible && less_work_in_strips(restorer, reader.frame(), options))};
  }
  if (!exceeds) return {};
  std::string obstacle = image::can_write_strips(format)
                             ? obstacle_to_strips(restorer, reader, options)
                             : format + " cannot be written in strips";
  const bool possible = obstacle.empty();
  return {.in_strips = possible, .obstacle = std::move(obstacle)};
}

}  // namespace chiaro::restore
