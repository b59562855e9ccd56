// chiaro as a process of its own: what it says, what memory it has, how long it takes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace chiaro::bench {

/// A program that runs beside the bench; its stdout can be read line by line.
class Started {
 public:
  /// Errors: CheckFailed (it cannot be started).
  explicit Started(std::vector<std::string> words);
  ~Started();  ///< kills it, unless it has ended
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

  /// The next line without its end; false where there is none any more.
  bool read_line(std::string& line);

  /// Resident memory now; 0 once it has ended.
  double resident_mib() const;

  void signal(int number) const;

  /// Waits for the end. Errors: CheckFailed, unless its exit status is 0.
  void expect_success();

 private:
  std::string command_;
  pid_t process_ = -1;
  std::FILE* out_ = nullptr;
};

}  // namespace chiaro::bench
