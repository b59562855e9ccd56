#include "chiaro/restore/strip_restoration.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/restore/drawn.h"
#include "chiaro/restore/prepare.h"
#include "chiaro/restore/restorer_state.h"
#include "chiaro/restore/views.h"

namespace chiaro::restore {

/// Rows of a picture that follow each other, of which some lie behind and are dropped.
class StripRestoration::Band {
 public:
  Band(const image::Frame& frame, bool drop_alpha) : frame_(frame), drop_alpha_(drop_alpha) {}

  int begin() const { return begin_; }
  int end() const { return end_; }

  /// Reads on to `end`, and forgets what lies above `begin`. Returns how many values were not
  /// finite.
  std::size_t move_to(image::StripReader& reader, int begin, int end) {
    image::Image moved(frame_.channels, end - begin, frame_.width);
    const int kept = std::max(0, end_ - begin);
    for (int c = 0; c < frame_.channels && kept > 0; ++c) {
      const auto from = rows_.plane(c).subspan(values(begin - begin_), values(kept));
      std::ranges::copy(from, moved.plane(c).begin());
    }
    rows_ = {};  // before new rows come
    std::size_t replaced = 0;
    for (int y = std::max(end_, begin); y < end;) {
      image::Image strip = reader.next(std::min(kReadRows, end - y));
      CHIARO_CHECK(!strip.empty(), Input, "[restore.strips] the picture has changed meanwhile");
      if (drop_alpha_) strip.alpha = {};
      replaced += replace_not_finite(strip).not_finite;
      for (int c = 0; c < frame_.channels; ++c)
        std::ranges::copy(strip.plane(c),
                          moved.plane(c).begin() + static_cast<std::ptrdiff_t>(values(y - begin)));
      y += strip.height();
    }
    rows_ = std::move(moved);
    begin_ = begin;
    end_ = end;
    return replaced;
  }

  /// The rows themselves, of which a copy of those from `keep` on stays for the next band.
  image::Image take(int keep) {
    image::Image kept;
    if (keep < end_) kept = image::crop(rows_, keep - begin_, 0, end_ - keep, frame_.width);
    begin_ = std::min(keep, end_);
    return std::exchange(rows_, std::move(kept));
  }

 private:
  std::size_t values(int rows) const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(frame_.width);
  }

  const image::Frame& frame_;
  bool drop_alpha_;
  image::Image rows_;  // [begin_, end_)
  int begin_ = 0;
  int end_ = 0;
};

class StripRestoration::Work {
 public:
  Work(Restorer& restorer, Opener open, const RestoreOptions& options, ProgressCallback progress)
      : state_(*restorer.state_),
        open_(std::move(open)),
        options_(options),
        progress_(std::move(progress)),
        reader_(open_()),
        source_(reader_.frame()),
        band_(source_, true) {
    state_.check_options(source_.channels, options_);
    check_possible(restorer);
    if (options_.alpha == AlphaMode::Drop) source_.has_alpha = false;
    plan_ = state_.plan_strips(source_, options_);
    if (options_.strength > 0) {
      if (!options_.range) options_.range = gathered_range();
      options_.strength = state_.settle_condition([&] { return look(); }, options_, report_);
    }
    report_.strength = options_.strength;
    weave_ = state_.weave_options(options_);
    weave_.grid = {plan_.window_height_px, plan_.window_width_px, 1, plan_.columns};
    rows_ = plan_axis(weave_.rows(source_.height), plan_.window_height_px, plan_.rows, false);
    result_ = source_;
    if (options_.strength > 0) {
      result_.height *= weave_.scale;
      result_.width *= weave_.scale;
    }
  }

  const image::Frame& frame() const { return result_; }
  const RestorePlan& plan() const { return plan_; }
  const RestoreReport& report() const { return report_; }

  image::Image next() {
    if (given_ == given_end_) {
      if (row_ == rows_.size()) return {};
      restore_band();
    }
    const int count = std::min(kGivenRows, given_end_ - given_);
    image::Image strip = image::crop(done_, given_, 0, count, done_.width());
    strip.sample_type = source_.sample_type;
    given_ += count;
    if (given_ == given_end_) done_ = {};
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
    const AxisTile& tile = rows_[row_];
    const int begin = std::max(tile.window_begin, 0);
    const int window_end = tile.window_begin + plan_.window_height_px;
    const int end = std::min(window_end, source_.height);
    weave_.margin.top = begin - tile.window_begin;
    weave_.margin.bottom = window_end - end;
    replaced_ += band_.move_to(reader_, begin, end);
    const bool last = row_ + 1 == rows_.size();
    done_ = band_.take(last ? end : std::max(rows_[row_ + 1].window_begin, 0));
    int scale = 1;
    if (options_.strength > 0) {
      restore(done_);
      scale = weave_.scale;
    }
    given_ = (std::max(tile.keep_begin, 0) - begin) * scale;
    given_end_ = (std::min(tile.keep_end, source_.height) - begin) * scale;
    ++row_;
    if (last) say_notes();
    CHIARO_CHECK(tell(0), Interrupted, "[restore.restore] stopped");
  }

  /// Once, of all bands together.
  void say_notes() const {
    warn_of_replaced(replaced_);
    state_.warn_of_unusable(unusable_);
  }

  void restore(image::Image& part) {
    limit_to(*options_.range, part);
    state_.hold(weave_.grid);
    if (state_.channels != 1 || part.channels() == 1) {
      weave_into(part, 0, 1);
      return;
    }
    image::Image joined;
    for (int channel = 0; channel < 3; ++channel) {
      auto plane = grey_picture(part.plane(channel), part.height(), part.width());
      weave_into(plane, channel, 3);
      if (channel == 0) joined = image::Image(3, plane.height(), plane.width());
      std::ranges::copy(plane.pixels(), joined.plane(channel).begin());
    }
    part = std::move(joined);
  }

  void weave_into(image::Image& part, int pass, int passes) {
    Restorer::State::EngineGraph graph(state_);
    unusable_ +=
        weave(part, graph, weave_, [&](double done) { return tell((pass + done) / passes); });
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
  std::size_t row_ = 0;  // of the band to come
  std::size_t unusable_ = 0;
  std::size_t replaced_ = 0;
  Band band_;
  image::Image done_;  // a band of the result, of which [given_, given_end_) is still to be given
  int given_ = 0;
  int given_end_ = 0;
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
