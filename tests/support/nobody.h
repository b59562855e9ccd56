// Permissions that hold for tests run by root, whom no file refuses.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace chiaro::test {

/// While it lives, a test that root runs opens files as the user nobody, and what it starts
/// (process.h) is nobody's. For others nothing changes.
class AsNobody {
 public:
  AsNobody() {
    if (::geteuid() != 0) return;
    dropped_ = ::setegid(kNobody) == 0 && ::seteuid(kNobody) == 0;
    if (!dropped_) back();
  }
  ~AsNobody() {
    if (dropped_) back();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

  /// Whether permissions hold now, and there is a place for the test's own files.
  bool holds() const {
    return ::geteuid() != 0 && ::faccessat(AT_FDCWD, std::filesystem::temp_directory_path().c_str(),
                                           W_OK | X_OK, AT_EACCESS) == 0;
  }

 private:
  static constexpr unsigned kNobody = 65534;

  void back() const {
    if (::seteuid(0) != 0 || ::setegid(group_) != 0) ::_exit(126);  // no test goes on as another
  }

  gid_t group_ = ::getegid();
  bool dropped_ = false;
};

}  // namespace chiaro::test
