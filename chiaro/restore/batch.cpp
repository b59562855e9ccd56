#include "chiaro/restore/batch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "chiaro/base/file_state.h"
#include "chiaro/base/files.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/write_error.h"
#include "chiaro/restore/bounded_queue.h"

namespace chiaro::restore {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kPatience = 100ms;  // how long a signal may go unnoticed
constexpr std::size_t kTidyEvery = 16;

/// A picture on its way.
struct Job {
  std::size_t index = 0;
  image::Image picture = {};
  std::int64_t reserved = 0;
  double read_seconds = 0;
  double restore_seconds = 0;
  bool by_itself = false;  // nothing was read
};

/// Whatever was thrown, as one of ours.
Error caught_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {ErrorCode::Resource, "[restore.run_batch] not enough memory for this picture"};
  } catch (const std::exception& error) {
    return {ErrorCode::Internal,
            std::string("[restore.run_batch] internal error: ") + error.what()};
  }
}

class Batch {
 public:
  Batch(std::span<const BatchItem> items, const BatchSteps& steps, const BatchOptions& options,
        const BatchObserver& observer)
      : items_(items),
        steps_(steps),
        options_(options),
        observer_(observer),
        states_(items.size(), State::Waiting),
        budget_(options.in_flight_bytes),
        decoded_(kAhead + static_cast<std::size_t>(std::max(readers(), restorers()))),
        restored_(kAhead + static_cast<std::size_t>(writers())) {}

  BatchSummary run() {
    const double started = monotonic_s();
    std::vector<std::jthread> threads;
    reading_ = readers();
    for (int i = 0; i < readers(); ++i) threads.emplace_back([this] { read_all(); });
    for (int i = 0; i < writers(); ++i) threads.emplace_back([this] { write_all(); });
    {
      std::vector<std::jthread> others;
      for (int i = 1; i < restorers(); ++i) others.emplace_back([this] { restore_all(); });
      restore_all();
    }
    restored_.close();
    threads.clear();  // joins
    if (fault_) std::rethrow_exception(fault_);
    summary_.waited_seconds /= restorers();
    summary_.seconds = monotonic_s() - started;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (states_[i] == State::Waiting) summary_.not_done.push_back(&items_[i]);
    }
    return std::move(summary_);
  }

 private:
  enum class State : unsigned char { Waiting, Done, Failed };
  static constexpr std::size_t kAhead = 2;

  static int share_of_cores(unsigned part) {
    return static_cast<int>(1 + std::thread::hardware_concurrency() / part);
  }
  int readers() const { return options_.readers > 0 ? options_.readers : share_of_cores(16); }
  int writers() const { return options_.writers > 0 ? options_.writers : share_of_cores(8); }
  int restorers() const { return std::max(1, options_.restorers); }

  void read_all() {
    for (std::size_t index = next_++; index < items_.size() && !stopped_; index = next_++) {
      try {
        read_one(index);
      } catch (...) {
        record_failure(index, caught_error());
      }
    }
    if (--reading_ == 0) decoded_.close();
  }

  void read_one(std::size_t index) {
    const fs::path& input = items_[index].input;
    if (steps_.by_itself && steps_.by_itself(items_[index])) {
      (void)decoded_.push(Job{.index = index, .by_itself = true});
      return;
    }
    const FileState before = file_state(input);
    Job job{.index = index, .reserved = steps_.bytes(input)};
    if (!budget_.take(job.reserved)) return;
    try {
      const double started = monotonic_s();
      job.picture = steps_.read(input);
      job.read_seconds = monotonic_s() - started;
      expect_unchanged(input, before);
    } catch (...) {
      budget_.give(job.reserved);
      throw;
    }
    (void)decoded_.push(std::move(job));
  }

  void restore_all() {
    while (!stopped_) {
      const double waiting = monotonic_s();
      auto job = decoded_.pop(kPatience);
      add_waiting(monotonic_s() - waiting);
      if (!keep_going(0)) break;
      if (job && job->by_itself) {
        const std::lock_guard alone(by_itself_);  // such a picture may take all the memory there is
        restore_by_itself(job->index);
      } else if (job) {
        restore_one(std::move(*job));
      } else if (decoded_.finished()) {
        return;
      }
    }
    decoded_.close();
    decoded_.drop_all();
  }

  void restore_by_itself(std::size_t index) {
    const BatchItem& item = items_[index];
    try {
      const double started = monotonic_s();
      const FileState before = file_state(item.input);
      const WrittenByItself written = steps_.file_to_file(
          item, [this](double share) { return keep_going(share) && !stopped_; },
          [&] { expect_unchanged(item.input, before); });
      const image::Image nothing;
      record_done(index, {.item = item,
                          .picture = nothing,
                          .width = written.width,
                          .height = written.height,
                          .pixels = written.pixels,
                          .pages = written.pages,
                          .in_strips = written.in_strips,
                          .bytes = written.bytes,
                          .restore_seconds = monotonic_s() - started});
    } catch (const WriteError& error) {
      // Not by a look at the disk: the temporary file is gone by now, and its room is free again.
      stop_if_disk_full(error);
      record_failure(index, error);
    } catch (...) {
      const Error error = caught_error();
      if (error.code() != ErrorCode::Interrupted) record_failure(index, error);
    }
  }

  void restore_one(Job job) {
    try {
      const double started = monotonic_s();
      job.picture = steps_.restore(items_[job.index], std::move(job.picture),
                                   [this](double share) { return keep_going(share) && !stopped_; });
      job.restore_seconds = monotonic_s() - started;
    } catch (...) {
      const Error error = caught_error();
      budget_.give(job.reserved);
      if (error.code() != ErrorCode::Interrupted) record_failure(job.index, error);
      return;
    }
    const double waiting = monotonic_s();
    (void)restored_.push(std::move(job));
    add_waiting(monotonic_s() - waiting);
  }

  void add_waiting(double seconds) {
    const std::lock_guard lock(mutex_);
    summary_.waited_seconds += seconds;
  }

  void write_all() {
    for (;;) {
      auto job = restored_.pop(kPatience);
      if (!job) {
        if (restored_.finished()) return;
        continue;
      }
      try {
        write_one(*job);
      } catch (...) {
        record_failure(job->index, caught_error());
      }
      job->picture = {};
      budget_.give(job->reserved);
    }
  }

  void write_one(const Job& job) {
    const BatchItem& item = items_[job.index];
    const double started = monotonic_s();
    const auto bytes = steps_.encode(item, job.picture);
    try {
      write_file_atomically(item.output, bytes, options_.existing);
    } catch (const WriteError& error) {
      stop_if_disk_full(error);
      throw;
    }
    record_done(job.index, {.item = item,
                            .picture = job.picture,
                            .width = job.picture.width(),
                            .height = job.picture.height(),
                            .pixels = std::int64_t{job.picture.width()} * job.picture.height(),
                            .bytes = static_cast<std::int64_t>(bytes.size()),
                            .read_seconds = job.read_seconds,
                            .restore_seconds = job.restore_seconds,
                            .write_seconds = monotonic_s() - started});
  }

  void stop_if_disk_full(const WriteError& error) {
    if (error.disk_full()) stop("the disk is full", ErrorCode::Output);
  }

  void record_done(std::size_t index, const BatchDone& done) {
    const std::lock_guard lock(mutex_);
    states_[index] = State::Done;
    ++summary_.done;
    summary_.megapixels += static_cast<double>(done.pixels) / 1e6;
    // Pictures are made in one thread and freed in another: what is free would gather in pieces.
    if (summary_.done % kTidyEvery == 0) return_free_memory();
    if (observer_.done) tell([&] { observer_.done(done); });
  }

  void record_failure(std::size_t index, const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      states_[index] = State::Failed;
      ++summary_.failed;
      if (observer_.failed) tell([&] { observer_.failed(items_[index], error); });
    }
    if (options_.fail_fast) stop("the first failure ends the batch", ErrorCode::SomeFailed);
  }

  /// Called with the lock held. A fault of the observer's, in whichever thread, waits until all
  /// have ended.
  template <typename Tell>
  void tell(const Tell& tell) {
    try {
      tell();
    } catch (...) {
      if (!fault_) fault_ = std::current_exception();
      end();
    }
  }

  bool keep_going(double share) {
    bool wanted = true;
    if (observer_.keep_going) {
      const std::lock_guard lock(mutex_);
      tell([&] { wanted = observer_.keep_going(share); });
      if (fault_) return false;
    }
    if (!wanted) stop("interrupted", ErrorCode::Interrupted);
    return wanted;
  }

  /// Nothing new begins; what is restored is still written.
  void stop(const char* why, ErrorCode code) {
    {
      const std::lock_guard lock(mutex_);
      if (summary_.stopped.empty()) {
        summary_.stopped = why;
        summary_.stop_code = code;
      }
    }
    end();
  }

  void end() {
    stopped_ = true;
    budget_.close();
    decoded_.close();
  }

  std::span<const BatchItem> items_;
  const BatchSteps& steps_;
  const BatchOptions& options_;
  const BatchObserver& observer_;
  std::mutex mutex_;      // of states_, summary_ and the observer
  std::mutex by_itself_;  // held while a picture goes from file to file
  std::vector<State> states_;
  BatchSummary summary_;
  std::exception_ptr fault_ = nullptr;  // what the observer threw first
  ByteBudget budget_;
  BoundedQueue<Job> decoded_;
  BoundedQueue<Job> restored_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<int> reading_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

BatchSummary run_batch(std::span<const BatchItem> items, const BatchSteps& steps,
                       const BatchOptions& options, const BatchObserver& observer) {
  return Batch(items, steps, options, observer).run();
}

std::int64_t picture_bytes(const fs::path& input, int scale) {
  return picture_bytes(image::probe(input), scale);
}

std::int64_t picture_bytes(const image::Probe& probe, int scale) {
  const std::int64_t samples = std::int64_t{probe.width} * probe.height * probe.channels;
  // Floats, at scales above 1 those of the source as well; beside them the coded result: at most a
  // 16-bit sample each, a part of it kept twice.
  const std::int64_t enlarged = std::int64_t{scale} * scale;
  return samples * (6 * enlarged + (scale == 1 ? 0 : 4));
}

}  // namespace chiaro::restore
