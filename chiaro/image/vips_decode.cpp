#include "chiaro/image/vips_decode.h"

#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/image/exr_read.h"
#include "chiaro/image/png_chunks.h"
#include "chiaro/image/radiance.h"
#include "chiaro/image/row_decoder.h"
#include "chiaro/image/tiff_page.h"
#include "chiaro/image/upright.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadable =
    "PNG, JPEG, WebP, TIFF, PPM/PGM/PBM, PFM, OpenEXR, Radiance, GIF, BMP, HEIF/AVIF, JPEG XL or "
    "JPEG 2000";

using Loader = int (*)(VipsSource*, VipsImage**, ...);

int load_bmp(VipsSource* source, VipsImage** out) {
  std::size_t size = 0;
  const void* bytes = vips_source_map(source, &size);
  return bytes == nullptr ? -1
                          : vips_magickload_buffer(const_cast<void*>(bytes), size, out, nullptr);
}

int load_tiff(VipsSource* source, int page, VipsFailOn fail_on, VipsImage** out) {
  const VipsSourcePointer alone = page == kFirstPage ? nullptr : lone_tiff_page(source, page);
  return vips_tiffload_source(alone ? alone.get() : source, out, "access", VIPS_ACCESS_SEQUENTIAL,
                              "fail_on", fail_on, "page", alone ? 0 : std::max(0, page), nullptr);
}

std::span<const std::byte> first_bytes(const OpenedPicture& picture, std::size_t count) {
  unsigned char* first = nullptr;
  const gint64 size = vips_source_sniff_at_most(picture.source.get(), &first, count);
  CHIARO_CHECK(size >= 0, Input, "[image.read] cannot read '{}': {}", picture.name,
               take_vips_error());
  return {reinterpret_cast<const std::byte*>(first), static_cast<std::size_t>(size)};
}

/// Its type is known, its header is not read yet.
OpenedPicture sniffed(VipsSourcePointer source, const std::string& name, int page) {
  CHIARO_CHECK(source, Input, "[image.read] cannot read '{}': {}", name, take_vips_error());
  OpenedPicture result{name, {}, {}, {}, {}, {}, {}, {}, std::move(source), nullptr, page};
  result.type = sniff(first_bytes(result, 4096));
  CHIARO_CHECK(!result.type.format.empty(), Input,
               "[image.read] '{}' is not a picture; got {}; expected {}", name,
               result.type.description, kReadable);
  return result;
}

OpenedPicture with_header(OpenedPicture result, Demand demand) {
  const std::string& format = result.type.format;
  const std::string& name = result.name;
  PngChunks chunks;
  if (format == "png") {
    chunks = read_png_chunks(result.source, name);
    result.png_texts = std::move(chunks.texts);
    result.further_chunks.chunks = std::move(chunks.further);
    result.notes = std::move(chunks.notes);
    result.png_density = read_png_density(result.source);
    result.fault = std::move(chunks.fault);
    CHIARO_CHECK(result.fault.empty() || demand != Demand::Whole, Input, "{}", result.fault);
  }
  if (format == "jpeg") result.jpeg = read_jpeg_header(first_bytes(result, std::size_t{1} << 20));
  static const std::map<std::string, Loader, std::less<>> kLoaders{
      {"png", vips_pngload_source},  {"jpeg", vips_jpegload_source}, {"webp", vips_webpload_source},
      {"ppm", vips_ppmload_source},  {"pfm", vips_ppmload_source},   {"gif", vips_gifload_source},
      {"jp2", vips_jp2kload_source}, {"heif", vips_heifload_source}, {"jxl", vips_jxlload_source}};
  if (format == "exr" || format == "hdr") {
    result.header = format == "exr" ? open_exr(result.source.get(), name)
                                    : open_radiance(result.source.get(), name);
    return result;
  }
  if (format == "heif" || format == "jxl" || format == "bmp") load_vips_module(format);
  // Of samples of one bit the loader takes what is missing for black.
  const bool bits = format == "ppm" && std::to_integer<char>(first_bytes(result, 2)[1]) == '4';
  const gint64 length = bits ? vips_source_length(result.source.get()) : 0;
  const auto fail_on = demand == Demand::Anything ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_ERROR;
  VipsImage* header = nullptr;
  const int status = format == "bmp" ? load_bmp(result.source.get(), &header)
                     : format == "tiff"
                         ? load_tiff(result.source.get(), result.page, fail_on, &header)
                         : kLoaders.at(format)(result.source.get(), &header, "access",
                                               VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, nullptr);
  result.header.reset(header);
  CHIARO_CHECK(status == 0, Input, "[image.read] '{}' is {}, but damaged or truncated: {}", name,
               result.type.description, take_vips_error());
  if (format == "png") attach_png_blocks(header, chunks);
  const std::int64_t needed = std::int64_t{(header->Xsize + 7) / 8} * header->Ysize;
  CHIARO_CHECK(!bits || length >= needed, Input,
               "[image.read] '{}' is {}, but damaged or truncated: {} x {} bits take {} bytes",
               name, result.type.description, header->Xsize, header->Ysize, needed);
  return result;
}

/// The two headers of BMP: sides of 16 bits, or of 32, where those of a picture that is stored from
/// the top have a negative height.
Probe probe_bmp(const OpenedPicture& picture) {
  const auto bytes = first_bytes(picture, 30);
  const auto number = [&](std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count && at + i < bytes.size(); ++i)
      value |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
    return value;
  };
  const bool small = number(14, 4) == 12;
  const std::int64_t width = static_cast<std::int32_t>(number(18, small ? 2 : 4));
  const std::int64_t height =
      std::abs(std::int64_t{static_cast<std::int32_t>(number(small ? 20 : 22, small ? 2 : 4))});
  CHIARO_CHECK(width > 0 && height > 0 && height <= std::numeric_limits<int>::max(), Input,
               "[image.read] '{}' is {}, but damaged or truncated: it claims {} x {} pixels",
               picture.name, picture.type.description, width, height);
  const bool may_have_alpha = number(small ? 24 : 28, 2) == 32;
  return {static_cast<int>(width), static_cast<int>(height), may_have_alpha ? 4 : 3,
          picture.type.format, SampleType::U8};
}

Probe probed(OpenedPicture picture, Demand demand) {
  if (picture.type.format == "bmp") return probe_bmp(picture);
  picture = with_header(std::move(picture), demand);
  VipsImage* header = picture.header.get();
  const bool turned = transposes(vips_image_get_orientation(header));
  return {turned ? header->Ysize : header->Xsize, turned ? header->Xsize : header->Ysize,
          header->Bands, picture.type.format, stored_type(*header)};
}

OpenedPicture sniffed_file(const fs::path& path, int page) {
  start_vips();
  const std::string name = path.string();
  struct stat status {};
  CHIARO_CHECK(::stat(path.c_str(), &status) == 0, Input, "[image.read] cannot read '{}': {}", name,
               std::strerror(errno));
  CHIARO_CHECK(!S_ISDIR(status.st_mode), Input,
               "[image.read] '{}' is a folder; expected a picture file", name);
  CHIARO_CHECK(::access(path.c_str(), R_OK) == 0, Input, "[image.read] cannot read '{}': {}", name,
               std::strerror(errno));
  CHIARO_CHECK(!S_ISREG(status.st_mode) || status.st_size > 0, Input,
               "[image.read] '{}' is empty; expected a picture", name);
  return sniffed(VipsSourcePointer(vips_source_new_from_file(path.c_str())), name, page);
}

OpenedPicture sniffed_bytes(std::span<const std::byte> bytes, const std::string& name, int page) {
  start_vips();
  CHIARO_CHECK(!bytes.empty(), Input, "[image.read] '{}' is empty; expected a picture", name);
  return sniffed(VipsSourcePointer(vips_source_new_from_memory(bytes.data(), bytes.size())), name,
                 page);
}

/// What stands for rows that cannot be decoded: the grey of libjpeg, opaque.
void fill_missing(const RowDecoder& rows, std::vector<float>& strip) {
  constexpr float kGrey = 128.0F / 255;
  std::ranges::fill(strip, kGrey);
  if (!rows.has_alpha()) return;
  const auto width = static_cast<std::size_t>(rows.width());
  for (std::size_t row = 0; row + rows.stride() <= strip.size(); row += rows.stride())
    std::fill_n(strip.data() + row + static_cast<std::size_t>(rows.channels()) * width, width,
                1.0F);
}

}  // namespace

int pictures_in(const OpenedPicture& picture) {
  // The pages of libvips' JPEG 2000 are one picture in several sizes.
  return picture.type.format == "jp2" ? 1 : vips_image_get_n_pages(picture.header.get());
}

OpenedPicture open_picture(const fs::path& path, int page, Demand demand) {
  return with_header(sniffed_file(path, page), demand);
}

OpenedPicture open_picture(std::span<const std::byte> bytes, const std::string& name, int page,
                           Demand demand) {
  return with_header(sniffed_bytes(bytes, name, page), demand);
}

Probe probe_picture(const fs::path& path, Demand demand) {
  return probed(sniffed_file(path, kFirstPage), demand);
}

Probe probe_picture(std::span<const std::byte> bytes, const std::string& name, Demand demand) {
  return probed(sniffed_bytes(bytes, name, kFirstPage), demand);
}

Image decode_picture(const OpenedPicture& picture, const ReadOptions& options) {
  DecodedRows decoded = decode_rows(picture, options);
  CHIARO_CHECK(decoded.fault.empty(), Input, "{}", decoded.fault);
  return std::move(decoded.picture);
}

DecodedRows decode_rows(const OpenedPicture& picture, const ReadOptions& options, Notes notes) {
  const RowDecoder rows(picture, options, notes);
  const UprightRows upright(rows.orientation(), rows.width(), rows.height());
  DecodedRows decoded{{}, rows.height(), picture.fault};
  Image& result = decoded.picture;
  const auto width = static_cast<std::size_t>(rows.width());
  constexpr int kStrip =
      16;  // rows placed together, so that turned pictures fill whole cache lines
  std::vector<float> strip(rows.stride() *
                           static_cast<std::size_t>(std::min(kStrip, rows.height())));
  for (int y = 0; y < rows.height(); y += kStrip) {
    const int count = std::min(kStrip, rows.height() - y);
    CHIARO_CHECK(!options.go_on || options.go_on(), Interrupted, "[image.read] stopped");
    if (y < decoded.rows) {
      try {
        rows.decode(y, count, strip.data());
      } catch (const Error& error) {
        if (y == 0 || error.code() != ErrorCode::Input) throw;
        decoded.rows = y;
        if (decoded.fault.empty()) decoded.fault = error.what();
        fill_missing(rows, strip);
      }
    }
    if (y == 0) {  // not before something came: a header may claim any size
      result = Image(rows.channels(), upright.height(), upright.width());
      if (rows.has_alpha()) result.alpha.resize(result.plane_size());
    }
    for (int c = 0; c < rows.channels(); ++c) {
      upright.place(strip.data() + static_cast<std::size_t>(c) * width, rows.stride(), y, count,
                    result.plane(c));
    }
    if (rows.has_alpha()) {
      upright.place(strip.data() + static_cast<std::size_t>(rows.channels()) * width, rows.stride(),
                    y, count, result.alpha);
    }
  }
  result.sample_type = rows.sample_type();
  result.metadata = rows.metadata();
  if (transposes(rows.orientation()))
    std::swap(result.metadata.x_pixels_per_mm, result.metadata.y_pixels_per_mm);
  return decoded;
}

}  // namespace chiaro::image
