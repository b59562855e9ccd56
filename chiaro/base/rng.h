// Random numbers that are the same on every machine and for every thread count: a generator is made
// from a seed and a list of stream numbers, never shared between samples.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace chiaro {

/// xoshiro256** seeded through SplitMix64 (Blackman & Vigna, 2018). Distributions are defined here
/// too, because those of the standard library differ between implementations.
class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::initializer_list<std::uint64_t> streams = {});

  std::uint64_t next();                         ///< 64 uniform bits
  double uniform();                             ///< in [0, 1)
  double uniform(double low, double high);      ///< in [low, high)
  double log_uniform(double low, double high);  ///< uniform in the logarithm; 0 < low <= high
  std::int64_t integer(std::int64_t low, std::int64_t high);  ///< in [low, high], both included
  bool chance(double probability);
  double normal();                   ///< mean 0, deviation 1 (Box–Muller)
  double poisson(double mean);       ///< exact below 30, normal approximation above
  Rng fork(std::string_view label);  ///< an independent generator; advances this one

 private:
  std::uint64_t state_[4];
  double spare_ = 0;
  bool has_spare_ = false;
};

/// FNV-1a: a stable hash of text, for stream numbers and fingerprints.
std::uint64_t stable_hash(std::string_view text);

}  // namespace chiaro
