// Between the threads of a batch. Internal to the room.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace chiaro::restore {

/// First in, first out; push waits while it is full.
template <typename Value>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// False if the queue was closed: the value is dropped.
  bool push(Value value) {
    std::unique_lock lock(mutex_);
    space_.wait(lock, [&] { return closed_ || values_.size() < capacity_; });
    if (closed_) return false;
    values_.push_back(std::move(value));
    filled_.notify_one();
    return true;
  }

  /// The next value; nothing after `patience` without one, or where the queue is closed and empty.
  std::optional<Value> pop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, patience, [&] { return closed_ || !values_.empty(); });
    if (values_.empty()) return std::nullopt;
    std::optional<Value> value(std::move(values_.front()));
    values_.pop_front();
    space_.notify_one();
    return value;
  }

  /// No more values come; what is there can still be taken.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    space_.notify_all();
    filled_.notify_all();
  }

  void drop_all() {
    const std::lock_guard lock(mutex_);
    values_.clear();
  }

  bool finished() const {
    const std::lock_guard lock(mutex_);
    return closed_ && values_.empty();
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable space_;
  std::condition_variable filled_;
  std::deque<Value> values_;
  bool closed_ = false;
};

/// Bytes that may be in use at once. Who asks for more than there is at all is let in alone.
class ByteBudget {
 public:
  explicit ByteBudget(std::int64_t capacity) : capacity_(capacity) {}

  /// Waits for room, in the order of asking. False if the budget was closed.
  bool take(std::int64_t bytes) {
    const std::lock_guard turn(turn_);
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || used_ == 0 || used_ + bytes <= capacity_; });
    if (closed_) return false;
    used_ += bytes;
    return true;
  }

  void give(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
    room_.notify_all();
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  const std::int64_t capacity_;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::int64_t used_ = 0;
  bool closed_ = false;
};

}  // namespace chiaro::restore
