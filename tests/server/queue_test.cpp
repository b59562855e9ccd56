// `chiaro serve` when it has no room, when it is told to stop, and when a job is no longer wanted.
#include <chrono>
#include <limits>
#include <thread>

#include "chiaro/base/log.h"
#include "tests/server/served.h"

namespace chiaro::queue_test {
namespace {

using nlohmann::json;
using test::body_of;
using test::Serve;
using test::Server;
using namespace std::chrono_literals;

class ServeQueue : public Serve {
 protected:
  /// One whose restoration takes a second or more.
  static const std::string& large() {
    static const std::string made = picture(4000, 4000, "ppm");
    return made;
  }
  static std::string status_of(httplib::Client& client, const std::string& job) {
    const auto answer = client.Get(job);
    return answer ? body_of(answer).value("status", "") : "";
  }
  static bool comes_to(httplib::Client& client, const std::string& job, const std::string& status) {
    for (int i = 0; i < 6000; ++i) {
      if (status_of(client, job) == status) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  /// The address of a job that runs.
  static std::string running_job(httplib::Client& client) {
    const auto accepted = client.Post("/v1/restore", large(), kBinary);
    if (!accepted || accepted->status != 202) return "";
    const std::string job = accepted->get_header_value("Location");
    return comes_to(client, job, "running") ? job : "";
  }
  static double metric(httplib::Client& client, const std::string& name) {
    const std::string text = "\n" + client.Get("/metrics")->body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  static void expect_cancelled(httplib::Client& client, const std::string& job) {
    EXPECT_EQ(status_of(client, job), "cancelled");
    EXPECT_EQ(client.Get(job + "/result")->status, 409);
  }
  static void expect_refused(const httplib::Result& answer, int status, const std::string& code) {
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, status) << answer->body;
    EXPECT_EQ(body_of(answer)["error"]["code"], code);
    const std::string again = answer->get_header_value("Retry-After");
    ASSERT_NE(again, "");
    EXPECT_GE(std::stoi(again), 1);
    EXPECT_LE(std::stoi(again), 60);
  }
};

TEST_F(ServeQueue, WhatIsRefusedForWantOfRoomIsTakenOnceThereIsSome) {
  Server server({"--max-queue", "1", "--engines", "1"});
  auto client = server.client();
  const std::string first = running_job(client);
  ASSERT_NE(first, "");
  const std::string sent = picture(20, 30);
  const auto second = client.Post("/v1/restore", sent, kBinary);
  ASSERT_EQ(second->status, 202) << second->body;
  expect_refused(client.Post("/v1/restore", sent, kBinary), 429, "queue_full");
  expect_refused(client.Post("/v1/restore?wait=1", sent, kBinary), 429, "queue_full");
  ASSERT_EQ(status_of(client, first), "running");
  client.Post(second->get_header_value("Location") + "/cancel");
  const auto third = client.Post("/v1/restore", sent, kBinary);
  ASSERT_EQ(third->status, 202) << third->body;
  client.Post(first + "/cancel");
  const std::string job = third->get_header_value("Location");
  ASSERT_TRUE(comes_to(client, job, "completed"));
  EXPECT_EQ(decoded(client.Get(job + "/result")->body).width(), 30);
}

TEST_F(ServeQueue, ARunningJobIsCancelledAtOnce) {
  Server server({"--engines", "1"});
  auto client = server.client();
  const std::string job = running_job(client);
  ASSERT_NE(job, "");
  std::string events;
  double events_ended = 0;
  std::thread watching([&] {
    auto other = server.client();
    const auto answer = other.Get(job + "/events");
    events = answer ? answer->body : "";
    events_ended = monotonic_s();
  });
  ASSERT_EQ(status_of(client, job), "running");
  const double start = monotonic_s();
  const auto cancelled = client.Post(job + "/cancel");
  const double answered = monotonic_s() - start;
  ASSERT_EQ(cancelled->status, 200);
  EXPECT_EQ(body_of(cancelled)["status"], "cancelled");
  EXPECT_LT(answered, 1);
  watching.join();
  EXPECT_LT(events_ended - start, 1);
  EXPECT_NE(events.find("\"status\":\"cancelled\""), std::string::npos) << events;
  expect_cancelled(client, job);
  // The network is free again after what it was in the middle of, and nothing was made of it.
  for (int i = 0; i < 3000 && metric(client, "chiaro_jobs_running") != 0; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(metric(client, "chiaro_jobs_running"), 0);
  EXPECT_EQ(metric(client, "chiaro_stored_bytes"), 0);
  EXPECT_EQ(metric(client, "chiaro_restored_megapixels_total"), 0);
  expect_cancelled(client, job);
  EXPECT_EQ(metric(client, "chiaro_jobs_total{status=\"cancelled\"}"), 1);
  EXPECT_EQ(metric(client, "chiaro_jobs_total{status=\"completed\"}"), 0);
  EXPECT_EQ(client.Post("/v1/restore?wait=1", picture(20, 30), kBinary)->status, 200);
}

TEST_F(ServeQueue, WhileItStopsItSaysSoAndStillTells) {
  use("told");
  Server server({"--engines", "1"});
  auto client = server.client();
  const std::string job = running_job(client);
  ASSERT_NE(job, "");
  const std::string sent = picture(5, 5);
  server.signal(SIGTERM);
  auto late = client.Post("/v1/inspect", sent, kBinary);
  while (late && late->status == 200) {  // the signal is noted within a moment
    std::this_thread::sleep_for(5ms);
    late = client.Post("/v1/inspect", sent, kBinary);
  }
  ASSERT_TRUE(late) << "nobody listens any more";
  expect_refused(late, 503, "stopping");
  expect_refused(client.Post("/v1/restore", sent, kBinary), 503, "stopping");
  expect_refused(client.Post("/v1/restore?wait=1", sent, kBinary), 503, "stopping");
  EXPECT_EQ(status_of(client, job), "running");
  const auto health = client.Get("/healthz");
  EXPECT_TRUE(health && health->status == 200);
  client.Post(job + "/cancel");
  EXPECT_EQ(server.wait(), 0);
}

// Of many jobs, "the picture" would not say which.
TEST_F(ServeQueue, MessagesNameTheJob) {
  const std::string messages = folder_ / "messages";
  Server server({}, messages);
  image::Image odd(3, 16, 16, 0.5F);
  odd.pixels()[7] = std::numeric_limits<float>::quiet_NaN();
  const auto file = image::encode(odd, {.format = "exr"});
  const std::string sent(reinterpret_cast<const char*>(file.data()), file.size());
  const auto answer = server.client().Post("/v1/restore?wait=1", sent, kBinary);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  const std::string said = read_text(messages);
  EXPECT_NE(said.find(": job " + answer->get_header_value("X-Job-Id") + ": "), std::string::npos)
      << said;
}

}  // namespace
}  // namespace chiaro::queue_test
