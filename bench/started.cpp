#include "bench/started.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chiaro/base/error.h"

extern char** environ;

namespace chiaro::bench {

Started::Started(std::vector<std::string> words)
    : command_(fmt::format("{}", fmt::join(words, " "))) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int ends[2] = {};
  CHIARO_CHECK(::pipe2(ends, O_CLOEXEC) == 0, CheckFailed, "[bench.Started] no pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int failed =
      ::posix_spawn(&process_, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  out_ = ::fdopen(ends[0], "r");
  CHIARO_CHECK(failed == 0 && out_ != nullptr, CheckFailed, "[bench.Started] cannot start {}",
               command_);
}

Started::~Started() {
  if (out_ != nullptr) std::fclose(out_);
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

bool Started::read_line(std::string& line) {
  line.clear();
  for (int c = 0; (c = std::fgetc(out_)) != EOF;) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return false;
}

double Started::resident_mib() const {
  std::ifstream file(fmt::format("/proc/{}/statm", process_));
  std::int64_t size = 0;
  std::int64_t resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void Started::signal(int number) const {
  ::kill(process_, number);
}

void Started::expect_success() {
  int state = 0;
  ::waitpid(process_, &state, 0);
  process_ = -1;
  CHIARO_CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0, CheckFailed,
               "[bench.Started] it failed: {}", command_);
}

}  // namespace chiaro::bench
