#include "chiaro/image/encoding.h"

#include <spdlog/spdlog.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/image/encodable.h"
#include "chiaro/image/exif.h"
#include "chiaro/image/png_chunks.h"
#include "chiaro/image/resolution.h"

namespace chiaro::image {
namespace {

const std::vector<std::string> kFormats{"png", "jpeg", "webp", "tiff", "ppm", "pfm", "exr", "hdr"};

bool is_netpbm(const std::string& format) {
  return format == "ppm" || format == "pfm";
}

/// Formats whose samples are linear light.
bool is_light(const std::string& format) {
  return format == "exr" || format == "hdr";
}

/// Whether the file keeps primaries of its own: an OpenEXR file that stays one.
bool keeps_primaries(const Frame& frame, const WriteOptions& options) {
  return options.format == "exr" && frame.metadata.source_format == "exr" &&
         options.restore_profile && !options.strip_metadata && !frame.metadata.icc.empty();
}

/// From the picture's colours to linear light.
std::unique_ptr<ColourConversion> conversion_to_light(const Frame& frame,
                                                      const WriteOptions& options) {
  CHIARO_CHECK(!frame.metadata.in_source_profile, Usage,
               "[image.encode] a picture in the colours of its profile cannot be written as {}; "
               "expected one that was converted to sRGB",
               options.format);
  if (keeps_primaries(frame, options))
    return conversion_from_srgb(frame.metadata.icc, frame.channels).conversion;
  return conversion_from_srgb(linear_profile(frame.channels), frame.channels).conversion;
}

/// From the picture's colours to those of the file. keep_profile: the source's profile is stored
/// with the file; what comes without a profile must be sRGB. Takes the profile out of `metadata`
/// where it is not to be stored.
std::unique_ptr<ColourConversion> choose_conversion(const Frame& frame, bool keep_profile,
                                                    Metadata& metadata) {
  const auto& icc = frame.metadata.icc;
  if (!keep_profile) metadata.icc.clear();
  if (icc.empty() || keep_profile == frame.metadata.in_source_profile) return nullptr;
  if (!keep_profile) return conversion_to_srgb(icc, frame.channels).conversion;
  ProfileConversion chosen = conversion_from_srgb(icc, frame.channels);
  if (chosen.kind == ProfileKind::Unusable) {
    spdlog::warn("the source's colour profile does not fit the result; written as sRGB");
    metadata.icc.clear();
  }
  return std::move(chosen.conversion);
}

/// Pixels for libvips, and what went wrong with them.
struct Feed {
  const PixelWriter& pixels;
  std::mutex mutex;  // of failure
  std::exception_ptr failure = nullptr;
};

/// cICP, gAMA and cHRM are how the samples are meant, which stripping must not change: the pixels
/// are still those of the source, unless a profile brought them to sRGB.
void keep_png_colours(const Frame& frame, const WriteOptions& options, Metadata& metadata) {
  const auto& colours = frame.metadata.native_header;
  if (frame.metadata.source_format != "png") return;
  if (options.format == "png") {
    const bool converted = !frame.metadata.icc.empty() && metadata.icc.empty();
    metadata.native_header = converted ? std::vector<std::uint8_t>() : colours;
    return;
  }
  const StatedColours stated = stated_colours(colours);
  if (options.say_losses && stated.samples)
    spdlog::warn(
        "the source states by cICP, gAMA or cHRM how its samples are meant, which {} has no place "
        "for: left out, and programs that heed it show the result otherwise; png keeps it",
        options.format);
  if (options.say_losses && stated.mastering)
    spdlog::info("{} has no place for mDCV and cLLI of a PNG; left out", options.format);
}

/// White point and primaries of the source's TIFF are not true of samples that were brought to
/// sRGB; and in EXIF they have nothing to say where they are those of sRGB, as each TIFF by
/// ImageMagick has them.
void keep_exif_colours(const Frame& frame, const WriteOptions& options, Metadata& metadata) {
  const bool converted = !frame.metadata.icc.empty() && metadata.icc.empty();
  if (converted || (options.format != "tiff" && exif_colours_are_srgb(metadata.exif)))
    drop_exif_colours(metadata.exif);
}

/// They may speak of pixels: a part, or one that was enlarged or turned, does without.
void keep_further_chunks(const Frame& frame, Metadata& metadata) {
  const FurtherChunks& further = metadata.further_chunks;
  if (frame.width != further.width || frame.height != further.height) metadata.further_chunks = {};
}

/// What the format has no place for, in one sentence.
void say_left_out(const std::string& format, const Metadata& metadata) {
  const bool bare = is_netpbm(format) || is_light(format);
  std::vector<std::string> lost;
  if (bare && !metadata.exif.empty()) lost.emplace_back("EXIF");
  if (bare && !metadata.xmp.empty()) lost.emplace_back("XMP");
  if ((bare || format == "webp") && !metadata.iptc.empty()) lost.emplace_back("IPTC");
  const auto loses = [&](const TextBlock& text) {
    return text.type == "COM" ? format != "jpeg" && !text.body.empty()
                              : format != "jpeg" || comment_of(text).empty();
  };
  if (format != "png" && std::ranges::any_of(metadata.texts, loses))
    lost.emplace_back(format == "jpeg" ? "texts of a PNG" : "comments and texts");
  if (format != "png" && !metadata.further_chunks.chunks.empty())
    lost.emplace_back("further chunks of a PNG");
  if (!lost.empty()) spdlog::info("{} has no place for {}; left out", format, join(lost));
}

/// What is said of the colours beside the profile; and then what the format has no place for.
void keep_colours(const Frame& frame, const WriteOptions& options, Metadata& metadata) {
  keep_exif_colours(frame, options, metadata);
  keep_png_colours(frame, options, metadata);
  if (options.say_losses) say_left_out(options.format, metadata);
}

/// Called by libvips, from any of its threads, for a part of the picture.
int generate(VipsRegion* region, void*, void* feed_pointer, void*, int*) {
  auto& feed = *static_cast<Feed*>(feed_pointer);
  try {
    const VipsRect& part = region->valid;
    for (int y = part.top; y < part.top + part.height; ++y)
      feed.pixels(y, part.left, part.width, VIPS_REGION_ADDR(region, part.left, y));
    return 0;
  } catch (...) {
    const std::lock_guard lock(feed.mutex);
    if (!feed.failure) feed.failure = std::current_exception();
    vips_error("chiaro", "the pixels do not come");
    return -1;
  }
}

VipsImagePointer as_vips_image(const Encoding& encoding, Feed* feed) {
  const SampleType type = encoding.layout.type;
  const bool wide = type == SampleType::U16;
  const VipsInterpretation grey = wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
  const bool light = encoding.options.format == "hdr";
  const VipsInterpretation colour = light  ? VIPS_INTERPRETATION_scRGB
                                    : wide ? VIPS_INTERPRETATION_RGB16
                                           : VIPS_INTERPRETATION_sRGB;
  const VipsBandFormat format = type == SampleType::U8    ? VIPS_FORMAT_UCHAR
                                : type == SampleType::U16 ? VIPS_FORMAT_USHORT
                                                          : VIPS_FORMAT_FLOAT;
  const Metadata& metadata = encoding.metadata;
  VipsImagePointer image(vips_image_new());
  // Only TIFF goes by it (see save_tiff); other formats get theirs from embed_metadata. libvips
  // knows no file without a unit: here a centimetre, which lacking_unit takes away.
  const ResolutionTags tags = resolution_tags(metadata);
  const double unit_mm = tags.unit == kNoUnit ? 10 : 25.4;
  vips_image_init_fields(image.get(), encoding.width, encoding.height, encoding.samples_per_pixel(),
                         format, VIPS_CODING_NONE,
                         encoding.samples_per_pixel() <= 2 ? grey : colour, tags.x / unit_mm,
                         tags.y / unit_mm);
  CHIARO_CHECK(vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_THINSTRIP, nullptr) == 0 &&
                   vips_image_generate(image.get(), nullptr, generate, nullptr, feed, nullptr) == 0,
               Internal, "[image.encode] {}", take_vips_error());
  return image;
}

void attach(VipsImage* image, const char* name, std::span<const std::uint8_t> data) {
  if (!data.empty()) vips_image_set_blob_copy(image, name, data.data(), data.size());
}

std::size_t bytes_of(SampleType type) {
  return type == SampleType::U8 ? 1 : type == SampleType::U16 ? 2 : 4;
}

/// LZW stores strings of one byte or more in codes of at most 12 bits; what it clears its table for
/// and what leads to a strip of rows is beside that.
std::int64_t tiff_bound(std::size_t row_bytes, int height, const Metadata& metadata) {
  // EXIF has four folders, each with no more data than the block has. An entry of 12 bytes becomes
  // one of 20, and once more where the picture becomes a page of several.
  constexpr std::size_t kOfExif = 4 * (1 + 4);
  const std::size_t row = row_bytes + row_bytes / 2 + row_bytes / 1000 + 64;
  const std::size_t beside = metadata.icc.size() + metadata.xmp.size() +
                             kOfExif * metadata.exif.size() + 2 * metadata.iptc.size();
  return static_cast<std::int64_t>(row * static_cast<std::size_t>(height) + beside + (1 << 16));
}

int save_tiff(VipsImage* image, VipsTarget* target, const Encoding& encoding) {
  const Metadata& metadata = encoding.metadata;
  attach(image, VIPS_META_ICC_NAME, metadata.icc);
  attach(image, VIPS_META_XMP_NAME, metadata.xmp);
  const bool unit = resolution_tags(metadata).unit != kNoUnit;
  vips_image_set_string(image, VIPS_META_RESOLUTION_UNIT, unit ? "in" : "cm");
  const bool large = tiff_bound(encoding.row_bytes(), encoding.height, metadata) > kPlainTiffBytes;
  return vips_tiffsave_target(
      image, target, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_LZW, "predictor",
      encoding.layout.type == SampleType::F32 ? VIPS_FOREIGN_TIFF_PREDICTOR_FLOAT
                                              : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL,
      "bigtiff", large ? TRUE : FALSE, nullptr);
}

/// A JPEG below this is not coded again as it was: the blocks that were taken away would come back.
/// From here on the same quality loses less than a higher one, since steps of equal size fall
/// together (docs/restoring.md has the figures).
constexpr int kLeastQualityKept = 80;
constexpr int kUsualQuality = 95;

int save_image(VipsImage* image, VipsTarget* target, const Encoding& encoding) {
  const Metadata& metadata = encoding.metadata;
  const std::string& format = encoding.options.format;
  if (format == "tiff") return save_tiff(image, target, encoding);
  const bool from_jpeg = metadata.source_jpeg_quality > 0;
  const int quality = encoding.options.quality > 0 ? encoding.options.quality
                      : metadata.source_jpeg_quality >= kLeastQualityKept
                          ? metadata.source_jpeg_quality
                          : kUsualQuality;
  if (format == "hdr") return vips_radsave_target(image, target, nullptr);
  if (format == "png") {
    // Low effort: 3 takes 16 to 52 % longer for 2 to 3 %, the highest ones several times as long.
    // One filter: to choose one for each row takes 28 to 78 % longer, for files from 1 % larger to
    // 4 % smaller (photos of 512x512 and a page of text).
    return vips_pngsave_target(image, target, "compression", 2, "filter",
                               VIPS_FOREIGN_PNG_FILTER_PAETH, "strip", TRUE, nullptr);
  }
  if (format == "jpeg") {
    const VipsForeignSubsample subsample = !from_jpeg ? VIPS_FOREIGN_SUBSAMPLE_AUTO
                                           : metadata.source_chroma_subsampled
                                               ? VIPS_FOREIGN_SUBSAMPLE_ON
                                               : VIPS_FOREIGN_SUBSAMPLE_OFF;
    // Tables made for the picture need all of its coefficients at once.
    return vips_jpegsave_target(image, target, "Q", quality, "subsample_mode", subsample,
                                "optimize_coding", encoding.in_strips ? FALSE : TRUE, "strip", TRUE,
                                nullptr);
  }
  return vips_webpsave_target(image, target, "Q", quality, "lossless",
                              quality == 100 ? TRUE : FALSE, "strip", TRUE, nullptr);
}

}  // namespace

SampleType written_type(SampleType source, Depth depth, const std::string& format) {
  SampleType type = source;
  if (depth == Depth::U8) type = SampleType::U8;
  if (depth == Depth::U16) type = SampleType::U16;
  if (depth == Depth::F32) type = SampleType::F32;
  if (format == "pfm" || is_light(format)) return SampleType::F32;
  if (format == "jpeg" || format == "webp") return SampleType::U8;
  if (type == SampleType::F32 && format != "tiff") return SampleType::U16;
  return type;
}

std::size_t Encoding::row_bytes() const {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(samples_per_pixel()) *
         bytes_of(layout.type);
}

std::int64_t tiff_bytes_at_most(const Frame& frame, const WriteOptions& options) {
  const int samples = frame.channels + (frame.has_alpha ? 1 : 0);
  const std::size_t row = static_cast<std::size_t>(frame.width) *
                          static_cast<std::size_t>(samples) *
                          bytes_of(written_type(frame.sample_type, options.depth, "tiff"));
  return tiff_bound(row, frame.height, frame.metadata);
}

void check_encodable(int height, int width, const WriteOptions& options) {
  CHIARO_CHECK(std::ranges::find(kFormats, options.format) != kFormats.end(), Usage,
               "[image.encode] unknown picture format; got '{}'{}; expected {}", options.format,
               did_you_mean(options.format, kFormats), join(kFormats));
  CHIARO_CHECK(options.quality >= 0 && options.quality <= 100, Usage,
               "[image.encode] impossible quality; got {}; expected 1 to 100, or 0 for the usual",
               options.quality);
  const int limit = options.format == "jpeg" ? 65500 : options.format == "webp" ? 16383 : 1'000'000;
  CHIARO_CHECK(width <= limit && height <= limit, Usage,
               "[image.encode] too large for {}; got {}x{}; expected sides up to {}",
               options.format, width, height, limit);
}

Encoding plan_encoding(const Frame& frame, const WriteOptions& options) {
  CHIARO_CHECK(frame.height > 0 && frame.width > 0, Usage, "[image.encode] got an empty picture");
  check_encodable(frame.height, frame.width, options);

  Encoding encoding{frame.channels, frame.height, frame.width, options, {}, {}, nullptr, false};
  Metadata& metadata = encoding.metadata;
  if (!options.strip_metadata) metadata = frame.metadata;
  metadata.source_jpeg_quality = frame.metadata.source_jpeg_quality;
  metadata.source_chroma_subsampled = frame.metadata.source_chroma_subsampled;
  metadata.multiplied = frame.metadata.multiplied;
  set_exif_size(metadata.exif, frame.width, frame.height);
  keep_further_chunks(frame, metadata);

  const bool netpbm = is_netpbm(options.format);
  const bool holds_alpha = options.format != "jpeg" && options.format != "hdr" && !netpbm;
  encoding.layout = {written_type(frame.sample_type, options.depth, options.format),
                     frame.has_alpha && holds_alpha, frame.has_alpha && !holds_alpha};
  if (encoding.layout.flatten) {
    const bool on_black = frame.metadata.multiplied;
    encoding.layout.flatten = !on_black;
    spdlog::warn("{} holds no transparency: the picture is laid on {}", options.format,
                 on_black ? "black" : "white");
  }
  encoding.layout.divide =
      frame.metadata.multiplied && encoding.layout.alpha && options.format != "exr";
  encoding.from_floats = frame.sample_type == SampleType::F32;
  const bool same_format = options.format == frame.metadata.source_format;
  if (!same_format || (options.format == "exr" && !keeps_primaries(frame, options)))
    metadata.native_header.clear();
  if (is_light(options.format)) {
    if (metadata.resolution_is_ratio)  // nothing there would say that it is no density
      metadata.x_pixels_per_mm = metadata.y_pixels_per_mm = 0;
    const bool narrow = frame.sample_type == SampleType::U8 || frame.metadata.half_floats;
    encoding.half = options.depth == Depth::Source ? narrow : options.depth != Depth::F32;
    encoding.layout.lowest_is_zero = options.format == "hdr";
    encoding.layout.spread_grey = options.format == "hdr" && frame.channels == 1;
    encoding.conversion = conversion_to_light(frame, options);
    metadata.icc.clear();
    keep_colours(frame, options, metadata);
    return encoding;
  }
  // Steps of 8 or 16 bits that are even in light are too coarse for the dark; the pixels of a WebP
  // are RGB, also where they are grey.
  const bool unfit = (frame.metadata.linear_light && encoding.layout.type != SampleType::F32) ||
                     (frame.channels == 1 && options.format == "webp");
  encoding.conversion = choose_conversion(
      frame, options.restore_profile && !options.strip_metadata && !netpbm && !unfit, metadata);
  keep_colours(frame, options, metadata);
  return encoding;
}

void warn_of_lost_range(const Encoding& encoding, const Beyond& beyond) {
  if (!encoding.from_floats || !encoding.options.say_losses || beyond.count == 0) return;
  if (encoding.layout.type != SampleType::F32) {
    spdlog::warn(
        "the picture has values outside the range from black 0 to white 1 ({}), which {} "
        "does not hold: they are cut off; exr, hdr, pfm and a tiff of floats keep them",
        beyond_text(beyond), encoding.options.format);
  } else if (encoding.layout.lowest_is_zero && beyond.lowest < 0) {
    spdlog::warn(
        "the picture has values below 0 (down to {:.3g}), which a Radiance file does not "
        "hold: they become 0",
        beyond.lowest);
  }
}

void save_through_vips(const Encoding& encoding, const PixelWriter& pixels, VipsTarget* target) {
  Feed feed{pixels, {}};
  const VipsImagePointer image = as_vips_image(encoding, &feed);
  const int status = save_image(image.get(), target, encoding);
  if (feed.failure) {
    vips_error_clear();
    std::rethrow_exception(feed.failure);
  }
  CHIARO_CHECK(status == 0, Internal, "[image.encode] cannot encode {}: {}",
               encoding.options.format, take_vips_error());
}

int rows_looked_back(const Encoding& encoding) {
  const VipsImagePointer image = as_vips_image(encoding, nullptr);
  int tile_width = 0;
  int tile_height = 0;
  int rows = 0;
  vips_get_tile_size(image.get(), &tile_width, &tile_height, &rows);
  return 2 * rows;  // while one buffer of rows is being coded, the next one is filled
}

std::string netpbm_header(const Encoding& encoding) {
  const bool grey = encoding.channels == 1;
  if (encoding.layout.type == SampleType::F32)
    return fmt::format("P{}\n{} {}\n-1.0\n", grey ? 'f' : 'F', encoding.width, encoding.height);
  return fmt::format("P{}\n{} {}\n{}\n", grey ? 5 : 6, encoding.width, encoding.height,
                     encoding.layout.type == SampleType::U16 ? 65535 : 255);
}

void order_netpbm_row(const Encoding& encoding, unsigned char* row) {
  static_assert(std::endian::native == std::endian::little);
  if (encoding.layout.type != SampleType::U16) return;
  for (std::size_t i = 0; i < encoding.row_bytes(); i += 2) std::swap(row[i], row[i + 1]);
}

}  // namespace chiaro::image
