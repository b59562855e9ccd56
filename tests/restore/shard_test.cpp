#include "chiaro/restore/shard.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/support/expect_error.h"

namespace chiaro::restore::shard_test {
namespace {

/// The part that "auto" makes of these variables, as "K/N".
std::string automatic(std::map<std::string, std::string> variables) {
  const Shard shard = parse_shard("auto", [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  return std::to_string(shard.index) + "/" + std::to_string(shard.count);
}

TEST(Shard, IsReadFromText) {
  const Shard shard = parse_shard("3/8", {});
  EXPECT_EQ(shard.index, 3);
  EXPECT_EQ(shard.count, 8);
  for (const char* wrong : {"", "3", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "1 /2", "1/2x"})
    test::expect_error(ErrorCode::Usage, wrong, [&] { parse_shard(wrong, {}); });
}

TEST(Shard, IsTakenFromSchedulers) {
  // sbatch --array=10-16:2, the third of four.
  EXPECT_EQ(automatic({{"SLURM_ARRAY_TASK_ID", "14"},
                       {"SLURM_ARRAY_TASK_COUNT", "4"},
                       {"SLURM_ARRAY_TASK_MIN", "10"},
                       {"SLURM_ARRAY_TASK_STEP", "2"},
                       {"SLURM_PROCID", "0"},
                       {"SLURM_NTASKS", "1"}}),
            "3/4");
  // srun -n 5
  EXPECT_EQ(automatic({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "5"}}), "1/5");
  // qsub -t 2-10:4 has the tasks 2, 6 and 10.
  EXPECT_EQ(automatic({{"SGE_TASK_ID", "10"},
                       {"SGE_TASK_FIRST", "2"},
                       {"SGE_TASK_LAST", "10"},
                       {"SGE_TASK_STEPSIZE", "4"}}),
            "3/3");
  EXPECT_EQ(automatic({{"LSB_JOBINDEX", "7"}, {"LSB_JOBINDEX_END", "9"}}), "7/9");
  // bsub -J "x[1-9:2]"
  EXPECT_EQ(
      automatic({{"LSB_JOBINDEX", "7"}, {"LSB_JOBINDEX_END", "9"}, {"LSB_JOBINDEX_STEP", "2"}}),
      "4/5");
  EXPECT_EQ(automatic({{"RANK", "1"}, {"WORLD_SIZE", "2"}}), "2/2");
  EXPECT_EQ(automatic({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}}), "4/4");
  // mpirun on two nodes of Slurm: its helper on each is a task of a step.
  EXPECT_EQ(automatic({{"OMPI_COMM_WORLD_RANK", "3"},
                       {"OMPI_COMM_WORLD_SIZE", "8"},
                       {"SLURM_PROCID", "0"},
                       {"SLURM_STEP_NUM_TASKS", "2"}}),
            "4/8");
}

TEST(Shard, ProcessesOfTheTasksOfAnArrayShareNothing) {
  // sbatch --array=0-2, and srun -n 4 in each.
  std::set<std::string> parts;
  for (const char* task : {"0", "1", "2"}) {
    for (const char* process : {"0", "1", "2", "3"}) {
      parts.insert(automatic({{"SLURM_ARRAY_TASK_ID", task},
                              {"SLURM_ARRAY_TASK_COUNT", "3"},
                              {"SLURM_PROCID", process},
                              {"SLURM_NTASKS", "4"},
                              {"SLURM_STEP_NUM_TASKS", "4"}}));
    }
  }
  EXPECT_EQ(parts.size(), 12);
  EXPECT_TRUE(parts.contains("1/12") && parts.contains("7/12") && parts.contains("12/12"));
}

TEST(Shard, RefusesMoreThanCanBeCounted) {
  test::expect_error(ErrorCode::Usage, "100000 tasks of 100000 processes", [] {
    automatic({{"SLURM_ARRAY_TASK_ID", "0"},
               {"SLURM_ARRAY_TASK_COUNT", "100000"},
               {"RANK", "0"},
               {"WORLD_SIZE", "100000"}});
  });
}

TEST(Shard, TheScriptOfAJobIsNoTaskOfAStep) {
  // sbatch -n 4 without srun runs once.
  test::expect_error(ErrorCode::Usage, "no array job", [] {
    automatic({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});
  });
}

TEST(Shard, RefusesWhatMakesNoWhole) {
  test::expect_error(ErrorCode::Usage, "no array job", [] { automatic({}); });
  test::expect_error(ErrorCode::Usage, "no array job", [] {
    automatic({{"SGE_TASK_ID", "undefined"}, {"SGE_TASK_LAST", "undefined"}});
  });
  // sbatch --array=1,5,9-11 has five tasks, whose numbers are not evenly spaced.
  test::expect_error(ErrorCode::Usage, "Slurm array", [] {
    automatic({{"SLURM_ARRAY_TASK_ID", "9"},
               {"SLURM_ARRAY_TASK_COUNT", "5"},
               {"SLURM_ARRAY_TASK_MIN", "1"}});
  });
}

TEST(Shard, EachKeyIsInOnePartAndPartsAreAboutEqual) {
  constexpr int kParts = 7;
  constexpr int kKeys = 7000;
  int sizes[kParts] = {};
  for (int key = 0; key < kKeys; ++key) {
    int holders = 0;
    for (int part = 1; part <= kParts; ++part) {
      if (!Shard{part, kParts}.holds("a/b c/" + std::to_string(key) + ".jpg")) continue;
      ++holders;
      ++sizes[part - 1];
    }
    ASSERT_EQ(holders, 1) << key;
  }
  for (const int size : sizes) EXPECT_NEAR(size, kKeys / kParts, 150);  // five deviations
}

}  // namespace
}  // namespace chiaro::restore::shard_test
