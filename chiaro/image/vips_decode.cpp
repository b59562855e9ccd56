#include "chiaro/image/vips_decode.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/image/colour_profile.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/upright.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadable =
    "PNG, JPEG, WebP, TIFF, PPM/PGM/PBM, PFM, GIF, BMP, HEIF/AVIF, JPEG XL or JPEG 2000";

using Loader = int (*)(VipsSource*, VipsImage**, ...);

int load_bmp(VipsSource* source, VipsImage** out) {
  std::size_t size = 0;
  const void* bytes = vips_source_map(source, &size);
  return bytes == nullptr ? -1
                          : vips_magickload_buffer(const_cast<void*>(bytes), size, out, nullptr);
}

std::span<const std::byte> first_bytes(const OpenedPicture& picture, std::size_t count) {
  unsigned char* first = nullptr;
  const gint64 size = vips_source_sniff_at_most(picture.source.get(), &first, count);
  CHIARO_CHECK(size >= 0, Input, "[image.read] cannot read '{}': {}", picture.name,
               take_vips_error());
  return {reinterpret_cast<const std::byte*>(first), static_cast<std::size_t>(size)};
}

OpenedPicture open_source(VipsSourcePointer source, const std::string& name) {
  CHIARO_CHECK(source, Input, "[image.read] cannot read '{}': {}", name, take_vips_error());
  OpenedPicture result{name, {}, {}, std::move(source), nullptr};
  result.type = sniff(first_bytes(result, 4096));
  const std::string& format = result.type.format;
  CHIARO_CHECK(!format.empty(), Input, "[image.read] '{}' is not a picture; got {}; expected {}",
               name, result.type.description, kReadable);

  if (format == "jpeg") result.jpeg = read_jpeg_header(first_bytes(result, std::size_t{1} << 20));
  static const std::map<std::string, Loader, std::less<>> kLoaders{
      {"png", vips_pngload_source},   {"jpeg", vips_jpegload_source},
      {"webp", vips_webpload_source}, {"tiff", vips_tiffload_source},
      {"ppm", vips_ppmload_source},   {"pfm", vips_ppmload_source},
      {"gif", vips_gifload_source},   {"jp2", vips_jp2kload_source},
      {"heif", vips_heifload_source}, {"jxl", vips_jxlload_source}};
  if (format == "heif" || format == "jxl" || format == "bmp") load_vips_module(format);
  VipsImage* header = nullptr;
  const int status = format == "bmp" ? load_bmp(result.source.get(), &header)
                                     : kLoaders.at(format)(result.source.get(), &header, "access",
                                                           VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                                           VIPS_FAIL_ON_ERROR, nullptr);
  result.header.reset(header);
  CHIARO_CHECK(status == 0, Input, "[image.read] '{}' is {}, but damaged or truncated: {}", name,
               result.type.description, take_vips_error());
  return result;
}

/// Colour spaces that are neither grey, RGB nor CMYK (Lab TIFF) become 16-bit sRGB.
VipsImagePointer in_known_space(const OpenedPicture& picture) {
  VipsImage* header = picture.header.get();
  switch (header->Type) {
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_LCH: {
      VipsImage* converted = nullptr;
      CHIARO_CHECK(vips_colourspace(header, &converted, VIPS_INTERPRETATION_RGB16, nullptr) == 0,
                   Input, "[image.read] cannot convert the colours of '{}': {}", picture.name,
                   take_vips_error());
      return VipsImagePointer(converted);
    }
    default:
      g_object_ref(header);
      return VipsImagePointer(header);
  }
}

SampleType sample_type_of(const VipsImage& header) {
  switch (header.BandFmt) {
    case VIPS_FORMAT_UCHAR:
      return SampleType::U8;
    case VIPS_FORMAT_USHORT:
      return SampleType::U16;
    default:
      return SampleType::F32;
  }
}

/// How much of the sample is one.
double full_scale(VipsImage* header) {
  int declared = 0;
  if (vips_image_get_typeof(header, "ppm-max-value") != 0 &&
      vips_image_get_int(header, "ppm-max-value", &declared) == 0 &&
      header->BandFmt != VIPS_FORMAT_FLOAT && declared > 1) {
    return declared;
  }
  switch (header->BandFmt) {
    case VIPS_FORMAT_UCHAR:
      return 255;
    case VIPS_FORMAT_USHORT:
      return 65535;
    case VIPS_FORMAT_UINT:
      return 4294967295.0;
    default:
      return 1;
  }
}

/// Row `y` of a prepared region as floats, plane after plane.
template <typename Sample>
void spread(const VipsPel* samples, std::size_t width, std::size_t bands, double scale,
            float* planes) {
  const auto* in = reinterpret_cast<const Sample*>(samples);
  const auto divisor = static_cast<float>(scale);
  for (std::size_t c = 0; c < bands; ++c) {
    float* out = planes + c * width;
    for (std::size_t x = 0; x < width; ++x)
      out[x] = static_cast<float>(in[x * bands + c]) / divisor;
  }
}

using Spread = void (*)(const VipsPel*, std::size_t, std::size_t, double, float*);

Spread spread_of(const VipsImage& header, const std::string& name) {
  switch (header.BandFmt) {
    case VIPS_FORMAT_UCHAR:
      return spread<unsigned char>;
    case VIPS_FORMAT_USHORT:
      return spread<unsigned short>;
    case VIPS_FORMAT_UINT:
      return spread<unsigned int>;
    case VIPS_FORMAT_FLOAT:
      return spread<float>;
    case VIPS_FORMAT_DOUBLE:
      return spread<double>;
    default:
      fail(ErrorCode::Input,
           "[image.read] '{}' has samples of an unknown kind; got {}; expected unsigned 8, 16 or "
           "32 bits, or floats",
           name, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, header.BandFmt));
  }
}

/// The conversion that the profile in `metadata` asks for; a profile that does not fit is dropped
/// with a note.
std::unique_ptr<ColourConversion> choose_conversion(const OpenedPicture& picture, int inks,
                                                    bool convert, Metadata& metadata) {
  ProfileConversion chosen;
  if (!metadata.icc.empty()) {
    chosen = conversion_to_srgb(metadata.icc, inks);
    if (chosen.kind == ProfileKind::Unusable) {
      spdlog::warn("'{}': the embedded colour profile is damaged or not for this picture; ignored",
                   picture.name);
      metadata.icc.clear();
    }
  }
  if (inks == 4) {
    if (!chosen.conversion) {
      VipsBlob* fallback = nullptr;
      CHIARO_CHECK(vips_profile_load("cmyk", &fallback, nullptr) == 0, Input,
                   "[image.read] '{}' is CMYK without a profile, and libvips has none: {}",
                   picture.name, take_vips_error());
      std::size_t size = 0;
      const auto* bytes = static_cast<const std::uint8_t*>(vips_blob_get(fallback, &size));
      chosen = conversion_to_srgb({bytes, size}, inks);
      vips_area_unref(VIPS_AREA(fallback));
      CHIARO_CHECK(chosen.conversion, Internal,
                   "[image.read] the CMYK profile of libvips is unusable");
    }
    spdlog::info("'{}' is CMYK: converted to RGB, and written as such", picture.name);
    metadata.icc.clear();
    return std::move(chosen.conversion);
  }
  if (convert) return std::move(chosen.conversion);
  metadata.in_source_profile = chosen.kind == ProfileKind::Other;
  return nullptr;
}

}  // namespace

OpenedPicture open_picture(const fs::path& path) {
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
  return open_source(VipsSourcePointer(vips_source_new_from_file(path.c_str())), name);
}

OpenedPicture open_picture(std::span<const std::byte> bytes, const std::string& name) {
  start_vips();
  CHIARO_CHECK(!bytes.empty(), Input, "[image.read] '{}' is empty; expected a picture", name);
  return open_source(VipsSourcePointer(vips_source_new_from_memory(bytes.data(), bytes.size())),
                     name);
}

Probe probe_picture(const OpenedPicture& picture) {
  VipsImage* header = picture.header.get();
  const bool turned = transposes(vips_image_get_orientation(header));
  return {turned ? header->Ysize : header->Xsize, turned ? header->Xsize : header->Ysize,
          header->Bands, picture.type.format, sample_type_of(*header)};
}

Image decode_picture(const OpenedPicture& picture, const ReadOptions& options) {
  VipsImage* header = picture.header.get();
  const std::int64_t pixels = std::int64_t{header->Xsize} * header->Ysize;
  CHIARO_CHECK(pixels <= options.max_pixels, Input,
               "[image.read] '{}' is too large; got {}x{} = {} pixels; expected at most {}",
               picture.name, header->Xsize, header->Ysize, pixels, options.max_pixels);
  const VipsImagePointer known = in_known_space(picture);
  const bool cmyk = known->Type == VIPS_INTERPRETATION_CMYK && known->Bands >= 4;
  const int colours = cmyk ? 4 : known->Bands <= 2 ? 1 : 3;
  CHIARO_CHECK(known->Bands >= 1 && known->Bands <= colours + 1, Input,
               "[image.read] '{}' has too many channels; got {}; expected grey, RGB or CMYK, each "
               "with alpha or not",
               picture.name, known->Bands);

  Metadata metadata = read_metadata(header, picture.source.get(), picture.type.format);
  if (picture.type.format == "jpeg" && !picture.jpeg.states_density && metadata.exif.empty()) {
    metadata.x_pixels_per_mm = metadata.y_pixels_per_mm = 0;  // libvips fills in 72 dots per inch
  }
  metadata.source_jpeg_quality = picture.jpeg.quality;
  metadata.source_chroma_subsampled = picture.jpeg.chroma_subsampled;
  if (const int pages = vips_image_get_n_pages(header); pages > 1) {
    spdlog::warn("'{}' holds {} pictures; only the first is read", picture.name, pages);
  }
  const auto conversion = choose_conversion(picture, colours, options.convert_to_srgb, metadata);

  // PFM stores the bottom row first, and libvips hands the rows on as stored.
  const int orientation = picture.type.format == "pfm" ? 4 : vips_image_get_orientation(header);
  const UprightRows upright(orientation, known->Xsize, known->Ysize);
  Image result(cmyk ? 3 : colours, upright.height(), upright.width());
  const bool has_alpha = known->Bands > colours;
  if (has_alpha) result.alpha.resize(result.plane_size());

  const VipsRegionPointer region(vips_region_new(known.get()));
  const auto width = static_cast<std::size_t>(known->Xsize);
  const auto bands = static_cast<std::size_t>(known->Bands);
  const Spread spread_row = spread_of(*known, picture.name);
  const double scale = full_scale(known.get());
  constexpr int kStrip =
      16;  // rows placed together, so that turned pictures fill whole cache lines
  std::vector<float> strip(bands * width * kStrip);
  for (int y = 0; y < known->Ysize; y += kStrip) {
    const VipsRect rows{0, y, known->Xsize, std::min(kStrip, known->Ysize - y)};
    CHIARO_CHECK(vips_region_prepare(region.get(), &rows) == 0, Input,
                 "[image.read] '{}' is {}, but damaged or truncated: {}", picture.name,
                 picture.type.description, take_vips_error());
    for (int row = 0; row < rows.height; ++row) {
      float* planes = strip.data() + static_cast<std::size_t>(row) * bands * width;
      spread_row(VIPS_REGION_ADDR(region.get(), 0, y + row), width, bands, scale, planes);
      if (!conversion) continue;
      conversion->convert(planes, planes, width);
      // Behind four inks the alpha moves up to follow three colours.
      if (cmyk && has_alpha) std::copy_n(planes + 4 * width, width, planes + 3 * width);
    }
    for (int c = 0; c < result.channels(); ++c) {
      upright.place(strip.data() + static_cast<std::size_t>(c) * width, bands * width, y,
                    rows.height, result.plane(c));
    }
    if (has_alpha) {
      upright.place(strip.data() + static_cast<std::size_t>(result.channels()) * width,
                    bands * width, y, rows.height, result.alpha);
    }
  }
  result.sample_type = sample_type_of(*known);
  if (transposes(orientation)) std::swap(metadata.x_pixels_per_mm, metadata.y_pixels_per_mm);
  result.metadata = std::move(metadata);
  return result;
}

}  // namespace chiaro::image
