// Restores the pictures of a set, scores them, and sums up.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/eval/pair_set.h"
#include "chiaro/eval/statistics.h"
#include "chiaro/metrics/score.h"

namespace chiaro::eval {

/// A restored picture and what it was taken for.
struct Restored {
  image::Image picture;
  std::string type;  ///< the degradation a controller found; "" where none looked

  Restored(image::Image restored, std::string found = "")  // NOLINT: a picture alone is one, too
      : picture(std::move(restored)), type(std::move(found)) {}
};

/// What is measured: damaged picture in, restored picture of the same size and channels out.
using RestoreFunction = std::function<Restored(const image::Image&)>;

struct PictureScores {
  std::string name;
  std::string scene;             ///< pictures with the same clean picture share it
  std::vector<double> restored;  ///< one per measure
  std::vector<double> input;     ///< of the untouched input; empty when nothing was restored
  double seconds = 0;            ///< restoring alone
  std::string type_found = {};   ///< by a controller; "" where none looked
};

/// One that could not be read, restored or scored.
struct FailedPicture {
  std::string name;
  std::string reason;  ///< a sentence, which need not name it
  ErrorCode code = ErrorCode::Input;
};

/// Everything measured on one set.
struct Report {
  std::string set;
  std::string restorer;     ///< name of what was measured
  std::string degradation;  ///< "" for files
  std::uint64_t seed = 0;   ///< of the degradation
  std::string targets_hash;
  std::string inputs_hash;                ///< "" when nothing was restored
  std::vector<std::string> labels;        ///< of the measures
  std::vector<std::string> fingerprints;  ///< of the measures
  std::vector<PictureScores> pictures;
  BootstrapOptions bootstrap;
  std::vector<std::string> types = {};     ///< a controller should name one of these; may be empty
  std::vector<FailedPicture> failed = {};  ///< count in no figure

  std::size_t count() const { return pictures.size() + failed.size(); }
};

/// Told of every picture: its scores, what went in, what came out.
using SeenFunction =
    std::function<void(const PictureScores&, const Pair&, const image::Image& restored)>;

struct EvaluateOptions {
  std::string restorer = {};  ///< name for the report
  BootstrapOptions bootstrap = {};
  std::vector<std::string> types = {};        ///< of the set's degradation, for the report
  const metrics::Learned* learned = nullptr;  ///< what learned metrics need; must outlive the call
  SeenFunction seen = {};  ///< may be empty; not called where nothing is restored
};

/// Errors: Usage where a metric compares with clean pictures and the set has none.
void expect_targets(const PairSet& set, const std::vector<metrics::Measure>& measures);

/// Restores and scores every pair, one at a time in memory. Without a restore function the inputs
/// themselves are scored as the restored pictures. A picture that fails by itself (Input,
/// CheckFailed, Resource) goes to `failed`, and the others are done. Errors: those of the first
/// picture where all fail; those of the set, the metrics (naming set and file) and the restore
/// function; Usage where a metric compares with clean pictures and the set has none; Interrupted
/// when `progress` returns false.
Report evaluate(const PairSet& set, const RestoreFunction& restore,
                const std::vector<metrics::Measure>& measures, const EvaluateOptions& options = {},
                const ProgressCallback& progress = {});

/// How many pictures were scored: "12", or "11 of 12".
std::string scored_text(const Report& report);

/// Means over the pictures of a report for one measure.
struct Summary {
  double restored = 0;  ///< mean of per-picture values
  std::optional<Interval> restored_interval;
  // Against the untouched input; not set when nothing was restored.
  std::optional<double> input;
  double gain = 0;  ///< mean of restored − input; equal infinities differ by 0; NaN if some gains
                    ///< are +inf and some -inf
  double worse_share = 0;  ///< of pictures whose restored value is worse than the input's
  double worst_loss = 0;   ///< by how much at most, at least 0
  std::string worst_name;  ///< its picture; "" when none lost
};

Summary summarize(const Report& report, std::size_t measure);

/// Whether lower values of a measure are better ones, as its fingerprint says.
bool lower_is_better(const Report& report, std::size_t measure);

/// Difference that takes equal infinities as 0.
double score_difference(double a, double b);

}  // namespace chiaro::eval
