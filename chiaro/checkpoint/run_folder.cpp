#include "chiaro/checkpoint/run_folder.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStem = "step_";
constexpr std::string_view kEnding = ".safetensors";

fs::path checkpoints_in(const fs::path& folder) {
  return folder / "checkpoints";
}

/// The step of "step_000123.safetensors", or nothing for other names.
std::optional<std::int64_t> step_of(std::string_view name) {
  if (!name.starts_with(kStem) || !name.ends_with(kEnding) ||
      name.size() <= kStem.size() + kEnding.size())
    return {};
  const auto digits = name.substr(kStem.size(), name.size() - kStem.size() - kEnding.size());
  std::int64_t step = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() || step < 0)
    return {};
  return step;
}

/// Runs a file-system operation and turns its failure into an Error.
template <typename Operation>
void change(const fs::path& path, const Operation& operation) {
  std::error_code failure;
  operation(failure);
  CHIARO_CHECK(!failure, Output, "[checkpoint.run_folder] cannot change '{}': {}", path.string(),
               failure.message());
}

/// The newest checkpoint that loads; newer ones are listed in `damaged`.
std::optional<Stored> newest_sound(const fs::path& folder, std::vector<fs::path>& damaged) {
  auto found = list_checkpoints(folder);
  std::string first_reason;
  for (; !found.empty(); found.pop_back()) {
    const auto& [step, path] = found.back();
    try {
      return Stored{step, path, load(path)};
    } catch (const Error& error) {
      if (error.code() == ErrorCode::Resource) throw;
      if (damaged.empty()) first_reason = error.what();
      damaged.push_back(path);
    }
  }
  CHIARO_CHECK(damaged.empty(), Bundle,
               "[checkpoint.run_folder] none of the {} checkpoints in '{}' loads; the newest: {}",
               damaged.size(), folder.string(), first_reason);
  return {};
}

}  // namespace

std::vector<std::pair<std::int64_t, fs::path>> list_checkpoints(const fs::path& folder) {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(checkpoints_in(folder), failure)) {
    const auto step = step_of(entry.path().filename().string());
    if (step && entry.is_regular_file()) found.emplace_back(*step, entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<Stored> find_latest(const fs::path& folder) {
  std::vector<fs::path> damaged;
  auto stored = newest_sound(folder, damaged);
  for (const auto& path : damaged) spdlog::warn("passing over the damaged '{}'", path.string());
  return stored;
}

RunFolder::RunFolder(fs::path folder) : folder_(std::move(folder)) {
  change(folder_, [&](std::error_code& failure) {
    fs::create_directories(checkpoints_in(folder_), failure);
  });
  const auto lock_path = folder_ / ".lock";
  lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  CHIARO_CHECK(lock_ >= 0, Output, "[checkpoint.run_folder] cannot write '{}': {}",
               lock_path.string(), std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    char owner[32] = {};
    const ssize_t length = ::pread(lock_, owner, sizeof owner - 1, 0);
    ::close(lock_);
    CHIARO_CHECK(reason == EWOULDBLOCK, Output, "[checkpoint.run_folder] cannot lock '{}': {}",
                 lock_path.string(), std::strerror(reason));
    fail(ErrorCode::Usage, "[checkpoint.run_folder] another process{} is training in '{}'",
         length > 0 ? fmt::format(" ({})", trim(owner)) : "", folder_.string());
  }
  const auto owner = fmt::format("{}\n", ::getpid());
  // The number is only for the message above: a full disk does not matter here.
  if (::ftruncate(lock_, 0) == 0 && ::pwrite(lock_, owner.data(), owner.size(), 0) < 0) {
    spdlog::warn("cannot write '{}': {}", lock_path.string(), std::strerror(errno));
  }
  // Nobody else writes here now, so a temporary file is one whose writer was killed.
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(checkpoints_in(folder_), ignored)) {
    if (entry.path().extension() == ".part") fs::remove(entry.path(), ignored);
  }
}

RunFolder::~RunFolder() {
  ::close(lock_);
}

fs::path RunFolder::checkpoint_path(std::int64_t step) const {
  return checkpoints_in(folder_) / fmt::format("{}{:06}{}", kStem, step, kEnding);
}

fs::path RunFolder::best_path() const {
  return checkpoints_in(folder_) / "best.safetensors";
}

void RunFolder::save(std::int64_t step, const Checkpoint& checkpoint, int keep_last) {
  CHIARO_CHECK(step >= 0, Internal, "[checkpoint.run_folder] a step cannot be negative; got {}",
               step);
  checkpoint::save(checkpoint_path(step), checkpoint);
  prune(keep_last);
}

void RunFolder::prune(int keep_last) {
  CHIARO_CHECK(keep_last >= 1, Usage, "[checkpoint.run_folder] keep must be at least 1; got {}",
               keep_last);
  const auto found = list_checkpoints(folder_);
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_last) < found.size(); ++i) {
    change(found[i].second,
           [&](std::error_code& failure) { fs::remove(found[i].second, failure); });
  }
}

void RunFolder::save_best(const Checkpoint& checkpoint) {
  checkpoint::save(best_path(), checkpoint);
}

std::optional<Stored> RunFolder::latest() {
  std::vector<fs::path> damaged;
  auto stored = newest_sound(folder_, damaged);
  for (const auto& path : damaged) {
    const fs::path aside = path.string() + ".damaged";
    spdlog::warn("moving a damaged checkpoint aside: '{}'", aside.string());
    change(path, [&](std::error_code& failure) { fs::rename(path, aside, failure); });
  }
  return stored;
}

}  // namespace chiaro::checkpoint
