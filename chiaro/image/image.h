// A picture in memory: planar float32 with everything that belongs to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chiaro::image {

/// How samples are stored in a file.
enum class SampleType { U8, U16, F32 };

/// Words in a file, as they stand there.
struct TextBlock {
  std::string type;  ///< "tEXt", "zTXt" or "iTXt" of a PNG, "COM" of a JPEG
  std::vector<std::uint8_t> body;
};

/// Chunks of a PNG that are not known here, and say of themselves that they may be copied to a file
/// of other pixels (PNG, "safe-to-copy bit"). They may speak of pixels, as vpAg and oFFs do, so
/// that they go only with a picture of the same size.
struct FurtherChunks {
  struct Chunk {
    std::string type;
    std::vector<std::uint8_t> body;
    bool behind_pixels = false;  ///< which must not change (PNG, "Ordering of safe-to-copy chunks")
  };
  std::vector<Chunk> chunks;
  int width = 0;  ///< of that picture
  int height = 0;
};

/// What a file carries beside its pixels; passed through unchanged.
struct Metadata {
  std::vector<std::uint8_t> icc;  ///< embedded profile of the *source*; empty: sRGB assumed
  bool in_source_profile =
      false;  ///< the pixels are still in the colours of `icc` (ReadOptions::convert_to_srgb)
  std::vector<std::uint8_t>
      exif;  ///< the TIFF structure without a prefix; orientation 1, no thumbnail
  std::vector<std::uint8_t> xmp;   ///< the packet
  std::vector<std::uint8_t> iptc;  ///< as in a JPEG: "Photoshop 3.0", then image resources
  double x_pixels_per_mm = 0;      ///< 0: not stated
  double y_pixels_per_mm = 0;
  /// The file names no unit: the two above only tell how they relate, and are not equal.
  bool resolution_is_ratio = false;
  std::string source_format;  ///< "png", "jpeg", "webp", "tiff", "ppm", … or ""
  /// The source's floats are linear light, as its profile says: OpenEXR, Radiance, some TIFF.
  bool linear_light = false;
  bool half_floats = false;  ///< the source's samples are 16-bit floats (OpenEXR)
  /// Alpha is multiplied into the colours, in linear light (OpenEXR): what they are on black.
  bool multiplied = false;
  /// What only the source's own format has a place for: attributes of an OpenEXR header, lines of a
  /// Radiance header, cICP, gAMA and the like of a PNG as whole chunks.
  std::vector<std::uint8_t> native_header;
  std::vector<TextBlock> texts;           ///< comments of a JPEG, texts of a PNG
  FurtherChunks further_chunks;           ///< of a PNG
  int source_jpeg_quality = 0;            ///< estimate, 0: not a JPEG or unknown
  bool source_chroma_subsampled = false;  ///< of a JPEG
};

/// Planar (C,H,W) float32. Channels: 1 (grey) or 3 (RGB). Values are sRGB-coded, nominally [0,1];
/// float sources may exceed that (straight on above 1, symmetrical about 0). Upright: orientation
/// is applied on reading.
class Image {
 public:
  Image() = default;
  Image(int channels, int height, int width, float value = 0.0F);

  int channels() const { return channels_; }
  int height() const { return height_; }
  int width() const { return width_; }
  bool empty() const { return pixels_.empty(); }
  std::size_t plane_size() const {
    return static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  }

  std::span<float> pixels() { return pixels_; }  ///< (C,H,W)
  std::span<const float> pixels() const { return pixels_; }
  std::span<float> plane(int channel);  ///< (H,W)
  std::span<const float> plane(int channel) const;
  float& at(int channel, int y, int x) { return pixels_[index(channel, y, x)]; }
  float at(int channel, int y, int x) const { return pixels_[index(channel, y, x)]; }

  std::vector<float>
      alpha;  ///< (H,W) in [0,1], straight unless Metadata::multiplied; empty: opaque
  SampleType sample_type =
      SampleType::U8;  ///< of the source file; what writing uses unless told otherwise
  Metadata metadata;

 private:
  std::size_t index(int channel, int y, int x) const {
    return (static_cast<std::size_t>(channel) * static_cast<std::size_t>(height_) +
            static_cast<std::size_t>(y)) *
               static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(x);
  }
  int channels_ = 0;
  int height_ = 0;
  int width_ = 0;
  std::vector<float> pixels_;
};

/// The rectangle of `source` that starts at (y, x); with alpha and metadata. Errors: Usage if it
/// leaves the picture.
Image crop(const Image& source, int y, int x, int height, int width);

/// Grows by mirroring without repeating the edge (…2 1 | 0 1 2…); falls back to edge repetition
/// where a side is one pixel; any amount of padding is allowed.
Image pad_reflect(const Image& source, int top, int bottom, int left, int right);

/// One of the eight symmetries of the square: bit 0 flips left–right, bit 1 flips top–bottom, bit 2
/// transposes (applied last).
Image dihedral(const Image& source, int symmetry);

/// Grey to three equal channels; RGB unchanged.
Image to_rgb(const Image& source);

/// RGB to grey by BT.601 full-range luma 0.299 R + 0.587 G + 0.114 B; grey unchanged.
Image to_grey(const Image& source);

/// Every value limited to [0,1]; NaN becomes 0. Returns how many values changed by NaN or infinity.
std::size_t sanitize(Image& picture);

/// Values rounded to the 8-bit grid: round(clip(v) * 255) / 255.
void quantize_u8(Image& picture);

/// Area-averaged reduction to exactly (height, width), each at most the source's.
Image reduce_area(const Image& source, int height, int width);

}  // namespace chiaro::image
