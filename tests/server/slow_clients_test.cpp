// `chiaro serve` before clients that send or fetch too slowly, alone and many at once: they cost
// nothing but their place, and that not for long.
#include <poll.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string_view>
#include <thread>

#include "chiaro/base/log.h"
#include "tests/server/served.h"

namespace chiaro::slow_clients_test {
namespace {

using test::Serve;
using test::Server;
using namespace std::chrono_literals;

/// A connection that sends and reads no more than it is told to.
class SlowClient {
 public:
  SlowClient(const Server& server, const std::string& text) : socket_(server.connect()) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};  // for a server that does not give up
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    send(text);
  }
  ~SlowClient() { ::close(socket_); }
  SlowClient(const SlowClient&) = delete;
  SlowClient& operator=(const SlowClient&) = delete;

  bool send(const std::string& text) const {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  /// Whether something to read comes in that time; it is left there.
  bool hears(int patience_ms) const {
    pollfd entry{socket_, POLLIN, 0};
    return ::poll(&entry, 1, patience_ms) > 0;
  }
  /// Whether the server has ended the connection, which shows without reading.
  bool is_given_up() const {
    pollfd entry{socket_, POLLRDHUP, 0};
    return ::poll(&entry, 1, 0) > 0;
  }
  /// What is there, at most so much; nothing after the end.
  std::size_t read(std::size_t most) const {
    std::string part(most, '\0');
    const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  std::string read_all() const {
    std::string text;
    std::array<char, 65536> part{};
    for (ssize_t got = 0; (got = ::recv(socket_, part.data(), part.size(), 0)) > 0;)
      text.append(part.data(), static_cast<std::size_t>(got));
    return text;
  }

 private:
  int socket_;
};

using SlowClients = std::vector<std::unique_ptr<SlowClient>>;

class ServeSlowly : public Serve {
 protected:
  static constexpr const char* kHost = " HTTP/1.1\r\nHost: localhost\r\n";

  /// Where a result lies that is far larger than what the system keeps for a connection.
  static std::string large_result(const Server& server) {
    const auto answer = server.client().Post("/v1/restore?wait=1&strength=0&format=tiff",
                                             picture(1500, 2000, "ppm"), kBinary);
    if (!answer || answer->status != 200) return "";
    EXPECT_GT(answer->body.size(), 9'000'000U);
    return "/v1/jobs/" + answer->get_header_value("X-Job-Id") + "/result";
  }
  static SlowClients clients(const Server& server, int count, const std::string& text) {
    SlowClients made;
    for (int i = 0; i < count; ++i) made.push_back(std::make_unique<SlowClient>(server, text));
    return made;
  }
  /// Those who have their place, so that a connection of the server belongs to each.
  static bool all_hear(const SlowClients& clients) {
    return std::ranges::all_of(clients, [](const auto& client) { return client->hears(20'000); });
  }
  /// Until no more are open, at most for a while; how many are.
  static std::size_t open_files_at_rest(const Server& server, std::size_t expected) {
    for (int i = 0; i < 200 && server.open_files() > expected; ++i)
      std::this_thread::sleep_for(50ms);
    return server.open_files();
  }
  static double cpu_seconds(const Server& server) {
    std::ifstream file("/proc/" + std::to_string(server.process()) + "/stat");
    std::string word;
    double ticks = 0;
    for (int i = 1; i <= 15 && file >> word; ++i) {  // the name, the second, has no blank
      if (i >= 14) ticks += std::stod(word);
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
};

TEST_F(ServeSlowly, APictureThatComesByteByByteIsGivenUp) {
  Server server({"--patience", "1"});
  const std::string sent = picture(60, 60);
  const SlowClient client(server, "POST /v1/restore?wait=1" + std::string(kHost) +
                                      "Content-Length: " + std::to_string(sent.size()) +
                                      "\r\n\r\n");
  const double start = monotonic_s();
  std::size_t given = 0;
  while (given < sent.size() && monotonic_s() - start < 20 && !client.hears(20) &&
         client.send(sent.substr(given, 1)))
    ++given;
  EXPECT_GT(monotonic_s() - start, 0.9);
  EXPECT_LT(monotonic_s() - start, 8);
  EXPECT_LT(given, sent.size());
  EXPECT_EQ(client.read_all().find("HTTP/1.1 408 "), 0U);
}

TEST_F(ServeSlowly, WhoDoesNotFetchItsResultIsGivenUp) {
  Server server({"--patience", "1"});
  const std::size_t open = server.open_files();
  const std::string place = large_result(server);
  ASSERT_NE(place, "");
  const SlowClients deaf = clients(server, 30, "GET " + place + kHost + "\r\n");
  const SlowClient dawdling(server, "GET " + place + kHost + "\r\n");
  ASSERT_TRUE(all_hear(deaf));
  const auto all_gone = [&] {
    return dawdling.is_given_up() &&
           std::ranges::all_of(deaf, [](const auto& client) { return client->is_given_up(); });
  };
  const double start = monotonic_s();
  while (!all_gone() && monotonic_s() - start < 25) {
    if (!dawdling.is_given_up() && dawdling.hears(0)) dawdling.read(1000);
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_TRUE(all_gone());
  EXPECT_GT(monotonic_s() - start, 0.9);
  EXPECT_LE(open_files_at_rest(server, open), open);
  EXPECT_LT(deaf[0]->read_all().size(), 9'000'000U);
  // The result is there for who wants it.
  EXPECT_EQ(server.client().Get(place)->status, 200);
}

TEST_F(ServeSlowly, WhoFetchesSteadilyHasTheTimeItTakes) {
  Server server({"--patience", "0.5"});
  const std::string place = large_result(server);
  ASSERT_NE(place, "");
  const SlowClient client(server, "GET " + place + kHost + "\r\n");
  const double start = monotonic_s();
  std::size_t all = 0;
  for (std::size_t got = 1; got > 0; all += got) {
    got = client.read(1 << 16);
    std::this_thread::sleep_for(15ms);
  }
  EXPECT_GT(all, 9'000'000U);
  EXPECT_GT(monotonic_s() - start, 1);  // for long enough to run out of patience otherwise
}

// The system answers for the server as long as there is room in a queue; beyond it, clients wait
// seconds until they try again.
TEST_F(ServeSlowly, ManyThatComeInTheSameMomentAreLetIn) {
  Server server;
  server.signal(SIGSTOP);
  std::vector<int> sockets;
  for (int i = 0; i < 100; ++i) sockets.push_back(server.connect(SOCK_NONBLOCK));
  std::this_thread::sleep_for(200ms);
  std::size_t connected = 0;
  for (const int socket : sockets) {
    pollfd entry{socket, POLLOUT, 0};
    if (::poll(&entry, 1, 0) == 1 && (entry.revents & POLLERR) == 0) ++connected;
  }
  EXPECT_EQ(connected, sockets.size());
  server.signal(SIGCONT);
  for (const int socket : sockets) ::close(socket);
  bool well = false;  // once those that are gone have been seen to be
  for (int i = 0; i < 100 && !well; ++i) {
    const auto health = server.client().Get("/healthz");
    well = health && health->status == 200;
    if (!well) std::this_thread::sleep_for(100ms);
  }
  EXPECT_TRUE(well);
}

TEST_F(ServeSlowly, ManyAtOnceLeaveRoomForGoodOnes) {
  Server server({"--patience", "100"});
  const std::size_t open = server.open_files();
  const std::string place = large_result(server);
  ASSERT_NE(place, "");
  const SlowClients deaf = clients(server, 10, "GET " + place + kHost + "\r\n");
  ASSERT_TRUE(all_hear(deaf));
  // Together they say that they send 3 GB, six times what uploads may take.
  const SlowClients dribbling =
      clients(server, 50,
              "POST /v1/restore?wait=1" + std::string(kHost) +
                  "Expect: 100-continue\r\nContent-Length: 67108864\r\n\r\n");
  ASSERT_TRUE(all_hear(dribbling));  // they may go on
  const std::string sent = picture(20, 30);
  double longest = 0;
  for (int i = 0; i < 20; ++i) {
    for (const auto& client : dribbling) EXPECT_TRUE(client->send("P"));
    const double start = monotonic_s();
    auto client = server.client();
    const auto health = client.Get("/healthz");
    ASSERT_TRUE(health);
    EXPECT_EQ(health->body, "ok\n");
    const auto restored = client.Post("/v1/restore?wait=1", sent, kBinary);
    ASSERT_TRUE(restored);
    ASSERT_EQ(restored->status, 200) << restored->body;
    longest = std::max(longest, monotonic_s() - start);
  }
  EXPECT_LT(longest, 5);  // on a busy machine; usually some milliseconds
  const double before = cpu_seconds(server);
  std::this_thread::sleep_for(2s);
  EXPECT_LT(cpu_seconds(server) - before, 0.5);
  for (const auto& client : deaf) EXPECT_FALSE(client->is_given_up());  // they were there all along
  for (const auto& client : dribbling) EXPECT_FALSE(client->is_given_up());
  EXPECT_GE(server.open_files(), open + deaf.size() + dribbling.size());
}

}  // namespace
}  // namespace chiaro::slow_clients_test
