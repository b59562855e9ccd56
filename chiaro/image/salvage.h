// What can still be read of a picture file that is damaged, or was cut off.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "chiaro/image/codec.h"
#include "chiaro/image/image.h"

namespace chiaro::image {

/// What is wrong with a picture that was read all the same.
struct Damage {
  std::string fault;  ///< the sentence with which read refuses it
  /// In [0,1], of the rows as they are stored, from the first that cannot be decoded on; nothing
  /// where that is not known: the scans of a progressive JPEG go over the whole picture.
  std::optional<double> missing;
  /// Where those before it are in the upright picture; all of it where nothing is known.
  int y = 0;
  int x = 0;
  int height = 0;
  int width = 0;
};

struct Salvaged {
  Image picture;
  std::optional<Damage> damage;  ///< nothing: the picture is what read gives
};

/// As read, but of a file whose pixels end early, or are damaged from some row on, the rows before
/// it; those that are missing are grey, and opaque. Of a JPEG also what libjpeg makes of the rest.
/// Errors: as read, where not even the first rows can be decoded, or the format is decoded as a
/// whole.
Salvaged salvage(const std::filesystem::path& path, const ReadOptions& options = {});
Salvaged salvage(std::span<const std::byte> bytes, const std::string& name,
                 const ReadOptions& options = {});

/// The sound part of a salvaged picture (Damage).
Image sound_part(const Image& salvaged, const Damage& damage);

/// What was made of the sound part, of its size or enlarged by a whole number, with the rest of the
/// picture around it. Alpha, kind of samples and metadata are those of `part`.
Image with_the_rest(const Image& salvaged, const Damage& damage, const Image& part);

/// As probe, which refuses some files that can be salvaged.
Probe probe_damaged(const std::filesystem::path& path);
Probe probe_damaged(std::span<const std::byte> bytes, const std::string& name);

/// Whether all rows of a file can be decoded. Decodes them, and keeps none. Errors: Input (not even
/// its header can be read).
bool is_whole(const std::filesystem::path& path);

}  // namespace chiaro::image
