#include "chiaro/base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "chiaro/base/error.h"
#include "chiaro/base/write_error.h"

namespace chiaro {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to_write(const fs::path& path, int error) {
  throw WriteError(
      fmt::format("[base.write_file] cannot write '{}': {}", path.string(), std::strerror(error)),
      {error, std::generic_category()});
}

void write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_to_write(path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

/// A pipe or a device ("/dev/stdout") is written to; a file renamed to its place would replace it.
void write_to_device(const fs::path& path, std::span<const std::byte> bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail_to_write(path, errno);
  try {
    write_all(descriptor, bytes, path);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

constexpr int kMostAttempts = 1000;

/// A dot, six digits or letters, ".part": another one with each call, and in other processes.
std::string temporary_ending() {
  static std::atomic<unsigned> calls = 0;
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::uint64_t number = std::uint64_t{calls++} << 22 ^ static_cast<std::uint64_t>(::getpid());
  std::string ending = ".";
  for (int i = 0; i < 6; ++i, number /= kDigits.size()) ending += kDigits[number % kDigits.size()];
  return ending + ".part";
}

/// As rename, but fails with EEXIST where something has that name.
int rename_to_nothing(const char* from, const char* to) {
  const int status = ::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
  if (status == 0 || (errno != EINVAL && errno != ENOSYS)) return status;
  // A file system that cannot do it in one step: a second name, which is never taken from another
  // file, then without the first.
  if (::link(from, to) == 0) return ::unlink(from);
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return -1;
  struct stat there {};
  if (::lstat(to, &there) != 0) return ::rename(from, to);
  errno = EEXIST;
  return -1;
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

/// What a pipe or device gives until it ends. Not by a stream of C++, which goes on waiting after a
/// signal.
std::vector<std::byte> read_stream(const fs::path& path, std::size_t max_bytes) {
  constexpr std::size_t kPiece = 1 << 16;
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  CHIARO_CHECK(file, Input, "[base.read_file] cannot read '{}': {}", path.string(),
               std::strerror(errno));
  std::vector<std::byte> bytes;
  for (std::size_t got = kPiece; got == kPiece;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + kPiece);
    got = std::fread(bytes.data() + before, 1, kPiece, file.get());
    bytes.resize(before + got);
    CHIARO_CHECK(std::ferror(file.get()) == 0, Input, "[base.read_file] cannot read '{}': {}",
                 path.string(), std::strerror(errno));
    CHIARO_CHECK(bytes.size() <= max_bytes, Input,
                 "[base.read_file] '{}' is too large; expected at most {} bytes", path.string(),
                 max_bytes);
  }
  return bytes;
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
  if (!S_ISREG(status.st_mode)) return read_stream(path, max_bytes);
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

AtomicFile::AtomicFile(const fs::path& target, Existing existing)
    : target_(written_file(target)), existing_(existing) {
  struct stat replaced {};
  const bool replaces = ::stat(target_.c_str(), &replaced) == 0;
  CHIARO_CHECK(!replaces || S_ISREG(replaced.st_mode), Output,
               "[base.write_file] cannot write '{}': no regular file", target.string());
  constexpr mode_t kPermissions = 0777;
  constexpr mode_t kOwnUse = S_IRUSR | S_IWUSR;  // while it is written, also by its name
  if (replaces) mode_ = replaced.st_mode & kPermissions;
  // Not by mkstemps: to widen its mode the umask would have to be known, and what other threads
  // make while it is looked up would be open to everybody.
  const mode_t mode = replaces ? mode_.value() | kOwnUse : mode_t{0666};
  for (int attempt = 0; descriptor_ < 0 && attempt < kMostAttempts; ++attempt) {
    name_ = target_.string() + temporary_ending();
    descriptor_ = ::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  const int error = errno;
  if (descriptor_ < 0) {
    name_.clear();
    fail_to_write(target_, error);
  }
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
  if (n != static_cast<ssize_t>(bytes.size())) fail_to_write(target_, errno);
}

void AtomicFile::commit() {
  if (mode_) ::fchmod(descriptor_, *mode_);
  const bool synced = ::fsync(descriptor_) == 0 || errno == EINVAL || errno == EROFS;
  const bool closed = ::close(descriptor_) == 0;
  descriptor_ = -1;
  const bool named =
      synced && closed &&
      (existing_ == Existing::Replaced ? ::rename(name_.c_str(), target_.c_str())
                                       : rename_to_nothing(name_.c_str(), target_.c_str())) == 0;
  const int error = errno;
  CHIARO_CHECK(named || existing_ == Existing::Replaced || error != EEXIST, Output,
               "[base.write_file] '{}' has appeared meanwhile, and is not replaced",
               target_.string());
  if (!named) fail_to_write(target_, error);
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

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes,
                           Existing existing) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    write_to_device(path, bytes);
    return;
  }
  AtomicFile file(path, existing);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace chiaro
