#include "apps/cli/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <span>
#include <string_view>

#include "apps/cli/shown_text.h"
#include "apps/server/assets.h"
#include "chiaro/base/version.h"
#include "chiaro/image/codec.h"

namespace chiaro::cli {
namespace {

/// RFC 4648, section 4.
std::string base64(std::span<const std::byte> bytes) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= count ? kLetters[group >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

/// Text as it is, wherever it stands: names of files can be anything.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : shown_text(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

/// Where the columns have no room, each value follows the head of its column as a string of CSS.
std::string narrow_css(const std::vector<std::string>& heads) {
  const std::size_t room_rem = std::max<std::size_t>(40, 12 + 8 * (heads.size() - 1));
  std::string text =
      fmt::format("<style media=\"(max-width: {}rem)\">\n{}", room_rem, server::kReportRowsCss);
  for (std::size_t i = 1; i < heads.size(); ++i) {
    std::string head;
    for (const char c : shown_text(heads[i])) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = byte >= 0x80 || (std::isalnum(byte) != 0) || c == ' ';
      head += plain ? std::string(1, c) : fmt::format("\\{:x} ", byte);
    }
    text += fmt::format("td:nth-child({})::before {{ content: \"{}\"; }}\n", i + 1, head);
  }
  return text + "</style>\n";
}

std::string table_html(const ReportTable& table) {
  if (table.heads.empty()) return "";
  std::string text =
      narrow_css(table.heads) + "<div class=\"table\"><table aria-label=\"Overview\">\n<tr>";
  for (const auto& head : table.heads)
    text += fmt::format("<th scope=\"col\">{}</th>", escaped(head));
  text += "</tr>\n";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      text += fmt::format("<td{}>{}</td>", i == 0 ? " class=\"name\"" : "", escaped(row[i]));
    text += "</tr>\n";
  }
  text += "</table></div>\n";
  for (const auto& note : table.notes)
    text += fmt::format("<p class=\"small\">{}</p>\n", escaped(note));
  return text;
}

/// The picture once; frames take its address from here.
std::string stored(const ReportPicture& picture, const std::string& id) {
  return fmt::format("<img id=\"{}\" alt=\"\" hidden src=\"data:{};base64,{}\">\n", id,
                     picture.type, base64(picture.file));
}

/// One part: its frames, and the pictures that they show.
class PartWriter {
 public:
  PartWriter(const ReportPart& part, std::size_t number) : part_(part), number_(number) {
    before_ = fmt::format("before{}", number_);
    pictures += stored(part_.before, before_);
    for (std::size_t i = 0; i < part_.afters.size(); ++i)
      add(part_.afters[i], fmt::format("after{}_{}", number_, i));
    if (part_.clean) add(*part_.clean, fmt::format("clean{}", number_));
    const std::string heading =
        part_.title.empty() ? "" : fmt::format("<h2>{}</h2>\n", escaped(part_.title));
    frames = fmt::format("{}<div class=\"frames\">\n{}</div>\n", heading, frames);
  }

  std::string frames;
  std::string pictures;

 private:
  void add(const ReportPicture& picture, const std::string& id) {
    pictures += stored(picture, id);
    frames += fmt::format(
        "<section><h{0}>{1}</h{0}>\n<div data-before=\"{2}\" data-after=\"{3}\" "
        "data-after-name=\"{1}\"></div></section>\n",
        part_.title.empty() ? 2 : 3, escaped(picture.name), before_, id);
  }

  const ReportPart& part_;
  std::size_t number_;
  std::string before_;
};

}  // namespace

ReportPicture page_picture(const std::string& name, image::Image picture) {
  picture.metadata = {};
  picture.alpha.clear();
  return {.name = name,
          .file = image::encode(picture,
                                {.format = "png", .depth = image::Depth::U8, .say_losses = false}),
          .type = "image/png",
          .width = picture.width(),
          .height = picture.height()};
}

std::string report_html(const ReportPage& page) {
  std::string pictures;
  std::string frames;
  for (std::size_t i = 0; i < page.parts.size(); ++i) {
    const PartWriter part(page.parts[i], i);
    pictures += part.pictures;
    frames += part.frames;
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<title>{0}</title>\n<style>\n{1}{2}</style>\n</head>\n<body>\n<h1>{0}</h1>\n"
      "<p class=\"small\">{3} chiaro {4}</p>\n{5}<main>\n{6}</main>\n{7}"
      "<script>\n{8}</script>\n<script>\n{9}</script>\n</body>\n</html>\n",
      escaped(page.title), server::kCompareCss, server::kReportCss, escaped(page.lead), version(),
      table_html(page.table), frames, pictures, server::kCompareJs, server::kReportJs);
}

}  // namespace chiaro::cli
