// A program whose messages go to a terminal.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace chiaro::test {

/// Starts `words` (program first) with stderr going to a terminal of its own; call finish once.
class OnTerminal {
 public:
  explicit OnTerminal(std::vector<std::string> words) {
    terminal_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0 || ::grantpt(terminal_) + ::unlockpt(terminal_) != 0) {
      ADD_FAILURE() << "no terminal";
      return;
    }
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const std::string end = ::ptsname(terminal_);
    child_ = ::fork();
    if (child_ != 0) return;
    ::alarm(120);  // one that hangs
    if (::dup2(::open(end.c_str(), O_RDWR | O_NOCTTY), STDERR_FILENO) < 0) ::_exit(126);
    ::setenv("CHIARO_CACHE", "off", 0);  // tests leave nothing in a home
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ~OnTerminal() { close(); }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  /// What it says next; empty once it has ended.
  std::string read() const {
    std::array<char, 4096> part{};
    const ssize_t got = ::read(terminal_, part.data(), part.size());
    return got <= 0 ? "" : std::string(part.data(), static_cast<std::size_t>(got));
  }
  std::string read_all() const {
    std::string all;
    for (std::string part; !(part = read()).empty();) all += part;
    return all;
  }
  void close() {
    if (terminal_ >= 0) ::close(terminal_);
    terminal_ = -1;
  }
  /// The exit status; -1 where a signal ended it.
  int finish() const {
    int state = 0;
    if (child_ < 0 || ::waitpid(child_, &state, 0) != child_) return -1;
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  }

 private:
  int terminal_ = -1;
  pid_t child_ = -1;
};

}  // namespace chiaro::test
