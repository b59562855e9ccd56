// Requests made from the server's own description, right and wrong ones: each answer is one that
// the description names, comes in time, and the server lives on and leaves nothing behind.
//
//   test_server --gtest_filter='ServeFuzzSlow.*'       a hundred thousand; CHIARO_FUZZ_REQUESTS and
//                                                      CHIARO_FUZZ_SEED take others
// A request that fails is kept as ./http-culprit-N; once the fault is mended it belongs into
// tests/fuzz/corpus/http.
#include <dirent.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "chiaro/base/log.h"
#include "tests/server/api_answers.h"
#include "tests/server/api_requests.h"
#include "tests/server/served.h"

namespace chiaro::fuzz_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::ApiRequest;
using test::body_of;
using test::Manner;
using test::Serve;
using test::Server;
using namespace std::chrono_literals;

constexpr double kPatienceS = 0.3;  // of the server
constexpr double kHangS = 20;       // no answer may take so long, on a busy machine either
constexpr int kClients = 8;

struct Exchange {
  std::string answer;
  double seconds = 0;
};

/// Sends the bytes in the request's manner and reads until the server closes, or it hangs.
class Wire {
 public:
  explicit Wire(const Server& server) : socket_(server.connect()) {}
  ~Wire() { ::close(socket_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Exchange exchange(const ApiRequest& request) {
    const double start = monotonic_s();
    const std::string& bytes = request.bytes;
    if (request.manner == Manner::Pieces) {
      const std::size_t part = bytes.size() / 4 + 1;
      for (std::size_t at = 0; at < bytes.size(); at += part) {
        send(bytes.substr(at, part));
        std::this_thread::sleep_for(5ms);
      }
    } else if (request.manner == Manner::Dribble) {
      for (std::size_t at = 0; at < bytes.size() && monotonic_s() - start < 3 * kPatienceS; ++at) {
        if (!send(bytes.substr(at, 1))) break;
        std::this_thread::sleep_for(20ms);
      }
    } else {
      send(request.manner == Manner::CutOff ? bytes.substr(0, bytes.size() / 2) : bytes);
    }
    Exchange made;
    if (request.manner == Manner::CutOff || request.manner == Manner::Deaf) return made;
    if (request.manner == Manner::HalfClosed) ::shutdown(socket_, SHUT_WR);
    made.answer = receive(start + kHangS);
    made.seconds = monotonic_s() - start;
    return made;
  }

 private:
  bool send(const std::string& bytes) const {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t part = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (part <= 0) return false;
      sent += static_cast<std::size_t>(part);
    }
    return true;
  }
  std::string receive(double until) const {
    std::string answer;
    std::array<char, 16384> part{};
    while (monotonic_s() < until) {
      pollfd entry{socket_, POLLIN, 0};
      if (::poll(&entry, 1, 200) <= 0) continue;
      const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
      if (got <= 0) break;
      answer.append(part.data(), static_cast<std::size_t>(got));
    }
    return answer;
  }

  int socket_;
};

/// What a process has, by the system's account.
class Account {
 public:
  explicit Account(pid_t process) : folder_("/proc/" + std::to_string(process)) {}

  std::int64_t resident_bytes() const {
    std::ifstream file(folder_ + "/statm");
    std::int64_t size = 0;
    std::int64_t resident = 0;
    file >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
  }
  /// That went to any disk.
  std::int64_t written_bytes() const {
    std::ifstream file(folder_ + "/io");
    std::string name;
    for (std::int64_t value = 0; file >> name >> value;) {
      if (name == "write_bytes:") return value;
    }
    return -1;
  }
  std::size_t open_files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ + "/fd"), fs::directory_iterator()));
  }

 private:
  std::string folder_;
};

class ServeFuzz : public Serve {
 protected:
  void SetUp() override {
    Serve::SetUp();
    use("told");
    for (const char* format : {"png", "jpeg", "webp", "tiff", "ppm"}) {
      for (const auto& [height, width] : {std::pair{1, 1}, {7, 12}, {30, 20}})
        pictures_.push_back(picture(height, width, format));
    }
    // Where a program would write that writes anywhere.
    for (const char* name : {"HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"}) {
      fs::create_directories(folder_ / "places" / name);
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::setenv(name, (folder_ / "places" / name).c_str(), 1);
    }
    fs::create_directories(folder_ / "places/here");
    here_ = fs::current_path();
  }
  void TearDown() override {
    fs::current_path(here_);
    for (const char* name : {"HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"}) {
      ::unsetenv(name);
      if (before_.contains(name)) ::setenv(name, before_[name].c_str(), 1);
    }
    Serve::TearDown();
  }

  /// With small limits, so that requests reach them.
  void start() {
    fs::current_path(folder_ / "places/here");
    server_.emplace(std::vector<std::string>{"--max-queue", "8", "--max-pixels", "0.0005",
                                             "--max-body", "100K", "--keep-seconds", "2",
                                             "--patience", std::to_string(kPatienceS), "--quiet"});
    fs::current_path(here_);
    ASSERT_GT(server_->port, 0);
    description_ = body_of(server_->client().Get("/v1/openapi.json"));
  }

  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      found.insert(entry.path());
    return found;
  }

  void check(const ApiRequest& request, const Exchange& made) {
    std::string fault = made.seconds > kHangS - 1 ? fmt::format("took {:.1f} s", made.seconds) : "";
    if (fault.empty() && request.manner != Manner::CutOff && request.manner != Manner::Deaf)
      fault = test::fault_of(description_, as_sent(request), made.answer);
    if (fault.empty()) return;
    const std::lock_guard lock(mutex_);
    if (++failures_ > 10) return;
    const fs::path culprit = here_ / fmt::format("http-culprit-{}", failures_.load());
    write_file_atomically(culprit, request.bytes);
    ADD_FAILURE() << fault << "\nkept as " << culprit << ", manner "
                  << static_cast<int>(request.manner) << ", answered:\n"
                  << made.answer.substr(0, 500) << "\nto:\n"
                  << request.bytes.substr(0, 600);
  }

  /// Who is not waited for to the end cannot expect what the description says.
  static ApiRequest as_sent(ApiRequest request) {
    if (request.manner == Manner::Dribble) request.intact = false;
    return request;
  }

  void remember(const ApiRequest& request, const Exchange& made, std::vector<std::string>& ids) {
    const auto answer = test::read_answer(made.answer, false);
    {
      const std::lock_guard lock(mutex_);
      seen_.insert(fmt::format("{} {} {}", request.method, request.path, answer.status));
    }
    if (answer.status != 202) return;
    const json job = json::parse(answer.body, nullptr, false);
    if (!job.is_object() || !job.contains("id")) return;
    ids.push_back(job["id"]);
    if (ids.size() > 20) ids.erase(ids.begin());
  }

  /// So many requests by clients that work at the same time.
  void send(std::int64_t requests, std::uint64_t seed) {
    std::vector<std::jthread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        test::ApiRequests source(description_, pictures_, server_->port, seed,
                                 static_cast<std::uint64_t>(client));
        std::vector<std::string> ids;
        for (std::int64_t i = client; i < requests && failures_ <= 10; i += kClients) {
          const ApiRequest request = source.next(ids);
          const Exchange made = Wire(*server_).exchange(request);
          check(request, made);
          if (request.intact) remember(request, made, ids);
        }
      });
    }
  }

  /// Waits, at most for a while, until no more are open.
  std::size_t open_files_at_rest(std::size_t expected) const {
    const Account account(server_->process());
    for (int i = 0; i < 100 && account.open_files() > expected; ++i)
      std::this_thread::sleep_for(50ms);
    return account.open_files();
  }

  /// The whole: nothing grows, nothing is left, nothing has died.
  void run(std::int64_t requests, std::uint64_t seed) {
    start();
    const Account account(server_->process());
    const auto files_before = files();
    const std::size_t open_before = account.open_files();
    send(requests / 2, seed);
    const std::int64_t middle = account.resident_bytes();
    const std::int64_t written = account.written_bytes();
    send(requests - requests / 2, seed + 1);
    const std::int64_t grown = account.resident_bytes() - middle;
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed for a while
    EXPECT_LT(grown, std::int64_t{32} << 20);
#endif
    EXPECT_EQ(account.written_bytes(), written);
    EXPECT_LE(open_files_at_rest(open_before), open_before);
    EXPECT_EQ(files(), files_before);
    EXPECT_EQ(server_->client().Get("/healthz")->body, "ok\n");
    EXPECT_EQ(server_->stop(SIGTERM), 0);
    fmt::print("{} requests, {} kinds of answers; memory grew by {} KiB in the second half\n",
               requests, seen_.size(), grown / 1024);
  }

  fs::path here_;
  std::map<std::string, std::string> before_;
  std::vector<std::string> pictures_;
  std::optional<Server> server_;
  json description_;
  std::mutex mutex_;
  std::set<std::string> seen_;
  std::atomic<int> failures_ = 0;
};

std::int64_t number_in(const char* name, std::int64_t usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::atoll(text);
}

TEST_F(ServeFuzz, AnswersAsItsDescriptionSays) {
  run(1500, 17);
  // It was no monologue of refusals.
  for (const char* reached :
       {"POST /v1/restore 200", "POST /v1/restore 202", "POST /v1/restore 400",
        "POST /v1/restore 403", "POST /v1/restore 413", "POST /v1/restore 415",
        "PUT /v1/restore 405", "POST /v1/inspect 200", "GET /v1/jobs/{id} 200",
        "GET /v1/jobs/{id}/result 200", "GET /v1/jobs/{id}/events 200",
        "POST /v1/jobs/{id}/cancel 200", "HEAD /healthz 200"})
    EXPECT_TRUE(seen_.contains(reached)) << reached;
}

TEST_F(ServeFuzz, WhatOnceFailedIsAnswered) {
  start();
  int kept = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(CHIARO_SOURCE_DIR) / "tests/fuzz/corpus/http")) {
    for (const Manner manner :
         {Manner::Whole, Manner::Pieces, Manner::HalfClosed, Manner::CutOff}) {
      const ApiRequest request{.bytes = read_text(entry.path()), .intact = false, .manner = manner};
      check(request, Wire(*server_).exchange(request));
      EXPECT_EQ(server_->client().Get("/healthz")->body, "ok\n") << entry.path();
    }
    ++kept;
  }
  EXPECT_GT(kept, 0);
  EXPECT_EQ(server_->stop(SIGTERM), 0);
}

class ServeFuzzSlow : public ServeFuzz {};

TEST_F(ServeFuzzSlow, AHundredThousandRequests) {
  run(number_in("CHIARO_FUZZ_REQUESTS", 100'000),
      static_cast<std::uint64_t>(number_in("CHIARO_FUZZ_SEED", 1)));
}

}  // namespace
}  // namespace chiaro::fuzz_test
