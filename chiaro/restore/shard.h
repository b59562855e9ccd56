// One part of n of a batch, for array jobs of batch schedulers: no coordinator, no picture twice.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace chiaro::restore {

/// Part `index` of `count`, counted from 1.
struct Shard {
  int index = 1;
  int count = 1;

  /// Whether a picture belongs to this part. `key` is the path of its result below the output
  /// folder: the answer depends on nothing else, so parts that list the folder at different moments
  /// still share nothing. Parts are equal on average, not exactly.
  bool holds(std::string_view key) const;
};

/// The value of an environment variable, or nullptr.
using Environment = std::function<const char*(const char* name)>;

/// "3/8": the third of eight. "auto": from the variables of an array job (Slurm, Grid Engine, LSF)
/// and of processes started together (Open MPI, RANK and WORLD_SIZE, a step of Slurm); of both,
/// every process of every task has a part of its own. Errors: Usage, also where "auto" finds none.
Shard parse_shard(std::string_view text, const Environment& environment);

}  // namespace chiaro::restore
