#include "apps/server/jobs.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <utility>

#include <fmt/format.h>

namespace chiaro::server {

struct Jobs::Job {
  std::string id;
  JobRequest request;
  JobStatus status = JobStatus::Queued;
  std::atomic<double> progress = 0;
  std::atomic<bool> cancelled = false;
  bool at_work = false;  // a worker uses the request
  double started = 0;
  double ended = 0;
  std::size_t stored_bytes = 0;  // of the result
  std::shared_ptr<const JobResult> result;
  std::string error_code;
  std::string error_message;
};

namespace {

constexpr double kLookS = 5;              // how often an idle server looks for old results
constexpr std::size_t kMostEnded = 1000;  // failed and cancelled ones, too, take some memory

/// A word for programs; the sentence is for people.
const char* error_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::Input:
      return "bad_picture";
    case ErrorCode::Usage:
      return "bad_request";
    case ErrorCode::Resource:
      return "out_of_memory";
    case ErrorCode::CheckFailed:
      return "unlike_training";
    default:
      return "internal";
  }
}

bool has_ended(JobStatus status) {
  return status != JobStatus::Queued && status != JobStatus::Running;
}

}  // namespace

const char* status_name(JobStatus status) {
  switch (status) {
    case JobStatus::Queued:
      return "queued";
    case JobStatus::Running:
      return "running";
    case JobStatus::Completed:
      return "completed";
    case JobStatus::Failed:
      return "failed";
    case JobStatus::Cancelled:
      return "cancelled";
  }
  return "";
}

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  CHIARO_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
               Internal, "[server.random_id] the system gives no random numbers");
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Jobs::Jobs(const ServeOptions& options, JobFunction work)
    : options_(options), work_(std::move(work)) {
  for (int i = 0; i < options_.restorers; ++i) workers_.emplace_back([this] { run_all(); });
}

Jobs::~Jobs() {
  refuse_new();
  drain(std::chrono::milliseconds(0), std::chrono::milliseconds(0));
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

Room::~Room() {
  jobs_.give_back(bytes_);
}

void Jobs::give_back(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_.stored_bytes -= bytes;
}

bool Room::grow(std::size_t bytes) {
  if (bytes <= bytes_) return true;
  const std::lock_guard lock(jobs_.mutex_);
  if (!jobs_.make_room(bytes - bytes_)) return false;
  jobs_.counts_.stored_bytes += bytes - bytes_;
  bytes_ = bytes;
  return true;
}

std::unique_ptr<Room> Jobs::reserve(std::size_t bytes) {
  auto room = std::make_unique<Room>(*this, 0);
  return room->grow(bytes) ? std::move(room) : nullptr;
}

bool Jobs::has_room(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  return can_make_room(bytes);
}

std::optional<Jobs::Refusal> Jobs::refusal() {
  const std::lock_guard lock(mutex_);
  if (refusing_) return Refusal::Stopping;
  if (queue_.size() >= options_.max_queue) return Refusal::QueueFull;
  return std::nullopt;
}

std::optional<std::string> Jobs::submit(JobRequest request, Refusal& refusal, Room* room) {
  auto job = std::make_shared<Job>();
  job->id = random_id();
  job->request = std::move(request);
  const std::size_t bytes = job->request.picture.size();
  const std::lock_guard lock(mutex_);
  if (refusing_) {
    refusal = Refusal::Stopping;
    return std::nullopt;
  }
  // Under one lock: between giving it back and taking it again another could come.
  const std::size_t reserved = room == nullptr ? 0 : std::min(room->bytes_, bytes);
  if (queue_.size() >= options_.max_queue || !make_room(bytes - reserved)) {
    refusal = Refusal::QueueFull;
    return std::nullopt;
  }
  if (room != nullptr) room->bytes_ -= reserved;
  counts_.stored_bytes += bytes - reserved;
  jobs_[job->id] = job;
  queue_.push_back(job);
  changed_.notify_all();
  return job->id;
}

JobState Jobs::state_of(const Job& job) const {
  JobState state{.id = job.id,
                 .status = job.status,
                 .progress = job.progress,
                 .error_code = job.error_code,
                 .error_message = job.error_message};
  const auto place = std::ranges::find(queue_, job.id, &Job::id);
  if (place != queue_.end())
    state.queue_position = static_cast<std::size_t>(place - queue_.begin());
  if (job.started > 0) state.seconds = (job.ended > 0 ? job.ended : monotonic_s()) - job.started;
  if (job.result) {
    state.width = job.result->width;
    state.height = job.result->height;
    state.findings = job.result->findings;
    state.result = job.result;
  }
  return state;
}

std::optional<JobState> Jobs::state(const std::string& id) {
  return wait(id, std::chrono::milliseconds(0));
}

std::optional<JobState> Jobs::wait(const std::string& id, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  forget_old();
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return std::nullopt;
  const JobPointer job = found->second;
  changed_.wait_for(lock, patience, [&] { return has_ended(job->status); });
  return state_of(*job);
}

bool Jobs::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return false;
  const JobPointer job = found->second;
  if (has_ended(job->status)) return true;
  job->cancelled = true;
  std::erase(queue_, job);
  finish(job, JobStatus::Cancelled, "", "");
  return true;
}

JobCounts Jobs::counts() {
  const std::lock_guard lock(mutex_);
  JobCounts counts = counts_;
  counts.queued = queue_.size();
  return counts;
}

void Jobs::refuse_new() {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
}

bool Jobs::drain(std::chrono::milliseconds patience, std::chrono::milliseconds last_patience) {
  std::unique_lock lock(mutex_);
  const auto idle = [&] { return queue_.empty() && counts_.running == 0; };
  if (changed_.wait_for(lock, patience, idle)) return true;
  for (const JobPointer& job : std::exchange(queue_, {})) finish(job, JobStatus::Cancelled, "", "");
  for (const auto& [id, job] : jobs_) job->cancelled = true;
  return changed_.wait_for(lock, last_patience, idle);
}

int Jobs::retry_after_seconds() {
  const std::lock_guard lock(mutex_);
  const auto ended = static_cast<double>(counts_.completed + counts_.failed);
  const double each = ended > 0 ? counts_.busy_seconds / ended / options_.restorers : 1;
  return std::clamp(static_cast<int>(std::ceil(each)), 1, 60);
}

/// Called with the lock held.
void Jobs::drop_upload(const JobPointer& job) {
  counts_.stored_bytes -= job->request.picture.size();
  std::vector<std::byte>().swap(job->request.picture);  // = {} keeps what was allocated
}

/// Called with the lock held. Work that goes on after a cancellation keeps the upload until it
/// ends.
void Jobs::finish(const JobPointer& job, JobStatus status, const std::string& code,
                  const std::string& message) {
  job->status = status;
  job->error_code = code;
  job->error_message = message;
  job->ended = monotonic_s();
  if (!job->at_work) drop_upload(job);
  job->stored_bytes = job->result ? job->result->file.size() : 0;
  counts_.stored_bytes += job->stored_bytes;
  if (status == JobStatus::Completed) ++counts_.completed;
  if (status == JobStatus::Failed) ++counts_.failed;
  if (status == JobStatus::Cancelled) ++counts_.cancelled;
  ended_.push_back(job);
  while (ended_.size() > kMostEnded) forget(0);
  // The newest stays, however large: somebody is about to fetch it.
  forget_results(options_.max_stored_bytes, 1);
  changed_.notify_all();
}

/// Called with the lock held.
void Jobs::forget(std::size_t place) {
  const auto job = ended_.begin() + static_cast<std::ptrdiff_t>(place);
  counts_.stored_bytes -= (*job)->stored_bytes;
  jobs_.erase((*job)->id);
  ended_.erase(job);
}

/// Called with the lock held. From the oldest on, but the `newest`, until no more than `most` bytes
/// are stored. Jobs that hold none stay: they are in nobody's way.
void Jobs::forget_results(std::size_t most, std::size_t newest) {
  for (std::size_t place = 0; counts_.stored_bytes > most && place + newest < ended_.size();) {
    if (ended_[place]->stored_bytes > 0) {
      forget(place);
    } else {
      ++place;
    }
  }
}

/// Called with the lock held.
void Jobs::forget_old() {
  const double oldest = monotonic_s() - options_.keep_result_seconds;
  while (!ended_.empty() && ended_.front()->ended < oldest) forget(0);
}

/// Called with the lock held. Whether so many bytes fit, where need be instead of old results.
bool Jobs::can_make_room(std::size_t bytes) {
  forget_old();
  std::size_t results = 0;
  for (const JobPointer& job : ended_) results += job->stored_bytes;
  return counts_.stored_bytes - results + bytes <= options_.max_stored_bytes;
}

/// Called with the lock held. No result goes for nothing.
bool Jobs::make_room(std::size_t bytes) {
  if (!can_make_room(bytes)) return false;
  forget_results(options_.max_stored_bytes - bytes, 0);
  return true;
}

void Jobs::run_all() {
  for (;;) {
    JobPointer job;
    {
      std::unique_lock lock(mutex_);
      // Results do not stay for want of anybody who asks.
      const std::chrono::duration<double> look(std::min(options_.keep_result_seconds, kLookS));
      while (!changed_.wait_for(lock, look, [&] { return closing_ || !queue_.empty(); }))
        forget_old();
      if (queue_.empty()) return;
      job = queue_.front();
      queue_.pop_front();
      job->status = JobStatus::Running;
      job->at_work = true;
      job->started = monotonic_s();
      ++counts_.running;
    }
    run(job);
  }
}

void Jobs::run(const JobPointer& job) {
  const MessagesAbout about("job " + job->id);
  JobStatus status = JobStatus::Failed;
  std::string code;
  std::string message;
  std::shared_ptr<const JobResult> result;
  std::atomic<bool> late = false;
  try {
    result = std::make_shared<const JobResult>(work_(job->request, [&](double done) {
      if (!job->cancelled) job->progress = done;
      late = monotonic_s() - job->started > options_.max_job_seconds;
      return !job->cancelled && !late;
    }));
    status = JobStatus::Completed;
  } catch (const Error& error) {
    code = error_code_of(error.code());
    message = error.what();
    if (error.code() == ErrorCode::Interrupted && !late) status = JobStatus::Cancelled;
  } catch (const std::bad_alloc&) {
    code = "out_of_memory";
    message = "[server.jobs] not enough memory for this picture";
  } catch (const std::exception& error) {
    code = "internal";
    message = error.what();
  }
  if (code == "internal" && status == JobStatus::Failed && !late) {
    spdlog::error("a job failed: {}", message);  // it may name files, so only here
    message = "[server.jobs] a fault of the server";
  }
  if (late && status == JobStatus::Failed) {
    code = "timeout";
    message = fmt::format("[server.jobs] it took longer than {} s", options_.max_job_seconds);
  }
  if (status == JobStatus::Cancelled) code = message = "";
  const std::lock_guard lock(mutex_);
  --counts_.running;
  counts_.busy_seconds += monotonic_s() - job->started;
  job->at_work = false;
  if (has_ended(job->status)) {  // cancelled meanwhile
    drop_upload(job);
    changed_.notify_all();
    return;
  }
  job->result = std::move(result);
  if (job->result) {
    counts_.megapixels += static_cast<double>(job->result->width) * job->result->height / 1e6;
    job->progress = 1;
  }
  finish(job, status, code, message);
}

}  // namespace chiaro::server
