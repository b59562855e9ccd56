// The edge between C++ and its callers: errors become statuses and texts, messages notes, structs
// of any age the newest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "chiaro/api/chiaro.h"
#include "chiaro/base/error.h"

namespace chiaro::api {

/// A call of the library, while it lasts: what the rooms log meanwhile becomes the thread's notes
/// and goes nowhere else.
class Call {
 public:
  Call();
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  bool outside_;  // the state around it: a callback may call the library
};

/// The caller's own code within a call, while it lasts: what it logs is no note of the library.
class Outside {
 public:
  Outside();
  ~Outside();
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;
};

/// For use in a handler: the status of what was thrown, whose text becomes the thread's last error.
chiaro_status caught() noexcept;

/// Runs `work` so that nothing is thrown.
template <typename Work>
chiaro_status guarded(const Work& work) noexcept {
  try {
    const Call call;
    work();
    return CHIARO_OK;
  } catch (...) {
    return caught();
  }
}

/// The texts of this thread.
const std::string& last_error() noexcept;
const std::string& last_notes() noexcept;

/// Errors: Usage, if a pointer that has to be given was not. `what` names it.
void expect_given(const void* pointer, const char* what);

/// Where a struct of options ended when it was first published.
template <typename Options>
inline constexpr std::size_t kFirstBytes = sizeof(Options);
template <>
inline constexpr std::size_t kFirstBytes<chiaro_restore_options> = offsetof(chiaro_restore_options,
                                                                            keep_grain);

/// The options of a caller whose struct may be older (shorter) or newer (longer) than ours: what it
/// lacks keeps its default, what we do not know has to be zero. NULL: the defaults. Errors: Usage.
template <typename Options>
Options taken(const Options* given, const Options& defaults, const char* filled_by) {
  if (given == nullptr) return defaults;
  std::size_t size = 0;
  std::memcpy(&size, given, sizeof(size));
  constexpr std::size_t kFirst = kFirstBytes<Options>;
  constexpr std::size_t kMost = 4096;
  CHIARO_CHECK(size >= kFirst && size <= kMost, Usage,
               "[api.options] options that were not filled in; got a size of {}; expected what {} "
               "sets",
               size, filled_by);
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  CHIARO_CHECK(std::all_of(bytes + std::min(size, sizeof(Options)), bytes + size,
                           [](unsigned char byte) { return byte == 0; }),
               Usage, "[api.options] an option that this version does not know; it is {}",
               chiaro_version());
  Options options = defaults;
  std::memcpy(&options, given, std::min(size, sizeof(Options)));
  options.size = sizeof(Options);
  return options;
}

/// Errors: Usage, unless the size of a caller's struct that is to be filled in is set.
template <typename Facts>
void expect_sized(const Facts& target, const char* what) {
  CHIARO_CHECK(target.size >= sizeof(std::size_t) && target.size <= 4096, Usage,
               "[api.give] the size of the {} is not set; got {}; expected sizeof, {}", what,
               target.size, sizeof(Facts));
}

/// Fills in as much of a caller's struct as it has room for; what we do not know becomes zero.
/// Errors: Usage (NULL, its size is not set).
template <typename Facts>
void give(Facts facts, Facts* target, const char* what) {
  expect_given(target, what);
  expect_sized(*target, what);
  const std::size_t size = target->size;
  const std::size_t known = std::min(size, sizeof(Facts));
  facts.size = size;
  std::memcpy(static_cast<void*>(target), &facts, known);
  std::memset(reinterpret_cast<unsigned char*>(target) + known, 0, size - known);
}

/// Defaults into a caller's struct of `size` bytes; what we do not know becomes zero.
template <typename Options>
void give_defaults(Options defaults, Options* target, std::size_t size) noexcept {
  if (target == nullptr || size < sizeof(std::size_t)) return;
  defaults.size = size;
  std::memset(static_cast<void*>(target), 0, size);
  std::memcpy(static_cast<void*>(target), &defaults, std::min(size, sizeof(Options)));
}

}  // namespace chiaro::api
