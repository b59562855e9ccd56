#include "chiaro/image/metadata_read.h"

#include <vips/vips.h>

#include <string_view>

#include "chiaro/image/exif.h"

namespace chiaro::image {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExifPrefix = "Exif\0\0"sv;
constexpr std::string_view kPhotoshop = "Photoshop 3.0\0"sv;

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::uint8_t> blob(VipsImage* header, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(header, name) != VIPS_TYPE_BLOB ||
      vips_image_get_blob(header, name, &data, &size) != 0) {
    return {};
  }
  const auto* first = static_cast<const std::uint8_t*>(data);
  return {first, first + size};
}

/// An orientation within the packet must not turn the picture once more.
void make_xmp_upright(std::vector<std::uint8_t>& xmp) {
  for (const std::string_view before :
       {"tiff:Orientation=\""sv, "tiff:Orientation='"sv, "<tiff:Orientation>"sv}) {
    const std::size_t at = as_text(xmp).find(before);
    if (at == std::string_view::npos) continue;
    std::uint8_t& digit = xmp.at(at + before.size());
    if (digit >= '2' && digit <= '8') digit = '1';
  }
}

}  // namespace

Metadata read_metadata(VipsImage* header, const std::string& format) {
  Metadata result;
  result.source_format = format;
  result.icc = blob(header, VIPS_META_ICC_NAME);
  result.exif = blob(header, VIPS_META_EXIF_NAME);
  if (as_text(result.exif).starts_with(kExifPrefix)) {
    result.exif.erase(result.exif.begin(), result.exif.begin() + kExifPrefix.size());
  }
  make_exif_upright(result.exif);
  result.xmp = blob(header, VIPS_META_XMP_NAME);
  make_xmp_upright(result.xmp);
  result.iptc = blob(header, VIPS_META_IPTC_NAME);
  if (!result.iptc.empty() && !as_text(result.iptc).starts_with(kPhotoshop))
    result.iptc = wrap_iptc(result.iptc);
  // libvips fills in one pixel a millimetre where the file is silent.
  if (header->Xres != 1.0 || header->Yres != 1.0) {
    result.x_pixels_per_mm = header->Xres;
    result.y_pixels_per_mm = header->Yres;
  }
  return result;
}

std::vector<std::uint8_t> wrap_iptc(std::span<const std::uint8_t> records) {
  // One image resource: signature, number 0x0404, an empty name, the size, the records, padded to
  // an even length.
  std::vector<std::uint8_t> result(kPhotoshop.begin(), kPhotoshop.end());
  for (const char c : "8BIM\x04\x04\0\0"sv) result.push_back(static_cast<std::uint8_t>(c));
  for (int shift = 24; shift >= 0; shift -= 8)
    result.push_back(static_cast<std::uint8_t>(records.size() >> shift));
  result.insert(result.end(), records.begin(), records.end());
  if (records.size() % 2 != 0) result.push_back(0);
  return result;
}

std::vector<std::uint8_t> unwrap_iptc(std::span<const std::uint8_t> block) {
  std::size_t at = kPhotoshop.size();
  while (at + 12 <= block.size() && as_text(block.subspan(at)).starts_with("8BIM")) {
    const bool is_iptc = block[at + 4] == 4 && block[at + 5] == 4;
    const std::size_t name = (block[at + 6] + std::size_t{2}) / 2 * 2;
    const std::size_t size_at = at + 6 + name;
    if (size_at + 4 > block.size()) return {};
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size << 8 | block[size_at + i];
    if (size > block.size() - size_at - 4) return {};
    if (is_iptc) {
      const auto records = block.subspan(size_at + 4, size);
      return {records.begin(), records.end()};
    }
    at = size_at + 4 + (size + 1) / 2 * 2;
  }
  return {};
}

}  // namespace chiaro::image
