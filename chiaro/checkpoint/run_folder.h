// The folder of one training run, runs/<name>/:
//
//   .lock                               held while a process trains here; holds its process number;
//   may stay behind checkpoints/step_000123.safetensors state after 123 steps; the last few are
//   kept checkpoints/best.safetensors        what validated best; pruning never touches it
//   checkpoints/*.damaged               checkpoints that did not load, moved aside
//
// Everything else in the folder (logs, samples) belongs to others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "chiaro/checkpoint/checkpoint.h"

namespace chiaro::checkpoint {

/// A checkpoint with the place it was read from.
struct Stored {
  std::int64_t step = 0;  ///< steps complete, from the file's name
  std::filesystem::path path;
  Checkpoint checkpoint;
};

/// The step checkpoints of a run folder, oldest first. A folder without any, or no folder, gives
/// none.
std::vector<std::pair<std::int64_t, std::filesystem::path>> list_checkpoints(
    const std::filesystem::path& folder);

/// The newest checkpoint that loads, without locking or changing anything: for programs that only
/// look. Damaged ones are passed over with a warning. Errors: Bundle (there are some, none loads).
std::optional<Stored> find_latest(const std::filesystem::path& folder);

/// Owns a run folder while it trains.
class RunFolder {
 public:
  /// Makes the folder if needed, locks it, and removes temporary files of writers that were killed.
  /// Errors: Usage (another process trains here), Output (cannot be made or locked).
  explicit RunFolder(std::filesystem::path folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path checkpoint_path(std::int64_t step) const;
  std::filesystem::path best_path() const;

  /// Writes the checkpoint of a step (>= 0) atomically, then removes all but the `keep_last` (>= 1)
  /// newest step checkpoints. Errors: Output, Usage (keep_last).
  void save(std::int64_t step, const Checkpoint& checkpoint, int keep_last);

  /// Removes all step checkpoints but the newest `keep_last` (>= 1). Errors: Usage, Output.
  void prune(int keep_last);

  /// Writes best.safetensors atomically. Errors: Output.
  void save_best(const Checkpoint& checkpoint);

  /// The newest checkpoint that loads. One that does not is moved aside (see above) with a warning,
  /// so that it never counts as one of the last; the one before is tried then. Errors: Bundle
  /// (there are checkpoints, but none loads; nothing is moved then).
  std::optional<Stored> latest();

 private:
  std::filesystem::path folder_;
  int lock_ = -1;
};

}  // namespace chiaro::checkpoint
