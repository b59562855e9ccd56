#include "chiaro/base/file_state.h"

#include <sys/stat.h>

#include "chiaro/base/error.h"

namespace chiaro {

FileState file_state(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino};
}

void expect_unchanged(const std::filesystem::path& path, const FileState& before) {
  CHIARO_CHECK(file_state(path) == before, Input,
               "[base.expect_unchanged] '{}' changed or went away while it was read",
               path.string());
}

}  // namespace chiaro
