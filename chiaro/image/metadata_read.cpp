#include "chiaro/image/metadata_read.h"

#include <vips/vips.h>

#include <string_view>

#include "chiaro/image/exif.h"
#include "chiaro/image/exr_read.h"
#include "chiaro/image/png_chunks.h"
#include "chiaro/image/radiance.h"
#include "chiaro/image/tiff_folders.h"
#include "chiaro/image/vips_session.h"

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
    if (at == std::string_view::npos || at + before.size() == xmp.size()) continue;
    std::uint8_t& digit = xmp[at + before.size()];
    if (digit >= '2' && digit <= '8') digit = '1';
  }
}

/// libvips does not look for EXIF in a TIFF.
std::vector<std::uint8_t> exif_of_source(VipsSource* source, int page) {
  std::vector<std::uint8_t> exif;
  show_whole(source, [&](std::span<const std::uint8_t> file) { exif = exif_of_tiff(file, page); });
  return exif;
}

/// Image resources without IPTC records and their digest.
std::vector<std::uint8_t> without_records(std::span<const std::uint8_t> resources) {
  std::vector<std::uint8_t> kept;
  std::size_t at = 0;
  while (at + 12 <= resources.size() && as_text(resources.subspan(at)).starts_with("8BIM")) {
    const std::size_t name = (resources[at + 6] + std::size_t{2}) / 2 * 2;
    const std::size_t size_at = at + 6 + name;
    if (size_at + 4 > resources.size()) break;
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size << 8 | resources[size_at + i];
    const std::size_t end = size_at + 4 + (size + 1) / 2 * 2;
    if (end > resources.size()) break;
    const bool about_records =
        resources[at + 4] == 4 && (resources[at + 5] == 0x04 || resources[at + 5] == 0x25);
    if (!about_records)
      kept.insert(kept.end(), resources.begin() + static_cast<std::ptrdiff_t>(at),
                  resources.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  }
  return kept;
}

/// As in a JPEG. libvips takes records whose tag calls them numbers for those, and turns them. The
/// records in a tag of their own count: programs change those, and leave the others as they were.
std::vector<std::uint8_t> iptc_of_source(VipsSource* source, int page) {
  TiffBlocks blocks;
  show_whole(source,
             [&](std::span<const std::uint8_t> file) { blocks = blocks_of_tiff(file, page); });
  if (!as_text(blocks.resources).starts_with("8BIM"))
    return blocks.iptc.empty() ? std::vector<std::uint8_t>() : wrap_iptc(blocks.iptc);
  std::vector<std::uint8_t> result(kPhotoshop.begin(), kPhotoshop.end());
  result.insert(result.end(), blocks.resources.begin(), blocks.resources.end());
  if (blocks.iptc.empty() || unwrap_iptc(result) == blocks.iptc) return result;
  const auto others = without_records(blocks.resources);
  result.resize(kPhotoshop.size());
  result.insert(result.end(), others.begin(), others.end());
  const std::vector<std::uint8_t> wrapped = wrap_iptc(blocks.iptc);
  const auto more = image_resources(wrapped);
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

}  // namespace

TiffBlocks tiff_blocks(std::span<const std::uint8_t> block) {
  TiffBlocks blocks{unwrap_iptc(block), {}};
  const auto resources = image_resources(block);
  const auto bare = blocks.iptc.empty() ? std::vector<std::uint8_t>() : wrap_iptc(blocks.iptc);
  if (!std::ranges::equal(resources, image_resources(bare)))
    blocks.resources.assign(resources.begin(), resources.end());
  return blocks;
}

std::span<const std::uint8_t> image_resources(std::span<const std::uint8_t> block) {
  return as_text(block).starts_with(kPhotoshop) ? block.subspan(kPhotoshop.size()) : block;
}

void show_whole(VipsSource* source,
                const std::function<void(std::span<const std::uint8_t>)>& look) {
  // A source that was mapped once stays so, and all that is read of it then counts as memory of
  // this process: a file is mapped beside it, for as long as it takes.
  VipsSourcePointer beside;
  if (vips_source_is_file(source) != 0) {
    beside.reset(vips_source_new_from_file(vips_connection_filename(VIPS_CONNECTION(source))));
    if (beside) source = beside.get();
  }
  std::size_t size = 0;
  const void* file = vips_source_map(source, &size);
  if (file == nullptr) {
    vips_error_clear();
  } else {
    look({static_cast<const std::uint8_t*>(file), size});
  }
}

Metadata read_metadata(VipsImage* header, VipsSource* source, const std::string& format, int page) {
  Metadata result;
  result.source_format = format;
  result.icc = blob(header, VIPS_META_ICC_NAME);
  result.exif = blob(header, VIPS_META_EXIF_NAME);
  if (as_text(result.exif).starts_with(kExifPrefix)) {
    result.exif.erase(result.exif.begin(), result.exif.begin() + kExifPrefix.size());
  }
  if (format == "tiff" && result.exif.empty()) result.exif = exif_of_source(source, page);
  make_exif_upright(result.exif);
  result.xmp = blob(header, VIPS_META_XMP_NAME);
  // The pixels are turned by what the format itself says; a packet that alone says something, which
  // few programs heed, goes on saying it.
  if (vips_image_get_orientation(header) > 1) make_xmp_upright(result.xmp);
  result.iptc = format == "tiff" ? iptc_of_source(source, page) : blob(header, VIPS_META_IPTC_NAME);
  if (!result.iptc.empty() && !as_text(result.iptc).starts_with(kPhotoshop))
    result.iptc = wrap_iptc(result.iptc);
  result.native_header = blob(header, format == "exr"   ? kExrAttributes
                                      : format == "png" ? kPngColours
                                                        : kRadianceHeader);
  result.half_floats = vips_image_get_typeof(header, kExrHalf) != 0;
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
