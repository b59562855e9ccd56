#include "apps/server/http_server.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/log.h"

namespace chiaro::server {
namespace {

constexpr int kSliceMs = 200;     // how soon a stop is noticed
constexpr double kFarewellS = 2;  // for a client that still sends when its answer is complete

/// Follows the lines of a head. The library passes over those it does not understand, where a proxy
/// before us may understand something else.
class HeadLines {
 public:
  /// The next character. False: it ends a header line that is not `Name: value`.
  bool take(char c) {
    if (over_) return true;
    line_ += c;
    if (c != '\n') return true;
    const bool fits = first_ || line_ == "\r\n" || is_header(line_);
    over_ = line_ == "\r\n";
    first_ = false;
    line_.clear();
    return fits;
  }

 private:
  /// RFC 9112, section 5: a name of certain characters with the colon right behind, a value without
  /// line ends or zeros; a line that goes on from the one before is not allowed any more.
  static bool is_header(std::string_view line) {
    if (!line.ends_with("\r\n")) return false;
    line.remove_suffix(2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    constexpr std::string_view kNameCharacters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    return line.substr(0, colon).find_first_not_of(kNameCharacters) == std::string_view::npos &&
           line.find('\r', colon) == std::string_view::npos &&
           line.find('\0', colon) == std::string_view::npos;
  }

  std::string line_;
  bool first_ = true;
  bool over_ = false;
};

/// How long a client has let us wait in one direction, and how much has gone over.
struct Account {
  double waited_s = 0;
  std::size_t bytes = 0;
};

/// A socket that keeps accounts of how long its client lets us wait, and how much it sends.
class Connection final : public httplib::Stream {
 public:
  Connection(socket_t socket, const ConnectionLimits& limits, const std::atomic<bool>& abandoned)
      : socket_(socket), limits_(limits), abandoned_(abandoned), may_receive_(limits.head_bytes) {}
  ~Connection() override {
    if (given_up_) {  // or the system would keep what nobody fetches, and try for minutes
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The head is complete; from now on so many bytes may follow. Chunks have a frame around them.
  void begin_body() {
    in_head_ = false;
    may_receive_ = limits_.body_bytes + limits_.body_bytes / 16 + limits_.head_bytes;
  }

  bool is_connected() const {
    pollfd entry{socket_, POLLRDHUP, 0};
    return ::poll(&entry, 1, 0) >= 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  }

  bool is_readable() const override { return begin_ < end_ || ready(POLLIN, 0); }
  bool is_writable() const override { return ready(POLLOUT, 0) || wait_for(POLLOUT); }

  ssize_t read(char* target, std::size_t size) override {
    if (begin_ == end_) {
      if (may_receive_ == 0 || !wait_for(POLLIN)) return -1;
      const ssize_t got =
          ::recv(socket_, buffer_.data(), std::min(buffer_.size(), may_receive_), 0);
      if (got <= 0) return got;
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
      may_receive_ -= end_;
      received_.bytes += end_;
    }
    const std::size_t given = std::min(size, end_ - begin_);
    if (in_head_ && !is_head(given)) {
      begin_ = end_ = may_receive_ = 0;  // nor is anything read after it
      return -1;
    }
    std::memcpy(target, buffer_.data() + begin_, given);
    begin_ += given;
    return static_cast<ssize_t>(given);
  }

  /// All of it, or failure.
  ssize_t write(const char* source, std::size_t size) override {
    std::size_t sent = 0;
    while (sent < size) {
      const ssize_t part = ::send(socket_, source + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (part >= 0) {
        sent += static_cast<std::size_t>(part);
        handed_over_ += static_cast<std::size_t>(part);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait_for(POLLOUT)) return -1;
      } else if (errno != EINTR) {
        return -1;
      }
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    describe(::getpeername, ip, port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    describe(::getsockname, ip, port);
  }
  socket_t socket() const override { return socket_; }

  /// Says that nothing more comes, and takes what is still on its way: closing a socket with unread
  /// bytes would make the system throw the answer away.
  void say_farewell() {
    if (given_up_) return;
    ::shutdown(socket_, SHUT_WR);
    const double end = monotonic_s() + kFarewellS;
    while (monotonic_s() < end && !abandoned_) {
      if (ready(POLLIN, kSliceMs) &&
          ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) <= 0)
        return;
    }
  }

  /// For the thread that accepts, which must not wait for anyone.
  void turn_away() {
    constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 75\r\n\r\n"
        "{\"error\":{\"code\":\"busy\",\"message\":\"too many connections; try again later\"}}";
    static_assert(kBusy.size() - kBusy.find("{\"error") == 75);
    (void)::send(socket_, kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(socket_, SHUT_WR);
    // Its request, as far as it is here; see say_farewell.
    for (int i = 0; i < 4; ++i) {
      if (::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) <= 0) return;
    }
  }

 private:
  using NameOf = int (*)(int, sockaddr*, socklen_t*);

  bool ready(short events, int patience_ms) const {
    pollfd entry{socket_, events, 0};
    return ::poll(&entry, 1, patience_ms) > 0;
  }

  bool is_head(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      if (!head_.take(buffer_[begin_ + i])) return false;
    }
    return true;
  }

  /// What lies in the system's buffer, megabytes perhaps, the client has not fetched.
  std::size_t fetched_bytes() const {
    int waiting = 0;
    if (::ioctl(socket_, SIOCOUTQ, &waiting) != 0) waiting = 0;
    return handed_over_ - std::min(handed_over_, static_cast<std::size_t>(waiting));
  }

  /// `events`: POLLIN or POLLOUT.
  bool wait_for(short events) const {
    Account& account = events == POLLOUT ? sent_ : received_;
    for (;;) {
      if (events == POLLOUT) sent_.bytes = fetched_bytes();
      const double left = limits_.patience_s +
                          static_cast<double>(account.bytes) / limits_.least_bytes_per_s -
                          account.waited_s;
      if (left <= 0 || abandoned_) {
        given_up_ = given_up_ || events == POLLOUT;
        return false;
      }
      const double start = monotonic_s();
      const bool came =
          ready(events, static_cast<int>(std::min<double>(kSliceMs, left * 1000 + 1)));
      account.waited_s += monotonic_s() - start;
      if (came) return true;
    }
  }

  void describe(NameOf name_of, std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    if (name_of(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(),
                      service.data(), service.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
      return;
    ip = host.data();
    port = std::atoi(service.data());
  }

  socket_t socket_;
  const ConnectionLimits& limits_;
  const std::atomic<bool>& abandoned_;
  std::size_t may_receive_;
  bool in_head_ = true;
  HeadLines head_;
  mutable Account received_;
  mutable Account sent_;
  std::size_t handed_over_ = 0;    // to the system, for sending
  mutable bool given_up_ = false;  // as one that is sent to
  std::array<char, 16384> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Threads for the connections, and a bounded queue before them.
class ConnectionQueue final : public httplib::TaskQueue {
 public:
  ConnectionQueue(std::size_t threads, std::size_t waiting) : most_(waiting) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve_all(); });
  }

  /// What finds no place is run at once, on the thread that accepts.
  void enqueue(std::function<void()> serve) override {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() < most_) {
        waiting_.push_back(std::move(serve));
        changed_.notify_one();
        return;
      }
    }
    serve();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void serve_all() {
    for (;;) {
      std::function<void()> serve;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        serve = std::move(waiting_.front());
        waiting_.pop_front();
      }
      serve();
    }
  }

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

HttpServer::HttpServer(const ConnectionLimits& limits) : limits_(limits) {
  new_task_queue = [this]() -> httplib::TaskQueue* {
    accepting_ = std::this_thread::get_id();
    return new ConnectionQueue(limits_.served, limits_.waiting);  // httplib takes it over
  };
  // Its usual options let a second server share the port unnoticed.
  set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  set_tcp_nodelay(true);
}

void HttpServer::lengthen_queue() {
  ::listen(svr_sock_, SOMAXCONN);
}

bool HttpServer::is_connected(const httplib::Request& request) {
  return !request.progress || request.progress(0, 0);
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  try {
    Connection connection(socket, limits_, abandoned_);
    if (std::this_thread::get_id() == accepting_.load()) {
      connection.turn_away();
      return false;
    }
    bool closed = false;
    std::shared_ptr<void> answered;
    const bool done =
        process_request(connection, true, closed, [&, this](httplib::Request& request) {
          ++answering_;
          answered.reset(this, [](HttpServer* server) { --server->answering_; });
          connection.begin_body();
          // Many overlapping ranges, and compressing over and over, are work for nothing.
          request.ranges.clear();
          request.headers.erase("Range");
          request.headers.erase("Accept-Encoding");
          // On this side nobody else uses it; it is what a handler can ask.
          request.progress = [&connection](std::uint64_t, std::uint64_t) {
            return connection.is_connected();
          };
        });
    answered.reset();
    connection.say_farewell();
    return done;
  } catch (const std::exception& error) {  // no memory for the head, say; only this one ends
    spdlog::error("a connection failed: {}", error.what());
    return false;
  }
}

}  // namespace chiaro::server
