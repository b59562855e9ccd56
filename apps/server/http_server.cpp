#include "apps/server/http_server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
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

/// A socket that keeps accounts of how long its client lets us wait, and how much it sends.
class Connection final : public httplib::Stream {
 public:
  Connection(socket_t socket, const ConnectionLimits& limits, const std::atomic<bool>& abandoned)
      : socket_(socket), limits_(limits), abandoned_(abandoned), may_receive_(limits.head_bytes) {}
  ~Connection() override { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The head is complete; from now on so many bytes may follow. Chunks have a frame around them.
  void begin_body() {
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
      moved_ += end_;
    }
    const std::size_t given = std::min(size, end_ - begin_);
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
        moved_ += static_cast<std::size_t>(part);
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

  bool wait_for(short events) const {
    for (;;) {
      const double left =
          limits_.patience_s + static_cast<double>(moved_) / limits_.least_bytes_per_s - waited_s_;
      if (left <= 0 || abandoned_) return false;
      const double start = monotonic_s();
      const bool came =
          ready(events, static_cast<int>(std::min<double>(kSliceMs, left * 1000 + 1)));
      waited_s_ += monotonic_s() - start;
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
  std::size_t moved_ = 0;
  mutable double waited_s_ = 0;
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
