#include "chiaro/image/vips_encode.h"

#include <vips/vips.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <span>

#include "chiaro/base/error.h"
#include "chiaro/image/encoding.h"
#include "chiaro/image/exr_write.h"
#include "chiaro/image/metadata_embed.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {
namespace {

std::vector<std::byte> save_netpbm(const Encoding& encoding, const PixelWriter& pixels) {
  const std::string header = netpbm_header(encoding);
  const std::size_t row_bytes = encoding.row_bytes();
  std::vector<std::byte> result(header.size() +
                                row_bytes * static_cast<std::size_t>(encoding.height));
  std::ranges::copy(std::as_bytes(std::span(header)), result.begin());
  auto* out = reinterpret_cast<unsigned char*>(result.data()) + header.size();
  const bool upwards = encoding.layout.type == SampleType::F32;
  for (int y = 0; y < encoding.height; ++y, out += row_bytes) {
    pixels(upwards ? encoding.height - 1 - y : y, 0, encoding.width, out);
    order_netpbm_row(encoding, out);
  }
  return result;
}

struct ReleaseBlob {
  void operator()(VipsBlob* blob) const { vips_area_unref(VIPS_AREA(blob)); }
};

}  // namespace

std::string format_of_extension(const std::string& extension) {
  static const std::map<std::string, std::string, std::less<>> kExtensions{
      {".png", "png"},   {".jpg", "jpeg"}, {".jpeg", "jpeg"}, {".jpe", "jpeg"}, {".jfif", "jpeg"},
      {".webp", "webp"}, {".tif", "tiff"}, {".tiff", "tiff"}, {".ppm", "ppm"},  {".pgm", "ppm"},
      {".pnm", "ppm"},   {".pfm", "pfm"},  {".exr", "exr"},   {".hdr", "hdr"},  {".pic", "hdr"}};
  std::string lower = extension;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = kExtensions.find(lower);
  return found == kExtensions.end() ? "" : found->second;
}

std::vector<std::byte> encode_picture(const Image& picture, const WriteOptions& options) {
  const Encoding encoding = plan_encoding(frame_of(picture), options);
  start_vips();
  const SampleRows rows(picture, encoding.layout, encoding.conversion.get());
  const PixelWriter pixels = [&](int y, int x, int count, unsigned char* out) {
    CHIARO_CHECK(!options.go_on || options.go_on(), Interrupted, "[image.encode] stopped");
    rows.write(y, x, count, out);
  };
  if (encoding.from_floats) {
    Beyond beyond;
    count_beyond(picture.pixels(), beyond);
    warn_of_lost_range(encoding, beyond);
  }
  if (options.format == "exr") return encode_exr(encoding, pixels);
  if (options.format == "ppm" || options.format == "pfm") return save_netpbm(encoding, pixels);
  const VipsTargetPointer target(vips_target_new_to_memory());
  save_through_vips(encoding, pixels, target.get());
  VipsBlob* written = nullptr;
  g_object_get(target.get(), "blob", &written, nullptr);
  const std::unique_ptr<VipsBlob, ReleaseBlob> blob(written);
  std::size_t size = 0;
  const void* coded = blob ? vips_blob_get(blob.get(), &size) : nullptr;
  CHIARO_CHECK(coded != nullptr, Internal, "[image.encode] nothing was coded: {}",
               take_vips_error());
  auto whole = embed_metadata(options.format, {static_cast<const std::byte*>(coded), size},
                              encoding.metadata);
  const auto end = options.format == "png" ? png_end(encoding.metadata) : std::vector<std::byte>();
  if (end.empty()) return whole;
  whole.resize(whole.size() - kPngEnd);
  whole.insert(whole.end(), end.begin(), end.end());
  return whole;
}

}  // namespace chiaro::image
