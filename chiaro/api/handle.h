// What the handles of the C interface point to.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chiaro/api/chiaro.h"
#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/restore/guard.h"
#include "chiaro/restore/inspector.h"
#include "chiaro/restore/restorer.h"

/// A restorer that several threads may call: one at a time is let in.
struct chiaro_restorer {
 public:
  /// Errors: Bundle, Usage (as Restorer).
  chiaro_restorer(const chiaro::bundle::Bundle& bundle,
                  const chiaro::engine::EngineOptions& options);

  /// Runs `work` while no other thread is inside. Errors: those of `work`; Usage, where the
  /// progress callback of a call under way asks for it.
  void alone(const std::function<void(chiaro::restore::Restorer&)>& work);

  /// Never changes, and so needs no turn.
  const chiaro::restore::Restorer& restorer() const { return restorer_; }

  const std::string file;
  const std::string card;
  const std::string manifest;  ///< JSON
  const std::string types;     ///< separated by ","

 private:
  chiaro::restore::Restorer restorer_;
  std::mutex mutex_;
  std::atomic<std::thread::id> inside_;
};

struct chiaro_inspection {
 public:
  chiaro_inspection(const chiaro::restore::Inspection& found,
                    const chiaro::bundle::ConditionInfo& info);

  std::vector<std::string> types;        ///< in the order of the findings
  std::vector<chiaro_finding> findings;  ///< the most probable first
  double novelty = 0;
  chiaro::restore::GuardDecision decision;
  std::string advice;
};
