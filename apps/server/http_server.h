// cpp-httplib's server on connections that have limits: a slow, endless or broken client is given
// up, and too many at once are turned away.
#pragma once

#include <httplib.h>

#include <atomic>
#include <cstddef>
#include <thread>

namespace chiaro::server {

struct ConnectionLimits {
  std::size_t served = 64;   ///< connections at once, a thread each
  std::size_t waiting = 64;  ///< accepted, not yet served; those beyond get 503
  std::size_t head_bytes = std::size_t{64} << 10;  ///< request line and headers
  std::size_t body_bytes = std::size_t{64} << 20;  ///< of the body as it is sent
  double patience_s = 10;               ///< a client may keep us waiting to receive, and to send
  double least_bytes_per_s = 64 << 10;  ///< sending or fetching so fast gives a client more time
};

/// One request per connection: with an unread body left behind, the next request could not be told
/// from it.
class HttpServer final : public httplib::Server {
 public:
  explicit HttpServer(const ConnectionLimits& limits);

  /// Lets many connections arrive at once, after it was bound. The library lets five, and whoever
  /// comes then waits a second, or three, or seven, until the system tries again.
  void lengthen_queue();

  /// Whether the client of a request that is being served is still there. One that has closed its
  /// sending side counts as gone.
  static bool is_connected(const httplib::Request& request);

  /// Requests whose head has come and whose answer is not complete.
  int answering() const { return answering_; }

  /// Gives up what is still being received or sent, for the stop.
  void abandon() { abandoned_ = true; }
  bool is_abandoned() const { return abandoned_; }

 private:
  bool process_and_close_socket(socket_t socket) override;

  const ConnectionLimits limits_;
  std::atomic<bool> abandoned_ = false;
  std::atomic<int> answering_ = 0;
  std::atomic<std::thread::id> accepting_;  ///< the thread that turns the surplus away
};

}  // namespace chiaro::server
