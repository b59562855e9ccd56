// One web page that shows pictures before and after, with everything it needs inside.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "chiaro/image/image.h"

namespace chiaro::cli {

/// A picture of the report.
struct ReportPicture {
  std::string name;             ///< shown; any text
  std::vector<std::byte> file;  ///< PNG, JPEG, WebP or GIF, which browsers show
  std::string type;             ///< of the content, "image/png"
  int width = 0;
  int height = 0;
};

/// As PNG of 8 bits, with nothing but its sRGB pixels: the page carries nothing else of a photo.
ReportPicture page_picture(const std::string& name, image::Image picture);

/// A picture and what became of it, all of one size: frames that show the same place.
struct ReportPart {
  std::string title;  ///< "": without a heading, where it is the only part
  ReportPicture before;
  std::vector<ReportPicture> afters = {};
  std::optional<ReportPicture> clean = {};
};

/// Any text; without heads there is no table.
struct ReportTable {
  std::vector<std::string> heads = {};
  std::vector<std::vector<std::string>> rows = {};  ///< as long as `heads`, a name first
  std::vector<std::string> notes = {};              ///< paragraphs below
};

struct ReportPage {
  std::string title;
  std::string lead;  ///< what is seen, in a sentence or two
  ReportTable table = {};
  std::vector<ReportPart> parts = {};
};

/// The page as HTML in UTF-8, whatever bytes the texts have (shown_text). Refers to nothing outside
/// itself.
std::string report_html(const ReportPage& page);

}  // namespace chiaro::cli
