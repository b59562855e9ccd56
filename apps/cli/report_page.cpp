#include "apps/cli/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "apps/server/assets.h"
#include "chiaro/base/version.h"

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
  for (const char c : text) {
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

std::string score_text(double score, metrics::Metric metric) {
  if (!std::isfinite(score)) return score > 0 ? "identical" : "–";
  return metric == metrics::Metric::Psnr ? fmt::format("{:.2f} dB", score)
                                         : fmt::format("{:.4f}", score);
}

std::string row(const ReportPicture& picture, const ReportPage& page, bool looked) {
  std::string cells = fmt::format("<tr><td class=\"name\">{}</td>", escaped(picture.name));
  for (std::size_t i = 0; i < page.measures.size(); ++i) {
    cells += fmt::format("<td>{}</td>", i < picture.scores.size()
                                            ? score_text(picture.scores[i], page.measures[i].metric)
                                            : std::string("–"));
  }
  if (looked) cells += fmt::format("<td>{}</td>", escaped(picture.found));
  return cells + "</tr>\n";
}

std::string table(const ReportPage& page) {
  const bool looked = !page.before.found.empty();
  if (page.measures.empty() && !looked) return "";
  std::string text = "<div class=\"table\"><table>\n<tr><th scope=\"col\">picture</th>";
  for (const auto& measure : page.measures)
    text += fmt::format("<th scope=\"col\">{}</th>", escaped(measure.label));
  if (looked) text += "<th scope=\"col\">what the controller sees</th>";
  text += "</tr>\n";
  text += row(page.before, page, looked);
  for (const auto& after : page.afters) text += row(after, page, looked);
  text += "</table></div>\n";
  for (const auto& measure : page.measures) {
    text += fmt::format("<p class=\"small\">{}: {}</p>\n", escaped(measure.label),
                        escaped(metrics::fingerprint(measure.metric, measure.protocol)));
  }
  return text;
}

/// The picture once; frames take its address from here.
std::string stored(const ReportPicture& picture, const std::string& id) {
  return fmt::format("<img id=\"{}\" alt=\"\" hidden src=\"data:{};base64,{}\">\n", id,
                     picture.type, base64(picture.file));
}

/// Beside the picture `before`; `id` is that of the stored one.
std::string frame(const ReportPicture& after, const std::string& id) {
  return fmt::format(
      "<section><h2>{0}</h2>\n<div data-before=\"before\" data-after=\"{1}\" "
      "data-after-name=\"{0}\"></div></section>\n",
      escaped(after.name), id);
}

}  // namespace

std::string report_html(const ReportPage& page) {
  std::string pictures = stored(page.before, "before");
  std::string frames;
  for (std::size_t i = 0; i < page.afters.size(); ++i) {
    const std::string id = fmt::format("after{}", i);
    pictures += stored(page.afters[i], id);
    frames += frame(page.afters[i], id);
  }
  if (page.clean) {
    pictures += stored(*page.clean, "clean");
    frames += frame(*page.clean, "clean");
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<title>{0}</title>\n<style>\n{1}{2}</style>\n</head>\n<body>\n<h1>{0}</h1>\n"
      "<p class=\"small\">{3} × {4} pixels. All frames show the same place: zoom or move one, and "
      "the "
      "others follow. chiaro {5}</p>\n{6}<main class=\"frames\">\n{7}</main>\n{8}"
      "<script>\n{9}</script>\n<script>\n{10}</script>\n</body>\n</html>\n",
      escaped(page.before.name), server::kCompareCss, server::kReportCss, page.before.width,
      page.before.height, version(), table(page), frames, pictures, server::kCompareJs,
      server::kReportJs);
}

}  // namespace chiaro::cli
