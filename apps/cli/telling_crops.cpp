#include "apps/cli/telling_crops.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>

namespace chiaro::cli {
namespace {

struct Candidate {
  restore::Region region;
  double detail = 0;  // mean absolute difference of horizontal and vertical neighbours
  double light = 0;   // mean
};

/// What a part is chosen by: the largest value wins.
struct Wish {
  const char* why;
  std::function<double(const Candidate&)> value;
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

TellingCrops telling_crops(const image::Image& picture, int side_px, int count) {
  const image::Image grey = image::to_grey(picture);
  const int height = std::min(side_px, grey.height());
  const int width = std::min(side_px, grey.width());
  std::vector<Candidate> candidates;
  for (const int y : starts(grey.height(), height))
    for (const int x : starts(grey.width(), width))
      candidates.push_back(measured(grey, {x, y, width, height}));

  const auto exposed = [](const Candidate& c) { return c.light > 0.03 && c.light < 0.97; };
  const std::array<Wish, 4> wishes{
      {{"most detail", [](const Candidate& c) { return c.detail; }},
       {"flattest", [&](const Candidate& c) { return exposed(c) ? -c.detail : -1e3 - c.detail; }},
       {"darkest", [&](const Candidate& c) { return exposed(c) ? -c.light : -1e3 - c.light; }},
       {"more detail", [](const Candidate& c) { return c.detail; }}}};
  TellingCrops found;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    if (candidates.empty()) {
      found.shortage = fmt::format(
          "{} x {} pixels have no room for more that do not overlap; --crop-px makes them smaller",
          grey.width(), grey.height());
      break;
    }
    if (i > 0) std::erase_if(candidates, [](const Candidate& c) { return c.detail == 0; });
    if (candidates.empty()) {
      found.shortage = "the rest of the picture is flat and would tell nothing";
      break;
    }
    const Wish& wish = wishes[std::min(i, wishes.size() - 1)];
    const auto best = std::ranges::max_element(candidates, {}, wish.value);
    found.crops.push_back({best->region, wish.why});
    std::erase_if(candidates, [&](const Candidate& other) {
      return overlap(other.region, found.crops.back().region);
    });
  }
  return found;
}

}  // namespace chiaro::cli
