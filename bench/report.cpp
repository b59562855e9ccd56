#include "bench/report.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace chiaro::bench {
namespace {

std::string number(double value) {
  return fmt::format("{:.{}f}", value, value < 10 ? 3 : value < 100 ? 1 : 0);
}

std::string aim(const Figure& figure) {
  if (figure.at_most) return fmt::format("<= {:g}", *figure.at_most);
  if (figure.at_least) return fmt::format(">= {:g}", *figure.at_least);
  return "-";
}

bool has_aim(const Figure& figure) {
  return figure.at_most || figure.at_least;
}

bool held(const Figure& figure) {
  return (!figure.at_most || figure.value <= *figure.at_most) &&
         (!figure.at_least || figure.value >= *figure.at_least);
}

/// Of a figure that misses its aim.
bool is_open(const Figure& figure) {
  return !held(figure) && !figure.unjudged.empty();
}

std::string verdict(const Figure& figure) {
  if (!has_aim(figure)) return "-";
  if (is_open(figure)) return "open";
  return held(figure) ? "held" : "MISSED";
}

}  // namespace

void Report::add(Figure figure) {
  const auto known = std::find_if(figures_.begin(), figures_.end(),
                                  [&](const Figure& other) { return other.name == figure.name; });
  if (known != figures_.end()) {
    *known = std::move(figure);
  } else {
    figures_.push_back(std::move(figure));
  }
}

bool Report::none_missed() const {
  return std::ranges::all_of(figures_,
                             [](const Figure& figure) { return held(figure) || is_open(figure); });
}

bool Report::all_held() const {
  return std::ranges::all_of(figures_, held);
}

std::string Report::table() const {
  std::size_t width = 6;
  for (const auto& figure : figures_) width = std::max(width, figure.name.size());
  std::string text = fmt::format("{:<{}}  {:>9} {:<5} {:>8}  {:<6}  {}\n", "figure", width, "value",
                                 "unit", "aim", "", "from");
  for (const auto& figure : figures_) {
    fmt::format_to(
        std::back_inserter(text), "{:<{}}  {:>9} {:<5} {:>8}  {:<6}  {}\n", figure.name, width,
        number(figure.value), figure.unit, aim(figure), verdict(figure),
        is_open(figure) ? figure.detail + "; not judged: " + figure.unjudged : figure.detail);
  }
  return text;
}

}  // namespace chiaro::bench
