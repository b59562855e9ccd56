// What a run tells: a progress line on stderr, losses.csv and validation.csv, and TensorBoard
// events.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/train/event_file.h"

namespace chiaro::train {

/// Rows of CSV in a file. On resuming, rows beyond the resumed step are dropped, so that each step
/// stands there once. A new column starts the file anew with the old rows kept.
class CsvLog {
 public:
  CsvLog(std::filesystem::path file, std::int64_t resumed_step);
  void row(std::int64_t step, const std::vector<std::pair<std::string, double>>& cells);

 private:
  std::filesystem::path file_;
  std::vector<std::string> columns_;
};

class RunLog {
 public:
  RunLog(const std::filesystem::path& folder, std::int64_t resumed_step, std::int64_t total_steps);

  struct Step {
    std::string phase;
    double learning_rate;
    double gradient_norm;
    std::vector<std::pair<std::string, double>> values;
    double took_s;    ///< the step alone, with its wait for data: no validation, no files
    double waited_s;  ///< for data, since the run started
  };

  /// Averages steps; writes a row, events and the progress line when `due`. The line has the first
  /// of the values that every step gave; all of them are in losses.csv and the events.
  void step(std::int64_t step, const Step& report, bool due);
  void validation(std::int64_t step, const std::map<std::string, double>& metrics);
  /// A picture for the events; nothing where `png` is empty.
  void samples(std::int64_t step, const std::filesystem::path& png);
  /// A text for the events.
  void recipe(const std::string& toml);

 private:
  std::int64_t first_step_;
  std::int64_t total_steps_;
  double started_s_;
  CsvLog losses_;
  CsvLog validation_;
  EventFile events_;
  /// Of one term or meter over the steps since the last row; meters may be rarer than steps.
  struct Sum {
    std::string name;
    double value;
    std::int64_t count;
  };
  std::vector<Sum> sums_;
  std::int64_t summed_ = 0;
  double took_s_ = 0;
  double last_waited_s_ = 0;
};

}  // namespace chiaro::train
