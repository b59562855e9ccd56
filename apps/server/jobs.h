// Restorations that were asked for over HTTP: waiting, running, done. Everything is in memory; no
// request reaches the file system.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/serve_options.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"

namespace chiaro::server {

enum class JobStatus { Queued, Running, Completed, Failed, Cancelled };
const char* status_name(JobStatus status);

/// What a request asks for.
struct JobRequest {
  std::vector<std::byte> picture = {};  ///< a file
  double strength = 1;
  double keep_grain = 0;    ///< 0 to 1
  bool again = false;       ///< look at the result, and restore what shows then
  std::string stated = {};  ///< what is wrong, as `rain(0.3)`; "": what the controller finds
  std::string guard = {};   ///< "off", "soft", "strict"
  std::string format = {};  ///< "": as the picture, or PNG
  int quality = 0;
};

struct JobResult {
  std::vector<std::byte> file = {};
  std::string type = {};  ///< of the content, "image/png"
  int width = 0;
  int height = 0;
  int pages_left_out = 0;     ///< of the picture sent: only its first page is in the result
  std::string findings = {};  ///< JSON: what the restoration went by; "": nothing
};

/// What one knows of a job.
struct JobState {
  std::string id = {};
  JobStatus status = JobStatus::Queued;
  std::size_t queue_position = 0;  ///< 0: the next; only while queued
  double progress = 0;             ///< 0 to 1
  double seconds = 0;              ///< of running
  int width = 0;
  int height = 0;
  std::string findings = {};                     ///< of the result
  std::shared_ptr<const JobResult> result = {};  ///< where it is completed
  std::string error_code = {};                   ///< "bad_picture", "timeout", … where it failed
  std::string error_message = {};
};

/// Restores one picture; progress, which any thread may call, returning false stops it (Error
/// Interrupted). Called by as many threads as ServeOptions::restorers says.
using JobFunction = std::function<JobResult(const JobRequest&, const ProgressCallback& progress)>;

struct JobCounts {
  std::size_t queued = 0;
  std::size_t running = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  double busy_seconds = 0;
  double megapixels = 0;
  std::size_t stored_bytes = 0;
};

class Jobs;

/// Bytes set aside for an upload while it arrives; given back at the end. The jobs must outlive it.
class Room {
 public:
  Room(Jobs& jobs, std::size_t bytes) : jobs_(jobs), bytes_(bytes) {}
  ~Room();

  std::size_t bytes() const { return bytes_; }

  /// Makes it at least so large, as Jobs::reserve. False: it stays as it is.
  bool grow(std::size_t bytes);
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

 private:
  friend class Jobs;
  Jobs& jobs_;
  std::size_t bytes_;
};

class Jobs {
 public:
  enum class Refusal { QueueFull, Stopping };

  Jobs(const ServeOptions& options, JobFunction work);
  ~Jobs();  ///< cancels what is left
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// Room in memory; results that nobody fetched yield to it. Null where there is none.
  std::unique_ptr<Room> reserve(std::size_t bytes);

  /// Whether so many bytes could be reserved now.
  bool has_room(std::size_t bytes);

  /// Why a new job would be refused now, if it would: to be asked before an upload is read.
  std::optional<Refusal> refusal();

  /// The new job's id, or why there is none. `room`: reserved for its picture; what the job needs
  /// of it passes to the job's account.
  std::optional<std::string> submit(JobRequest request, Refusal& refusal, Room* room = nullptr);

  std::optional<JobState> state(const std::string& id);

  /// Waits until it has ended, at most so long; then its state.
  std::optional<JobState> wait(const std::string& id, std::chrono::milliseconds patience);

  /// False if there is no such job. One that has ended stays as it is; any other is cancelled from
  /// now on. Work that is being done on it goes on until it next asks whether to, and counts as
  /// running until then; what it makes is thrown away.
  bool cancel(const std::string& id);

  JobCounts counts();

  /// No new jobs from now on.
  void refuse_new();
  /// Waits for the jobs that are there; cancels those left after `patience`, and waits for them
  /// `last_patience` more. Whether all have ended.
  bool drain(std::chrono::milliseconds patience, std::chrono::milliseconds last_patience);

  /// Seconds after which it is worth to ask again when the queue is full.
  int retry_after_seconds();

 private:
  struct Job;
  using JobPointer = std::shared_ptr<Job>;

  friend class Room;
  void give_back(std::size_t bytes);
  bool can_make_room(std::size_t bytes);
  bool make_room(std::size_t bytes);
  void forget(std::size_t place);
  void forget_results(std::size_t most, std::size_t newest);
  void run_all();
  void run(const JobPointer& job);
  void finish(const JobPointer& job, JobStatus status, const std::string& code,
              const std::string& message);
  void drop_upload(const JobPointer& job);
  void forget_old();
  JobState state_of(const Job& job) const;

  const ServeOptions options_;
  const JobFunction work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, JobPointer> jobs_;
  std::deque<JobPointer> queue_;
  std::deque<JobPointer> ended_;  // oldest first
  JobCounts counts_;
  bool refusing_ = false;
  bool closing_ = false;
  std::vector<std::thread> workers_;
};

/// 128 random bits of the system as 32 hexadecimal digits: not to be guessed.
std::string random_id();

}  // namespace chiaro::server
