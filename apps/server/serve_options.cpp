#include "apps/server/serve_options.h"

#include <arpa/inet.h>

#include "chiaro/base/error.h"

namespace chiaro::server {

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

void check(const ServeOptions& options) {
  constexpr std::size_t kShortestToken = 16;
  constexpr int kMostRestorers = 64;
  constexpr double kMostSeconds = 1e6;  // eleven days; larger numbers leave what clocks count in
  CHIARO_CHECK(options.port >= 0 && options.port <= 65535, Usage,
               "[server.check] impossible port; got {}; expected 0 to 65535", options.port);
  CHIARO_CHECK(options.restorers >= 1 && options.restorers <= kMostRestorers, Usage,
               "[server.check] impossible number of engines; got {}; expected 1 to {}",
               options.restorers, kMostRestorers);
  CHIARO_CHECK(options.max_body_bytes > 0 && options.max_pixels > 0 && options.max_queue > 0 &&
                   options.max_stored_bytes > 0 && options.max_job_seconds > 0 &&
                   options.keep_result_seconds > 0 && options.patience_seconds > 0 &&
                   options.drain_seconds >= 0,
               Usage, "[server.check] a limit is not above zero");
  for (const double seconds : {double{options.max_job_seconds}, double{options.keep_result_seconds},
                               double{options.patience_seconds}, double{options.drain_seconds}}) {
    CHIARO_CHECK(seconds <= kMostSeconds, Usage,
                 "[server.check] a limit of {} s; expected at most {:.0f} s", seconds,
                 kMostSeconds);
  }
  CHIARO_CHECK(options.max_body_bytes <= options.max_stored_bytes, Usage,
               "[server.check] uploads may be larger than the memory for all of them and their "
               "results; got {} bytes; expected at most {}",
               options.max_body_bytes, options.max_stored_bytes);
  CHIARO_CHECK(options.token.empty() || options.token.size() >= kShortestToken, Usage,
               "[server.check] the token is too short; got {} characters; expected at least {}",
               options.token.size(), kShortestToken);
  CHIARO_CHECK(is_loopback(options.host) || !options.token.empty(), Usage,
               "[server.check] other machines can reach '{}', so a token is required; give "
               "--token-file FILE or set CHIARO_SERVE_TOKEN",
               options.host);
}

}  // namespace chiaro::server
