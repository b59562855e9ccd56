// Many pictures through one network: reading, restoring and writing at the same time, so that the
// network does not wait, with bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/image.h"
#include "chiaro/restore/batch_plan.h"

namespace chiaro::restore {

/// A result that was written without ever being in memory as a whole.
struct WrittenByItself {
  int width = 0;  ///< of the first page, where there are several
  int height = 0;
  std::int64_t bytes = 0;  ///< of the file
  bool in_strips = true;
  int pages = 1;
  std::int64_t pixels = 0;  ///< of all pages
};

/// What is done with a picture. `read`, `bytes` and `encode` are called from several threads,
/// `restore` from as many as BatchOptions::restorers says, of which one is that of the caller. Each
/// may throw.
struct BatchSteps {
  /// Memory that a picture takes from reading to writing, known before it is decoded.
  std::function<std::int64_t(const std::filesystem::path& input)> bytes;
  std::function<image::Image(const std::filesystem::path& input)> read;
  std::function<image::Image(const BatchItem& item, image::Image source,
                             const ProgressCallback& progress)>
      restore;
  std::function<std::vector<std::byte>(const BatchItem& item, const image::Image& result)> encode;

  /// Optional. Whether a picture goes through `file_to_file` instead of the others, because it is
  /// larger than memory or has several pages; called like `bytes`.
  std::function<bool(const BatchItem& item)> by_itself = {};
  /// Called like `restore`, but for one picture at a time. `unchanged` throws where the input has
  /// changed meanwhile, and is to be called before the output takes its name.
  std::function<WrittenByItself(const BatchItem& item, const ProgressCallback& progress,
                                const std::function<void()>& unchanged)>
      file_to_file = {};
};

struct BatchOptions {
  int readers = 0;  ///< threads; 0: by the number of cores
  int writers = 0;
  int restorers = 1;  ///< threads that restore, each a picture of its own
  std::int64_t in_flight_bytes = std::int64_t{1} << 30;  ///< for pictures between file and file
  bool fail_fast = false;                                ///< the first failure ends the batch
  Existing existing = Existing::Replaced;                ///< of files that have an output's name
};

/// A picture that was restored and written.
struct BatchDone {
  const BatchItem& item;
  const image::Image& picture;  ///< empty where it went from file to file
  int width = 0;                ///< of the first page, where there are several
  int height = 0;
  std::int64_t pixels = 0;  ///< of all pages
  int pages = 1;
  bool in_strips = false;
  std::int64_t bytes = 0;  ///< of the file
  double read_seconds = 0;
  double restore_seconds = 0;
  double write_seconds = 0;
};

/// What a batch tells while it runs; calls come from several threads, but one at a time. What one
/// throws ends the batch and comes out of run_batch.
struct BatchObserver {
  std::function<void(const BatchDone&)> done = {};
  std::function<void(const BatchItem&, const Error&)> failed = {};
  /// About ten times a second: the share of a picture that is restored. Return false to stop: the
  /// pictures being restored are dropped, those restored already are written.
  std::function<bool(double share)> keep_going = {};
};

struct BatchSummary {
  std::size_t done = 0;
  std::size_t failed = 0;
  std::vector<const BatchItem*> not_done;  ///< neither done nor failed, because the batch stopped
  double megapixels = 0;                   ///< of the results
  double seconds = 0;
  double waited_seconds = 0;  ///< time in which the network had nothing to do; of several, the mean
  std::string stopped;        ///< why it ended early; "" where it did not
  ErrorCode stop_code = ErrorCode::SomeFailed;
};

/// Reads, restores and writes every item. A failure concerns its item alone, unless fail_fast is
/// set or the disk is full. A file that changes while it is read has failed. Results are whole
/// files or none. At most `in_flight_bytes` of pictures are in memory at once, or a single larger
/// one.
BatchSummary run_batch(std::span<const BatchItem> items, const BatchSteps& steps,
                       const BatchOptions& options = {}, const BatchObserver& observer = {});

/// Memory that a picture file takes from reading to writing: float samples of all channels,
/// enlarged by `scale`, and the coded result. Errors: Input.
std::int64_t picture_bytes(const std::filesystem::path& input, int scale);
std::int64_t picture_bytes(const image::Probe& probe, int scale);

}  // namespace chiaro::restore
