// The queue of jobs, with work that does what a test wants.
#include "apps/server/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "apps/server/serve_options.h"
#include "chiaro/base/error.h"
#include "chiaro/base/process_memory.h"
#include "tests/support/expect_error.h"
#include "tests/support/sanitized.h"

namespace chiaro::server::jobs_test {
namespace {

using namespace std::chrono_literals;

JobRequest request_of(std::size_t bytes) {
  return {.picture = std::vector<std::byte>(bytes)};
}

/// Work that waits until it is let go, asking meanwhile whether to go on.
struct Gate {
  std::atomic<bool> open = false;
  JobFunction work(std::size_t result_bytes = 10) {
    return [this, result_bytes](const JobRequest&, const ProgressCallback& progress) {
      while (!open) {
        CHIARO_CHECK(progress(0.5), Interrupted, "[test] stopped");
        std::this_thread::sleep_for(1ms);
      }
      return JobResult{.file = std::vector<std::byte>(result_bytes), .type = "image/png"};
    };
  }
};

std::string submitted(Jobs& jobs, std::size_t bytes = 10) {
  Jobs::Refusal refusal{};
  const auto id = jobs.submit(request_of(bytes), refusal);
  return id.value_or("");
}

void until_running(Jobs& jobs) {
  while (jobs.counts().running == 0) std::this_thread::sleep_for(1ms);
}

TEST(Jobs, QueueIsBounded) {
  Gate gate;
  Jobs jobs({.max_queue = 2}, gate.work());
  ASSERT_NE(submitted(jobs), "");
  until_running(jobs);
  const std::string second = submitted(jobs);
  const std::string third = submitted(jobs);
  EXPECT_EQ(jobs.state(third)->queue_position, 1U);
  EXPECT_EQ(jobs.refusal(), Jobs::Refusal::QueueFull);
  EXPECT_EQ(submitted(jobs), "");
  EXPECT_TRUE(jobs.cancel(second));
  EXPECT_EQ(jobs.state(third)->queue_position, 0U);
  EXPECT_FALSE(jobs.refusal());
  gate.open = true;
  EXPECT_EQ(jobs.wait(third, 10s)->status, JobStatus::Completed);
  EXPECT_EQ(jobs.state(second)->status, JobStatus::Cancelled);
}

TEST(Jobs, SeveralRunAtOnce) {
  Gate gate;
  Jobs jobs({.restorers = 2}, gate.work());
  const std::string first = submitted(jobs);
  const std::string second = submitted(jobs);
  const std::string third = submitted(jobs);
  for (int i = 0; i < 1000 && jobs.counts().running < 2; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(jobs.counts().running, 2U);
  EXPECT_EQ(jobs.state(third)->status, JobStatus::Queued);
  EXPECT_TRUE(jobs.cancel(first));
  EXPECT_EQ(jobs.wait(first, 10s)->status, JobStatus::Cancelled);
  for (int i = 0; i < 1000 && jobs.counts().queued > 0; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(jobs.counts().running, 2U);
  jobs.refuse_new();
  EXPECT_TRUE(jobs.drain(0ms, 10s));
  EXPECT_EQ(jobs.counts().running, 0U);
  EXPECT_EQ(jobs.state(second)->status, JobStatus::Cancelled);
  EXPECT_EQ(jobs.state(third)->status, JobStatus::Cancelled);
}

TEST(Jobs, RunningOnesAreCancelledAndTimedOut) {
  Gate gate;
  Jobs jobs({.max_job_seconds = 0.3}, gate.work());
  const std::string first = submitted(jobs);
  until_running(jobs);
  EXPECT_TRUE(jobs.cancel(first));
  EXPECT_EQ(jobs.wait(first, 10s)->status, JobStatus::Cancelled);
  EXPECT_EQ(jobs.state(first)->result, nullptr);
  const auto late = jobs.wait(submitted(jobs), 10s);
  EXPECT_EQ(late->status, JobStatus::Failed);
  EXPECT_EQ(late->error_code, "timeout");
  EXPECT_FALSE(jobs.cancel("no such job"));
}

TEST(Jobs, CancelledOnesAreSoAtOnceWhateverTheWorkDoes) {
  std::atomic<bool> open = false;
  Jobs jobs({.max_stored_bytes = 1000}, [&open](const JobRequest& request,
                                                const ProgressCallback&) {
    while (!open) std::this_thread::sleep_for(1ms);
    return JobResult{.file = request.picture, .type = "image/png", .width = 1000, .height = 1000};
  });
  const std::string deaf = submitted(jobs, 600);
  until_running(jobs);
  EXPECT_TRUE(jobs.cancel(deaf));
  EXPECT_EQ(jobs.state(deaf)->status, JobStatus::Cancelled);
  EXPECT_TRUE(jobs.cancel(deaf));
  EXPECT_EQ(jobs.counts().cancelled, 1U);
  // What is being done takes its thread and its memory until it ends.
  EXPECT_EQ(jobs.counts().running, 1U);
  EXPECT_EQ(jobs.counts().stored_bytes, 600U);
  EXPECT_FALSE(jobs.has_room(401));
  EXPECT_EQ(submitted(jobs, 500), "");
  const std::string next = submitted(jobs, 300);
  EXPECT_EQ(jobs.state(next)->status, JobStatus::Queued);
  open = true;
  EXPECT_EQ(jobs.wait(next, 10s)->status, JobStatus::Completed);
  EXPECT_EQ(jobs.state(deaf)->status, JobStatus::Cancelled);
  EXPECT_EQ(jobs.state(deaf)->result, nullptr);
  EXPECT_EQ(jobs.counts().running, 0U);
  EXPECT_EQ(jobs.counts().stored_bytes, 300U);  // the result of the next
  EXPECT_EQ(jobs.counts().megapixels, 1);
  EXPECT_EQ(jobs.counts().cancelled, 1U);
  EXPECT_EQ(jobs.counts().completed, 1U);
}

TEST(Jobs, FaultsStayInside) {
  std::atomic<int> kind = 0;
  Jobs jobs({}, [&kind](const JobRequest&, const ProgressCallback&) -> JobResult {
    if (kind == 0) fail(ErrorCode::Input, "[image.read] no picture");
    if (kind == 1) throw std::bad_alloc();
    fail(ErrorCode::Bundle, "[bundle] /home/somebody/secret is damaged");
  });
  EXPECT_EQ(jobs.wait(submitted(jobs), 10s)->error_code, "bad_picture");
  kind = 1;
  EXPECT_EQ(jobs.wait(submitted(jobs), 10s)->error_code, "out_of_memory");
  kind = 2;
  const auto state = jobs.wait(submitted(jobs), 10s);
  EXPECT_EQ(state->error_code, "internal");
  EXPECT_EQ(state->error_message.find("secret"), std::string::npos);
  EXPECT_EQ(jobs.counts().failed, 3U);
}

TEST(Jobs, AnEndedJobKeepsNoUpload) {
  CHIARO_SKIP_WHERE_SANITIZED();
  constexpr std::size_t kUpload = std::size_t{8} << 20;
  Gate gate;
  gate.open = true;
  Jobs jobs({.max_stored_bytes = 4 * kUpload}, gate.work(10));
  jobs.wait(submitted(jobs, kUpload), 10s);
  const std::int64_t before = resident_bytes();
  for (int i = 0; i < 16; ++i) jobs.wait(submitted(jobs, kUpload), 10s);
  EXPECT_LT(resident_bytes() - before, std::int64_t{32} << 20);
}

TEST(Jobs, OldResultsYieldToNewWork) {
  Gate gate;
  gate.open = true;
  Jobs jobs({.max_stored_bytes = 1000}, gate.work(400));
  const std::string first = submitted(jobs, 300);
  jobs.wait(first, 10s);
  EXPECT_EQ(jobs.counts().stored_bytes, 400U);  // the upload went, the result came
  const std::string second = submitted(jobs, 300);
  jobs.wait(second, 10s);
  EXPECT_EQ(jobs.state(first)->result->file.size(), 400U);
  {
    const auto room = jobs.reserve(500);
    ASSERT_NE(room, nullptr);
    EXPECT_FALSE(jobs.state(first));
    EXPECT_EQ(jobs.counts().stored_bytes, 900U);
    EXPECT_EQ(jobs.reserve(501), nullptr);  // all results together are not enough
  }
  EXPECT_EQ(jobs.counts().stored_bytes, 400U);  // so the second one stays
  EXPECT_EQ(submitted(jobs, 1001), "");
}

TEST(Jobs, NoResultGoesForNothing) {
  Gate gate;
  gate.open = true;
  Jobs jobs({.max_stored_bytes = 1000}, [&](const JobRequest& request, const ProgressCallback&) {
    CHIARO_CHECK(request.picture.size() != 1, Input, "[test] no picture");
    return JobResult{.file = std::vector<std::byte>(400), .type = "image/png"};
  });
  const std::string failed = submitted(jobs, 1);
  jobs.wait(failed, 10s);
  const std::string done = submitted(jobs, 300);
  jobs.wait(done, 10s);
  const auto upload = jobs.reserve(600);
  EXPECT_EQ(jobs.reserve(401), nullptr);  // nor would there be room without the result
  EXPECT_TRUE(jobs.state(done));
  EXPECT_NE(jobs.reserve(400), nullptr);
  EXPECT_FALSE(jobs.state(done));
  EXPECT_EQ(jobs.state(failed)->error_code, "bad_picture");  // which holds no room
}

TEST(Jobs, TheRoomOfAnUploadBecomesTheJobs) {
  Gate gate;
  Jobs jobs({.max_stored_bytes = 1000}, gate.work());
  auto room = jobs.reserve(600);
  const auto other = jobs.reserve(400);  // nothing is left
  Jobs::Refusal refusal{};
  EXPECT_TRUE(jobs.submit(request_of(500), refusal, room.get()));
  EXPECT_EQ(jobs.counts().stored_bytes, 1000U);
  room.reset();
  EXPECT_EQ(jobs.counts().stored_bytes, 900U);
  EXPECT_FALSE(jobs.submit(request_of(200), refusal));
  gate.open = true;
}

TEST(Jobs, RoomGrowsWithWhatComes) {
  Gate gate;
  gate.open = true;
  Jobs jobs({.max_stored_bytes = 1000}, gate.work(400));
  const std::string done = submitted(jobs, 300);
  jobs.wait(done, 10s);
  EXPECT_TRUE(jobs.has_room(1000));
  EXPECT_FALSE(jobs.has_room(1001));
  {
    const auto one = jobs.reserve(100);
    const auto other = jobs.reserve(100);
    EXPECT_TRUE(one->grow(500));
    EXPECT_TRUE(one->grow(200));  // it is larger already
    EXPECT_EQ(one->bytes(), 500U);
    EXPECT_EQ(jobs.counts().stored_bytes, 1000U);
    EXPECT_FALSE(other->grow(501));
    EXPECT_EQ(other->bytes(), 100U);
    EXPECT_TRUE(jobs.state(done));  // it went for nothing else
    EXPECT_TRUE(other->grow(500));
    EXPECT_FALSE(jobs.state(done));
  }
  EXPECT_EQ(jobs.counts().stored_bytes, 0U);
}

TEST(Jobs, WhoWaitedHasTheResult) {
  Gate gate;
  gate.open = true;
  Jobs jobs({.max_stored_bytes = 1000}, gate.work(400));
  const auto state = jobs.wait(submitted(jobs, 300), 10s);
  const auto upload = jobs.reserve(1000);
  ASSERT_NE(upload, nullptr);
  EXPECT_EQ(state->result->file.size(), 400U);  // though it is no longer kept
}

TEST(Jobs, ResultsAreForgottenInTime) {
  Gate gate;
  gate.open = true;
  Jobs jobs({.keep_result_seconds = 0.1}, gate.work());
  const std::string id = submitted(jobs);
  jobs.wait(id, 10s);
  for (int i = 0; i < 1000 && jobs.counts().stored_bytes > 0; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(jobs.counts().stored_bytes, 0U);  // though nobody has asked
  EXPECT_FALSE(jobs.state(id));
}

TEST(Jobs, DrainingLetsThemEndOrEndsThem) {
  Gate gate;
  Jobs jobs({}, gate.work());
  const std::string running = submitted(jobs);
  until_running(jobs);
  const std::string queued = submitted(jobs);
  jobs.refuse_new();
  EXPECT_EQ(jobs.refusal(), Jobs::Refusal::Stopping);
  EXPECT_EQ(submitted(jobs), "");
  EXPECT_TRUE(jobs.drain(50ms, 10s));
  EXPECT_EQ(jobs.state(running)->status, JobStatus::Cancelled);
  EXPECT_EQ(jobs.state(queued)->status, JobStatus::Cancelled);
}

TEST(Jobs, DrainingDoesNotWaitForOneThatCannotBeStopped) {
  std::atomic<bool> open = false;
  Jobs jobs({}, [&open](const JobRequest&, const ProgressCallback&) {
    while (!open) std::this_thread::sleep_for(1ms);
    return JobResult{.file = std::vector<std::byte>(10), .type = "image/png"};
  });
  const std::string deaf = submitted(jobs);
  until_running(jobs);
  const std::string queued = submitted(jobs);
  jobs.refuse_new();
  EXPECT_FALSE(jobs.drain(10ms, 10ms));
  EXPECT_EQ(jobs.state(deaf)->status, JobStatus::Running);
  EXPECT_EQ(jobs.state(queued)->status, JobStatus::Cancelled);
  open = true;
  EXPECT_TRUE(jobs.drain(10s, 0ms));
}

TEST(Jobs, IdsAreNotToBeGuessed) {
  const std::string one = random_id();
  EXPECT_EQ(one.size(), 32U);
  EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(one, random_id());
}

TEST(ServeOptions, ImpossibleNumbersAreRefused) {
  for (const int restorers : {0, -1, 65})
    EXPECT_CHIARO_ERROR(check({.restorers = restorers}), Usage, "impossible number of engines");
  EXPECT_NO_THROW(check({.restorers = 64}));
  EXPECT_NO_THROW(check({.max_body_bytes = 1000, .max_stored_bytes = 1000}));
  EXPECT_CHIARO_ERROR(check({.max_body_bytes = 1001, .max_stored_bytes = 1000}), Usage,
                      "got 1001 bytes; expected at most 1000");
}

TEST(ServeOptions, LoopbackIsWhatOthersCannotReach) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "localhost", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "127.example.com", "127.0.0.1.example.com", "10.0.0.1",
                           "localhost.example.com", ""})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace chiaro::server::jobs_test
