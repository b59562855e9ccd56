// `chiaro serve` before clients that are wrong, slow, many or foreign.
#include <chrono>
#include <map>
#include <thread>

#include "chiaro/base/log.h"
#include "tests/server/served.h"
#include "tests/support/bad_pictures.h"
#include "tests/support/process.h"

namespace chiaro::hostile_test {
namespace {

using test::body_of;
using test::Serve;
using test::Server;
using namespace std::chrono_literals;

TEST_F(Serve, BadRequestsAreAnswered) {
  Server server({"--max-body", "100K", "--max-pixels", "0.01"});
  auto client = server.client();
  const auto refused = [&](int status, const std::string& code, const std::string& path,
                           const std::string& sent) {
    const auto answer = client.Post(path, sent, kBinary);
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, status) << answer->body;
    EXPECT_EQ(body_of(answer)["error"]["code"], code) << answer->body;
    EXPECT_EQ(answer->body.find(folder_.path().string()), std::string::npos);
  };
  const std::string good = picture(10, 10);
  refused(400, "bad_request", "/v1/restore", "");
  refused(415, "unknown_type", "/v1/restore", "this is a letter");
  refused(415, "unknown_type", "/v1/restore", "%PDF-1.4");
  refused(400, "bad_picture", "/v1/restore", good.substr(0, 20));
  refused(400, "bad_picture", "/v1/restore?wait=1", good.substr(0, good.size() - 60));
  refused(413, "too_large", "/v1/restore", picture(101, 100));
  refused(413, "too_large", "/v1/restore", std::string(200'000, 'x'));
  // 11000 x 11000 by its header; what decodes it to tell would miss the rest.
  refused(
      413, "too_large", "/v1/restore",
      std::string("BM\0\0\0\1\0\0\0\0\x36\0\0\0\x28\0\0\0\xf8\x2a\0\0\xf8\x2a\0\0\1\0\x18\0", 30));
  for (const char* query :
       {"strength=2", "strength=nan", "strength=", "quality=101", "format=exe",
        "format=../../x.png", "wait=2", "again=2", "bundle=/etc/passwd", "output=/tmp/x"})
    refused(400, "bad_request", std::string("/v1/restore?") + query, good);
  const auto slipped = client.Post("/v1/restore?strenth=0.5", good, kBinary);
  EXPECT_EQ(body_of(slipped)["error"]["message"],
            "unknown parameter 'strenth' (did you mean 'strength'?); known: strength, as, "
            "keep_grain, again, guard, format, quality, wait");
  EXPECT_EQ(body_of(client.Post("/v1/inspect?wait=1", good, kBinary))["error"]["message"],
            "unknown parameter 'wait'; none is known here");
  refused(404, "not_found", "/v1/jobs/" + std::string(32, 'a') + "/cancel", "");
  for (const char* path : {"/v1/jobs/../../etc/passwd", "/v1/jobs/1", "/models/default.chiaro",
                           "/..%2f..%2fetc/passwd", "/v1", "/v1/jobs/"}) {
    const auto answer = client.Get(path);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 404) << path;
  }
  httplib::MultipartFormDataItems form{{"image", good, "a.png", "image/png"}};
  EXPECT_EQ(client.Post("/v1/restore", form)->status, 415);
  std::string stripped = picture(30, 30, "jpeg");  // as `curl -d @FILE` sends it
  std::erase_if(stripped, [](char c) { return c == 0 || c == '\n' || c == '\r'; });
  ASSERT_GT(stripped.size(), 400U);
  const auto lost = client.Post("/v1/restore", stripped, "application/x-www-form-urlencoded");
  EXPECT_EQ(lost->status, 400);
  EXPECT_NE(lost->body.find("--data-binary"), std::string::npos) << lost->body;
  // Still alive.
  EXPECT_EQ(client.Post("/v1/restore?wait=1", good, kBinary)->status, 200);
}

// The table that files, folders and pipes are tried with, as well.
TEST_F(Serve, BadPicturesAmongGoodOnesAreNamedAndStopNothing) {
  use("told");
  Server server;
  auto client = server.client();
  const std::string good = picture(10, 10);
  const auto error_of_job = [&](const std::string& id) {
    nlohmann::json job = nlohmann::json::object();
    for (int i = 0; i < 600 && job.value("status", "") != "failed"; ++i) {
      job = body_of(client.Get("/v1/jobs/" + id));
      std::this_thread::sleep_for(10ms);
    }
    return job["error"];
  };
  // What the server sees before it decodes, it says in its own words.
  const std::map<std::string, std::string> own_words{{"text.jpg", "this is no picture"},
                                                     {"huge.png", "3600000000 pixels"}};
  for (const test::BadPicture& bad : test::bad_pictures()) {
    const auto own = own_words.find(bad.name);
    const std::string& says = own == own_words.end() ? bad.says : own->second;
    const std::string sent(reinterpret_cast<const char*>(bad.bytes.data()), bad.bytes.size());
    for (const std::string path : {"/v1/restore?wait=1", "/v1/restore", "/v1/inspect"}) {
      const auto answer = client.Post(path, sent, kBinary);
      ASSERT_TRUE(answer) << bad.name << path;
      const auto body = body_of(answer);
      const bool later = path == "/v1/restore" && answer->status == 202;
      EXPECT_TRUE(later || answer->status / 100 == 4) << bad.name << path << answer->body;
      const auto error = later ? error_of_job(body["id"]) : body["error"];
      ASSERT_TRUE(error.is_object()) << bad.name << path << answer->body << error;
      EXPECT_NE(error.value("message", "").find(says), std::string::npos)
          << bad.name << path << error;
      EXPECT_EQ(client.Post("/v1/restore?wait=1", good, kBinary)->status, 200) << bad.name;
    }
  }
  EXPECT_EQ(server.stop(SIGTERM), 0);
}

TEST_F(Serve, RawNonsenseDoesNotStopIt) {
  Server server({"--patience", "1"});
  const std::string head = "Host: 127.0.0.1\r\n";
  const auto first_line = [&](const std::string& text) {
    const std::string answer = server.raw(text);
    return answer.substr(0, answer.find('\r'));
  };
  const std::string post = "POST /v1/restore HTTP/1.1\r\n" + head;
  EXPECT_EQ(first_line(post + "Content-Length: 99999999999\r\n\r\n"),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(first_line(post + "Content-Length: 99999999999999999999999\r\n\r\n"),
            "HTTP/1.1 413 Payload Too Large");
  // Refused before the client that asks for leave sends it.
  EXPECT_EQ(first_line(post + "Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(first_line(post + "Content-Length: -5\r\n\r\nabc"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"),
            "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(first_line(post + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
            "HTTP/1.1 415 Unsupported Media Type");
  EXPECT_EQ(first_line("POST /v1/jobs/" + std::string(32, 'a') + "/cancel HTTP/1.1\r\n" + head +
                       "Content-Length: 99999999999\r\n\r\n"),
            "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line("PUT /v1/restore HTTP/1.1\r\n" + head + "Content-Length: 9999\r\n\r\n"),
            "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(first_line("PUT /v1/nothing HTTP/1.1\r\n" + head + "Content-Length: 9999\r\n\r\n"),
            "HTTP/1.1 404 Not Found");
  // A second request in the shadow of a refused body is not served.
  const std::string hidden = server.raw(post +
                                        "Content-Length: 99999999999\r\n\r\nGET /healthz "
                                        "HTTP/1.1\r\n" +
                                        head + "\r\n");
  EXPECT_EQ(hidden.find("ok\n"), std::string::npos) << hidden;
  // Many ranges of one thing are not served apart.
  std::string ranges = "bytes=0-";
  for (int i = 0; i < 1000; ++i) ranges += ",0-";
  EXPECT_EQ(first_line("GET /page.js HTTP/1.1\r\n" + head + "Range: " + ranges + "\r\n\r\n"),
            "HTTP/1.1 200 OK");
  std::string endless = "GET / HTTP/1.1\r\n" + head;
  for (int i = 0; i < 100'000; ++i) endless += "a" + std::to_string(i) + ": b\r\n";
  EXPECT_EQ(server.raw(endless).find("200 OK"), std::string::npos);
  server.raw("GET / HTTP/1.1\r\n" + std::string(100'000, 'a') + ": b\r\n\r\n");
  server.raw(std::string("\x16\x03\x01\0\xff\xff\r\n\r\n", 10));
  server.raw("GET " + std::string(100'000, '/') + " HTTP/1.1\r\n\r\n");
  EXPECT_EQ(server.client().Get("/healthz")->body, "ok\n");
}

// What the HTTP library refuses by itself is answered with a sentence, too.
TEST_F(Serve, AHeadThatCannotBeReadIsSaid) {
  Server server;
  const std::string end = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  const auto says = [&](const std::string& sent, const std::string& status,
                        const std::string& sentence) {
    const std::string answer = server.raw(sent + "\r\n");
    EXPECT_EQ(answer.find("HTTP/1.1 " + status), 0U) << answer.substr(0, 300);
    EXPECT_NE(answer.find(sentence), std::string::npos) << answer.substr(0, 1000);
  };
  says("GET /" + std::string(9000, 'a') + end, "414",
       "too long; expected a first line of at most 8192 bytes");
  says("GET /healthz" + end + "X-Long: " + std::string(9000, 'a') + "\r\n", "400",
       "lines 'Name: value' of at most 8192 bytes");
  for (const std::string& bad :
       {std::string("no colon\r\n"), std::string(": no name\r\n"), std::string(" Folded: x\r\n"),
        std::string("Two words: x\r\n"), std::string("Blank : x\r\n"),
        std::string("N\xc3\xa4me: x\r\n"), std::string("X: a\rb\r\n"),
        std::string("X: a\0b\r\n", 8), std::string("X: bare\n"), std::string("\n")})
    says("GET /healthz" + end + bad, "400", "lines 'Name: value'");
  for (const std::string good : {"X-Empty:", "X!#$%&'*+-.^_`|~9:a:b : c", "X: \xc3\xa4\t\x01"})
    says("GET /healthz" + end + good + "\r\n", "200", "ok\n");
  says("GET /healthz" + end + "Range: apples=3\r\n", "416", "leave it out");
  says("hello\r\n", "400", "the first line cannot be read");
  says("BREW /healthz" + end, "400", "its method or version is not known");
}

// As `curl -X POST` sends it: without a length there is no body to wait for.
TEST_F(Serve, ARequestThatStatesNoLengthHasNoBody) {
  Server server({"--patience", "5"});
  const double start = monotonic_s();
  const std::string end = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  EXPECT_NE(server.raw("POST /v1/jobs/" + std::string(32, 'a') + "/cancel" + end).find("404 Not"),
            std::string::npos);
  EXPECT_NE(server.raw("POST /v1/restore?wait=1" + end).find("the body is empty"),
            std::string::npos);
  EXPECT_LT(monotonic_s() - start, 4);
}

TEST_F(Serve, LateAndIdleClientsAreGivenUp) {
  Server server({"--patience", "0.5"});
  const auto seconds = [&](const std::string& text) {
    const double start = monotonic_s();
    server.raw(text);
    return monotonic_s() - start;
  };
  EXPECT_LT(seconds(""), 5);
  EXPECT_LT(seconds("GET / HT"), 5);
  const std::string late =
      "POST /v1/restore HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
      "1000\r\n\r\nabc";
  EXPECT_LT(seconds(late), 5);
  EXPECT_NE(server.raw(late).find("408"), std::string::npos);
  // One that sends a byte now and then does not buy time by it.
  const int socket = server.connect();
  const double start = monotonic_s();
  while (monotonic_s() - start < 20 && ::send(socket, "a", 1, MSG_NOSIGNAL) == 1)
    std::this_thread::sleep_for(50ms);
  EXPECT_LT(monotonic_s() - start, 10);
  ::close(socket);
}

TEST_F(Serve, TooManyConnectionsAreTurnedAway) {
  Server server({"--patience", "120"});
  std::vector<int> idle;
  // Those that were served at once have left the queue by the second time, which fills it.
  for (const auto pause : {500ms, 0ms}) {
    for (int i = 0; i < 160; ++i) idle.push_back(server.connect());
    std::this_thread::sleep_for(pause);
  }
  const std::string answer = server.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.substr(0, answer.find('\r')), "HTTP/1.1 503 Service Unavailable");
  EXPECT_NE(answer.find("Retry-After: "), std::string::npos);
  for (const int socket : idle) ::close(socket);
  bool again = false;
  for (int i = 0; i < 100 && !again; ++i) {
    const auto health = server.client().Get("/healthz");
    again = health && health->status == 200;
    if (!again) std::this_thread::sleep_for(100ms);
  }
  EXPECT_TRUE(again);
}

TEST_F(Serve, OtherSitesAndOtherNamesAreRefused) {
  Server server;
  auto client = server.client();
  EXPECT_EQ(client.Get("/healthz", {{"Host", "evil.example"}})->status, 403);
  EXPECT_EQ(client.Get("/healthz", {{"Host", "127.0.0.1.evil.example"}})->status, 403);
  EXPECT_EQ(client.Get("/healthz", {{"Host", "localhost:8080"}})->status, 200);
  const auto foreign =
      client.Post("/v1/restore", {{"Origin", "https://evil.example"}}, picture(5, 5), "text/plain");
  EXPECT_EQ(foreign->status, 403);
  EXPECT_FALSE(client.Get("/v1/capabilities")->has_header("Access-Control-Allow-Origin"));
}

TEST_F(Serve, BehindAProxyATokenGuards) {
  write_file_atomically(folder_ / "token", std::string_view("0123456789abcdef\n"));
  Server server({"--token-file", folder_ / "token"});
  auto client = server.client();
  const auto status = [&](const char* origin, const char* token) {
    return client
        .Post("/v1/restore?wait=1",
              {{"Host", "photos.example"}, {"Origin", origin}, {"Authorization", token}},
              picture(5, 5), "text/plain")
        ->status;
  };
  EXPECT_EQ(status("https://photos.example", "Bearer 0123456789abcdef"), 200);
  EXPECT_EQ(status("https://photos.example", "Bearer 0123456789abcdeX"), 401);
  EXPECT_EQ(status("https://evil.example", "Bearer 0123456789abcdef"), 403);
}

TEST_F(Serve, WhatDoesNotFitIsNotDecoded) {
  use("told");
  Server server({"--max-memory", "300M"});
  for (const std::string path : {"/v1/restore?wait=1", "/v1/inspect"}) {
    const auto answer = server.client().Post(path, "P6\n7000 7000\n255\n", kBinary);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 413) << answer->body;  // not "truncated"
    EXPECT_EQ(body_of(answer)["error"]["code"], "out_of_memory");
  }
}

TEST_F(Serve, WithoutRoomForAnyPictureItDoesNotStart) {
  const auto said =
      test::run_process({CHIARO_PROGRAM, "serve", "--port", "0", "--max-memory", "10M"});
  EXPECT_EQ(said.status, 6);
  EXPECT_NE(said.err.find("no room for any picture"), std::string::npos) << said.err;
}

TEST_F(Serve, OtherMachinesNeedAToken) {
  const auto bare =
      test::run_process({CHIARO_PROGRAM, "serve", "--host", "0.0.0.0", "--port", "0"});
  EXPECT_EQ(bare.status, 2);
  EXPECT_NE(bare.err.find("a token is required"), std::string::npos) << bare.err;
  // A name that only looks like an address of this machine.
  EXPECT_EQ(test::run_process({CHIARO_PROGRAM, "serve", "--host", "127.example.com"}).status, 2);
  const auto pixels = test::run_process({CHIARO_PROGRAM, "serve", "--max-pixels", "20000000"});
  EXPECT_EQ(pixels.status, 2);
  EXPECT_NE(pixels.err.find("megapixels, above 0 and up to 1000000"), std::string::npos)
      << pixels.err;
  EXPECT_EQ(test::run_process({CHIARO_PROGRAM, "serve", "--max-body", "1G"}).status, 2);
  write_file_atomically(folder_ / "short", std::string_view("abc\n"));
  EXPECT_EQ(test::run_process({CHIARO_PROGRAM, "serve", "--token-file", folder_ / "short"}).status,
            2);
  write_file_atomically(folder_ / "token", std::string_view("0123456789abcdef\n"));
  Server server({"--host", "0.0.0.0", "--token-file", folder_ / "token"});
  auto client = server.client();
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  for (const char* path : {"/v1/capabilities", "/v1/models", "/metrics", "/v1/jobs/x"})
    EXPECT_EQ(client.Get(path)->status, 401) << path;
  EXPECT_EQ(client.Post("/v1/restore", picture(5, 5), kBinary)->status, 401);
  EXPECT_EQ(client.Get("/v1/models", {{"Authorization", "Bearer 0123456789abcdeX"}})->status, 401);
  EXPECT_EQ(client.Get("/v1/models", {{"Authorization", "Bearer 0123456789abcdef"}})->status, 200);
}

}  // namespace
}  // namespace chiaro::hostile_test
