#include "chiaro/image/row_decoder.h"

#include <spdlog/spdlog.h>
#include <vips/vips.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/image/exif.h"
#include "chiaro/image/exr_read.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/resolution.h"
#include "chiaro/image/tiff_folders.h"

namespace chiaro::image {
namespace {

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

/// Row `y` of a prepared region as floats, plane after plane. Rows of a mapped file can begin
/// anywhere, so samples are copied out and not pointed at.
template <typename Sample>
void spread(const unsigned char* samples, std::size_t width, std::size_t bands, double scale,
            float* planes) {
  const auto divisor = static_cast<float>(scale);
  for (std::size_t c = 0; c < bands; ++c) {
    float* out = planes + c * width;
    for (std::size_t x = 0; x < width; ++x) {
      Sample sample;
      std::memcpy(&sample, samples + (x * bands + c) * sizeof(Sample), sizeof(Sample));
      out[x] = static_cast<float>(sample) / divisor;
    }
  }
}

RowDecoder::Spread spread_of(const VipsImage& header, const std::string& name) {
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
                                                    bool convert, bool say, Metadata& metadata) {
  ProfileConversion chosen;
  if (!metadata.icc.empty()) {
    chosen = conversion_to_srgb(metadata.icc, inks);
    if (chosen.kind == ProfileKind::Unusable) {
      if (say)
        spdlog::warn(
            "'{}': the embedded colour profile is damaged or not for this picture; ignored",
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
    if (say) spdlog::info("'{}' is CMYK: converted to RGB, and written as such", picture.name);
    metadata.icc.clear();
    return std::move(chosen.conversion);
  }
  metadata.linear_light = chosen.linear;
  if (convert) return std::move(chosen.conversion);
  metadata.in_source_profile = chosen.kind == ProfileKind::Other;
  return nullptr;
}

/// As read_metadata, with what only the beginning of the file tells.
Metadata metadata_of(const OpenedPicture& picture) {
  Metadata metadata = read_metadata(picture.header.get(), picture.source.get(), picture.type.format,
                                    std::max(0, picture.page));
  take_resolution(picture, metadata);
  metadata.source_jpeg_quality = picture.jpeg.quality;
  metadata.texts = picture.png_texts;
  metadata.further_chunks = picture.further_chunks;
  metadata.further_chunks.width = picture.header->Xsize;
  metadata.further_chunks.height = picture.header->Ysize;
  for (const auto& comment : picture.jpeg.comments) metadata.texts.push_back({"COM", comment});
  metadata.source_chroma_subsampled = picture.jpeg.chroma_subsampled;
  return metadata;
}

/// Channels of an OpenEXR picture that are no colours.
void note_left_out(VipsImage* header, const std::string& name) {
  const char* channels = nullptr;
  if (vips_image_get_typeof(header, kExrLeftOut) == 0 ||
      vips_image_get_string(header, kExrLeftOut, &channels) != 0)
    return;
  spdlog::warn("'{}' has channels beside its colours, which are left out: {}", name, channels);
}

/// Pictures beside the one that is read.
void note_others(const OpenedPicture& picture) {
  auto pictures = static_cast<std::size_t>(pictures_in(picture));
  if (pictures <= 1) return;
  if (picture.type.format == "tiff") {
    TiffPages pages;
    show_whole(picture.source.get(),
               [&](std::span<const std::uint8_t> file) { pages = pages_of_tiff(file); });
    pictures = pages.whole.size();
    if (pages.aside > 0)
      spdlog::warn(
          "'{}' holds reduced copies of its pages or masks beside them, which are left out",
          picture.name);
  }
  if (pictures > 1)
    spdlog::warn("'{}' holds {} pictures; only the first is read", picture.name, pictures);
}

}  // namespace

SampleType stored_type(const VipsImage& header) {
  switch (header.BandFmt) {
    case VIPS_FORMAT_UCHAR:
      return SampleType::U8;
    case VIPS_FORMAT_USHORT:
      return SampleType::U16;
    default:
      return SampleType::F32;
  }
}

RowDecoder::RowDecoder(const OpenedPicture& picture, const ReadOptions& options, Notes notes)
    : picture_(picture) {
  VipsImage* header = picture.header.get();
  const bool say = notes == Notes::Said;
  const std::int64_t pixels = std::int64_t{header->Xsize} * header->Ysize;
  CHIARO_CHECK(pixels <= options.max_pixels, Input,
               "[image.read] '{}' is too large; got {}x{} = {} pixels; expected at most {}",
               picture.name, header->Xsize, header->Ysize, pixels, options.max_pixels);
  known_ = in_known_space(picture);
  cmyk_ = known_->Type == VIPS_INTERPRETATION_CMYK && known_->Bands >= 4;
  const int colours = cmyk_ ? 4 : known_->Bands <= 2 ? 1 : 3;
  CHIARO_CHECK(known_->Bands >= 1 && known_->Bands <= colours + 1, Input,
               "[image.read] '{}' has too many channels; got {}; expected grey, RGB or CMYK, each "
               "with alpha or not",
               picture.name, known_->Bands);
  channels_ = cmyk_ ? 3 : colours;
  has_alpha_ = known_->Bands > colours;
  width_ = known_->Xsize;
  height_ = known_->Ysize;
  bands_ = static_cast<std::size_t>(known_->Bands);
  // PFM stores the bottom row first, and libvips hands the rows on as stored.
  orientation_ = picture.type.format == "pfm" ? 4 : vips_image_get_orientation(header);

  metadata_ = metadata_of(picture);
  if (orientation_ > 1) metadata_.further_chunks = {};
  if (picture.page == kFirstPage && say) note_others(picture);
  if (say) {
    for (const std::string& note : picture.notes) spdlog::warn("'{}': {}", picture.name, note);
  }
  conversion_ = choose_conversion(picture, colours, options.convert_to_srgb, say, metadata_);
  if (cmyk_ || known_.get() != header) drop_exif_colours(metadata_.exif);  // of other samples
  sample_type_ = stored_type(*known_);
  metadata_.linear_light = metadata_.linear_light && sample_type_ == SampleType::F32;
  metadata_.multiplied = picture.type.format == "exr" && has_alpha_;
  if (say) note_left_out(header, picture.name);
  spread_ = spread_of(*known_, picture.name);
  scale_ = full_scale(known_.get());
}

VipsRegionPointer RowDecoder::prepared(int y, int count) const {
  // A region belongs to the thread that made it, and rows may be wanted by several.
  VipsRegionPointer region(vips_region_new(known_.get()));
  const VipsRect rows{0, y, width_, count};
  CHIARO_CHECK(vips_region_prepare(region.get(), &rows) == 0, Input,
               "[image.read] '{}' is {}, but damaged or truncated: {}", picture_.name,
               picture_.type.description, take_vips_error());
  return region;
}

void RowDecoder::decode(int y, int count, float* out) const {
  const VipsRegionPointer region = prepared(y, count);
  for (int row = 0; row < count; ++row)
    expand(VIPS_REGION_ADDR(region.get(), 0, y + row), static_cast<std::size_t>(width_),
           out + static_cast<std::size_t>(row) * stride());
}

void RowDecoder::fetch(int y, int count, unsigned char* out) const {
  const VipsRegionPointer region = prepared(y, count);
  const std::size_t bytes = pixel_bytes() * static_cast<std::size_t>(width_);
  for (int row = 0; row < count; ++row, out += bytes)
    std::copy_n(VIPS_REGION_ADDR(region.get(), 0, y + row), bytes, out);
}

void RowDecoder::expand(const unsigned char* samples, std::size_t n, float* planes) const {
  spread_(samples, n, bands_, scale_, planes);
  if (!conversion_) return;
  conversion_->convert(planes, planes, n);
  // Behind four inks the alpha moves up to follow three colours.
  if (cmyk_ && has_alpha_) std::copy_n(planes + 4 * n, n, planes + 3 * n);
}

bool RowDecoder::exact() const {
  const double largest = sample_type_ == SampleType::U8 ? 255 : 65535;
  return sample_type_ != SampleType::F32 && scale_ == largest && !conversion_;
}

std::size_t RowDecoder::pixel_bytes() const {
  return VIPS_IMAGE_SIZEOF_PEL(known_.get());
}

}  // namespace chiaro::image
