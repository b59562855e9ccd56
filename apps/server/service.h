// The HTTP interface: routes, uploads, events, the page. docs/serving.md describes it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/server/jobs.h"
#include "apps/server/serve_options.h"

namespace chiaro::server {

/// What is wrong with a picture file, as JSON. Called by one thread at a time.
using InspectFunction = std::function<std::string(std::span<const std::byte> picture)>;

/// Refuses what no picture could be restored by, before one is received. Called by any thread.
/// Errors: Usage.
using CheckFunction = std::function<void(const JobRequest& without_picture)>;

/// What the interface says about itself, made once.
struct ServiceFacts {
  std::string models_json = {};  ///< of /v1/models
  std::string bundle = {};
  std::string precision = {};
  int threads = 0;
  int scale = 1;
  InspectFunction inspect = {};         ///< empty where the bundle has no controller
  CheckFunction check = {};             ///< empty: nothing is refused
  std::vector<std::string> kinds = {};  ///< that `as` may name; empty: the bundle cannot be told
};

class Service {
 public:
  /// Binds to the address. Errors: Usage (see check), Resource (the address is taken).
  Service(const ServeOptions& options, Jobs& jobs, ServiceFacts facts);
  ~Service();  ///< stops
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  int port() const;  ///< the one in use
  void start();      ///< answers from now on, in threads of its own
  bool is_running() const;
  int answering() const;  ///< requests that came whole but for a body, and are not answered yet
  void stop();            ///< gives up what is still being received or sent

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chiaro::server
