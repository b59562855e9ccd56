#include "chiaro/data/loader.h"

#include <ATen/core/Tensor.h>

#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"

namespace chiaro::data {
namespace {

void pin(Batch& batch) {
  const auto lock_pages = [](at::Tensor* tensor) {
    if (tensor->defined()) *tensor = tensor->pin_memory();
  };
  for (at::Tensor* pictures : batch.pictures()) lock_pages(pictures);
  for (at::Tensor* labels : batch.labels()) lock_pages(labels);
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, std::int64_t first_sample,
               std::int64_t batch, bool pinned)
    : dataset_(std::move(dataset)),
      first_sample_(first_sample),
      batch_(batch > 0 ? batch : dataset_->options().batch),
      pinned_(pinned) {
  for (std::int64_t i = 0; i < dataset_->options().workers; ++i) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {  // fewer do as well, but slower
      CHIARO_CHECK(!workers_.empty(), Resource, "[data.loader] no thread can be started: {}",
                   error.what());
      return;
    }
  }
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock, [&] {
      return stopping_ || !failed_.empty() ||
             next_to_make_ < next_to_give_ + dataset_->options().ahead;
    });
    if (stopping_ || !failed_.empty()) return;
    const std::int64_t number = next_to_make_++;
    lock.unlock();
    Batch batch;
    std::exception_ptr failure;
    try {
      batch = dataset_->batch(first_sample_ + number * batch_, batch_);
      if (pinned_) pin(batch);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
      failed_.emplace(number, failure);
    } else {
      made_.emplace(number, std::move(batch));
    }
    ready_.notify_all();
  }
}

Batch Loader::next() {
  const double started = monotonic_s();
  std::unique_lock lock(mutex_);
  // Every batch before one that failed has been begun, and will be there.
  ready_.wait(lock,
              [&] { return made_.contains(next_to_give_) || failed_.contains(next_to_give_); });
  if (!made_.contains(next_to_give_)) std::rethrow_exception(failed_.at(next_to_give_));
  Batch batch = std::move(made_.at(next_to_give_));
  made_.erase(next_to_give_++);
  waited_s_ += monotonic_s() - started;
  room_.notify_all();
  return batch;
}

}  // namespace chiaro::data
