#include "chiaro/restore/shard.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>

#include "chiaro/base/error.h"
#include "chiaro/base/rng.h"

namespace chiaro::restore {
namespace {

constexpr std::int64_t kMostTasks = 999'999;

/// How a scheduler tells a task its place. Where `first` or `step` is nullptr or unset: 0 or 1.
struct Scheduler {
  const char* name;
  const char* index;
  const char* count;  ///< the number of tasks; where `last` says so, the number of the last one
  const char* first;
  const char* step;
  bool last;
};

constexpr std::array kArrays{
    Scheduler{"Slurm array", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT",
              "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP", false},
    Scheduler{"Grid Engine", "SGE_TASK_ID", "SGE_TASK_LAST", "SGE_TASK_FIRST", "SGE_TASK_STEPSIZE",
              true},
    Scheduler{"LSF", "LSB_JOBINDEX", "LSB_JOBINDEX_END", nullptr, "LSB_JOBINDEX_STEP", true}};

// Innermost first: what Open MPI starts by way of Slurm has the variables of both, and Slurm's are
// those of its helpers. SLURM_NTASKS says nothing: a job's own script has it, too, and is one.
constexpr std::array kProcesses{
    Scheduler{"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr, nullptr, false},
    Scheduler{"RANK", "RANK", "WORLD_SIZE", nullptr, nullptr, false},
    Scheduler{"Slurm step", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr, nullptr, false}};

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::int64_t> number_of(const Environment& environment, const char* name) {
  const char* text = name == nullptr ? nullptr : environment(name);
  return text == nullptr ? std::nullopt : whole_number(text);
}

/// The place among the tasks, or nothing where the variables are not set to numbers (Grid Engine
/// says "undefined" outside of arrays).
std::optional<Shard> shard_from(const Scheduler& scheduler, const Environment& environment) {
  const auto index = number_of(environment, scheduler.index);
  const auto count = number_of(environment, scheduler.count);
  if (!index || !count) return std::nullopt;
  // The numbers of LSF begin at 1 and it does not say so; the other lists begin at `first`.
  const std::int64_t first =
      number_of(environment, scheduler.first).value_or(scheduler.last ? 1 : 0);
  const std::int64_t step = number_of(environment, scheduler.step).value_or(1);
  const std::int64_t tasks = scheduler.last && step > 0 ? (*count - first) / step + 1 : *count;
  const std::int64_t place = step > 0 ? (*index - first) / step : -1;
  const bool even = step > 0 && (*index - first) % step == 0;
  CHIARO_CHECK(even && place >= 0 && place < tasks && tasks <= kMostTasks, Usage,
               "[restore.parse_shard] the variables of {} make no part of a whole; got {}={} and "
               "{}={}; expected an array of evenly spaced numbers, or --shard K/N",
               scheduler.name, scheduler.index, *index, scheduler.count, *count);
  return Shard{static_cast<int>(place) + 1, static_cast<int>(tasks)};
}

std::optional<Shard> first_of(std::span<const Scheduler> schedulers,
                              const Environment& environment) {
  for (const Scheduler& scheduler : schedulers)
    if (const auto shard = shard_from(scheduler, environment)) return shard;
  return std::nullopt;
}

/// The process among those of its task, and that among those of the array.
Shard automatic(const Environment& environment) {
  const auto array = first_of(kArrays, environment);
  const auto process = first_of(kProcesses, environment);
  CHIARO_CHECK(array || process, Usage,
               "[restore.parse_shard] 'auto' finds no array job: none of SLURM_ARRAY_TASK_ID, "
               "SGE_TASK_ID, LSB_JOBINDEX, OMPI_COMM_WORLD_RANK, RANK, SLURM_PROCID is set "
               "together with its count; expected --shard K/N");
  const Shard outer = array.value_or(Shard{});
  const Shard inner = process.value_or(Shard{});
  CHIARO_CHECK(std::int64_t{outer.count} * inner.count <= kMostTasks, Usage,
               "[restore.parse_shard] {} tasks of {} processes; expected at most {} in all",
               outer.count, inner.count, kMostTasks);
  return {(outer.index - 1) * inner.count + inner.index, outer.count * inner.count};
}

}  // namespace

bool Shard::holds(std::string_view key) const {
  return stable_hash(key) % static_cast<std::uint64_t>(count) ==
         static_cast<std::uint64_t>(index - 1);
}

Shard parse_shard(std::string_view text, const Environment& environment) {
  if (text == "auto") return automatic(environment);
  const auto slash = text.find('/');
  const auto index = whole_number(text.substr(0, slash));
  const auto count =
      slash == std::string_view::npos ? std::nullopt : whole_number(text.substr(slash + 1));
  CHIARO_CHECK(index && count && *index >= 1 && *index <= *count && *count <= kMostTasks, Usage,
               "[restore.parse_shard] no part of a whole; got '{}'; expected K/N with K from 1 to "
               "N, or auto",
               text);
  return {static_cast<int>(*index), static_cast<int>(*count)};
}

}  // namespace chiaro::restore
