// Restorers of one bundle side by side, for threads that each restore a picture of their own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/engine/engine.h"
#include "chiaro/restore/restorer.h"

namespace chiaro::restore {

class RestorerPool {
 public:
  /// At least one. Errors: Internal.
  explicit RestorerPool(std::vector<Restorer> restorers);
  RestorerPool(const RestorerPool&) = delete;
  RestorerPool& operator=(const RestorerPool&) = delete;

  /// A restorer that nobody else uses meanwhile. The pool must outlive it.
  class Lease {
   public:
    ~Lease() { pool_.give_back(restorer_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Restorer& operator*() const { return restorer_; }
    Restorer* operator->() const { return &restorer_; }

   private:
    friend class RestorerPool;
    Lease(RestorerPool& pool, Restorer& restorer) : pool_(pool), restorer_(restorer) {}
    RestorerPool& pool_;
    Restorer& restorer_;
  };

  /// Waits until one is free. The last that was given back comes first: what it has prepared may
  /// serve again.
  Lease take();

  /// For what is the same in all of them: manifest, precision, plans without a memory limit.
  const Restorer& any() const { return restorers_.front(); }
  int size() const { return static_cast<int>(restorers_.size()); }

 private:
  void give_back(Restorer& restorer);

  std::vector<Restorer> restorers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Restorer*> free_;
};

/// How many restorers are fastest for many pictures: two where there are two threads and so many
/// pictures that the last one alone does not weigh, else one. One with a memory limit, since plans
/// count on the process for themselves, and where the machine has little memory left.
/// `threads`: 0 is the number of cores.
int fastest_restorers(std::size_t pictures, int threads, std::int64_t max_memory_bytes);

/// So many restorers of a bundle. Errors: as Restorer.
std::vector<Restorer> open_restorers(const bundle::Bundle& bundle,
                                     const engine::EngineOptions& options, int count);

}  // namespace chiaro::restore
