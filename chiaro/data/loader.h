// Batches made ahead of time by worker threads, handed out in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "chiaro/data/batch.h"
#include "chiaro/data/dataset.h"

namespace chiaro::data {

class Loader {
 public:
  /// Hands out batches of N samples from `first_sample` on, with N = `batch`, or data.batch where
  /// that is 0. `pinned`: in memory that a card reads by itself (page-locked), so that the copy to
  /// it needs no waiting; CUDA has to be loaded.
  Loader(std::shared_ptr<const Dataset> dataset, std::int64_t first_sample, std::int64_t batch = 0,
         bool pinned = false);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Waits for the next batch in order. Rethrows what went wrong in a worker, when its batch is
  /// due.
  Batch next();

  /// Seconds spent waiting in next() so far: > 0 means that data is the bottleneck.
  double waited_s() const { return waited_s_; }

 private:
  void work();

  std::shared_ptr<const Dataset> dataset_;
  std::int64_t first_sample_;
  std::int64_t batch_;
  bool pinned_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::map<std::int64_t, Batch> made_;
  std::map<std::int64_t, std::exception_ptr> failed_;
  std::int64_t next_to_make_ = 0;
  std::int64_t next_to_give_ = 0;
  bool stopping_ = false;
  double waited_s_ = 0;
  std::vector<std::thread> workers_;
};

}  // namespace chiaro::data
