// The table of figures that chiaro_bench prints when all is measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace chiaro::bench {

/// One measured number.
struct Figure {
  std::string name = {};  ///< "restore/overhead/f32"
  double value = 0;
  std::string unit = {};  ///< "x" for ratios, "ms", "MiB", …
  std::optional<double> at_most = {};
  std::optional<double> at_least = {};
  std::string detail = {};  ///< the numbers behind it
  /// Why nothing follows where the aim was missed here; empty: it is missed then.
  std::string unjudged = {};
};

/// Figures in the order of their first mention.
class Report {
 public:
  /// A figure of a known name replaces the one before (a benchmark may be run several times until
  /// its duration suffices).
  void add(Figure figure);

  bool empty() const { return figures_.empty(); }

  /// Whether no figure misses its aim, but for those of which nothing follows.
  bool none_missed() const;

  /// Whether every figure with an aim holds it.
  bool all_held() const;

  /// Lines "name value unit aim held detail", aligned.
  std::string table() const;

 private:
  std::vector<Figure> figures_;
};

}  // namespace chiaro::bench
