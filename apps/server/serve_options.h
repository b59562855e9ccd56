// What `chiaro serve` is told, and what it allows a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "chiaro/engine/engine.h"

namespace chiaro::server {

struct ServeOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  ///< 0: any that is free
  std::string bundle = "default";
  engine::EngineOptions engine = {};
  /// Threads and buffers of connections, within max_memory_bytes.
  static constexpr std::int64_t kBesideBytes = std::int64_t{2} << 20;
  std::int64_t max_memory_bytes = 0;  ///< of one restoration, see restore::RestoreOptions
  std::string token = {};             ///< "": none is asked for; required unless host is loopback
  std::size_t max_body_bytes = std::size_t{64} << 20;
  std::int64_t max_pixels = 50'000'000;
  int restorers = 1;                                      ///< pictures that are restored at once
  std::size_t max_queue = 16;                             ///< jobs waiting
  std::size_t max_stored_bytes = std::size_t{512} << 20;  ///< uploads and results together
  double max_job_seconds = 300;                           ///< of restoring one picture
  double keep_result_seconds = 600;
  double patience_seconds = 10;  ///< that a slow client may keep a connection waiting, in sum
  double drain_seconds = 30;     ///< for jobs that are there when the server is asked to stop
};

/// Whether other machines cannot reach this address.
bool is_loopback(const std::string& host);

/// Errors: Usage (a limit that is not above zero, or an upload that never fits, an impossible port,
/// an address that others reach without a token, or a token shorter than 16 characters).
void check(const ServeOptions& options);

}  // namespace chiaro::server
