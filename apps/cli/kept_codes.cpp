#include "apps/cli/kept_codes.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/sha256.h"
#include "chiaro/engine/cache_folder.h"
#include "chiaro/image/codec.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCodesExtension = ".codes";
constexpr std::uintmax_t kMostCodeBytes = std::uintmax_t{1} << 30;

/// Where the cache has the codes of this folder; empty: nowhere.
fs::path cached_file(const std::string& encoder, const std::string& folder) {
  const fs::path cache = engine::cache_folder();
  if (cache.empty()) return {};
  const std::string key = encoder + '\n' + folder;
  return cache / "codes" /
         fmt::format("{:.32}{}", sha256_hex(std::as_bytes(std::span(key))), kCodesExtension);
}

/// False, with a note, where others can write to it.
bool is_own_folder(const fs::path& folder) {
  if (engine::is_private_folder(folder)) return true;
  spdlog::warn(
      "codes are not kept: '{}' is no folder that this user alone can write to; --index names a "
      "file to keep them in, --no-index keeps none",
      folder.string());
  return false;
}

/// The folders in front of a file, made for this user alone where they are missing.
void make_own_folders(const fs::path& file) {
  for (const fs::path& one : {file.parent_path().parent_path(), file.parent_path()}) {
    std::error_code failed;
    if (fs::create_directories(one, failed)) fs::permissions(one, fs::perms::owner_all, failed);
    CHIARO_CHECK(!failed, Output, "[cli.retrieve] cannot make the folder '{}': {}", one.string(),
                 failed.message());
  }
}

bool is_folder(const std::string& path) {
  std::error_code failed;
  return fs::is_directory(path, failed);
}

/// Indexes in a folder.
std::vector<fs::path> files_of_codes(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == kCodesExtension) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

void add_index_flags(CLI::App& command, IndexFlags& flags) {
  auto* file = command.add_option("--index", flags.file,
                                  "keep the codes of the folder in this file; without it below "
                                  "~/.cache/chiaro (docs/retrieving.md)");
  file->type_name("FILE");
  command.add_flag("--no-index", flags.none, "keep no codes, and use none that were kept")
      ->excludes(file);
}

KeptCodes::KeptCodes(const IndexFlags& flags, restore::CodeLayout layout, const fs::path& folder)
    : layout_(std::move(layout)), named_(!flags.file.empty()) {
  std::error_code failed;
  folder_ = fs::canonical(folder, failed).string();
  CHIARO_CHECK(!failed, Input, "[cli.retrieve] cannot find '{}': {}", folder.string(),
               failed.message());
  if (named_) {
    file_ = flags.file;
    CHIARO_CHECK(!image::has_picture_extension(file_), Usage,
                 "[cli.retrieve] --index '{}' has the name of a picture; expected another, such as "
                 "photos.codes",
                 flags.file);
    expect_writable(file_, /*overwrite=*/true);
  } else if (!flags.none) {
    file_ = cached_file(layout_.encoder, folder_);
    const fs::path own = file_.parent_path();
    if (fs::exists(own, failed) && !is_own_folder(own)) file_.clear();
  }
}

restore::CodeIndex KeptCodes::open(std::span<const restore::FolderPicture> pictures) {
  std::error_code failed;
  if (file_.empty()) return nothing();
  if (!fs::exists(fs::symlink_status(file_, failed)))
    return named_ ? nothing() : of_moved_folder(pictures);
  return named_ ? open_named(pictures) : open_cached(pictures);
}

restore::CodeIndex KeptCodes::open_named(std::span<const restore::FolderPicture> pictures) {
  const restore::CodeIndex kept = read(file_);
  restore::CodeIndex still = still_valid(kept, pictures);
  // Of another folder: everything in it would be dropped.
  const bool none_known = still.rows().empty() && !kept.rows().empty();
  CHIARO_CHECK(kept.folder() == folder_ || !(is_folder(kept.folder()) || none_known), Usage,
               "[cli.retrieve] --index '{}' holds the codes of the folder '{}'; expected another "
               "file for '{}'",
               file_.string(), kept.folder(), folder_);
  return still;
}

restore::CodeIndex KeptCodes::open_cached(std::span<const restore::FolderPicture> pictures) {
  try {
    restore::CodeIndex still = still_valid(read(file_), pictures);
    std::error_code failed;
    fs::last_write_time(file_, fs::file_time_type::clock::now(), failed);  // in use
    return still;
  } catch (const Error& error) {
    spdlog::warn("the codes that were kept are computed anew: {}", error.what());
    return nothing();
  }
}

restore::CodeIndex KeptCodes::still_valid(const restore::CodeIndex& kept,
                                          std::span<const restore::FolderPicture> pictures) {
  restore::CodeIndex still = kept.only(pictures, folder_);
  outdated_ = kept.rows().size() - still.rows().size();
  stale_ = outdated_ > 0 || kept.folder() != folder_;
  return still;
}

/// A folder that was renamed has its codes under its old name.
restore::CodeIndex KeptCodes::of_moved_folder(std::span<const restore::FolderPicture> pictures) {
  restore::CodeIndex best = nothing();
  for (const fs::path& file : files_of_codes(file_.parent_path())) {
    try {
      const restore::CodeIndex kept = read(file);
      if (is_folder(kept.folder())) continue;
      restore::CodeIndex still = kept.only(pictures, folder_);
      if (still.rows().size() > best.rows().size()) best = std::move(still);
    } catch (const Error& error) {  // of another encoder, or damaged
      spdlog::debug("{}", error.what());
    }
  }
  stale_ = !best.rows().empty();
  return best;
}

restore::CodeIndex KeptCodes::read(const fs::path& file) const {
  return restore::CodeIndex::parse(read_file(file), layout_, file.string());
}

restore::CodeIndex KeptCodes::nothing() const {
  return {layout_, folder_};
}

void KeptCodes::keep(const restore::CodeIndex& index) {
  if (file_.empty()) return;
  try {
    if (!named_) make_own_folders(file_);
    write_file_atomically(file_, index.bytes());
    if (!named_)
      engine::drop_longest_unused(file_.parent_path(), kCodesExtension, kMostCodeBytes, file_);
  } catch (const Error& error) {
    if (named_) throw;
    spdlog::warn("codes are not kept: {}", error.what());
    file_.clear();
  }
}

}  // namespace chiaro::cli
