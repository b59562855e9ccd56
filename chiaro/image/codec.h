// Reading and writing picture files through libvips.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/image/image.h"

namespace chiaro::image {

/// Asked every few rows by what reads or writes a whole picture, from any thread, whether to go on;
/// false ends it with Error Interrupted. Empty: it goes on. Inside what a codec does in one piece
/// (BMP, HEIF, JPEG XL, interlaced PNG before their first row; JPEG and WebP after their last)
/// nobody is asked.
using GoOn = std::function<bool()>;

struct ReadOptions {
  std::int64_t max_pixels = 2'000'000'000;  ///< refuse larger pictures before decoding them
  bool convert_to_srgb = true;              ///< through the embedded profile, if it is not sRGB
  GoOn go_on = {};
};

/// Facts of a file without decoding its pixels.
struct Probe {
  int width = 0;
  int height = 0;
  int channels = 0;  ///< as stored, alpha included; of a BMP at most
  std::string format;
  SampleType sample_type = SampleType::U8;
};

enum class Depth { Source, U8, U16, F32 };

/// The samples of a file of this format for a picture of these samples.
SampleType written_type(SampleType source, Depth depth, const std::string& format);

struct WriteOptions {
  std::string format =
      {};           ///< "png", "jpeg", "webp", "tiff", "ppm", "pfm", "exr", "hdr"; "": by the name
  int quality = 0;  ///< JPEG and WebP; 0: the source's if that was a JPEG of 80 or more, else 95
  Depth depth = Depth::Source;  ///< widened or narrowed to what the format can hold
  bool strip_metadata = false;
  bool say_losses = true;       ///< a note of values that the format does not hold
  bool restore_profile = true;  ///< convert sRGB back to the source's profile; false: write sRGB
  Existing existing = Existing::Replaced;  ///< of a file that has the name
  GoOn go_on = {};
};

/// Starts the codecs; whatever reads or writes does so by itself. A program that starts threads of
/// its own before the first picture calls it earlier: only then can the optional codecs, which take
/// longer to open than a small picture to decode, be left until a format needs them. Errors:
/// Internal.
void start_codecs();

/// Sniffs by content, never by name. Orientation applied, profile converted to sRGB, palette
/// expanded, alpha straight. Errors: Input (missing, a folder, not a picture, truncated, animated
/// more than first page noted in the log, too large), Interrupted.
Image read(const std::filesystem::path& path, const ReadOptions& options = {});
Image decode(std::span<const std::byte> bytes, const std::string& name,
             const ReadOptions& options = {});

Probe probe(const std::filesystem::path& path);
Probe probe(std::span<const std::byte> bytes, const std::string& name);

/// Whether these bytes begin like a picture of a format that is read here.
bool is_readable_type(std::span<const std::byte> bytes);

/// Atomic: a temporary file renamed. Errors: Output (not writable, disk full, exists and is kept),
/// Usage (unknown format), Interrupted.
void write(const std::filesystem::path& path, const Image& picture,
           const WriteOptions& options = {});
std::vector<std::byte> encode(const Image& picture, const WriteOptions& options);

/// A JPEG round trip in memory (for the degradation): quality 1–100, chroma halved or not.
Image jpeg_round_trip(const Image& picture, int quality, bool chroma_subsampled);

/// True for file names whose extension is that of a picture format read here.
bool has_picture_extension(const std::filesystem::path& path);

/// The format that writing to this name gives, by its extension ("png", "jpeg", …); "" where it is
/// none that is written.
std::string format_written_as(const std::filesystem::path& path);

/// The picture files directly in a folder (or below it), sorted by path, without what is hidden.
/// Links to folders below it are followed; a folder that can be reached by several names is read
/// once, by one that has no link in it where there is one. Errors: Input (it, or a folder below it,
/// cannot be listed).
std::vector<std::filesystem::path> list_pictures(const std::filesystem::path& folder,
                                                 bool recursive = false);

}  // namespace chiaro::image
