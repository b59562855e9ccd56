#include "chiaro/api/files.h"

#include <system_error>

#include "chiaro/base/error.h"

namespace chiaro::api {
namespace {

namespace fs = std::filesystem;

image::Depth depth_of(int depth) {
  switch (depth) {
    case 0:
      return image::Depth::Source;
    case CHIARO_U8:
      return image::Depth::U8;
    case CHIARO_U16:
      return image::Depth::U16;
    case CHIARO_F32:
      return image::Depth::F32;
    default:
      fail(ErrorCode::Usage, "[api.write] unknown depth; got {}; expected 0 to {}", depth,
           static_cast<int>(CHIARO_F32));
  }
}

}  // namespace

image::WriteOptions output_file(const fs::path& input, const fs::path& output,
                                const chiaro_write_options& wanted) {
  std::error_code failed;
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  CHIARO_CHECK(fs::is_directory(folder, failed), Output,
               "[api.write] the folder '{}' does not exist", folder.string());
  const auto status = fs::symlink_status(output, failed);
  CHIARO_CHECK(!fs::exists(status) || fs::is_regular_file(output, failed), Output,
               "[api.write] '{}' is no regular file", output.string());
  CHIARO_CHECK(!fs::equivalent(input, output, failed), Output,
               "[api.write] '{}' is the input itself, which is never overwritten", output.string());
  CHIARO_CHECK(wanted.overwrite != 0 || !fs::exists(status), Output,
               "[api.write] '{}' exists already; the option overwrite replaces it",
               output.string());
  CHIARO_CHECK(wanted.quality >= 0 && wanted.quality <= 100, Usage,
               "[api.write] impossible quality; got {}; expected 1 to 100, or 0", wanted.quality);
  image::WriteOptions options;
  options.format = wanted.format != nullptr ? wanted.format : image::format_written_as(output);
  CHIARO_CHECK(!options.format.empty(), Usage,
               "[api.write] the name '{}' tells no picture format; expected .png, .jpg, .webp, "
               ".tif, .ppm, .pfm or the option format",
               output.string());
  options.quality = wanted.quality;
  options.depth = depth_of(wanted.depth);
  options.strip_metadata = wanted.strip_metadata != 0;
  return options;
}

}  // namespace chiaro::api
