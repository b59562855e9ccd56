// Several sets measured by one command, with the values they should reach.
//
//   metrics = ["psnr", "ssim"]        # default: psnr
//   presets = ["chiaro"]              # default
//   [protocol]                        # laid over the presets; keys of metrics::Protocol
//   [[set]]
//   name = "rain"
//   input = "Rain100L/input"          # with target, and pair = "rule" where names need one,
//                                     #    or alone, where every metric does without a reference;
//   target = "Rain100L/target"        # or clean = "CBSD68", degrade = "noise(sigma_u8=15)",
//   floor_db = 25.6                   #    seed = 0; or list = "pairs.txt"
//   most_worse = 0.05                 # at most 5 % lose more than 0.1 dB against the input
//   type = "rain"                     # what a controller should find; default: from degrade
//
// Folders are relative to the data folder.
#pragma once

#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/options.h"
#include "chiaro/eval/evaluate.h"
#include "chiaro/metrics/score.h"

namespace chiaro::eval {

/// One [[set]] of a suite, and what the command line states for a single one.
struct SetOptions {
  std::string name;
  std::string input;
  std::string target;
  std::string pair;
  std::string list;
  std::string clean;
  std::string degrade;
  std::int64_t seed = 0;
  std::string type;               ///< what a controller should find, as "rain"; "": from `degrade`
  std::vector<std::string> only;  ///< stems of the targets to keep; empty: all
  double floor_db = -std::numeric_limits<double>::infinity();
  double floor_gain_db = -std::numeric_limits<double>::infinity();
  double aim_db = -std::numeric_limits<double>::infinity();
  double aim_gain_db = -std::numeric_limits<double>::infinity();
  double most_worse = std::numeric_limits<double>::infinity();
  double least_right = -std::numeric_limits<double>::infinity();

  static Fields<SetOptions> fields();
};

/// Makes the set; folders are relative to `root`. Errors: Usage (not exactly one source of pairs),
/// and those of the sets.
PairSet make_set(const SetOptions& options, const std::filesystem::path& root);

struct SuiteSet {
  PairSet pairs;
  SetOptions options;
};

struct Suite {
  std::vector<metrics::Measure> measures;
  std::vector<SuiteSet> sets;
};

/// Reads a suite and finds all its pictures, at most `limit` of each set (0: all). Errors: Usage
/// (unknown keys, two sets of one name), Input (naming every folder that `data` lacks, and others).
Suite load_suite(const std::filesystem::path& file, const std::filesystem::path& data,
                 std::size_t limit = 0);

/// A loss against the input that counts for `most_worse`.
inline constexpr double kClearlyWorseDb = 0.1;

/// What a set should reach and what it reached.
struct GoalResult {
  std::string set;
  double psnr_db = 0;
  double gain_db = 0;
  double clearly_worse_share = 0;     ///< of pictures that lost more than kClearlyWorseDb
  std::optional<double> right_share;  ///< TypeSummary::right_or_mild_share
  SetOptions goal;
  bool held = true;   ///< floors, most_worse, and where a controller knows the type least_right
  bool aimed = true;  ///< aim and aim of the gain
};

/// Goals of the sets that state one, by the first PSNR measure and what a controller named. Errors:
/// Usage if there are goals but no PSNR.
std::vector<GoalResult> check_goals(const Suite& suite, std::span<const Report> reports);

std::string goals_text(std::span<const GoalResult> goals);

}  // namespace chiaro::eval
