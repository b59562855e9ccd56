#include "chiaro/image/tiff_folders.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace chiaro::image {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t kPhotoFolder = 0x8769;
constexpr std::uint32_t kGpsFolder = 0x8825;
constexpr std::uint32_t kInteropFolder = 0xa005;
constexpr std::uint32_t kIptc = 0x83bb;
constexpr std::uint32_t kUndefined = 7;

/// Tags of the main folder that describe the photograph; all others describe how the file stores
/// it.
constexpr std::array<std::uint32_t, 16> kDescriptive{
    0x010d,  // DocumentName
    0x010e,  // ImageDescription
    0x010f,  // Make
    0x0110,  // Model
    0x0131,  // Software
    0x0132,  // DateTime
    0x013b,  // Artist
    0x013c,  // HostComputer
    0x4746,  // Rating
    0x4749,  // RatingPercent
    0x8298,  // Copyright
    0x9c9b,  // XPTitle
    0x9c9c,  // XPComment
    0x9c9d,  // XPAuthor
    0x9c9e,  // XPKeywords
    0x9c9f   // XPSubject
};

/// The size of one value of a TIFF type; 0: unknown.
std::size_t size_of_type(std::uint32_t type) {
  constexpr std::array<std::size_t, 14> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
  return type < kSizes.size() ? kSizes[type] : 0;
}

struct Entry {
  std::uint32_t tag;
  std::uint32_t type;
  std::uint32_t count;
  Octets data;  // little-endian
};

struct Folder {
  std::vector<Entry> entries;
};

/// Reads folders of either byte order; what leads out of the file is left out.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes)
      : bytes_(bytes), big_endian_(!bytes.empty() && bytes[0] == 'M') {}

  bool is_tiff() const {
    return bytes_.size() >= 8 && bytes_[0] == bytes_[1] && (bytes_[0] == 'I' || bytes_[0] == 'M') &&
           number(2, 2) == 42;
  }

  std::uint32_t number(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[at + (big_endian_ ? i : count - 1 - i)];
    return value;
  }

  Folder folder(std::size_t at) const {
    Folder result;
    if (at == 0) return result;
    for (std::size_t i = 0; i < number(at, 2); ++i) {
      const std::size_t entry = at + 2 + 12 * i;
      Entry read{number(entry, 2), number(entry + 2, 2), number(entry + 4, 4), {}};
      const std::size_t unit = size_of_type(read.type);
      const std::size_t size = unit * read.count;
      const std::size_t data = size <= 4 ? entry + 8 : number(entry + 8, 4);
      if (size == 0 || size > bytes_.size() || data > bytes_.size() - size) continue;
      read.data.assign(bytes_.begin() + static_cast<std::ptrdiff_t>(data),
                       bytes_.begin() + static_cast<std::ptrdiff_t>(data + size));
      if (big_endian_) reverse_units(read);
      result.entries.push_back(std::move(read));
    }
    return result;
  }

  std::size_t main_folder() const { return number(4, 4); }

 private:
  static void reverse_units(Entry& entry) {
    const bool rational = entry.type == 5 || entry.type == 10;  // two numbers of four bytes
    const std::size_t unit = rational ? 4 : size_of_type(entry.type);
    for (auto at = entry.data.begin(); at != entry.data.end();
         at += static_cast<std::ptrdiff_t>(unit)) {
      std::reverse(at, at + static_cast<std::ptrdiff_t>(unit));
    }
  }

  std::span<const std::uint8_t> bytes_;
  bool big_endian_;
};

void append_little(Octets& out, std::size_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// Octets that will stand at `base` of a file.
struct Output {
  std::size_t base;
  Octets bytes;

  std::size_t end() const { return base + bytes.size(); }
  void make_even() {
    if (end() % 2 != 0) bytes.push_back(0);
  }
};

Entry pointer_to(std::uint32_t tag, std::size_t offset) {
  Entry entry{tag, 4, 1, {}};
  append_little(entry.data, offset, 4);
  return entry;
}

/// Appends data and folder, little-endian; returns where the folder is.
std::size_t append_folder(Output& out, Folder folder) {
  std::ranges::stable_sort(folder.entries, {}, &Entry::tag);
  Octets table;
  append_little(table, folder.entries.size(), 2);
  for (const Entry& entry : folder.entries) {
    append_little(table, entry.tag, 2);
    append_little(table, entry.type, 2);
    append_little(table, entry.count, 4);
    if (entry.data.size() > 4) {
      out.make_even();
      append_little(table, out.end(), 4);
      out.bytes.insert(out.bytes.end(), entry.data.begin(), entry.data.end());
    } else {
      table.insert(table.end(), entry.data.begin(), entry.data.end());
      table.insert(table.end(), 4 - entry.data.size(), 0);
    }
  }
  append_little(table, 0, 4);  // no further folder
  out.make_even();
  const std::size_t at = out.end();
  out.bytes.insert(out.bytes.end(), table.begin(), table.end());
  return at;
}

std::size_t pointed_at(const Folder& folder, std::uint32_t tag) {
  const auto found = std::ranges::find(folder.entries, tag, &Entry::tag);
  if (found == folder.entries.end() || found->data.size() != 4) return 0;
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= static_cast<std::size_t>(found->data[i]) << (8 * i);
  return value;
}

void remove(Folder& folder, std::uint32_t tag) {
  std::erase_if(folder.entries, [&](const Entry& entry) { return entry.tag == tag; });
}

/// Appends the descriptive tags of `main`, with their own folders behind them, to `out`; gives the
/// entries of the main folder that lead there.
std::vector<Entry> append_description(Output& out, const Reader& reader, const Folder& main) {
  std::vector<Entry> result;
  for (const Entry& entry : main.entries) {
    if (std::ranges::find(kDescriptive, entry.tag) != kDescriptive.end()) result.push_back(entry);
  }
  Folder photo = reader.folder(pointed_at(main, kPhotoFolder));
  const Folder interop = reader.folder(pointed_at(photo, kInteropFolder));
  remove(photo, kInteropFolder);
  if (!interop.entries.empty())
    photo.entries.push_back(pointer_to(kInteropFolder, append_folder(out, interop)));
  if (!photo.entries.empty()) result.push_back(pointer_to(kPhotoFolder, append_folder(out, photo)));
  const Folder gps = reader.folder(pointed_at(main, kGpsFolder));
  if (!gps.entries.empty()) result.push_back(pointer_to(kGpsFolder, append_folder(out, gps)));
  return result;
}

}  // namespace

std::vector<std::uint8_t> exif_of_tiff(std::span<const std::uint8_t> file) {
  const Reader reader(file);
  if (!reader.is_tiff()) return {};
  Output out{0, {'I', 'I', 42, 0, 0, 0, 0, 0}};
  Folder main{append_description(out, reader, reader.folder(reader.main_folder()))};
  if (main.entries.empty()) return {};
  const std::size_t at = append_folder(out, std::move(main));
  for (std::size_t i = 0; i < 4; ++i) out.bytes[4 + i] = static_cast<std::uint8_t>(at >> (8 * i));
  return out.bytes;
}

TiffAddition addition_to_tiff(std::span<const std::byte> file, std::span<const std::uint8_t> exif,
                              std::span<const std::uint8_t> iptc) {
  const Reader target({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  if (!target.is_tiff() || std::to_integer<char>(file[0]) != 'I') return {};
  Output out{file.size(), {}};
  Folder main = target.folder(target.main_folder());
  std::vector<Entry> added;
  const Reader source(exif);
  if (source.is_tiff())
    added = append_description(out, source, source.folder(source.main_folder()));
  if (!iptc.empty()) {
    added.push_back(
        {kIptc, kUndefined, static_cast<std::uint32_t>(iptc.size()), {iptc.begin(), iptc.end()}});
  }
  for (Entry& entry : added) {
    remove(main, entry.tag);
    main.entries.push_back(std::move(entry));
  }
  const std::size_t at = append_folder(out, std::move(main));
  if (file.size() + out.bytes.size() > std::numeric_limits<std::uint32_t>::max()) return {};
  TiffAddition addition{std::move(out.bytes), {}};
  for (std::size_t i = 0; i < 4; ++i)
    addition.start[i] = static_cast<std::byte>(at >> (8 * i) & 0xff);
  return addition;
}

}  // namespace chiaro::image
