// Timing of things that are compared: they take turns, so that whatever else the machine does
// meets all of them alike.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

namespace chiaro::bench {

/// Something timed; `before` is not.
struct Body {
  std::function<void()> run;
  std::function<void()> before = {};
};

/// Seconds of each round.
using Times = std::vector<double>;

/// Seconds since some moment. Wall time; with CHIARO_BENCH_CLOCK=cpu in the environment the
/// processor time of all threads of this process, which a busy machine disturbs less. Ratios in
/// processor time mean something with one thread (--threads 1): waiting threads spin.
double clock_s();

/// Seconds that a call takes, by clock_s.
double seconds_of(const std::function<void()>& run);

/// One uncounted turn of each body, then one turn of each in every iteration of `state` (to be run
/// with UseManualTime), each iteration beginning with the next body. The times of body i are the
/// i-th result; those of the first become the iteration's.
std::vector<Times> take_turns(benchmark::State& state, const std::vector<Body>& bodies);

double median(Times times);

/// Median over the rounds of first / second.
double median_ratio(const Times& first, const Times& second);

/// "62.1 / 60.9 ms, of minima 1.012": the medians and the ratio of the shortest times.
std::string pair_text(const Times& first, const Times& second);

}  // namespace chiaro::bench
