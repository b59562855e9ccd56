#include "chiaro/restore/views.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "chiaro/base/error.h"

namespace chiaro::restore {
namespace {

/// Pixels alone, three channels.
image::Image bare_rgb(const image::Image& picture) {
  image::Image rgb(3, picture.height(), picture.width());
  for (int channel = 0; channel < 3; ++channel) {
    const auto from = picture.plane(std::min(channel, picture.channels() - 1));
    std::copy(from.begin(), from.end(), rgb.plane(channel).begin());
  }
  return rgb;
}

image::Image bare_rgb(image::Image&& picture) {
  if (picture.channels() != 3) return bare_rgb(std::as_const(picture));
  std::vector<float>().swap(picture.alpha);
  picture.metadata = {};
  return std::move(picture);
}

/// A side of the reduced whole picture.
int reduced_side(int side, int longer, int whole_px) {
  const double exact = static_cast<double>(side) * whole_px / longer;
  return std::max(1, static_cast<int>(std::lround(exact)));
}

image::Image aligned(const image::Image& reduced, int alignment_px) {
  const auto missing = [&](int side) {
    return (alignment_px - side % alignment_px) % alignment_px;
  };
  return image::pad_reflect(reduced, 0, missing(reduced.height()), 0, missing(reduced.width()));
}

}  // namespace

std::vector<int> view_starts(int length, int view_px, int count) {
  std::vector<int> starts;
  for (int i = 0; i < count; ++i) {
    const std::int64_t doubled = (2 * std::int64_t{i} + 1) * length - std::int64_t{count} * view_px;
    starts.push_back(static_cast<int>((doubled + count) / (2 * count)));
  }
  return starts;
}

int view_count(int length, int view_px, int max_views) {
  int most = 1;
  while ((most + 1) * (most + 1) <= max_views) ++most;
  const std::int64_t twice = 2 * std::int64_t{view_px};
  return static_cast<int>(std::clamp<std::int64_t>((length + twice - 1) / twice, 1, most));
}

image::Image at_least(image::Image picture, int side_px) {
  if (std::min(picture.height(), picture.width()) >= side_px) return picture;
  return image::pad_reflect(picture, 0, std::max(0, side_px - picture.height()), 0,
                            std::max(0, side_px - picture.width()));
}

image::Image view_at(const image::Image& picture, int top, int left, int view_px) {
  return at_least(image::crop(picture, top, left, std::min(view_px, picture.height()),
                              std::min(view_px, picture.width())),
                  view_px);
}

std::vector<image::Image> native_views(const image::Image& picture, int view_px, int max_views) {
  CHIARO_CHECK(!picture.empty() && view_px > 0 && max_views > 0, Usage,
               "[restore.native_views] nothing to look at; got {} x {} pixels, {} views of {} px",
               picture.width(), picture.height(), max_views, view_px);
  const auto starts = [&](int side) {
    const int length = std::max(side, view_px);
    return view_starts(length, view_px, view_count(length, view_px, max_views));
  };
  std::vector<image::Image> views;
  for (const int top : starts(picture.height())) {
    for (const int left : starts(picture.width()))
      views.push_back(bare_rgb(view_at(picture, top, left, view_px)));
  }
  return views;
}

image::Image whole_view(const image::Image& picture, int whole_px, int alignment_px) {
  CHIARO_CHECK(!picture.empty() && whole_px > 0 && alignment_px > 0, Usage,
               "[restore.whole_view] nothing to look at; got {} x {} pixels, a long side of {} px, "
               "alignment {}",
               picture.width(), picture.height(), whole_px, alignment_px);
  const int longer = std::max(picture.height(), picture.width());
  const image::Image reduced =
      longer <= whole_px
          ? bare_rgb(picture)
          : bare_rgb(image::reduce_area(picture, reduced_side(picture.height(), longer, whole_px),
                                        reduced_side(picture.width(), longer, whole_px)));
  return aligned(reduced, alignment_px);
}

ViewGatherer::ViewGatherer(int height, int width, int view_px, int max_views, int whole_px,
                           int alignment_px)
    : height_(height),
      width_(width),
      view_px_(view_px),
      max_views_(max_views),
      whole_px_(whole_px),
      alignment_px_(alignment_px) {
  CHIARO_CHECK(
      height > 0 && width > 0 && view_px > 0 && max_views > 0 && whole_px > 0 && alignment_px > 0,
      Usage, "[restore.ViewGatherer] nothing to look at; got {} x {} pixels", width, height);
  const int longer = std::max(height, width);
  if (longer <= whole_px) {
    all_ = image::Image(3, height, width);
    return;
  }
  const auto starts = [&](int side) {
    const int length = std::max(side, view_px);
    return view_starts(length, view_px, view_count(length, view_px, max_views));
  };
  for (const int top : starts(height))
    for (const int left : starts(width)) places_.push_back({top, left});
  views_.assign(places_.size(),
                image::Image(3, std::min(view_px, height), std::min(view_px, width)));
  reduced_ = image::Image(3, reduced_side(height, longer, whole_px),
                          reduced_side(width, longer, whole_px));
  reductions_.assign(3, image::PlaneReduction(height, width, reduced_.height(), reduced_.width()));
}

void ViewGatherer::add_to_views(const image::Image& strip) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const int begin = std::max(places_[i].top, y_);
    const int end = std::min(places_[i].top + views_[i].height(), y_ + strip.height());
    const int columns = views_[i].width();
    for (int c = 0; c < 3; ++c) {
      const auto from = strip.plane(std::min(c, strip.channels() - 1));
      for (int y = begin; y < end; ++y) {
        std::copy_n(from.begin() + std::ptrdiff_t{y - y_} * width_ + places_[i].left, columns,
                    views_[i].plane(c).begin() + std::ptrdiff_t{y - places_[i].top} * columns);
      }
    }
  }
}

void ViewGatherer::add(const image::Image& strip) {
  CHIARO_CHECK(strip.width() == width_ && y_ + strip.height() <= height_, Internal,
               "[restore.ViewGatherer] a strip of {} x {} at row {} of {} x {}", strip.width(),
               strip.height(), y_, width_, height_);
  if (all_.empty()) add_to_views(strip);
  for (int c = 0; c < 3; ++c) {
    const auto from = strip.plane(std::min(c, strip.channels() - 1));
    if (!all_.empty()) {
      std::ranges::copy(from, all_.plane(c).begin() + std::ptrdiff_t{y_} * width_);
      continue;
    }
    for (int y = 0; y < strip.height(); ++y)
      reductions_[static_cast<std::size_t>(c)].add(from.data() + std::ptrdiff_t{y} * width_,
                                                   reduced_.plane(c));
  }
  y_ += strip.height();
}

std::vector<image::Image> ViewGatherer::native() const {
  CHIARO_CHECK(y_ == height_, Internal, "[restore.ViewGatherer] {} of {} rows came", y_, height_);
  if (!all_.empty()) return native_views(all_, view_px_, max_views_);
  std::vector<image::Image> views;
  for (const image::Image& view : views_) views.push_back(at_least(view, view_px_));
  return views;
}

image::Image ViewGatherer::whole() const {
  CHIARO_CHECK(y_ == height_, Internal, "[restore.ViewGatherer] {} of {} rows came", y_, height_);
  return all_.empty() ? aligned(reduced_, alignment_px_)
                      : whole_view(all_, whole_px_, alignment_px_);
}

image::Image square_view(const image::Image& picture, int side_px) {
  CHIARO_CHECK(!picture.empty() && side_px > 0, Usage,
               "[restore.square_view] nothing to look at; got {} x {} pixels, a side of {} px",
               picture.width(), picture.height(), side_px);
  const auto first = [&](int i, int length) {
    return static_cast<int>(std::int64_t{i} * length / side_px);
  };
  const auto last = [&](int i, int length) {
    return static_cast<int>((std::int64_t{i + 1} * length + side_px - 1) / side_px);
  };
  const image::Image source = bare_rgb(picture);
  image::Image square(3, side_px, side_px);
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < side_px; ++i) {
      const int top = first(i, source.height());
      const int bottom = last(i, source.height());
      for (int j = 0; j < side_px; ++j) {
        const int left = first(j, source.width());
        const int right = last(j, source.width());
        double sum = 0;
        for (int y = top; y < bottom; ++y)
          for (int x = left; x < right; ++x) sum += source.at(c, y, x);
        square.at(c, i, j) = static_cast<float>(sum / ((bottom - top) * (right - left)));
      }
    }
  }
  return square;
}

std::vector<int> window_starts(int length, int view_px) {
  const int step = std::max(1, view_px / 2);
  const int last = std::max(0, length - view_px);
  std::vector<int> starts;
  for (int start = 0; start < last; start += step) starts.push_back(start);
  starts.push_back(last);
  return starts;
}

}  // namespace chiaro::restore
