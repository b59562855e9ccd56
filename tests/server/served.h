// The program as a server, and what its tests send.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/image/codec.h"
#include "tests/support/graph_bundle.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::test {

/// The program, started; told its port by its first line. `messages`: a file for what it says on
/// stderr.
class Server {
 public:
  explicit Server(std::vector<std::string> more = {}, const std::string& messages = "") {
    std::vector<std::string> words{CHIARO_PROGRAM, "serve",     "--port", "0",
                                   "--json",       "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    int ends[2] = {};
    if (::pipe(ends) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      if (!messages.empty())
        ::dup2(::open(messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      ::close(ends[0]);
      ::execv(pointers[0], pointers.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    std::string line;
    char c = 0;
    while (::read(ends[0], &c, 1) == 1 && c != '\n') line += c;
    ::close(ends[0]);
    if (!line.empty()) port = nlohmann::json::parse(line).value("port", 0);
  }
  ~Server() {
    if (child_ > 0) stop(SIGKILL);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int stop(int signal) {
    ::kill(child_, signal);
    return wait();
  }
  void signal(int number) const { ::kill(child_, number); }
  int wait() {
    int state = 0;
    ::waitpid(child_, &state, 0);
    child_ = -1;
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  }
  httplib::Client client() const {
    httplib::Client made("127.0.0.1", port);
    made.set_read_timeout(120, 0);
    return made;
  }

  /// A connection of our own, to say what no client would. `flags`: of the socket;
  /// SOCK_NONBLOCK: it may be still on its way.
  int connect(int flags = 0) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int done = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    EXPECT_TRUE(done == 0 || (flags != 0 && errno == EINPROGRESS));
    return socket;
  }

  /// Sends this and gives all that comes back until the server closes.
  std::string raw(const std::string& text) const {
    const int socket = connect();
    (void)::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    std::string answer;
    std::array<char, 4096> part{};
    for (;;) {
      const ssize_t got = ::recv(socket, part.data(), part.size(), 0);
      if (got <= 0) break;
      answer.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(socket);
    return answer;
  }

  pid_t process() const { return child_; }

  /// Connections among them.
  std::size_t open_files() const {
    const std::filesystem::path all = "/proc/" + std::to_string(child_) + "/fd";
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(all), {}));
  }

  int port = 0;

 private:
  pid_t child_ = -1;
};

class Serve : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "models");
    use("stack");
    ::setenv("CHIARO_BUNDLE_PATH", (folder_ / "models").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("CHIARO_BUNDLE_PATH"); }

  /// The bundle that servers started from now on have.
  void use(const std::string& graph) {
    const bundle::Bundle made = graph_bundle(graph);
    std::filesystem::remove(folder_ / "models/default.chiaro");
    bundle::write_bundle(folder_ / "models/default.chiaro", made.manifest, made.members);
  }

  static std::string picture(int height, int width, const std::string& format = "png") {
    image::Image made(3, height, width);
    Rng rng(4);
    for (float& value : made.pixels()) value = static_cast<float>(rng.uniform());
    const auto bytes = image::encode(made, {.format = format});
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static image::Image decoded(const std::string& body) {
    return image::decode(std::as_bytes(std::span(body)), "the answer");
  }
  static constexpr const char* kBinary = "application/octet-stream";

  TemporaryFolder folder_;
};

inline nlohmann::json body_of(const httplib::Result& answer) {
  return nlohmann::json::parse(answer->body);
}

}  // namespace chiaro::test
