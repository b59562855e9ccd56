#include "chiaro/image/resolution.h"

#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "chiaro/image/exif.h"
#include "chiaro/image/vips_decode.h"

namespace chiaro::image {
namespace {

constexpr double kInchInMm = 25.4;

/// Pixels in a millimetre, or their ratio; x is 0 where nothing is stated.
struct Density {
  double x = 0;
  double y = 0;
  bool ratio = false;

  bool stated() const { return x > 0; }
  bool has_unit() const { return stated() && !ratio; }
};

/// `unit_mm`: how long the unit is; 0: there is none.
Density density_of(double x, double y, double unit_mm) {
  if (!(x > 0 && y > 0 && std::isfinite(x) && std::isfinite(y))) return {};
  if (unit_mm > 0) return {x / unit_mm, y / unit_mm};
  if (x == 1 && y == 1) return {};  // as files have it that state nothing
  return {x, y, true};
}

/// Of the tag ResolutionUnit; less than 0: the number means nothing.
double mm_of_unit(int unit) {
  return unit == kInch ? kInchInMm : unit == kCentimetre ? 10 : unit == kNoUnit ? 0 : -1;
}

Density density_of_exif(const std::vector<std::uint8_t>& exif) {
  const ExifResolution found = resolution_of_exif(exif);
  const double unit_mm = mm_of_unit(found.unit);
  return unit_mm < 0 ? Density{} : density_of(found.x, found.y, unit_mm);
}

Density density_of_jfif(const JpegHeader& jpeg) {
  constexpr std::array kUnits{0.0, kInchInMm, 10.0};
  if (jpeg.density_unit >= static_cast<int>(kUnits.size())) return {};
  return density_of(jpeg.x_density, jpeg.y_density,
                    kUnits[static_cast<std::size_t>(jpeg.density_unit)]);
}

/// What libvips says of a TIFF: it names the unit where there is one.
Density density_of_tiff(VipsImage* header) {
  const bool unit = vips_image_get_typeof(header, VIPS_META_RESOLUTION_UNIT) != 0;
  return density_of(header->Xres, header->Yres, unit ? 1 : 0);
}

/// A length tells more than a ratio, and what stands first more than what follows.
Density better(const Density& first, const Density& second) {
  if (first.has_unit() || !second.stated()) return first;
  return second.has_unit() || !first.stated() ? second : first;
}

Density stated_density(const OpenedPicture& picture, const Metadata& metadata) {
  const std::string& format = picture.type.format;
  VipsImage* header = picture.header.get();
  const Density exif = density_of_exif(metadata.exif);
  if (format == "jpeg") return better(exif, density_of_jfif(picture.jpeg));
  if (format == "png") {
    const PngDensity& png = picture.png_density;
    return better(png.unit > 1 ? Density{} : density_of(png.x, png.y, png.unit == 1 ? 1000 : 0),
                  exif);
  }
  if (format == "webp" || format == "heif" || format == "jxl") return exif;
  if (format == "tiff") return density_of_tiff(header);
  // Where a file is silent libvips fills in one pixel a millimetre.
  if (header->Xres == 1.0 && header->Yres == 1.0) return {};
  return density_of(header->Xres, header->Yres, 1);
}

std::uint32_t big_number(std::span<const unsigned char> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

bool read_whole_at(VipsSource* source, gint64 at, std::span<unsigned char> out) {
  return vips_source_seek(source, at, SEEK_SET) == at &&
         vips_source_read(source, out.data(), out.size()) == static_cast<gint64>(out.size());
}

std::size_t stored_number(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
  if (at > bytes.size() || bytes.size() - at < count) return 0;
  std::size_t value = 0;
  for (std::size_t i = count; i-- > 0;)
    value = value << 8 | std::to_integer<std::size_t>(bytes[at + i]);
  return value;
}

}  // namespace

PngDensity read_png_density(const VipsSourcePointer& source) {
  constexpr gint64 kSignature = 8;
  constexpr gint64 kAround = 12;  // length, type and sum of a chunk
  PngDensity result;
  const gint64 length = vips_source_length(source.get());
  std::array<unsigned char, 8 + 9> chunk{};  // its head, and the body of pHYs
  for (gint64 at = kSignature; at + static_cast<gint64>(chunk.size()) <= length &&
                               read_whole_at(source.get(), at, chunk);) {
    const std::string_view type(reinterpret_cast<const char*>(chunk.data()) + 4, 4);
    const std::uint32_t size = big_number(chunk, 0);
    if (type == "IDAT") break;
    if (type == "pHYs" && size == 9) {
      result = {big_number(chunk, 8), big_number(chunk, 12), chunk[16]};
      break;
    }
    at += kAround + size;
  }
  vips_source_rewind(source.get());
  vips_error_clear();
  return result;
}

void take_resolution(const OpenedPicture& picture, Metadata& metadata) {
  const Density stated = stated_density(picture, metadata);
  metadata.x_pixels_per_mm = stated.x;
  metadata.y_pixels_per_mm = stated.y;
  metadata.resolution_is_ratio = stated.ratio;
}

ResolutionTags resolution_tags(const Metadata& metadata) {
  if (metadata.x_pixels_per_mm <= 0 || metadata.y_pixels_per_mm <= 0) return {};
  if (metadata.resolution_is_ratio)
    return {metadata.x_pixels_per_mm, metadata.y_pixels_per_mm, kNoUnit};
  return {metadata.x_pixels_per_mm * kInchInMm, metadata.y_pixels_per_mm * kInchInMm, kInch};
}

std::optional<TiffPatch> lacking_unit(std::span<const std::byte> tiff, const Metadata& metadata) {
  if (resolution_tags(metadata).unit != kNoUnit) return std::nullopt;
  constexpr std::size_t kResolutionUnit = 0x0128;
  const bool big = stored_number(tiff, 2, 2) == 43;
  const std::size_t folder = big ? stored_number(tiff, 8, 8) : stored_number(tiff, 4, 4);
  const std::size_t head = big ? 8 : 2;
  const std::size_t entry = big ? 20 : 12;
  const std::size_t count = std::min(stored_number(tiff, folder, head), tiff.size() / entry);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = folder + head + entry * i;
    if (stored_number(tiff, at, 2) != kResolutionUnit) continue;
    return TiffPatch{at + (big ? 12 : 8), {std::byte{kNoUnit}, std::byte{0}}};
  }
  return std::nullopt;
}

std::vector<std::uint8_t> exif_with_resolution(const Metadata& metadata) {
  const ResolutionTags tags = resolution_tags(metadata);
  if (metadata.x_pixels_per_mm <= 0) return metadata.exif;
  return with_exif_resolution(metadata.exif, {tags.x, tags.y, tags.unit});
}

}  // namespace chiaro::image
