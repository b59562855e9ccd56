#include "chiaro/checkpoint/run_folder.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/types.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::checkpoint::run_folder_test {
namespace {

namespace fs = std::filesystem;

Checkpoint at_step(std::int64_t step) {
  Checkpoint checkpoint;
  checkpoint.integers["step"] = step;
  checkpoint.tensors["w"] = torch::full({5}, static_cast<double>(step));
  return checkpoint;
}

std::vector<std::int64_t> steps(const fs::path& folder) {
  std::vector<std::int64_t> found;
  for (const auto& [step, path] : list_checkpoints(folder)) found.push_back(step);
  return found;
}

using Steps = std::vector<std::int64_t>;

TEST(RunFolder, NewestComesBack) {
  const test::TemporaryFolder place;
  RunFolder folder(place / "runs" / "toy");
  EXPECT_FALSE(folder.latest().has_value());
  folder.save(9, at_step(9), 5);
  folder.save(1'000'000, at_step(1'000'000), 5);
  folder.save(200, at_step(200), 5);
  EXPECT_EQ(folder.checkpoint_path(9).filename(), "step_000009.safetensors");
  const auto latest = folder.latest();
  ASSERT_TRUE(latest.has_value());
  EXPECT_EQ(latest->step, 1'000'000);
  EXPECT_EQ(latest->path, folder.checkpoint_path(1'000'000));
  EXPECT_EQ(latest->checkpoint.integers.at("step"), 1'000'000);
  EXPECT_EQ(steps(folder.path()), (Steps{9, 200, 1'000'000}));
}

TEST(RunFolder, OnlyTheLastAreKept) {
  const test::TemporaryFolder place;
  RunFolder folder(place.path());
  for (std::int64_t step = 1; step <= 5; ++step) folder.save(step, at_step(step), 2);
  EXPECT_EQ(steps(place.path()), (Steps{4, 5}));
  folder.prune(7);
  EXPECT_EQ(steps(place.path()), (Steps{4, 5}));
  EXPECT_CHIARO_ERROR(folder.prune(0), Usage, "at least 1; got 0");
  EXPECT_EQ(steps(place.path()), (Steps{4, 5}));
}

TEST(RunFolder, BestSurvivesPruning) {
  const test::TemporaryFolder place;
  RunFolder folder(place.path());
  folder.save(1, at_step(1), 1);
  folder.save_best(at_step(77));
  folder.save(3, at_step(3), 1);
  EXPECT_EQ(load(folder.best_path()).integers.at("step"), 77);
}

TEST(RunFolder, DamagedNewestFallsBack) {
  const test::TemporaryFolder place;
  RunFolder folder(place.path());
  for (const std::int64_t step : {1, 2, 3}) folder.save(step, at_step(step), 5);
  write_file_atomically(folder.checkpoint_path(3), std::string_view("damaged"));
  write_file_atomically(folder.checkpoint_path(2), std::string_view(""));
  EXPECT_EQ(find_latest(place.path())->step, 1);
  EXPECT_EQ(steps(place.path()), (Steps{1, 2, 3})) << "looking must not change the folder";
  EXPECT_EQ(folder.latest()->step, 1);
  EXPECT_EQ(steps(place.path()), (Steps{1}));
  EXPECT_TRUE(fs::exists(folder.checkpoint_path(3).string() + ".damaged"));
  folder.save(2, at_step(2), 1);  // a damaged one left in place would have pushed this one out
  EXPECT_EQ(folder.latest()->step, 2);
}

TEST(RunFolder, OnlyDamagedCheckpointsAreAnError) {
  const test::TemporaryFolder place;
  RunFolder folder(place.path());
  for (const std::int64_t step : {1, 2}) {
    write_file_atomically(folder.checkpoint_path(step), std::string_view("damaged"));
  }
  EXPECT_CHIARO_ERROR(find_latest(place.path()), Bundle, "none of the 2 checkpoints");
  EXPECT_CHIARO_ERROR(folder.latest(), Bundle, "step_000002");
  EXPECT_EQ(steps(place.path()), (Steps{1, 2}));
}

TEST(RunFolder, OnlyItsOwnNamesCount) {
  const test::TemporaryFolder place;
  RunFolder folder(place.path());
  folder.save(1, at_step(1), 1);
  const auto checkpoints = place / "checkpoints";
  for (const char* name : {"step_.safetensors", "step_2x.safetensors", "step_-3.safetensors",
                           "step_4.safetensors.part", "step_99999999999999999999.safetensors",
                           "xstep_5.safetensors"}) {
    write_file_atomically(checkpoints / name, std::string_view("x"));
  }
  fs::create_directory(checkpoints / "step_000006.safetensors");
  EXPECT_EQ(steps(place.path()), (Steps{1}));
  EXPECT_EQ(folder.latest()->step, 1);
  EXPECT_TRUE(list_checkpoints(place / "absent").empty());
  EXPECT_FALSE(find_latest(place / "absent").has_value());
}

TEST(RunFolder, OneProcessAtATime) {
  const test::TemporaryFolder place;
  {
    RunFolder first(place.path());
    EXPECT_CHIARO_ERROR(RunFolder second(place.path()), Usage, std::to_string(::getpid()));
    first.save(1, at_step(1), 1);
  }
  RunFolder third(place.path());
  EXPECT_EQ(third.latest()->step, 1);
}

TEST(RunFolder, AKilledProcessLeavesNoLockAndNoHalfFile) {
  const test::TemporaryFolder place;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    at::set_num_threads(1);  // a pool of threads does not live on in a child
    RunFolder folder(place.path());
    for (std::int64_t step = 1;; ++step) {
      Checkpoint checkpoint;
      checkpoint.tensors["w"] = at::empty({1 << 20}).fill_(static_cast<double>(step));
      folder.save(step, checkpoint, 2);
      if (step == 3 && ::write(pipe_ends[1], "x", 1) != 1) ::_exit(1);
    }
  }
  char ready = 0;
  ASSERT_EQ(::read(pipe_ends[0], &ready, 1), 1);
  EXPECT_CHIARO_ERROR(RunFolder second(place.path()), Usage, std::to_string(child));
  ::usleep(5'000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  write_file_atomically(place / "checkpoints" / "step_000009.safetensors.abc123.part",
                        std::string_view("half"));
  RunFolder folder(place.path());
  for (const auto& [step, path] : list_checkpoints(place.path())) {
    EXPECT_EQ(load(path).tensors.at("w")[0].item<double>(), static_cast<double>(step));
  }
  EXPECT_GE(folder.latest()->step, 3);
  for (const auto& entry : fs::directory_iterator(place / "checkpoints")) {
    EXPECT_NE(entry.path().extension(), ".part") << entry.path();
  }
}

TEST(RunFolder, ImpossibleFoldersAreRefused) {
  const test::TemporaryFolder place;
  write_file_atomically(place / "file", std::string_view("x"));
  EXPECT_CHIARO_ERROR(RunFolder(place / "file"), Output, "file");
}

}  // namespace
}  // namespace chiaro::checkpoint::run_folder_test
