#include "chiaro/image/fidelity.h"

#include <vips/vips.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "chiaro/base/error.h"
#include "chiaro/image/exr_attributes.h"
#include "chiaro/image/exr_read.h"
#include "chiaro/image/inventory.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/radiance.h"
#include "chiaro/image/resolution.h"
#include "chiaro/image/row_decoder.h"
#include "chiaro/image/tiff_folders.h"
#include "chiaro/image/upright.h"
#include "chiaro/image/value_range.h"
#include "chiaro/image/vips_decode.h"

namespace chiaro::image {
namespace {

/// What the header of a file says about its pixels.
struct Facts {
  int bits = 8;
  std::string bits_text;
  bool floats = false;
  bool alpha = false;
  std::string colours;
  int orientation = 1;
  int width = 0;
  int height = 0;
  double x_per_mm = 0;
  double y_per_mm = 0;
  bool ratio = false;  // of these two, which have no unit
  Beyond beyond;
  Inventory items;
};

std::span<const std::uint8_t> octets(std::span<const std::byte> file) {
  return {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
}

/// Decodes a picture of floats, as far as it goes; others have no values outside.
Beyond beyond_of(const OpenedPicture& opened) {
  Beyond beyond;
  if (stored_type(*opened.header) != SampleType::F32) return beyond;
  // Converted, so that linear light and coded values can be compared.
  const RowDecoder rows(opened, {}, Notes::Unsaid);
  std::vector<float> row(rows.stride());
  const auto colours =
      static_cast<std::size_t>(rows.channels()) * static_cast<std::size_t>(rows.width());
  try {
    for (int y = 0; y < rows.height(); ++y) {
      rows.decode(y, 1, row.data());
      count_beyond(std::span(row).first(colours), beyond);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Input) throw;
  }
  return beyond;
}

/// Bits of a sample, and how they are used.
void take_depth(const OpenedPicture& opened, Facts& facts) {
  VipsImage* header = opened.header.get();
  // Signed whole numbers are those of Lab.
  facts.floats = stored_type(*header) == SampleType::F32 && header->BandFmt != VIPS_FORMAT_SHORT;
  facts.bits = static_cast<int>(vips_format_sizeof(header->BandFmt)) * 8;
  facts.bits_text = fmt::format("{}", facts.bits);
  if (opened.type.format == "hdr") {
    facts.bits = 8;
    facts.bits_text = "8 with a shared exponent";
  } else if (vips_image_get_typeof(header, kExrHalf) != 0) {
    facts.bits = 16;
    facts.bits_text = "16 (float)";
  }
}

/// What only OpenEXR and Radiance headers have a place for.
void take_native_items(const OpenedPicture& opened, const Metadata& metadata, Inventory& items) {
  const bool exr = opened.type.format == "exr";
  if (!exr && opened.type.format != "hdr") return;
  items.merge(exr ? listed_attributes(metadata.native_header)
                  : listed_radiance(metadata.native_header));
  const char* channels = nullptr;
  if (vips_image_get_typeof(opened.header.get(), kExrLeftOut) != 0 &&
      vips_image_get_string(opened.header.get(), kExrLeftOut, &channels) == 0)
    items["further channels"] = channels;
}

Facts facts_of(std::span<const std::byte> file, const std::string& name, int page) {
  const OpenedPicture opened = open_picture(file, name, page, Demand::Beginning);
  VipsImage* header = opened.header.get();
  Facts facts;
  take_depth(opened, facts);
  const bool cmyk = header->Type == VIPS_INTERPRETATION_CMYK;
  const int colours = cmyk ? 4 : header->Bands <= 2 ? 1 : 3;
  // Lab of 8 bits is packed: three samples and what is left of their bits.
  facts.alpha = header->Bands > colours && header->Coding == VIPS_CODING_NONE;
  facts.colours = cmyk ? "CMYK" : colours == 1 ? "grey" : "RGB";
  facts.orientation = vips_image_get_orientation(header);
  facts.width = header->Xsize;
  facts.height = header->Ysize;
  facts.items = take_inventory(octets(file), page);
  Metadata metadata = read_metadata(header, opened.source.get(), opened.type.format, page);
  facts.beyond = beyond_of(opened);
  take_resolution(opened, metadata);
  facts.x_per_mm = metadata.x_pixels_per_mm;
  facts.y_per_mm = metadata.y_pixels_per_mm;
  facts.ratio = metadata.resolution_is_ratio;
  const std::string& format = opened.type.format;
  if (format != "jpeg" && format != "png" && format != "webp" && format != "tiff") {
    take_native_items(opened, metadata, facts.items);
    if (!metadata.icc.empty() && format != "exr" &&
        format != "hdr")  // those have none of their own
      facts.items["ICC profile"] = std::string(metadata.icc.begin(), metadata.icc.end());
    take_tiff_inventory(metadata.exif, false, facts.items);
    take_xmp_inventory({reinterpret_cast<const char*>(metadata.xmp.data()), metadata.xmp.size()},
                       facts.items);
    if (const int pages = pictures_in(opened); pages > 1)
      facts.items["further pictures (pages)"] = fmt::format("{}", pages - 1);
  }
  return facts;
}

/// Short text as it is, else its size.
std::string shown(const std::string& value) {
  std::string text = value;
  while (!text.empty() && text.back() == '\0') text.pop_back();
  const bool readable = text.size() <= 60 && std::ranges::all_of(text, [](char c) {
                          return std::isprint(static_cast<unsigned char>(c)) != 0;
                        });
  return readable ? text : fmt::format("{} bytes", value.size());
}

std::string resolution_text(const Facts& facts) {
  if (facts.x_per_mm <= 0) return "";
  if (facts.ratio) return fmt::format("{:.4g} to {:.4g}, no unit", facts.x_per_mm, facts.y_per_mm);
  return fmt::format("{:.4g} x {:.4g} dpi", facts.x_per_mm * 25.4, facts.y_per_mm * 25.4);
}

void compare_resolution(Facts before, const Facts& after, std::vector<Trait>& traits) {
  if (before.x_per_mm <= 0 && after.x_per_mm <= 0) return;
  if (transposes(before.orientation) != transposes(after.orientation))
    std::swap(before.x_per_mm, before.y_per_mm);
  const auto near = [](double a, double b) { return std::abs(a - b) <= 0.01 * a; };
  const bool same =
      before.ratio ? near(before.x_per_mm * after.y_per_mm, before.y_per_mm * after.x_per_mm)
                   : near(before.x_per_mm, after.x_per_mm) && near(before.y_per_mm, after.y_per_mm);
  const bool lost = after.x_per_mm <= 0;
  const bool kept = same && !lost && before.x_per_mm > 0 && before.ratio == after.ratio;
  const std::string was = resolution_text(before);
  traits.push_back({"resolution", was.empty() ? "not stated" : was, resolution_text(after),
                    kept   ? Fate::Kept
                    : lost ? Fate::Lost
                           : Fate::Changed});
}

void compare_pixels(const Facts& before, const Facts& after, std::vector<Trait>& traits) {
  const bool coarser = after.bits < before.bits || (before.floats && !after.floats);
  traits.push_back(
      {"bits per sample", before.bits_text, after.bits_text, coarser ? Fate::Lost : Fate::Kept});
  traits.push_back({"colours", before.colours, after.colours,
                    before.colours == after.colours ? Fate::Kept : Fate::Changed});
  if (before.alpha)
    traits.push_back({"transparency", "present", after.alpha ? "present" : "",
                      after.alpha ? Fate::Kept : Fate::Lost});
  if (before.orientation > 1) {
    // Pixels turned and nothing left to turn. That they were turned the right way is what the tests
    // of the decoder see to; here the sides tell that it was not done twice or not at all.
    const bool turned = transposes(before.orientation) ==
                            ((before.width < before.height) != (after.width < after.height)) ||
                        before.width == before.height;
    const bool upright = after.orientation <= 1 && turned;
    traits.push_back({"orientation", fmt::format("{}", before.orientation),
                      upright ? "applied to the pixels" : fmt::format("{}", after.orientation),
                      upright ? Fate::Kept : Fate::Lost});
  }
}

/// A restoration moves the extremes, and takes noise below black away: a range counts as kept where
/// the brighter end (without one, the darker end) goes half as far as it did.
void compare_range(const Beyond& before, const Beyond& after, std::vector<Trait>& traits) {
  if (before.count == 0) return;
  const bool lost = after.count == 0;
  const bool kept = before.highest > 1 ? after.highest - 1 >= (before.highest - 1) / 2
                                       : after.lowest <= before.lowest / 2;
  traits.push_back({"values outside 0 to 1", beyond_text(before), lost ? "" : beyond_text(after),
                    lost   ? Fate::Lost
                    : kept ? Fate::Kept
                           : Fate::Changed});
}

void compare_facts(const Facts& source, const Facts& result, std::vector<Trait>& traits) {
  compare_pixels(source, result, traits);
  compare_resolution(source, result, traits);
  compare_range(source.beyond, result.beyond, traits);
  for (const auto& [name, value] : source.items) {
    const auto found = result.items.find(name);
    const bool lost = found == result.items.end();
    traits.push_back({name, shown(value), lost ? "" : shown(found->second),
                      lost                     ? Fate::Lost
                      : found->second == value ? Fate::Kept
                                               : Fate::Changed});
  }
}

}  // namespace

const char* fate_name(Fate fate) {
  switch (fate) {
    case Fate::Kept:
      return "kept";
    case Fate::Changed:
      return "changed";
    case Fate::Lost:
      return "lost";
  }
  return "";
}

std::vector<Trait> compare_files(std::span<const std::byte> before,
                                 std::span<const std::byte> after) {
  const TiffPages source = pages_of_tiff(octets(before));
  const std::vector<int>& pages = source.whole;
  const std::vector<int> pages_after = pages_of_tiff(octets(after)).whole;
  std::vector<Trait> traits;
  for (std::size_t i = 0; i < std::min(pages.size(), pages_after.size()); ++i) {
    const std::size_t first = traits.size();
    compare_facts(facts_of(before, "the source", pages[i]),
                  facts_of(after, "the result", pages_after[i]), traits);
    for (std::size_t t = first; t < traits.size(); ++t) traits[t].page = static_cast<int>(i) + 1;
  }
  if (source.cut_off)
    traits.push_back({"further pages", "not in the file, which is cut off", "", Fate::Lost});
  // The very file, still to be turned by whoever shows it.
  if (std::ranges::equal(before, after))
    for (Trait& trait : traits) trait.fate = Fate::Kept;
  return traits;
}

}  // namespace chiaro::image
