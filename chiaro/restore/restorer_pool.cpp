#include "chiaro/restore/restorer_pool.h"

#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/engine/processor.h"

namespace chiaro::restore {

RestorerPool::RestorerPool(std::vector<Restorer> restorers) : restorers_(std::move(restorers)) {
  CHIARO_CHECK(!restorers_.empty(), Internal, "[restore.RestorerPool] no restorer");
  for (Restorer& restorer : restorers_) free_.push_back(&restorer);
}

RestorerPool::Lease RestorerPool::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !free_.empty(); });
  Restorer& restorer = *free_.back();
  free_.pop_back();
  return {*this, restorer};
}

void RestorerPool::give_back(Restorer& restorer) {
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(&restorer);
  }
  changed_.notify_one();
}

int fastest_restorers(std::size_t pictures, int threads, std::int64_t max_memory_bytes) {
  constexpr std::size_t kEnoughPictures = 12;
  constexpr std::int64_t kEnoughMemory = std::int64_t{3} << 30;
  if (threads == 0) threads = engine::available_cores();
  const std::int64_t available = available_memory_bytes();
  const bool side_by_side = pictures >= kEnoughPictures && threads >= 2 && max_memory_bytes == 0 &&
                            (available == 0 || available >= kEnoughMemory);
  return side_by_side ? 2 : 1;
}

std::vector<Restorer> open_restorers(const bundle::Bundle& bundle,
                                     const engine::EngineOptions& options, int count) {
  std::vector<Restorer> restorers;
  for (int i = 0; i < count; ++i) restorers.emplace_back(bundle, options);
  return restorers;
}

}  // namespace chiaro::restore
