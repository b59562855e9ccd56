#include "chiaro/image/codec.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <system_error>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/image/sniff.h"
#include "chiaro/image/vips_decode.h"
#include "chiaro/image/vips_encode.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {

namespace fs = std::filesystem;

namespace {

/// Reads each folder once, so that links in a circle end.
class PictureWalk {
 public:
  /// What lies in a folder; recursive: and in those below it that are no links.
  void read(const fs::path& folder, bool recursive) {
    if (!is_new(folder)) return;
    for (fs::recursive_directory_iterator next(folder), end; next != end; ++next) {
      std::error_code failed;  // a link to itself is no file, and no reason to refuse the rest
      const fs::path& path = next->path();
      const bool hidden = path.filename().native().starts_with('.');
      if (hidden || !recursive) next.disable_recursion_pending();
      if (hidden) continue;
      if (!next->is_directory(failed)) {
        if (has_picture_extension(path) && next->is_regular_file(failed)) pictures.push_back(path);
      } else if (next->is_symlink(failed)) {
        links.insert(path);
      } else if (!is_new(path)) {
        next.disable_recursion_pending();
      }
    }
  }

  std::vector<fs::path> pictures;
  std::set<fs::path> links;  // to folders

 private:
  /// One that cannot be asked about is new: reading it says why.
  bool is_new(const fs::path& folder) {
    struct stat status {};
    return ::stat(folder.c_str(), &status) != 0 ||
           read_.emplace(status.st_dev, status.st_ino).second;
  }

  std::set<std::pair<dev_t, ino_t>> read_;
};

}  // namespace

void start_codecs() {
  start_vips();
}

Image read(const fs::path& path, const ReadOptions& options) {
  return decode_picture(open_picture(path), options);
}

Image decode(std::span<const std::byte> bytes, const std::string& name,
             const ReadOptions& options) {
  return decode_picture(open_picture(bytes, name), options);
}

Probe probe(const fs::path& path) {
  return probe_picture(path);
}

Probe probe(std::span<const std::byte> bytes, const std::string& name) {
  return probe_picture(bytes, name);
}

bool is_readable_type(std::span<const std::byte> bytes) {
  constexpr std::size_t kEnough = 4096;
  return !sniff(bytes.first(std::min(bytes.size(), kEnough))).format.empty();
}

void write(const fs::path& path, const Image& picture, const WriteOptions& options) {
  WriteOptions complete = options;
  if (complete.format.empty()) complete.format = format_of_extension(path.extension().string());
  CHIARO_CHECK(!complete.format.empty(), Usage,
               "[image.write] unknown picture format; got '{}'; expected a name that ends in .png, "
               ".jpg, .jpeg, "
               ".webp, .tif, .tiff, .ppm, .pgm, .pnm, .pfm, .exr or .hdr",
               path.string());
  write_file_atomically(path, encode_picture(picture, complete), options.existing);
}

std::vector<std::byte> encode(const Image& picture, const WriteOptions& options) {
  return encode_picture(picture, options);
}

bool has_picture_extension(const fs::path& path) {
  const std::string extension = path.extension().string();
  if (!format_of_extension(extension).empty()) return true;
  // Read, but not written.
  static const std::vector<std::string> kOthers{".pbm",  ".gif",  ".bmp", ".heic",
                                                ".heif", ".avif", ".jxl", ".jp2"};
  std::string lower = extension;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kOthers, lower) != kOthers.end();
}

std::string format_written_as(const fs::path& path) {
  return format_of_extension(path.extension().string());
}

std::vector<fs::path> list_pictures(const fs::path& folder, bool recursive) {
  PictureWalk walk;
  try {
    walk.read(folder, recursive);
    // Links come last, so that what can be reached by two names has the one without a link.
    while (recursive && !walk.links.empty())
      walk.read(walk.links.extract(walk.links.begin()).value(), recursive);
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::Input, "[image.list_pictures] cannot list '{}': {}", folder.string(),
         error.code().message());
  }
  std::ranges::sort(walk.pictures);
  return std::move(walk.pictures);
}

}  // namespace chiaro::image
