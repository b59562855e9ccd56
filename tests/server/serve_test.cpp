// `chiaro serve` over real HTTP: what it promises its friends.
#include <chrono>
#include <set>
#include <thread>

#include "chiaro/image/pages.h"
#include "tests/server/served.h"
#include "tests/support/process.h"

namespace chiaro::serve_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::body_of;
using test::Serve;
using test::Server;
using namespace std::chrono_literals;

TEST_F(Serve, RestoresAndAnswersAtOnce) {
  Server server;
  ASSERT_GT(server.port, 0);
  auto client = server.client();
  const std::string sent = picture(20, 30);
  const auto answer = client.Post("/v1/restore?wait=1", sent, kBinary);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->get_header_value("Content-Type"), "image/png");
  // The same as the command line gives.
  write_file_atomically(folder_ / "in.png", sent);
  ASSERT_EQ(test::run_process({CHIARO_PROGRAM, "restore", folder_ / "in.png", folder_ / "out.png"})
                .status,
            0);
  EXPECT_EQ(answer->body, read_text(folder_ / "out.png"));
  const auto unchanged = client.Post("/v1/restore?wait=1&strength=0&format=tiff", sent, kBinary);
  ASSERT_EQ(unchanged->status, 200);
  EXPECT_EQ(unchanged->get_header_value("Content-Type"), "image/tiff");
  EXPECT_TRUE(std::ranges::equal(decoded(unchanged->body).pixels(), decoded(sent).pixels()));
}

TEST_F(Serve, FormatsOfResultsAreThoseItSays) {
  Server server;
  auto client = server.client();
  const json said = body_of(client.Get("/v1/capabilities"))["result_formats"];
  ASSERT_EQ(said.size(), 6U);
  const json described = body_of(client.Get("/v1/openapi.json"));
  for (const auto& one : described["paths"]["/v1/restore"]["post"]["parameters"]) {
    if (one["name"] == "format") {
      EXPECT_EQ(one["schema"]["enum"], said);
    }
  }
  for (const std::string format : said) {
    const auto answer = client.Post("/v1/restore?wait=1&format=" + format, picture(9, 12), kBinary);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->status, 200) << format << answer->body;
    EXPECT_EQ(decoded(answer->body).metadata.source_format, format);
  }
}

// A picture with a range of its own comes back with it, without being asked to.
TEST_F(Serve, BrightLightsStayBright) {
  image::Image bright(3, 16, 16);
  std::ranges::fill(bright.pixels(), 4.0F);
  const auto file = image::encode(bright, {.format = "exr"});
  const std::string sent(reinterpret_cast<const char*>(file.data()), file.size());
  Server server;
  auto client = server.client();
  const auto answer = client.Post("/v1/restore?wait=1&strength=0", sent, kBinary);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->get_header_value("Content-Type"), "image/x-exr");
  const image::Image got = decoded(answer->body);
  for (const float v : got.pixels()) ASSERT_NEAR(v, 4.0F, 0.01F);
}

TEST_F(Serve, JobsArePolledFetchedAndCancelled) {
  Server server({"--max-queue", "2", "--max-seconds", "100"});
  auto client = server.client();
  const std::string large = picture(1500, 2000);
  std::vector<std::string> ids;
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    const auto answer = client.Post("/v1/restore", i == 0 ? large : picture(10, 10), kBinary);
    ASSERT_TRUE(answer);
    if (answer->status == 429) {
      ++refused;
      EXPECT_GE(std::stoi(answer->get_header_value("Retry-After")), 1);
      EXPECT_EQ(body_of(answer)["error"]["code"], "queue_full");
      continue;
    }
    ASSERT_EQ(answer->status, 202) << answer->body;
    EXPECT_EQ(body_of(answer)["poll_url"], answer->get_header_value("Location"));
    ids.push_back(body_of(answer)["id"]);
    // The large one is to have left the queue before others come.
    for (int k = 0;
         i == 0 && k < 600 && body_of(client.Get("/v1/jobs/" + ids[0]))["status"] == "queued"; ++k)
      std::this_thread::sleep_for(1ms);
  }
  EXPECT_GE(refused, 1);
  ASSERT_GE(ids.size(), 3U);
  const auto waiting = body_of(client.Get("/v1/jobs/" + ids[2]));
  EXPECT_EQ(waiting["status"], "queued");
  EXPECT_EQ(waiting["queue_position"], 1);
  EXPECT_EQ(client.Get("/v1/jobs/" + ids[2] + "/result")->status, 409);
  EXPECT_EQ(body_of(client.Post("/v1/jobs/" + ids[2] + "/cancel"))["status"], "cancelled");
  client.Post("/v1/jobs/" + ids[0] + "/cancel");
  for (int i = 0; i < 600 && body_of(client.Get("/v1/jobs/" + ids[1]))["status"] != "completed";
       ++i)
    std::this_thread::sleep_for(100ms);
  EXPECT_EQ(body_of(client.Get("/v1/jobs/" + ids[0]))["status"], "cancelled");
  const auto result = client.Get("/v1/jobs/" + ids[1] + "/result");
  ASSERT_EQ(result->status, 200);
  EXPECT_EQ(decoded(result->body).width(), 10);
  const std::string metrics = client.Get("/metrics")->body;
  EXPECT_NE(metrics.find("chiaro_jobs_total{status=\"cancelled\"} 2\n"), std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("chiaro_jobs_total{status=\"completed\"} 1\n"), std::string::npos);
}

TEST_F(Serve, EventsTellTheWholeStory) {
  use("grey");  // one colour after the other, so that there is something to tell on the way
  Server server({"--max-seconds", "100"});
  auto client = server.client();
  const auto accepted = body_of(client.Post("/v1/restore", picture(4000, 4000, "ppm"), kBinary));
  std::string text;
  const auto answer = client.Get(accepted["events_url"].get<std::string>(),
                                 [&](const char* data, std::size_t size) {
                                   text.append(data, size);
                                   return true;
                                 });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("Content-Type"), "text/event-stream");
  double last = -1;
  int on_the_way = 0;
  json state;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string head = "event: job\ndata: ";
    ASSERT_EQ(text.substr(at, head.size()), head);
    const auto end = text.find("\n\n", at);
    ASSERT_NE(end, std::string::npos);
    state = json::parse(text.substr(at + head.size(), end - at - head.size()));
    EXPECT_GE(state["progress"], last);
    last = state["progress"];
    if (state["status"] == "running" && last > 0 && last < 1) ++on_the_way;
    at = end + 2;
  }
  EXPECT_GE(on_the_way, 1) << text;
  EXPECT_EQ(state["status"], "completed");
  EXPECT_EQ(state["width"], 4000);
  EXPECT_EQ(client.Get(state["result_url"].get<std::string>())->status, 200);
}

TEST_F(Serve, SaysWhatIsWrongAndWhatItWentBy) {
  use("told");
  Server server;
  auto client = server.client();
  const auto found = body_of(client.Post("/v1/inspect", picture(20, 30), kBinary));
  EXPECT_EQ(found["width"], 30);
  EXPECT_EQ(found["types"].size(), 3U) << found;
  EXPECT_TRUE(found["recommendation"].is_string());
  // The same as the command line says.
  write_file_atomically(folder_ / "in.png", picture(20, 30));
  const auto told = test::run_process({CHIARO_PROGRAM, "inspect", folder_ / "in.png", "--json"});
  const json event = json::parse(told.out.substr(0, told.out.find('\n')));
  for (const auto& [key, value] : found.items()) EXPECT_EQ(value, event[key]) << key;
  const auto restored = client.Post("/v1/restore?wait=1&guard=soft", picture(20, 30), kBinary);
  ASSERT_EQ(restored->status, 200);
  const auto job = body_of(client.Get("/v1/jobs/" + restored->get_header_value("X-Job-Id")));
  EXPECT_EQ(job["findings"]["inspection"]["types"], found["types"]);
  EXPECT_EQ(job["findings"]["guard"]["strength"], found["guard"]["strength"]);
  const auto bare = client.Post("/v1/restore?wait=1&guard=off", picture(20, 30), kBinary);
  const auto other = body_of(client.Get("/v1/jobs/" + bare->get_header_value("X-Job-Id")));
  EXPECT_FALSE(other["findings"].contains("guard"));
  EXPECT_EQ(client.Post("/v1/inspect?map=1", picture(5, 5), kBinary)->status, 400);
  EXPECT_EQ(client.Post("/v1/inspect", std::string("a letter"), kBinary)->status, 415);
}

TEST_F(Serve, IsToldWhatIsWrong) {
  use("told");
  Server server;
  auto client = server.client();
  EXPECT_EQ(body_of(client.Get("/v1/capabilities"))["kinds"], json({"clean", "noise", "haze"}));
  const std::string sent = picture(20, 30);
  const auto restored = [&](const std::string& more) {
    return client.Post("/v1/restore?wait=1&guard=off&format=tiff" + more, sent, kBinary);
  };
  const auto blind = restored("");
  const auto told = restored("&as=haze(0.75)");
  ASSERT_EQ(told->status, 200) << told->body;
  EXPECT_TRUE(told->body != blind->body);
  const auto job = [&](const httplib::Result& answer) {
    return body_of(client.Get("/v1/jobs/" + answer->get_header_value("X-Job-Id")))["findings"];
  };
  EXPECT_EQ(job(blind)["blind"], true);
  EXPECT_EQ(job(told)["blind"], false);
  EXPECT_EQ(job(told)["as"], "haze(0.75)");
  // The very picture that the command line makes of it.
  write_file_atomically(folder_ / "in.png", sent);
  const auto done =
      test::run_process({CHIARO_PROGRAM, "restore", folder_ / "in.png", "-o", folder_ / "out.tif",
                         "--guard", "off", "--as", "haze(0.75)"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(told->body == read_text(folder_ / "out.tif"));

  for (const char* more : {"&as=", "&as=haize(0.3)", "&as=haze(2)", "&as=haze(0.3)%2Bhaze(0.1)",
                           "&keep_grain=1.5", "&keep_grain=nan", "&again=1&strength=0.5",
                           "&again=1&keep_grain=0.5", "&again=1&as=haze(0.3)", "&again=yes"}) {
    const auto refused = restored(more);
    EXPECT_EQ(refused->status, 400) << more << refused->body;
    EXPECT_EQ(body_of(refused)["error"]["code"], "bad_request") << more;
  }
  // A plus in a query is a blank, and means itself here.
  EXPECT_EQ(restored("&as=haze(0.3)+noise(0.1)")->status, 200);
  EXPECT_EQ(job(restored("&as=haze(0.3)%2Bnoise(0.1)&keep_grain=0.5"))["keep_grain"], 0.5);
  // Refused before it is queued, also where nobody waits.
  EXPECT_EQ(client.Post("/v1/restore?as=haize(0.3)", sent, kBinary)->status, 400);
}

TEST_F(Serve, WhatCannotBeToldRefusesItAndKeepsGrain) {
  Server server;
  auto client = server.client();
  const auto grain = [&](const char* share) {
    return client.Post("/v1/restore?wait=1&format=png&keep_grain=" + std::string(share),
                       picture(40, 50), kBinary);
  };
  ASSERT_EQ(grain("0.5")->status, 200);
  EXPECT_TRUE(grain("0.5")->body != grain("0")->body);
  const auto refused = client.Post("/v1/restore?as=haze(0.3)", picture(5, 5), kBinary);
  EXPECT_EQ(refused->status, 400);
  EXPECT_NE(refused->body.find("has no controller"), std::string::npos) << refused->body;
  const auto blind = client.Post("/v1/restore?again=1", picture(5, 5), kBinary);
  EXPECT_EQ(blind->status, 400);
  EXPECT_NE(blind->body.find("cannot look at its result"), std::string::npos) << blind->body;
}

TEST_F(Serve, GivesBackTheFileOfAPictureInWhichNothingChanges) {
  Server server;
  auto client = server.client();
  const std::string plain = picture(40, 50);
  const auto coded = image::encode(image::decode(std::as_bytes(std::span(plain)), "noise"),
                                   {.format = "jpeg", .quality = 60});
  const std::string sent(reinterpret_cast<const char*>(coded.data()), coded.size());
  const auto answer = [&](const std::string& more) {
    return client.Post("/v1/restore?wait=1&strength=" + more, sent, kBinary)->body;
  };
  EXPECT_EQ(answer("0"), sent);
  EXPECT_NE(answer("0&quality=50"), sent);
  EXPECT_NE(answer("0&format=png"), sent);
  EXPECT_NE(answer("1"), sent);
}

TEST_F(Serve, SaysHowManyPagesAreNotInTheResult) {
  Server server;
  auto client = server.client();
  const auto tiff = [](int pages) {
    const image::Image page(3, 8, 9, 0.5F);
    const std::vector<image::Frame> frames(static_cast<std::size_t>(pages), image::frame_of(page));
    image::PageWriter writer({}, frames, {.format = "tiff"});
    for (int i = 0; i < pages; ++i) writer.add(page);
    std::string file;
    writer.with_bytes([&file](std::span<const std::byte> bytes) {
      file.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    return file;
  };
  for (const int pages : {1, 2, 4}) {
    const auto answer = client.Post("/v1/restore?wait=1", tiff(pages), kBinary);
    ASSERT_EQ(answer->status, 200) << answer->body;
    const std::string& sent = answer->body;
    EXPECT_EQ(image::PageReader(std::as_bytes(std::span(sent)), "the answer").count(), 1);
    const auto job = "/v1/jobs/" + answer->get_header_value("X-Job-Id");
    const json findings = body_of(client.Get(job))["findings"];
    const auto result = client.Get(job + "/result");
    if (pages == 1) {
      EXPECT_FALSE(findings.contains("pages_left_out"));
      EXPECT_FALSE(answer->has_header("X-Pages-Left-Out"));
      EXPECT_FALSE(result->has_header("X-Pages-Left-Out"));
    } else {
      EXPECT_EQ(findings["pages_left_out"], pages - 1);
      EXPECT_EQ(answer->get_header_value("X-Pages-Left-Out"), std::to_string(pages - 1));
      EXPECT_EQ(result->get_header_value("X-Pages-Left-Out"), std::to_string(pages - 1));
    }
  }
}

TEST_F(Serve, WhoWaitsAndGoesAwayCancelsItsJob) {
  Server server;
  const std::string sent = picture(1500, 2000);
  const int socket = server.connect();
  const std::string head =
      "POST /v1/restore?wait=1 HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: " +
      std::to_string(sent.size()) + "\r\n\r\n";
  ASSERT_EQ(::send(socket, head.data(), head.size(), MSG_NOSIGNAL), ssize_t(head.size()));
  std::size_t given = 0;
  while (given < sent.size()) {
    const auto part = ::send(socket, sent.data() + given, sent.size() - given, MSG_NOSIGNAL);
    ASSERT_GT(part, 0);
    given += static_cast<std::size_t>(part);
  }
  auto client = server.client();
  const auto has = [&](const std::string& line) {
    for (int i = 0; i < 200; ++i) {
      if (client.Get("/metrics")->body.find(line) != std::string::npos) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  };
  ASSERT_TRUE(has("chiaro_jobs_running 1\n"));
  ::close(socket);
  EXPECT_TRUE(has("chiaro_jobs_total{status=\"cancelled\"} 1\n"));
}

TEST_F(Serve, OnePortOneServer) {
  Server server;
  const auto second = test::run_process(
      {CHIARO_PROGRAM, "serve", "--port", std::to_string(server.port), "--threads", "1"});
  EXPECT_EQ(second.status, 6);
  EXPECT_NE(second.err.find("another program, perhaps a second chiaro serve, listens there"),
            std::string::npos)
      << second.err;
  EXPECT_NE(second.err.find("--port takes another one"), std::string::npos) << second.err;
  // An address of no machine (RFC 5737).
  write_file_atomically(folder_ / "token", std::string_view("0123456789abcdef"));
  const auto nowhere = test::run_process({CHIARO_PROGRAM, "serve", "--host", "192.0.2.1", "--port",
                                          "0", "--token-file", folder_ / "token"});
  EXPECT_EQ(nowhere.status, 6);
  EXPECT_EQ(nowhere.err.find("another program"), std::string::npos) << nowhere.err;
}

TEST_F(Serve, EveryPathSaysItsMethods) {
  Server server;
  auto client = server.client();
  const auto refused = [](const httplib::Result& answer, const std::string& allow) {
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 405) << answer->body;
    EXPECT_EQ(answer->get_header_value("Allow"), allow);
    EXPECT_EQ(body_of(answer)["error"]["code"], "bad_method");
  };
  const std::string job = "/v1/jobs/" + std::string(32, 'a');
  for (const std::string& path : {std::string("/v1/restore"), std::string("/v1/inspect"),
                                  std::string("/v1/restore?wait=1"), job + "/cancel"})
    refused(client.Get(path), "POST");
  for (const std::string& path :
       {std::string("/"), std::string("/healthz"), std::string("/metrics"),
        std::string("/v1/models"), job, job + "/events", job + "/result"})
    refused(client.Post(path), "GET, HEAD");
  for (const auto& [path, allow] : {std::pair<std::string, std::string>{"/v1/restore", "POST"},
                                    {job + "/cancel", "POST"},
                                    {job, "GET, HEAD"},
                                    {"/", "GET, HEAD"}}) {
    refused(client.Delete(path), allow);
    refused(client.Options(path), allow);
    refused(client.Put(path, "something", kBinary), allow);
    refused(client.Patch(path, "", kBinary), allow);
  }
  const std::string no_id = "/v1/jobs/" + std::string(32, 'x');
  for (const std::string& path : {std::string("/v1/nothing"), job + "/nothing", no_id}) {
    for (const auto& answer :
         {client.Get(path), client.Post(path), client.Post(path, "something", kBinary),
          client.Put(path, "something", kBinary), client.Delete(path), client.Options(path)}) {
      ASSERT_TRUE(answer) << path;
      EXPECT_EQ(answer->status, 404) << path;
      EXPECT_FALSE(answer->has_header("Allow")) << path;
      EXPECT_EQ(body_of(answer)["error"]["message"], "there is nothing at " + path);
    }
  }
  EXPECT_EQ(client.Head("/healthz")->status, 200);
  const auto wait = client.Post("/v1/restore?wait=yes", picture(5, 5), kBinary);
  EXPECT_EQ(body_of(wait)["error"]["message"], "wait: got 'yes'; expected 0 or 1");
}

TEST_F(Serve, SlowMemoryStaysFlat) {
  use("told");
  Server server({"--keep-seconds", "2"});
  auto client = server.client();
  const auto resident = [&] {
    const std::string name = "\nprocess_resident_memory_bytes ";
    const std::string text = client.Get("/metrics")->body;
    return std::stod(text.substr(text.find(name) + name.size())) / (1 << 20);
  };
  const std::string sent = picture(300, 400, "jpeg");
  const auto some = [&](int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(client.Post("/v1/restore?wait=1", sent, kBinary)->status, 200);
      ASSERT_EQ(client.Post("/v1/inspect", sent, kBinary)->status, 200);
      ASSERT_EQ(client.Post("/v1/restore", "no picture", kBinary)->status, 415);
    }
  };
  some(300);  // until results are forgotten as fast as they come and the allocator has its pools
  const double before = resident();
  some(300);
  EXPECT_LT(resident() - before, 10);
}

TEST_F(Serve, DescribesItself) {
  Server server;
  auto client = server.client();
  const json listed = body_of(client.Get("/v1/models"));
  const auto kind_of = [&](const std::string& name) {
    for (const json& model : listed["models"]) {
      if (model["name"] == name) return model["kind"].get<std::string>();
    }
    return std::string();
  };
  EXPECT_EQ(kind_of("stack"), "restore");
  EXPECT_EQ(kind_of("damage"), "encode");  // one that ships
  const auto facts = body_of(client.Get("/v1/capabilities"));
  EXPECT_EQ(facts["bundle"], "stack");
  EXPECT_EQ(facts["limits"]["queue"], 16);
  EXPECT_EQ(facts["inspects"], false);
  EXPECT_EQ(facts["kinds"], json::array());
  EXPECT_EQ(client.Post("/v1/inspect", picture(5, 5), kBinary)->status, 501);
  // Every path of the description is there: none answers that it is unknown.
  const json described = body_of(client.Get("/v1/openapi.json"));
  for (const auto& [path, methods] : described["paths"].items()) {
    if (path.find('{') != std::string::npos) continue;
    const auto answer = methods.contains("get") ? client.Get(path) : client.Post(path, "", kBinary);
    EXPECT_NE(answer->status, 404) << path;
  }
  const auto page = client.Get("/");
  EXPECT_NE(page->body.find("<title>chiaro</title>"), std::string::npos);
  EXPECT_NE(page->get_header_value("Content-Security-Policy").find("default-src 'none'"),
            std::string::npos);
  for (const char* part : {"/page.js", "/page.css", "/compare.js", "/compare.css", "/zip.js"}) {
    const auto answer = client.Get(part);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body.find("http"), std::string::npos) << part << " leads elsewhere";
  }
}

/// Waits until a job runs. False: none did in time.
bool comes_to_run(httplib::Client& client) {
  for (int i = 0; i < 1500; ++i) {
    const auto answer = client.Get("/metrics");
    if (answer && answer->body.find("chiaro_jobs_running 1\n") != std::string::npos) return true;
    std::this_thread::sleep_for(2ms);
  }
  return false;
}

TEST_F(Serve, StopsGracefully) {
  Server server({"--max-queue", "1000"});
  const std::string large = picture(3000, 3000, "ppm");
  int finished = 0;
  std::thread waiting([&] {
    auto other = server.client();
    const auto answer = other.Post("/v1/restore?wait=1", large, kBinary);
    finished = answer ? answer->status : -1;
  });
  auto client = server.client();
  client.set_keep_alive(true);  // who comes for the first time finds nobody listening
  const bool running = comes_to_run(client);
  server.signal(SIGTERM);
  auto late = client.Post("/v1/restore", picture(5, 5), kBinary);
  while (late && late->status == 202) {  // the signal is noted within a moment
    std::this_thread::sleep_for(5ms);
    late = client.Post("/v1/restore", picture(5, 5), kBinary);
  }
  waiting.join();
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(finished, 200);
  ASSERT_TRUE(running);
  ASSERT_TRUE(late) << httplib::to_string(late.error());
  ASSERT_EQ(late->status, 503);
  EXPECT_GE(std::stoi(late->get_header_value("Retry-After")), 1);
}

TEST_F(Serve, WaitsForJobsNoLongerThanItWasTold) {
  Server server({"--drain-seconds", "0.2"});
  const std::string large = picture(4000, 4000, "ppm");
  std::thread waiting([&] {
    auto other = server.client();
    const auto answer = other.Post("/v1/restore?wait=1", large, kBinary);
    EXPECT_FALSE(answer && answer->status == 200) << "a job that was to be given up was finished";
  });
  auto client = server.client();
  EXPECT_TRUE(comes_to_run(client));
  const auto before = std::chrono::steady_clock::now();
  server.signal(SIGTERM);
  server.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 8s);
  waiting.join();
}

TEST_F(Serve, AJobThatTakesTooLongIsGivenUp) {
  Server server({"--max-seconds", "0.2"});
  auto client = server.client();
  const auto answer = client.Post("/v1/restore?wait=1", picture(3000, 3000, "ppm"), kBinary);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 504) << answer->body.substr(0, 200);
  EXPECT_EQ(body_of(answer)["error"]["code"], "timeout");
  // The next one finds a server that works.
  EXPECT_EQ(client.Post("/v1/restore?wait=1", picture(5, 5), kBinary)->status, 200);
}

TEST_F(Serve, WhatIsBeingFetchedArrivesBeforeTheStop) {
  Server server;
  const std::string sent = picture(1500, 2000);
  const int socket = server.connect();
  const std::string head =
      "POST /v1/restore?wait=1&strength=0&format=tiff HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: " +
      std::to_string(sent.size()) + "\r\n\r\n";
  for (const std::string& part : {head, sent}) {
    for (std::size_t at = 0; at < part.size();) {
      const ssize_t n = ::send(socket, part.data() + at, part.size() - at, MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      at += static_cast<std::size_t>(n);
    }
  }
  std::string answer(1, '\0');
  ASSERT_EQ(::recv(socket, answer.data(), 1, 0), 1);
  server.signal(SIGTERM);
  std::this_thread::sleep_for(1500ms);  // the rest does not fit between the two
  std::array<char, 65536> part{};
  for (ssize_t got = 0; (got = ::recv(socket, part.data(), part.size(), 0)) > 0;)
    answer.append(part.data(), static_cast<std::size_t>(got));
  ::close(socket);
  const auto body = answer.find("\r\n\r\n") + 4;
  const std::string length = "Content-Length: " + std::to_string(answer.size() - body) + "\r\n";
  EXPECT_NE(answer.find(length), std::string::npos) << answer.substr(0, body) << answer.size();
  EXPECT_EQ(server.wait(), 0);
}

}  // namespace
}  // namespace chiaro::serve_test
