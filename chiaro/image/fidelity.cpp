#include "chiaro/image/fidelity.h"

#include <vips/vips.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "chiaro/image/inventory.h"
#include "chiaro/image/metadata_read.h"
#include "chiaro/image/upright.h"
#include "chiaro/image/vips_decode.h"

namespace chiaro::image {
namespace {

/// What the header of a file says about its pixels.
struct Facts {
  int bits = 8;
  bool alpha = false;
  std::string colours;
  int orientation = 1;
  int width = 0;
  int height = 0;
  double x_per_mm = 0;
  double y_per_mm = 0;
  Inventory items;
};

Facts facts_of(std::span<const std::byte> file, const std::string& name) {
  const OpenedPicture opened = open_picture(file, name);
  VipsImage* header = opened.header.get();
  Facts facts;
  facts.bits = static_cast<int>(vips_format_sizeof(header->BandFmt)) * 8;
  const bool cmyk = header->Type == VIPS_INTERPRETATION_CMYK;
  const int colours = cmyk ? 4 : header->Bands <= 2 ? 1 : 3;
  facts.alpha = header->Bands > colours;
  facts.colours = cmyk ? "CMYK" : colours == 1 ? "grey" : "RGB";
  facts.orientation = vips_image_get_orientation(header);
  facts.width = header->Xsize;
  facts.height = header->Ysize;
  facts.items = take_inventory({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  const Metadata metadata = read_metadata(header, opened.source.get(), opened.type.format);
  const bool filled_in = opened.type.format == "jpeg" && !opened.jpeg.states_density &&
                         metadata.exif.empty();  // libvips says 72 dots per inch
  facts.x_per_mm = filled_in ? 0 : metadata.x_pixels_per_mm;
  facts.y_per_mm = filled_in ? 0 : metadata.y_pixels_per_mm;
  const std::string& format = opened.type.format;
  if (format != "jpeg" && format != "png" && format != "webp" && format != "tiff") {
    if (!metadata.icc.empty())
      facts.items["ICC profile"] = std::string(metadata.icc.begin(), metadata.icc.end());
    take_tiff_inventory(metadata.exif, false, facts.items);
    take_xmp_inventory({reinterpret_cast<const char*>(metadata.xmp.data()), metadata.xmp.size()},
                       facts.items);
    if (const int pages = vips_image_get_n_pages(header); pages > 1)
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
  return fmt::format("{:.4g} x {:.4g} dpi", facts.x_per_mm * 25.4, facts.y_per_mm * 25.4);
}

void compare_resolution(Facts before, const Facts& after, std::vector<Trait>& traits) {
  if (before.x_per_mm <= 0) return;
  if (transposes(before.orientation)) std::swap(before.x_per_mm, before.y_per_mm);
  const auto near = [](double a, double b) { return std::abs(a - b) <= 0.01 * a; };
  const bool kept = near(before.x_per_mm, after.x_per_mm) && near(before.y_per_mm, after.y_per_mm);
  const bool lost = after.x_per_mm <= 0;
  traits.push_back({"resolution", resolution_text(before), lost ? "" : resolution_text(after),
                    kept   ? Fate::Kept
                    : lost ? Fate::Lost
                           : Fate::Changed});
}

void compare_pixels(const Facts& before, const Facts& after, std::vector<Trait>& traits) {
  traits.push_back({"bits per sample", fmt::format("{}", before.bits),
                    fmt::format("{}", after.bits),
                    after.bits < before.bits ? Fate::Lost : Fate::Kept});
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
  const Facts source = facts_of(before, "the source");
  const Facts result = facts_of(after, "the result");
  std::vector<Trait> traits;
  compare_pixels(source, result, traits);
  compare_resolution(source, result, traits);
  for (const auto& [name, value] : source.items) {
    const auto found = result.items.find(name);
    const bool lost = found == result.items.end();
    traits.push_back({name, shown(value), lost ? "" : shown(found->second),
                      lost                     ? Fate::Lost
                      : found->second == value ? Fate::Kept
                                               : Fate::Changed});
  }
  return traits;
}

}  // namespace chiaro::image
