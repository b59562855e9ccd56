#include "apps/cli/telling_crops.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>

namespace chiaro::cli {
namespace {

constexpr int kGapPx = 8;

struct Candidate {
  restore::Region region;
  double detail = 0;  // mean absolute difference of horizontal and vertical neighbours
  double light = 0;   // mean
};

Candidate measured(const image::Image& grey, const restore::Region& region) {
  Candidate candidate{region};
  for (int y = region.y; y < region.y + region.height; ++y) {
    for (int x = region.x; x < region.x + region.width; ++x) {
      const double here = grey.at(0, y, x);
      candidate.light += here;
      if (x > region.x) candidate.detail += std::abs(here - grey.at(0, y, x - 1));
      if (y > region.y) candidate.detail += std::abs(here - grey.at(0, y - 1, x));
    }
  }
  const double pixels = double{1} * region.width * region.height;
  candidate.light /= pixels;
  candidate.detail /= 2 * pixels;
  return candidate;
}

bool overlap(const restore::Region& a, const restore::Region& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

std::vector<int> starts(int length, int side) {
  std::vector<int> result;
  const int step = std::max(1, side / 2);
  for (int at = 0; at + side <= length; at += step) result.push_back(at);
  if (result.back() + side < length) result.push_back(length - side);
  return result;
}

}  // namespace

std::vector<restore::Region> telling_crops(const image::Image& picture, int side_px, int count) {
  const image::Image grey = image::to_grey(picture);
  const int height = std::min(side_px, grey.height());
  const int width = std::min(side_px, grey.width());
  std::vector<Candidate> candidates;
  for (const int y : starts(grey.height(), height))
    for (const int x : starts(grey.width(), width))
      candidates.push_back(measured(grey, {x, y, width, height}));

  const auto exposed = [](const Candidate& c) { return c.light > 0.03 && c.light < 0.97; };
  const std::function<double(const Candidate&)> by_detail = [](const Candidate& c) {
    return c.detail;
  };
  const std::function<double(const Candidate&)> by_flatness = [&](const Candidate& c) {
    return exposed(c) ? -c.detail : -1e3 - c.detail;
  };
  const std::function<double(const Candidate&)> by_darkness = [&](const Candidate& c) {
    return exposed(c) ? -c.light : -1e3 - c.light;
  };
  std::vector<restore::Region> chosen;
  for (int i = 0; i < count && !candidates.empty(); ++i) {
    const auto& by = i == 1 ? by_flatness : i == 2 ? by_darkness : by_detail;
    const auto best = std::ranges::max_element(candidates, {}, by);
    chosen.push_back(best->region);
    std::erase_if(candidates,
                  [&](const Candidate& other) { return overlap(other.region, chosen.back()); });
  }
  return chosen;
}

image::Image side_by_side(const std::vector<image::Image>& pictures) {
  const int width = pictures.front().width();
  const int height = pictures.front().height();
  const int count = static_cast<int>(pictures.size());
  image::Image sheet(3, height, count * width + (count - 1) * kGapPx, 1.0F);
  for (int i = 0; i < count; ++i) {
    const image::Image rgb = image::to_rgb(pictures[static_cast<std::size_t>(i)]);
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < height; ++y) {
        const auto from =
            rgb.plane(c).subspan(static_cast<std::size_t>(y) * static_cast<std::size_t>(width),
                                 static_cast<std::size_t>(width));
        std::ranges::copy(from, &sheet.at(c, y, i * (width + kGapPx)));
      }
    }
  }
  return sheet;
}

}  // namespace chiaro::cli
