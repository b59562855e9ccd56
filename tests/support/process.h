// Runs a program and collects what it says.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace chiaro::test {

struct ProcessResult {
  int status = -1;      ///< exit status; 128 + signal where a signal ended it
  bool exited = false;  ///< by itself, not by a signal
  std::string out;
  std::string err;
};

/// Starts `words` (program first) with stdout and stderr going to files; call finish once.
class Process {
 public:
  explicit Process(const std::vector<std::string>& words,
                   const std::string& stdin_file = "/dev/null") {
    std::vector<std::string> copies = words;
    std::vector<char*> pointers;
    for (std::string& word : copies) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    child_ = ::fork();
    if (child_ != 0) return;
    redirect(stdin_file, O_RDONLY, STDIN_FILENO);
    redirect(folder_ / "out", O_WRONLY | O_CREAT, STDOUT_FILENO);
    redirect(folder_ / "err", O_WRONLY | O_CREAT, STDERR_FILENO);
    stay_as_now();
    ::setenv("CHIARO_CACHE", "off", 0);  // tests leave nothing in a home
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }

  void signal(int number) const { ::kill(child_, number); }
  /// Whether its output so far holds `part`.
  bool has_said(const std::string& part) const {
    return text(folder_ / "out").find(part) != std::string::npos;
  }

  ProcessResult finish() const {
    int state = 0;
    ::waitpid(child_, &state, 0);
    ProcessResult result;
    result.exited = WIFEXITED(state);
    result.status = result.exited ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    result.out = text(folder_ / "out");
    result.err = text(folder_ / "err");
    return result;
  }

 private:
  /// For good the user that the test is for a while (nobody.h).
  static void stay_as_now() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0) ::_exit(126);
  }
  static void redirect(const std::filesystem::path& path, int flags, int target) {
    const int file = ::open(path.c_str(), flags, 0600);
    if (file < 0 || ::dup2(file, target) < 0) ::_exit(126);
  }
  static std::string text(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  TemporaryFolder folder_;
  pid_t child_ = -1;
};

/// Asks every few milliseconds; false where the answer was no for a minute.
inline bool within_a_minute(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline ProcessResult run_process(const std::vector<std::string>& words,
                                 const std::string& stdin_file = "/dev/null") {
  return Process(words, stdin_file).finish();
}

}  // namespace chiaro::test
