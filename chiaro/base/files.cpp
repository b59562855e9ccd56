#include "chiaro/base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>

#include "chiaro/base/error.h"

namespace chiaro {
namespace {

namespace fs = std::filesystem;

void write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    CHIARO_CHECK(n > 0, Output, "[base.write_file] cannot write '{}': {}", path.string(),
                 std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

/// A pipe or a device ("/dev/stdout") is written to; a file renamed to its place would replace it.
void write_to_device(const fs::path& path, std::span<const std::byte> bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  CHIARO_CHECK(descriptor >= 0, Output, "[base.write_file] cannot write '{}': {}", path.string(),
               std::strerror(errno));
  try {
    write_all(descriptor, bytes, path);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

/// The file that is replaced: behind a link, so that the link stays.
fs::path written_file(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_symlink(path, failed)) return path;
  fs::path target = fs::weakly_canonical(path, failed);
  CHIARO_CHECK(!failed, Output, "[base.write_file] cannot write '{}': {}", path.string(),
               failed.message());
  return target;
}

}  // namespace

void expect_writable(const fs::path& output, bool overwrite, const fs::path& input,
                     std::string_view option) {
  const std::string name = output.string();
  std::error_code failed;
  const fs::path given = output.has_parent_path() ? output.parent_path() : fs::path(".");
  CHIARO_CHECK(fs::is_directory(given, failed), Output,
               "[base.expect_writable] the folder '{}' does not exist", given.string());
  CHIARO_CHECK(!fs::is_directory(output, failed), Output,
               "[base.expect_writable] '{}' is a folder; expected a file name", name);
  CHIARO_CHECK(!fs::equivalent(input, output, failed), Output,
               "[base.expect_writable] '{}' is the input itself, which is never overwritten", name);
  CHIARO_CHECK(overwrite || !fs::exists(fs::symlink_status(output, failed)), Output,
               "[base.expect_writable] '{}' exists already; {} replaces it", name, option);
  if (fs::exists(output, failed) && !fs::is_regular_file(output, failed)) return;
  const fs::path target = written_file(output);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  CHIARO_CHECK(::access(folder.c_str(), W_OK) == 0, Output,
               "[base.expect_writable] the folder '{}' is not writable", folder.string());
}

std::vector<std::byte> read_file(const fs::path& path, std::size_t max_bytes) {
  struct stat status {};
  CHIARO_CHECK(::stat(path.c_str(), &status) == 0, Input, "[base.read_file] cannot read '{}': {}",
               path.string(), std::strerror(errno));
  CHIARO_CHECK(!S_ISDIR(status.st_mode), Input,
               "[base.read_file] '{}' is a folder; expected a file", path.string());
  const auto size = static_cast<std::size_t>(status.st_size);
  CHIARO_CHECK(size <= max_bytes, Input,
               "[base.read_file] '{}' is too large; got {} bytes; expected at most {}",
               path.string(), size, max_bytes);
  std::ifstream stream(path, std::ios::binary);
  CHIARO_CHECK(stream.good(), Input, "[base.read_file] cannot read '{}': {}", path.string(),
               std::strerror(errno));
  std::vector<std::byte> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  CHIARO_CHECK(static_cast<std::size_t>(stream.gcount()) == size, Input,
               "[base.read_file] '{}' ended early", path.string());
  return bytes;
}

std::string read_text(const fs::path& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

AtomicFile::AtomicFile(const fs::path& target) : target_(written_file(target)) {
  std::error_code failed;
  CHIARO_CHECK(!fs::exists(target_, failed) || fs::is_regular_file(target_, failed), Output,
               "[base.write_file] cannot write '{}': no regular file", target.string());
  std::string name = target_.string() + ".XXXXXX.part";
  descriptor_ = ::mkstemps(name.data(), 5);
  CHIARO_CHECK(descriptor_ >= 0, Output, "[base.write_file] cannot write '{}': {}",
               target_.string(), std::strerror(errno));
  name_ = name;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!name_.empty()) ::unlink(name_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(descriptor_, bytes, target_);
}

void AtomicFile::overwrite(std::size_t at, std::span<const std::byte> bytes) {
  const ssize_t n = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
  CHIARO_CHECK(n == static_cast<ssize_t>(bytes.size()), Output,
               "[base.write_file] cannot write '{}': {}", target_.string(), std::strerror(errno));
}

void AtomicFile::commit() {
  // It can only be read by setting it, which several writers must not do at a time.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0666 & ~mask);
  const bool synced = ::fsync(descriptor_) == 0 || errno == EINVAL || errno == EROFS;
  const bool closed = ::close(descriptor_) == 0;
  descriptor_ = -1;
  CHIARO_CHECK(synced && closed && ::rename(name_.c_str(), target_.c_str()) == 0, Output,
               "[base.write_file] cannot write '{}': {}", target_.string(), std::strerror(errno));
  name_.clear();
}

MappedFile::MappedFile(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  const bool usable =
      descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = usable ? static_cast<std::size_t>(status.st_size) : 0;
  void* mapped =
      size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0) : MAP_FAILED;
  if (descriptor >= 0) ::close(descriptor);
  CHIARO_CHECK(usable && (size == 0 || mapped != MAP_FAILED), Input,
               "[base.read_file] cannot read '{}': {}", path.string(),
               usable || errno != 0 ? std::strerror(errno) : "no regular file");
  if (size > 0) bytes_ = {static_cast<const std::byte*>(mapped), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    write_to_device(path, bytes);
    return;
  }
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace chiaro
