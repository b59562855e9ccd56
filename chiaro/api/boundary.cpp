#include "chiaro/api/boundary.h"

#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace chiaro::api {
namespace {

/// What a thread remembers between calls.
struct ThreadState {
  int depth = 0;         // of calls into the library
  bool outside = false;  // in a callback of the innermost
  std::string error;
  std::string notes;
};

ThreadState& thread_state() {
  static thread_local ThreadState state;
  return state;
}

/// Stands before the sinks that the program's default logger had: what is logged within a call of
/// the library, but not by its callbacks, becomes the thread's notes; everything else, the
/// program's own messages, passes.
class NoteSink : public spdlog::sinks::sink {
 public:
  explicit NoteSink(std::shared_ptr<spdlog::logger> before) : before_(std::move(before)) {}

  void log(const spdlog::details::log_msg& message) override {
    ThreadState& state = thread_state();
    if (state.depth == 0 || state.outside) {
      for (const auto& known : before_->sinks()) {
        if (known->should_log(message.level)) known->log(message);
      }
    } else if (message.level >= spdlog::level::info) {
      state.notes.append(message.payload.data(), message.payload.size()).push_back('\n');
    }
  }
  void flush() override {
    for (const auto& known : before_->sinks()) known->flush();
  }
  void set_pattern(const std::string& pattern) override {
    for (const auto& known : before_->sinks()) known->set_pattern(pattern);
  }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    for (const auto& known : before_->sinks()) known->set_formatter(formatter->clone());
  }

 private:
  const std::shared_ptr<spdlog::logger> before_;
};

/// spdlog's default logger writes to stdout, which belongs to the program.
void take_messages() {
  static std::once_flag once;
  std::call_once(once, [] {
    const auto before = spdlog::default_logger();
    auto logger = std::make_shared<spdlog::logger>(before == nullptr ? "" : before->name());
    if (before != nullptr) {
      logger->sinks().push_back(std::make_shared<NoteSink>(before));
      logger->set_level(before->level());
      logger->flush_on(before->flush_level());
    }
    spdlog::set_default_logger(std::move(logger));
  });
}

chiaro_status failed(chiaro_status status, const char* why) noexcept {
  try {
    thread_state().error = why;
  } catch (...) {
    thread_state().error.clear();  // no memory for the text; the status says as much
  }
  return status;
}

}  // namespace

Call::Call() {
  take_messages();
  ThreadState& state = thread_state();
  if (state.depth++ == 0) state.notes.clear();
  outside_ = std::exchange(state.outside, false);
}

Call::~Call() {
  ThreadState& state = thread_state();
  --state.depth;
  state.outside = outside_;
}

Outside::Outside() {
  thread_state().outside = true;
}

Outside::~Outside() {
  thread_state().outside = false;
}

chiaro_status caught() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return failed(static_cast<chiaro_status>(error.exit_status()), error.what());
  } catch (const std::bad_alloc&) {
    return failed(CHIARO_RESOURCE, "[api] not enough memory; max_memory_bytes sets a limit");
  } catch (const std::exception& error) {
    return failed(CHIARO_INTERNAL, error.what());
  } catch (...) {
    return failed(CHIARO_INTERNAL, "[api] something unknown was thrown");
  }
}

const std::string& last_error() noexcept {
  return thread_state().error;
}

const std::string& last_notes() noexcept {
  return thread_state().notes;
}

void expect_given(const void* pointer, const char* what) {
  CHIARO_CHECK(pointer != nullptr, Usage, "[api] the {} is NULL", what);
}

}  // namespace chiaro::api
