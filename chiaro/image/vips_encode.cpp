#include "chiaro/image/vips_encode.h"

#include <spdlog/spdlog.h>
#include <vips/vips.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/image/exif.h"
#include "chiaro/image/metadata_embed.h"
#include "chiaro/image/sample_rows.h"
#include "chiaro/image/vips_session.h"

namespace chiaro::image {
namespace {

const std::vector<std::string> kFormats{"png", "jpeg", "webp", "tiff", "ppm", "pfm"};

struct FreeBlob {
  void operator()(void* data) const { g_free(data); }
};

/// Bytes that libvips allotted.
struct Blob {
  std::unique_ptr<void, FreeBlob> data;
  std::size_t size = 0;
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(data.get()), size};
  }
};

SampleType chosen_type(SampleType source, Depth depth, const std::string& format) {
  SampleType type = source;
  if (depth == Depth::U8) type = SampleType::U8;
  if (depth == Depth::U16) type = SampleType::U16;
  if (depth == Depth::F32) type = SampleType::F32;
  if (format == "pfm") return SampleType::F32;
  if (format == "jpeg" || format == "webp") return SampleType::U8;
  if (type == SampleType::F32 && format != "tiff") return SampleType::U16;
  return type;
}

/// Called by libvips, from any of its threads, for a part of the picture.
int generate(VipsRegion* region, void*, void* rows, void*, int*) {
  try {
    const VipsRect& part = region->valid;
    for (int y = part.top; y < part.top + part.height; ++y) {
      static_cast<const SampleRows*>(rows)->write(y, part.left, part.width,
                                                  VIPS_REGION_ADDR(region, part.left, y));
    }
    return 0;
  } catch (const std::exception& error) {
    vips_error("chiaro", "%s", error.what());
    return -1;
  }
}

VipsImagePointer as_vips_image(const Image& picture, SampleRows& rows, SampleType type,
                               const Metadata& metadata) {
  const bool wide = type == SampleType::U16;
  const VipsInterpretation grey = wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
  const VipsInterpretation colour = wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
  const VipsBandFormat format = type == SampleType::U8    ? VIPS_FORMAT_UCHAR
                                : type == SampleType::U16 ? VIPS_FORMAT_USHORT
                                                          : VIPS_FORMAT_FLOAT;
  VipsImagePointer image(vips_image_new());
  const bool stated = metadata.x_pixels_per_mm > 0 && metadata.y_pixels_per_mm > 0;
  vips_image_init_fields(image.get(), picture.width(), picture.height(), rows.samples_per_pixel(),
                         format, VIPS_CODING_NONE, picture.channels() == 1 ? grey : colour,
                         stated ? metadata.x_pixels_per_mm : 1.0,
                         stated ? metadata.y_pixels_per_mm : 1.0);
  CHIARO_CHECK(
      vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_THINSTRIP, nullptr) == 0 &&
          vips_image_generate(image.get(), nullptr, generate, nullptr, &rows, nullptr) == 0,
      Internal, "[image.encode] {}", take_vips_error());
  return image;
}

void attach(VipsImage* image, const char* name, std::span<const std::uint8_t> data) {
  if (!data.empty()) vips_image_set_blob_copy(image, name, data.data(), data.size());
}

Blob save_tiff(VipsImage* image, SampleType type, const Metadata& metadata) {
  attach(image, VIPS_META_ICC_NAME, metadata.icc);
  attach(image, VIPS_META_XMP_NAME, metadata.xmp);
  vips_image_set_string(image, VIPS_META_RESOLUTION_UNIT, "in");
  const bool large = VIPS_IMAGE_SIZEOF_IMAGE(image) > 4'000'000'000U;
  Blob blob;
  void* data = nullptr;
  const int status = vips_tiffsave_buffer(
      image, &data, &blob.size, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_LZW, "predictor",
      type == SampleType::F32 ? VIPS_FOREIGN_TIFF_PREDICTOR_FLOAT
                              : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL,
      "bigtiff", large ? TRUE : FALSE, nullptr);
  blob.data.reset(data);
  CHIARO_CHECK(status == 0, Internal, "[image.encode] cannot encode TIFF: {}", take_vips_error());
  return blob;
}

Blob save_through_vips(VipsImage* image, SampleType type, const Metadata& metadata,
                       const WriteOptions& options) {
  if (options.format == "tiff") return save_tiff(image, type, metadata);
  Blob blob;
  void* data = nullptr;
  int status = -1;
  const bool from_jpeg = metadata.source_jpeg_quality > 0;
  const int quality = options.quality > 0 ? options.quality
                      : from_jpeg         ? metadata.source_jpeg_quality
                                          : 95;
  if (options.format == "png") {
    // Low effort: the higher ones take several times as long for a few per cent.
    status = vips_pngsave_buffer(image, &data, &blob.size, "compression", 3, "filter",
                                 VIPS_FOREIGN_PNG_FILTER_ALL, "strip", TRUE, nullptr);
  } else if (options.format == "jpeg") {
    const VipsForeignSubsample subsample = !from_jpeg ? VIPS_FOREIGN_SUBSAMPLE_AUTO
                                           : metadata.source_chroma_subsampled
                                               ? VIPS_FOREIGN_SUBSAMPLE_ON
                                               : VIPS_FOREIGN_SUBSAMPLE_OFF;
    status = vips_jpegsave_buffer(image, &data, &blob.size, "Q", quality, "subsample_mode",
                                  subsample, "optimize_coding", TRUE, "strip", TRUE, nullptr);
  } else {
    status = vips_webpsave_buffer(image, &data, &blob.size, "Q", quality, "lossless",
                                  quality == 100 ? TRUE : FALSE, "strip", TRUE, nullptr);
  }
  blob.data.reset(data);
  CHIARO_CHECK(status == 0, Internal, "[image.encode] cannot encode {}: {}", options.format,
               take_vips_error());
  return blob;
}

/// The netpbm family: a line of text, then the samples. PPM has 16 bits big-endian; PFM the bottom
/// row first.
std::vector<std::byte> save_netpbm(const Image& picture, const SampleRows& rows, SampleType type) {
  const bool grey = picture.channels() == 1;
  const std::string header =
      type == SampleType::F32
          ? fmt::format("P{}\n{} {}\n-1.0\n", grey ? 'f' : 'F', picture.width(), picture.height())
          : fmt::format("P{}\n{} {}\n{}\n", grey ? 5 : 6, picture.width(), picture.height(),
                        type == SampleType::U16 ? 65535 : 255);
  const std::size_t row_bytes = static_cast<std::size_t>(picture.width()) *
                                static_cast<std::size_t>(picture.channels()) *
                                rows.bytes_per_sample();
  std::vector<std::byte> result(header.size() +
                                row_bytes * static_cast<std::size_t>(picture.height()));
  std::ranges::copy(std::as_bytes(std::span(header)), result.begin());
  auto* out = reinterpret_cast<unsigned char*>(result.data()) + header.size();
  static_assert(std::endian::native == std::endian::little);
  for (int y = 0; y < picture.height(); ++y, out += row_bytes) {
    rows.write(type == SampleType::F32 ? picture.height() - 1 - y : y, 0, picture.width(), out);
    if (type != SampleType::U16) continue;
    for (std::size_t i = 0; i < row_bytes; i += 2) std::swap(out[i], out[i + 1]);
  }
  return result;
}

/// From the picture's colours to those of the file. keep_profile: the source's profile is stored
/// with the file; what comes without a profile must be sRGB. Takes the profile out of `metadata`
/// where it is not to be stored.
std::unique_ptr<ColourConversion> choose_conversion(const Image& picture, bool keep_profile,
                                                    Metadata& metadata) {
  const auto& icc = picture.metadata.icc;
  if (!keep_profile) metadata.icc.clear();
  if (icc.empty() || keep_profile == picture.metadata.in_source_profile) return nullptr;
  if (!keep_profile) return conversion_to_srgb(icc, picture.channels()).conversion;
  ProfileConversion chosen = conversion_from_srgb(icc, picture.channels());
  if (chosen.kind == ProfileKind::Unusable) {
    spdlog::warn("the source's colour profile does not fit the result; written as sRGB");
    metadata.icc.clear();
  }
  return std::move(chosen.conversion);
}

}  // namespace

std::string format_of_extension(const std::string& extension) {
  static const std::map<std::string, std::string, std::less<>> kExtensions{
      {".png", "png"},   {".jpg", "jpeg"},  {".jpeg", "jpeg"}, {".jpe", "jpeg"},
      {".jfif", "jpeg"}, {".webp", "webp"}, {".tif", "tiff"},  {".tiff", "tiff"},
      {".ppm", "ppm"},   {".pgm", "ppm"},   {".pnm", "ppm"},   {".pfm", "pfm"}};
  std::string lower = extension;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = kExtensions.find(lower);
  return found == kExtensions.end() ? "" : found->second;
}

std::vector<std::byte> encode_picture(const Image& picture, const WriteOptions& options) {
  CHIARO_CHECK(!picture.empty(), Usage, "[image.encode] got an empty picture");
  CHIARO_CHECK(std::ranges::find(kFormats, options.format) != kFormats.end(), Usage,
               "[image.encode] unknown picture format; got '{}'{}; expected {}", options.format,
               did_you_mean(options.format, kFormats), join(kFormats));
  CHIARO_CHECK(options.quality >= 0 && options.quality <= 100, Usage,
               "[image.encode] impossible quality; got {}; expected 1 to 100, or 0 for the usual",
               options.quality);
  const int limit = options.format == "jpeg" ? 65500 : options.format == "webp" ? 16383 : 1'000'000;
  CHIARO_CHECK(picture.width() <= limit && picture.height() <= limit, Usage,
               "[image.encode] too large for {}; got {}x{}; expected sides up to {}",
               options.format, picture.width(), picture.height(), limit);
  start_vips();

  Metadata metadata = options.strip_metadata ? Metadata{} : picture.metadata;
  metadata.source_jpeg_quality = picture.metadata.source_jpeg_quality;
  metadata.source_chroma_subsampled = picture.metadata.source_chroma_subsampled;
  set_exif_size(metadata.exif, picture.width(), picture.height());

  const bool netpbm = options.format == "ppm" || options.format == "pfm";
  const SampleType type = chosen_type(picture.sample_type, options.depth, options.format);
  const bool holds_alpha = options.format != "jpeg" && !netpbm;
  const SampleRows::Layout layout{type, !picture.alpha.empty() && holds_alpha,
                                  !picture.alpha.empty() && !holds_alpha};
  if (layout.flatten)
    spdlog::warn("{} holds no transparency: the picture is laid on white", options.format);

  auto conversion = choose_conversion(
      picture, options.restore_profile && !options.strip_metadata && !netpbm, metadata);
  SampleRows rows(picture, layout, std::move(conversion));
  if (netpbm) return save_netpbm(picture, rows, type);
  const VipsImagePointer image = as_vips_image(picture, rows, type, metadata);
  const Blob blob = save_through_vips(image.get(), type, metadata, options);
  return embed_metadata(options.format, blob.bytes(), metadata);
}

}  // namespace chiaro::image
