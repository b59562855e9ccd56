// What a batch says while it runs and at its end: a bar, messages, events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/flags.h"
#include "apps/cli/restore_arguments.h"
#include "chiaro/bundle/manifest.h"
#include "chiaro/image/salvage.h"
#include "chiaro/restore/batch.h"
#include "chiaro/restore/restorer.h"
#include "chiaro/restore/tile_check.h"

namespace chiaro::cli {

/// What a plan does not touch: results that are there already, and what lies in the folders and is
/// no picture by name.
void say_left(const restore::BatchPlan& plan);

/// Counts what is done and says so: on a terminal as a bar with pictures a second, megapixels a
/// second and the time left, elsewhere as a line every half minute; under --json as events.
class BatchReport {
 public:
  BatchReport(const restore::BatchPlan& plan, const RestoreArguments& arguments,
              const bundle::Manifest& manifest);
  ~BatchReport();
  BatchReport(const BatchReport&) = delete;
  BatchReport& operator=(const BatchReport&) = delete;

  /// The event `plan`, and what the plan already knows cannot be done. `predicted_peak_bytes`: 0
  /// where there is no forecast.
  void begin(std::int64_t predicted_peak_bytes);
  /// What a picture, or its next page, is restored by, and how much that changed (ChangeMeter);
  /// told
  /// when it is written.
  void restored(const restore::BatchItem& item, const restore::RestoreReport& report,
                std::optional<double> change_levels = std::nullopt);
  /// Rows of this input are missing; said at once.
  void incomplete(const std::filesystem::path& input, const image::Damage& damage);
  std::optional<image::Damage> damage_of(const std::filesystem::path& input);
  /// Nothing has changed in it: its file is copied.
  void copied(const restore::BatchItem& item);
  void done(const restore::BatchDone& one);
  void failed(const restore::BatchItem& item, const Error& error);
  void show_progress(double share);
  /// `page`: of a picture of several, from 1; else 0.
  void checked(const restore::BatchItem& item, int page, const restore::TileCheck& check);
  /// Errors: as audit.
  void audited(const restore::BatchItem& item, std::span<const std::byte> result,
               const RestoreArguments& arguments);

  /// The summary: every picture that was not done, and why. Returns the exit status.
  int finish(const restore::BatchSummary& summary);

 private:
  struct Failure {
    std::string file;
    std::string reason;
    int status = 1;
  };
  struct WentBy {
    restore::RestoreReport report;
    std::optional<double> change_levels;
  };
  void count(const std::vector<WentBy>& pages, bool copied);
  std::optional<image::Damage> found_damage(const std::filesystem::path& input) const;
  int exit_status(const restore::BatchSummary& summary) const;
  void fail_with(const std::string& file, const std::string& output, const std::string& reason,
                 int status);
  void clear_bar();

  std::mutex mutex_;  // of the output: checks come from other threads than the batch's own calls
  const restore::BatchPlan& plan_;
  const RestoreArguments& arguments_;
  const bundle::Manifest& manifest_;
  OutputFlags show_;
  bool bar_;
  bool shown_ = false;
  double started_;
  double last_shown_;
  std::size_t done_ = 0;
  double megapixels_ = 0;
  std::size_t left_alone_ = 0;  // pictures and pages, by the guard
  std::size_t held_back_ = 0;
  std::map<std::string, std::size_t> found_;  // by the controller: the likeliest type of each
  std::size_t hardly_changed_ = 0;            // of those that were to be restored
  std::size_t restored_again_ = 0;            // --again
  std::map<const restore::BatchItem*, std::vector<WentBy>> went_by_;  // not written
  std::set<const restore::BatchItem*> copied_;
  std::map<std::filesystem::path, image::Damage> damages_;
  std::size_t incomplete_ = 0;  // of those that are done
  std::vector<Failure> failures_;
};

}  // namespace chiaro::cli
