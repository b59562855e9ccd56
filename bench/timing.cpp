#include "bench/timing.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include <fmt/format.h>

namespace chiaro::bench {
namespace {

/// Thread pools keep spinning for a moment after their work; the next body should not meet that.
constexpr std::chrono::milliseconds kPause{5};

double timed_turn(const Body& body) {
  if (body.before) body.before();
  std::this_thread::sleep_for(kPause);
  return seconds_of(body.run);
}

}  // namespace

double clock_s() {
  const char* chosen = std::getenv("CHIARO_BENCH_CLOCK");
  const bool cpu = chosen != nullptr && std::string_view(chosen) == "cpu";
  timespec now{};
  ::clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& run) {
  const double started = clock_s();
  run();
  return clock_s() - started;
}

std::vector<Times> take_turns(benchmark::State& state, const std::vector<Body>& bodies) {
  for (const auto& body : bodies) timed_turn(body);
  std::vector<Times> times(bodies.size());
  std::size_t first = 0;
  for ([[maybe_unused]] auto iteration : state) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const std::size_t turn = (first + i) % bodies.size();
      times[turn].push_back(timed_turn(bodies[turn]));
    }
    first = (first + 1) % bodies.size();
    state.SetIterationTime(times[0].back());
  }
  return times;
}

double median(Times times) {
  if (times.empty()) return 0;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double median_ratio(const Times& first, const Times& second) {
  Times ratios;
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    ratios.push_back(first[i] / second[i]);
  }
  return median(ratios);
}

std::string pair_text(const Times& first, const Times& second) {
  if (first.empty() || second.empty()) return {};
  const double of_minima = *std::min_element(first.begin(), first.end()) /
                           *std::min_element(second.begin(), second.end());
  return fmt::format("{:.1f} / {:.1f} ms, of minima {:.3f}", 1e3 * median(first),
                     1e3 * median(second), of_minima);
}

}  // namespace chiaro::bench
