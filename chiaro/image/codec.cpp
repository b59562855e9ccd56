#include "chiaro/image/codec.h"

#include <vips/vips.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <mutex>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsPicture = std::unique_ptr<VipsImage, Unref>;
using VipsArea_ = std::unique_ptr<VipsRegion, Unref>;

void start() {
  static std::once_flag once;
  std::call_once(once, [] {
    CHIARO_CHECK(VIPS_INIT("chiaro") == 0, Internal, "[image.codec] libvips does not start: {}",
                 vips_error_buffer());
    vips_cache_set_max(0);
  });
}

std::string taken_error() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  return text;
}

}  // namespace

Image read(const fs::path& path, const ReadOptions& options) {
  return decode(read_file(path), path.string(), options);
}

Image decode(std::span<const std::byte> bytes, const std::string& name,
             const ReadOptions& options) {
  start();
  CHIARO_CHECK(!bytes.empty(), Input, "[image.read] '{}' is empty", name);
  VipsPicture in(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "access",
                                            VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR,
                                            nullptr));
  CHIARO_CHECK(in, Input, "[image.read] '{}' is not a picture: {}", name, taken_error());
  const int width = in->Xsize, height = in->Ysize, bands = in->Bands;
  CHIARO_CHECK(static_cast<std::int64_t>(width) * height <= options.max_pixels, Input,
               "[image.read] '{}' is too large; got {}x{}", name, width, height);
  CHIARO_CHECK(bands <= 4, Input, "[image.read] '{}' got {} channels", name, bands);
  Image result(bands <= 2 ? 1 : 3, height, width);
  if (bands == 2 || bands == 4) result.alpha.resize(result.plane_size());
  const float scale = in->BandFmt == VIPS_FORMAT_UCHAR    ? 255.0F
                      : in->BandFmt == VIPS_FORMAT_USHORT ? 65535.0F
                                                          : 1.0F;
  result.sample_type = in->BandFmt == VIPS_FORMAT_UCHAR    ? SampleType::U8
                       : in->BandFmt == VIPS_FORMAT_USHORT ? SampleType::U16
                                                           : SampleType::F32;
  VipsArea_ region(vips_region_new(in.get()));
  for (int y = 0; y < height; ++y) {
    VipsRect rect{0, y, width, 1};
    CHIARO_CHECK(vips_region_prepare(region.get(), &rect) == 0, Input,
                 "[image.read] '{}' is damaged: {}", name, taken_error());
    const VipsPel* p = VIPS_REGION_ADDR(region.get(), 0, y);
    for (int c = 0; c < bands; ++c) {
      float* out = (c < result.channels() ? result.plane(c).data() : result.alpha.data()) +
                   static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
      for (int x = 0; x < width; ++x) {
        const int i = x * bands + c;
        out[x] = (result.sample_type == SampleType::U8 ? static_cast<float>(p[i])
                  : result.sample_type == SampleType::U16
                      ? static_cast<float>(reinterpret_cast<const unsigned short*>(p)[i])
                      : reinterpret_cast<const float*>(p)[i]) /
                 scale;
      }
    }
  }
  return result;
}

Probe probe(const fs::path& path) {
  start();
  VipsPicture in(vips_image_new_from_file(path.c_str(), nullptr));
  CHIARO_CHECK(in, Input, "[image.probe] '{}' is not a picture: {}", path.string(), taken_error());
  return {in->Xsize, in->Ysize, in->Bands, "",
          in->BandFmt == VIPS_FORMAT_UCHAR ? SampleType::U8 : SampleType::U16};
}

void write(const fs::path& path, const Image& picture, const WriteOptions& options) {
  WriteOptions complete = options;
  if (complete.format.empty()) complete.format = path.extension().string().substr(1);
  write_file_atomically(path, encode(picture, complete));
}

std::vector<std::byte> encode(const Image& picture, const WriteOptions& options) {
  start();
  const auto channels = static_cast<std::size_t>(picture.channels());
  std::vector<unsigned char> samples(picture.pixels().size());
  for (std::size_t c = 0; c < channels; ++c) {
    unsigned char* out = samples.data() + c;
    for (const float value : picture.plane(static_cast<int>(c))) {
      *out =
          static_cast<unsigned char>(value > 0.0F ? std::min(value, 1.0F) * 255.0F + 0.5F : 0.0F);
      out += channels;
    }
  }
  VipsPicture in(vips_image_new_from_memory(samples.data(), samples.size(), picture.width(),
                                            picture.height(), picture.channels(),
                                            VIPS_FORMAT_UCHAR));
  void* buffer = nullptr;
  std::size_t size = 0;
  CHIARO_CHECK(vips_image_write_to_buffer(in.get(), ("." + options.format).c_str(), &buffer, &size,
                                          nullptr) == 0,
               Usage, "[image.write] cannot encode '{}': {}", options.format, taken_error());
  const auto* first = static_cast<const std::byte*>(buffer);
  std::vector<std::byte> result(first, first + size);
  g_free(buffer);
  return result;
}

bool has_picture_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  static const std::vector<std::string> known{".png",  ".jpg", ".jpeg", ".jpe", ".jfif",
                                              ".webp", ".tif", ".tiff", ".ppm", ".pgm",
                                              ".pbm",  ".pnm", ".pfm",  ".gif"};
  return std::ranges::find(known, extension) != known.end();
}

std::vector<fs::path> list_pictures(const fs::path& folder, bool recursive) {
  std::vector<fs::path> result;
  const auto take = [&](const fs::directory_entry& entry) {
    if (entry.is_regular_file() && has_picture_extension(entry.path()))
      result.push_back(entry.path());
  };
  try {
    if (recursive) {
      for (const auto& entry : fs::recursive_directory_iterator(folder)) take(entry);
    } else {
      for (const auto& entry : fs::directory_iterator(folder)) take(entry);
    }
  } catch (const fs::filesystem_error& error) {
    fail(ErrorCode::Input, "[image.list_pictures] cannot list '{}': {}", folder.string(),
         error.code().message());
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace chiaro::image
