#include "chiaro/image/exif.h"

#include <optional>

namespace chiaro::image {
namespace {

constexpr std::uint32_t kOrientation = 0x0112;
constexpr std::uint32_t kExifFolder = 0x8769;
constexpr std::uint32_t kWidth = 0xa002;
constexpr std::uint32_t kHeight = 0xa003;
constexpr std::uint32_t kShort = 3;
constexpr std::uint32_t kLong = 4;

/// Numbers in a TIFF structure of either byte order; reading outside of it gives 0, writing there
/// does nothing.
class TiffBytes {
 public:
  explicit TiffBytes(std::vector<std::uint8_t>& bytes)
      : bytes_(bytes), big_endian_(bytes.size() > 1 && bytes[0] == 'M') {}

  std::uint32_t get(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

  void set(std::size_t at, std::size_t count, std::uint32_t value) {
    if (at > bytes_.size() || bytes_.size() - at < count) return;
    for (std::size_t i = 0; i < count; ++i) {
      bytes_[at + (big_endian_ ? count - 1 - i : i)] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }

  /// Where the 12-byte entry of a tag is in the folder at `folder`.
  std::optional<std::size_t> find(std::size_t folder, std::uint32_t tag) const {
    for (std::size_t i = 0; i < get(folder, 2); ++i) {
      const std::size_t entry = folder + 2 + 12 * i;
      if (get(entry, 2) == tag) return entry;
    }
    return std::nullopt;
  }

  /// Changes a single number stored in its entry.
  void change(std::size_t folder, std::uint32_t tag, std::uint32_t value) {
    const auto entry = find(folder, tag);
    if (!entry || get(*entry + 4, 4) != 1) return;
    const std::uint32_t type = get(*entry + 2, 2);
    if (type == kLong) set(*entry + 8, 4, value);
    if (type == kShort && value <= 0xffff) set(*entry + 8, 2, value);
  }

  std::size_t first_folder() const { return get(4, 4); }

 private:
  std::vector<std::uint8_t>& bytes_;
  bool big_endian_;
};

}  // namespace

void make_exif_upright(std::vector<std::uint8_t>& exif) {
  TiffBytes tiff(exif);
  const std::size_t folder = tiff.first_folder();
  if (folder == 0) return;
  tiff.change(folder, kOrientation, 1);
  tiff.set(folder + 2 + 12 * tiff.get(folder, 2), 4, 0);  // the link to the thumbnail's folder
}

void set_exif_size(std::vector<std::uint8_t>& exif, int width, int height) {
  TiffBytes tiff(exif);
  const auto link = tiff.find(tiff.first_folder(), kExifFolder);
  if (!link) return;
  const std::size_t folder = tiff.get(*link + 8, 4);
  tiff.change(folder, kWidth, static_cast<std::uint32_t>(width));
  tiff.change(folder, kHeight, static_cast<std::uint32_t>(height));
}

}  // namespace chiaro::image
