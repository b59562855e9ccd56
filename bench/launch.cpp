// Runs a program and prints "STATUS WALL_SECONDS PEAK_RESIDENT_KIB" on stdout.
//
// A program of its own because Linux counts the memory of the process that forks into the peak of
// the program it starts: this one is small, chiaro_bench with libtorch is not.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: chiaro_launch PROGRAM [ARGUMENTS...]\n", stderr);
    return 2;
  }
  const auto started = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child < 0) return 1;
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    if (nowhere >= 0) ::dup2(nowhere, STDOUT_FILENO);
    ::execv(argv[1], argv + 1);
    ::_exit(127);
  }
  int state = 0;
  rusage usage{};
  if (::wait4(child, &state, 0, &usage) != child) return 1;
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  const int status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  std::printf("%d %.6f %ld\n", status, wall.count(), usage.ru_maxrss);
  return 0;
}
